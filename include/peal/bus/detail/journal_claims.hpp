// SPDX-License-Identifier: MIT
// Which keys idempotent subscriptions have handled, to the store and back. Included by journal.hpp only.
#pragma once

#include <peal/bus/detail/journal.hpp>
#include <peal/core/error.hpp>

namespace peal::inline v0::detail {

/// Gives a subscription what it had handled when it stood before, in this life of the bus or an earlier one.
/// Errors: bad_option, store_error, bad_alloc.
inline void journal::recall_claims(durable_topic& t, subscription_base& s) {
  if (!s.remembers.any || s.remembers.window.count() <= 0) return;
  if (!s.remembers.encodable) {
    throw bad_option(
        "peal: subscription \"" + s.name() + "\": topic \"" + t.name +
        "\" is durable, and the key of peal::idempotent has a type that cannot be stored; use an integer of "
        "<cstdint>, std::string or a type with declared fields, or make the subscription peal::transient");
  }
  const std::shared_ptr<claim_words> words = words_of(t, s);
  std::vector<byte_buffer> heads;
  for (std::uint8_t type = 0; type != t.topic.type_count; ++type) {
    wire_writer w{heads.emplace_back()};
    w.list(3);
    w.string(t.name);
    w.string(t.ops[type].name);
  }
  const written_keys newer = words->copy();  // first: what is in the store by then is in both
  const wall_time now = wall_now();
  const time_point steady = bus_.runner->now();
  const wall_time window = s.remembers.window.count();
  bool old = false;
  store_.claims(s.name(), [&](const stored_claim& c) {
    const wall_time age = larger<wall_time>(now - c.at, 0);
    old = old || age >= window;
    if (c.state != claim_state::committed || age >= window) return;
    remember(t, s, {reinterpret_cast<const std::byte*>(c.key.data()), c.key.size()}, steady - nanoseconds{age});
  });
  if (old) (void)rule_set<>{}.run([&] { (void)store_.forget_claims(s.name(), now - window); });  // or another time
  newer.each([&](byte_view key, time_point when) { remember(t, s, key, when); });
  s.claims_.reset(new words_teller(words, std::move(heads), store_.features().max_key_bytes));
}

/// Those of its name.
inline std::shared_ptr<claim_words> journal::words_of(const durable_topic& t, const subscription_base& s) {
  const std::lock_guard lock{cursors_mutex_};
  for (kept_cursor& c : cursors_) {
    if (c.topic != &t || !c.durable || c.name != s.name()) continue;
    if (c.claims == nullptr) c.claims = std::make_shared<claim_words>();
    return c.claims;
  }
  return {};
}

/// One key, if it is of an event that this subscription is given.
inline void journal::remember(const durable_topic& t, subscription_base& s, byte_view key, time_point when) {
  wire_reader r{key};
  std::size_t n = 0;
  std::string_view topic;
  std::string_view name;
  if (!r.enter_list(n) || n != 3 || !r.string(topic) || !r.string(name) || topic != t.name) return;
  for (std::uint8_t type = 0; type != t.topic.type_count; ++type) {
    if (t.ops[type].name == name && s.wants(type)) return s.remember_key(type, r, when);
  }
}

/// True when there are some to bring to the store. Errors: bad_alloc.
inline bool journal::take_claims() {
  bool any = false;
  for (const kept_cursor& c : snap_.cursors) {
    if (c.claims != nullptr && c.claims->take()) any = true;
  }
  return any;
}

inline void journal::gather_claims() {
  const wall_time now = wall_now();
  const time_point steady = bus_.runner->now();
  for (const kept_cursor& c : snap_.cursors) {
    if (c.claims == nullptr) continue;
    c.claims->taken().each([&](byte_view key, time_point when) {
      const std::string_view text{reinterpret_cast<const char*>(key.data()), key.size()};
      batch_.claims.push_back({c.name, text, claim_state::committed, now - (steady - when).count()});
    });
  }
}

/// One subscription's at a time, and as many as it has told since the last time, or so.
inline void journal::clear_claims() {
  constexpr wall_time slack = 60'000'000'000;  // clocks that are set right do no harm
  for (const kept_cursor& c : snap_.cursors) {
    time_point oldest;
    if (c.claims == nullptr || !c.claims->may_clear(oldest)) continue;
    const auto refused = rule_set<>{}.run([&] {
      (void)store_.forget_claims(c.name, wall_now() - (bus_.runner->now() - oldest).count() - slack);
      trouble_over(this);
    });
    if (refused) note_trouble(this, c.name, refused->error_text);  // they take room, no more
    return;
  }
}

}  // namespace peal::inline v0::detail
