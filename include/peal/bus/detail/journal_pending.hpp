// SPDX-License-Identifier: MIT
// Deliveries that are kept for later, in the journal. Included by journal.hpp only.
#pragma once

#include <peal/bus/detail/journal.hpp>

namespace peal::inline v0::detail {

/// What it kept when it stood before, in this life of the bus, which is newer than the store, or in an earlier one; and
/// from where on it has to read for that. Errors: store_error, bad_alloc.
inline void journal::recall_rows(durable_topic& t, subscription_base& s) {
  shared<pending_rows> rows;
  const auto mine = [&](const kept_cursor& c) { return c.topic == &t && c.durable && c.name == s.name(); };
  {
    const std::lock_guard lock{cursors_mutex_};
    for (const kept_cursor& c : cursors_) {
      if (mine(c)) rows = c.rows;
    }
  }
  if (rows == nullptr) {
    rows = shared<pending_rows>{new pending_rows};
    if (s.begins.known) rows->load(store_, s.name(), t.name, bus_.runner->now());
    const std::lock_guard lock{cursors_mutex_};
    for (kept_cursor& c : cursors_) {
      if (mine(c)) c.rows = rows;
    }
  }
  std::vector<position> letters;
  for (const letter_ptr& l : t.topic.letters.find({.subscription = s.name()}, nullptr)) {
    if (l->has_position && distance(l->position, s.replay_end) >= 0) letters.push_back(l->position);
  }
  std::sort(letters.begin(), letters.end());
  s.begins.at = rows->begin(s.begins.known ? s.begins.at : 0, std::move(letters));
  s.rows = rows;
}

inline void journal::gather_rows() {
  const time_point now = bus_.runner->now();
  for (const kept_cursor& c : snap_.cursors) {
    if (c.rows != nullptr) c.rows->gather(c.name, c.topic->name, now, batch_);
  }
}

inline bool durable_topic::is_careful(position at) const noexcept {
  return log.was_cut_off() && distance(opened_at, at) > 0;
}
inline bool durable_topic::take_suspect() noexcept { return log.take_suspect(); }
inline void durable_topic::suspect_gone() noexcept { log.suspect_gone(); }
inline void durable_topic::note_run(const subscription_base& s, position at, std::uint32_t run, std::uint32_t lives) {
  store_batch b;
  b.pending.push_back({s.name(), name, at, run, -static_cast<wall_time>(lives)});
  log.stored_in().commit(b);
}

}  // namespace peal::inline v0::detail
