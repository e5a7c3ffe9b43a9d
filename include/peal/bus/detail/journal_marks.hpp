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

/// What it has committed behind its cursor has a key as well. Errors: store_error, bad_alloc.
inline void journal::recall_effects(durable_topic& t, subscription_base& s) {
  if (s.claims_ != nullptr && s.begins.known) {
    for (const position at : s.effects->before(s.begins.at)) {
      (void)store_.read(t.name, at, 1, [&](const stored_event& e) {
        if (e.position == at) t.remember(s, e);
      });
    }
  }
  s.effects->hold(false);
  for (const std::uint64_t letter : s.effects->take_over()) t.letter_gone(letter);
}

inline void durable_topic::letter_stays(const subscription_base& s, const letter_ptr& l) noexcept {
  if (s.effects != nullptr && s.effects->has(l->position)) return letter_gone(l->number);
  (void)caught([&] { topic.letters.put_back(l); });  // without memory: after a restart
}

inline void durable_topic::remember(subscription_base& s, const stored_event& e) const noexcept {
  if (s.claims_ == nullptr) return;
  std::uint8_t type = 0;
  while (type != topic.type_count && ops[type].name != e.name) ++type;
  if (type == topic.type_count || !s.wants(type)) return;
  (void)caught([&] {
    const kept_ptr k = make_kept(*topic.types[type], [&](void* to) { ops[type].decode(e.version, e.payload, to); });
    s.remember_event(type, k->event());
  });
}

/// What the cursors of this batch say, and its letters that are gone, no mark has to say any more.
inline void journal::gather_marks() {
  const std::lock_guard lock{cursors_mutex_};
  for (const auto& m : marks_) {
    for (const letter_ref& l : batch_.letters_gone) {
      if (l.topic == m->topic) m->letter_gone(l.number);
    }
    for (const kept_cursor& c : snap_.cursors) {
      if (!c.durable || c.topic->name != m->topic || c.name != m->subscription) continue;
      m->gather(c.wanted, c.rows != nullptr ? c.rows->stored() : std::vector<position>{}, gone_claims_);
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
