// SPDX-License-Identifier: MIT
// Deliveries that are repeated, in the journal: where that begins, where it ends. Included by journal.hpp only.
#pragma once

#include <peal/bus/detail/journal.hpp>

namespace peal::inline v0::detail {

/// A name that the store does not know begins in the past: that, and up to where it repeats, is there before it stands.
/// Errors: store_error.
inline void journal::begin_in_past(durable_topic& t, kept_cursor& mine, const start_at& where) {
  mine.wanted = place_of(store_, t.name, where);
  const position head = t.head();
  if (mine.wanted >= head) return;
  mine.replay_end = head;
  const std::string scope_of_it = replay_scope(mine.name);
  const std::string key = place_key(t.name, head);
  store_batch b;
  b.cursors.push_back({mine.name, t.name, mine.wanted});
  b.claims.push_back({scope_of_it, key, claim_state::committed, wall_now()});
  store_.commit(b);
  mine.known = true;
  mine.stored = mine.wanted;
}

/// Replays that these cursors have come to the end of.
inline void journal::gather_replays() {
  for (kept_cursor& c : snap_.cursors) {
    const std::vector<position> rows =
        c.rows != nullptr && c.replay_end != 0 ? c.rows->stored() : std::vector<position>{};
    c.replayed = c.durable && c.replay_end != 0 && distance(c.replay_end, c.wanted) <= 0 &&
                 (rows.empty() || distance(c.replay_end, rows.front()) <= 0);
    if (c.replayed) {
      gone_claims_.push_back({replay_scope(c.name), place_key(c.topic->name, c.replay_end)});
    }
  }
}

/// Nobody stands under this name, or begins to. Errors: bad_option, store_error.
inline void journal::rewind(const std::string& name, const start_at& where) {
  const std::lock_guard lock{mutex_};  // no commit in between
  bool any = false;
  for (durable_topic* const t : topics_) {
    position came_to = 0;
    bool known = false;
    {
      const std::lock_guard cursors{cursors_mutex_};
      for (const kept_cursor& c : cursors_) {
        if (c.topic != t || !c.durable || c.name != name) continue;
        known = true;
        came_to = c.wanted;
      }
    }
    const rewinding r{store_, name, t->name, where, known ? &came_to : nullptr};
    if (!r.known()) continue;
    any = true;
    r.commit(store_);
    const auto same = [&](const kept_cursor& c) { return c.topic == t && c.durable && c.name == name; };
    std::erase_if(snap_.cursors, same);
    const std::lock_guard cursors{cursors_mutex_};
    for (kept_cursor& c : cursors_) {
      if (!same(c)) continue;
      c.known = true;
      c.wanted = c.stored = r.to();
      c.replay_end = r.replay_end();
      c.claims.reset();  // it has handled nothing
      c.rows.reset();    // and keeps nothing
    }
    for (const auto& m : marks_) {
      if (m->subscription == name && m->topic == t->name) m->forget_all();
    }
  }
  if (!any) throw bad_option("peal: rewind: the store knows no subscription \"" + name + "\" of a topic of this bus");
}

}  // namespace peal::inline v0::detail
