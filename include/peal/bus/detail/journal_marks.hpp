// SPDX-License-Identifier: MIT
// The marks of committed effects in the journal. Included by journal.hpp only.
#pragma once

#include <peal/bus/detail/journal.hpp>

namespace peal::inline v0::detail {

inline effect_marks& journal::marks_of(const durable_topic& t, std::string_view subscription) {
  const auto find = [&]() -> effect_marks* {
    const std::lock_guard lock{cursors_mutex_};
    for (const auto& m : marks_) {
      if (m->subscription == subscription && m->topic == t.name) return &*m;
    }
    return nullptr;
  };
  if (effect_marks* const known = find(); known != nullptr) return *known;
  auto made = std::make_unique<effect_marks>(subscription, t.name);  // a name joins only once at a time
  made->recall(store_);
  const std::lock_guard lock{cursors_mutex_};
  return *marks_.emplace_back(std::move(made));
}

/// What the cursors of this batch say, and its letters that are gone, no mark has to say any more.
inline void journal::gather_marks() {
  const std::lock_guard lock{cursors_mutex_};
  for (const auto& m : marks_) {
    for (const letter_ref& l : batch_.letters_gone) {
      if (l.topic == m->topic) m->letter_gone(l.number);
    }
    for (const kept_cursor& c : snap_.cursors) {
      if (c.durable && c.topic->name == m->topic && c.name == m->subscription) m->gather(c.wanted, gone_claims_);
    }
  }
}

inline void journal::gather_gone_claims() {
  gone_claims_.clear();
  gather_marks();
  gather_replays();
  for (const own_claim& c : gone_claims_) batch_.claims.push_back({c.scope, c.key, claim_state::abandoned, 0});
}

}  // namespace peal::inline v0::detail
