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
  struct scope_keys {
    std::string_view scope;
    std::size_t end;
  };
  std::vector<scope_keys> scopes;
  keys_.clear();
  {
    const std::lock_guard lock{cursors_mutex_};
    for (const auto& m : marks_) {
      for (const letter_ref& l : batch_.letters_gone) {
        if (l.topic == m->topic) m->letter_gone(l.number);
      }
      for (const kept_cursor& c : snap_.cursors) {
        if (c.durable && c.topic->name == m->topic && c.name == m->subscription) m->gather(c.wanted, keys_);
      }
      scopes.push_back({m->scope, keys_.size()});
    }
  }
  std::size_t i = 0;
  for (const scope_keys& s : scopes) {
    for (; i != s.end; ++i) batch_.claims.push_back({s.scope, keys_[i], claim_state::abandoned, 0});
  }
}

}  // namespace peal::inline v0::detail
