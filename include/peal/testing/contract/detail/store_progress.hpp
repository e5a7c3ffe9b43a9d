// SPDX-License-Identifier: MIT
// The contract's cases about what is known beside the events: cursors, deliveries, claims, letters, timers, types.
#pragma once

#include <peal/testing/contract/detail/store_events.hpp>
#include <peal/testing/contract/detail/store_probe.hpp>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

namespace peal::inline v0::testing::contract_cases {

inline constexpr std::uint64_t last_position = (std::uint64_t{1} << 56) - 1;
inline constexpr wall_time end_of_time = std::numeric_limits<wall_time>::max();

/// All that a query shows, in its order.
template <class Ask>
lines heard(Ask ask) {
  lines all;
  ask([&all](const auto& record) { all.push_back(shown(record)); });
  return all;
}
inline lines sorted(lines all) {
  std::sort(all.begin(), all.end());
  return all;
}

inline lines cursors_of(const store& s) {
  return sorted(heard([&](auto v) { s.cursors(v); }));
}
inline lines pending_of(const store& s, std::string_view who, std::string_view topic) {
  return heard([&](auto v) { s.pending(who, topic, v); });
}
inline lines claims_of(const store& s, std::string_view scope) {
  return heard([&](auto v) { s.claims(scope, v); });
}
inline lines letters_of(const store& s, std::string_view topic) {
  return heard([&](auto v) { s.letters(topic, v); });
}
inline lines timers_of(const store& s) {
  return heard([&](auto v) { s.timers(v); });
}

inline void cursors(store_place& place) {
  const auto s = place.open();
  store_batch b;
  b.cursors = {{"billing", "shop.orders", 1}, {"ledger", "shop.orders", 2}, {"billing", "shop.refunds", last_position}};
  s->commit(b);
  b.cursors = {{"billing", "shop.orders", 5}, {"billing", "shop.orders", 4}};  // back is allowed, the last word counts
  s->commit(b);
  expect("cursors", cursors_of(*s),
         lines{"cursor \"billing\" \"shop.orders\" 4", "cursor \"billing\" \"shop.refunds\" " + shown(last_position),
               "cursor \"ledger\" \"shop.orders\" 2"});
  expect("a topic that was only named has events", s->range("shop.orders"), topic_range{});
  lines topics;
  s->topics([&](const stored_topic& t) { topics.push_back(shown(t)); });
  expect("topics that were only named", topics, lines{});
}

inline void pending(store_place& place) {
  const auto s = place.open();
  store_batch b;
  b.pending = {{"billing", "shop.orders", 300, 1, 0},
               {"billing", "shop.orders", 2, 1, 5},
               {"billing", "shop.orders", 255, 9, -7},
               {"ledger", "shop.orders", 1, 1, 0},
               {"billing", "shop.refunds", 1, 1, 0},
               {"billing", "shop.orders", 256, 1, end_of_time},
               {"billing", "shop.orders", last_position, std::numeric_limits<std::uint32_t>::max(), 1}};
  s->commit(b);
  expect("pending deliveries, by position", pending_of(*s, "billing", "shop.orders"),
         lines{"pending \"billing\" \"shop.orders\" 2 attempts 1 due 5",
               "pending \"billing\" \"shop.orders\" 255 attempts 9 due -7",
               "pending \"billing\" \"shop.orders\" 256 attempts 1 due " + std::to_string(end_of_time),
               "pending \"billing\" \"shop.orders\" 300 attempts 1 due 0",
               "pending \"billing\" \"shop.orders\" " + shown(last_position) + " attempts 4294967295 due 1"});
  b.pending = {{"billing", "shop.orders", 255, 0, 0},        {"billing", "shop.orders", 300, 2, 77},
               {"billing", "shop.orders", 9, 0, 0},          {"billing", "shop.orders", 256, 2, 0},
               {"billing", "shop.orders", 256, 0, 0},        {"billing", "shop.orders", 2, 0, 0},
               {"billing", "shop.orders", last_position, 0}, {"billing", "shop.orders", 2, 3, 1}};
  s->commit(b);
  expect("pending deliveries after some ended", pending_of(*s, "billing", "shop.orders"),
         lines{"pending \"billing\" \"shop.orders\" 2 attempts 3 due 1",
               "pending \"billing\" \"shop.orders\" 300 attempts 2 due 77"});
  expect("another subscription's", std::uint64_t{pending_of(*s, "ledger", "shop.orders").size()}, std::uint64_t{1});
  expect("another topic's", std::uint64_t{pending_of(*s, "billing", "shop.refunds").size()}, std::uint64_t{1});
  expect("those of nobody", pending_of(*s, "nobody", "shop.refunds"), lines{});
}

inline void claims(store_place& place) {
  const auto s = place.open();
  store_batch b;
  b.claims = {{"billing", "o-1", claim_state::claimed, 30},
              {"billing", "o-2", claim_state::claimed, 10},
              {"billing", "o-3", claim_state::committed, 20},
              {"ledger", "o-1", claim_state::committed, 5}};
  s->commit(b);
  expect("claims, the oldest first", claims_of(*s, "billing"),
         lines{"claim \"billing\" \"o-2\" claimed at 10", "claim \"billing\" \"o-3\" committed at 20",
               "claim \"billing\" \"o-1\" claimed at 30"});
  b.claims = {{"billing", "o-1", claim_state::committed, 40},        {"billing", "o-2", claim_state::abandoned, 41},
              {"billing", "unheard of", claim_state::abandoned, 41}, {"billing", "o-4", claim_state::claimed, 42},
              {"billing", "o-4", claim_state::abandoned, 42},        {"billing", "o-5", claim_state::claimed, 1}};
  s->commit(b);
  expect("claims after they changed", claims_of(*s, "billing"),
         lines{"claim \"billing\" \"o-5\" claimed at 1", "claim \"billing\" \"o-3\" committed at 20",
               "claim \"billing\" \"o-1\" committed at 40"});
  expect("forgotten below 20", s->forget_claims("billing", 20), std::uint64_t{0});
  expect("forgotten below 40", s->forget_claims("billing", 40), std::uint64_t{1});
  expect("claims that are left: none that is only claimed went", claims_of(*s, "billing"),
         lines{"claim \"billing\" \"o-5\" claimed at 1", "claim \"billing\" \"o-1\" committed at 40"});
  expect("another scope's", claims_of(*s, "ledger"), lines{"claim \"ledger\" \"o-1\" committed at 5"});
}

inline stored_letter letter_at(std::string_view topic, std::uint64_t number, std::string_view errors = "it broke") {
  stored_letter l;
  l.subscription = "billing";
  l.number = number;
  l.event = event_at(topic, number + 100, "dead", "o-1", number % 2);
  l.cause = dead_cause::blocked_by;
  l.attempts = 5;
  l.cycles = 2;
  l.died = -3;
  l.blocked_by = 7;
  l.errors = bytes_of(errors);
  return l;
}

inline void letters(store_place& place) {
  const auto s = place.open();
  const std::string long_errors(100'000, 'e');
  stored_letter bare = letter_at("shop.orders", 300, "");
  bare.event.name = "a type that nothing described";
  bare.event.payload = {};
  bare.cause = dead_cause::undecodable;
  store_batch b;
  b.letters = {bare, letter_at("shop.orders", 2), letter_at("shop.refunds", 2, std::string_view("\0x", 2)),
               letter_at("shop.orders", 256, long_errors)};
  s->commit(b);
  expect("letters of a topic, by number", letters_of(*s, "shop.orders"),
         lines{shown(letter_at("shop.orders", 2)), shown(letter_at("shop.orders", 256, long_errors)), shown(bare)});
  expect("letters of all topics", std::uint64_t{letters_of(*s, "").size()}, std::uint64_t{4});
  expect("letters make no events", s->range("shop.orders"), topic_range{});
  stored_letter changed = letter_at("shop.orders", 2, "again");
  changed.cycles = 3;
  changed.subscription = "ledger";
  b.letters = {changed, letter_at("shop.orders", 257)};
  b.letters_gone = {{"shop.orders", 300}, {"shop.orders", 257}, {"shop.refunds", 300}, {"nowhere", 1}};
  s->commit(b);
  expect("letters after one was changed, one went, and one came and went", letters_of(*s, "shop.orders"),
         lines{shown(changed), shown(letter_at("shop.orders", 256, long_errors))});
  expect("letters of another topic", std::uint64_t{letters_of(*s, "shop.refunds").size()}, std::uint64_t{1});
  s->trim("shop.orders", 1'000);
  expect("letters after a trim", std::uint64_t{letters_of(*s, "shop.orders").size()}, std::uint64_t{2});
}

inline stored_timer timer_at(std::uint64_t id, wall_time due, std::string_view topic = "shop.orders") {
  stored_timer t;
  t.id = id;
  t.due = due;
  t.period = static_cast<std::int64_t>(id) * 1'000;
  t.event = event_at(topic, 0, "later", "o-1");
  return t;
}

inline void timers(store_place& place) {
  const auto s = place.open();
  store_batch b;
  b.timers = {timer_at(1, 300), timer_at(256, 100, "shop.refunds"), timer_at(300, 200), timer_at(9, -5),
              timer_at(static_cast<std::uint64_t>(-1), 400)};
  s->commit(b);
  expect("timers by time", timers_of(*s),
         lines{shown(timer_at(9, -5)), shown(timer_at(256, 100, "shop.refunds")), shown(timer_at(300, 200)),
               shown(timer_at(1, 300)), shown(timer_at(static_cast<std::uint64_t>(-1), 400))});
  b.timers = {timer_at(1, 50), timer_at(7, 60)};
  b.timers_gone = {300, 7, 12345, static_cast<std::uint64_t>(-1)};
  s->commit(b);
  expect("timers after one was put off and others went", timers_of(*s),
         lines{shown(timer_at(9, -5)), shown(timer_at(1, 50)), shown(timer_at(256, 100, "shop.refunds"))});
}

inline void types(store_place& place) {
  const auto s = place.open();
  const auto all = [&] { return sorted(heard([&](auto v) { s->types(v); })); };
  append(*s, "shop.orders", 0, 1);
  expect("types that were only used", all(), lines{});
  store_batch b;
  b.types = {{"shop.order.placed", 2, "order{id: text}"}, {"shop.order.placed", 1, ""}, {"shop.refund", 1, "refund{}"}};
  s->commit(b);
  b.types = {{"shop.order.placed", 2, "another"}, {"shop.order.placed", 3, "order{id: text, cents: int}"}};
  s->commit(b);
  expect(
      "types as they were described first", all(),
      lines{"type \"shop.order.placed\" v1 \"\"", "type \"shop.order.placed\" v2 \"order{id: text}\"",
            "type \"shop.order.placed\" v3 \"order{id: text, cents: int}\"", "type \"shop.refund\" v1 \"refund{}\""});
  expect("an event of a type that was described later", events_of(*s, "shop.orders"),
         lines{shown(event_at("shop.orders", 0))});
}

inline void forgets_subscription(store_place& place) {
  const auto s = place.open();
  store_batch b = with_everything({event_at("shop.orders", 0)});
  b.cursors = {{"billing", "shop.orders", 1}, {"billing", "shop.refunds", 1}, {"ledger", "shop.orders", 1}};
  b.pending = {
      {"billing", "shop.orders", 1, 1, 0}, {"billing", "shop.refunds", 1, 1, 0}, {"ledger", "shop.orders", 1, 1, 0}};
  b.claims = {{"billing", "o-1", claim_state::claimed, 1},
              {"billing", "o-2", claim_state::committed, 1},
              {"effects of billing", "shop.orders 0", claim_state::committed, 1},
              {"replay of billing", "shop.orders 1", claim_state::committed, 1},
              {"effects of ledger", "shop.orders 0", claim_state::committed, 1},
              {"ledger", "o-1", claim_state::committed, 1}};
  s->commit(b);
  s->forget_subscription("nobody");
  s->forget_subscription("billing");
  expect("cursors", cursors_of(*s), lines{"cursor \"ledger\" \"shop.orders\" 1"});
  expect("pending deliveries", pending_of(*s, "billing", "shop.orders"), lines{});
  expect("pending deliveries", pending_of(*s, "billing", "shop.refunds"), lines{});
  expect("another's pending deliveries", std::uint64_t{pending_of(*s, "ledger", "shop.orders").size()},
         std::uint64_t{1});
  for (const std::string& scope : subscription_scopes{"billing"}) expect("claims", claims_of(*s, scope), lines{});
  expect("effects of another", std::uint64_t{claims_of(*s, "effects of ledger").size()}, std::uint64_t{1});
  expect("another's claims", std::uint64_t{claims_of(*s, "ledger").size()}, std::uint64_t{1});
  expect("its letters stay", std::uint64_t{letters_of(*s, "").size()}, std::uint64_t{1});
  b.clear();
  b.cursors = {{"billing", "shop.orders", 7}};
  s->commit(b);
  expect("and it may come back", cursors_of(*s),
         lines{"cursor \"billing\" \"shop.orders\" 7", "cursor \"ledger\" \"shop.orders\" 1"});
}

inline void all_at_once(store_place& place) {
  const auto s = place.open();
  store_batch b = with_everything({event_at("shop.orders", 0, "a", "o-1", 1), event_at("shop.refunds", 0, "b"),
                                   event_at("shop.orders", 1, "c", "o-1", 2)});
  s->commit(b);
  stored_timer t = b.timers[0];
  const lines expected{
      "cursor \"billing\" \"shop.orders\" 17",
      shown(b.letters[0]),
      "topic \"shop.orders\" [0, 2)",
      "topic \"shop.refunds\" [0, 1)",
      "type \"shop.order.placed\" v2 \"order{id}\"",
      "range of shop.orders [0, 2)",
      shown(b.events[0]),
      shown(b.events[2]),
      shown(b.events[0]),
      shown(b.events[2]),
      "stream shop.orders o-1 2",
      "stream shop.orders o-2 0",
      "stream shop.orders o-3 0",
      "pending \"billing\" \"shop.orders\" 3 attempts 2 due 55",
      "range of shop.refunds [0, 1)",
      shown(b.events[1]),
      "stream shop.refunds o-1 0",
      "stream shop.refunds o-2 0",
      "stream shop.refunds o-3 0",
      "claim \"billing\" \"o-1\" claimed at 44",
      shown(t),
  };
  expect("everything of the batch", everything(*s), expected);
  refused("the same batch again", store_errc::conflict, *s, [&] { s->commit(b); });
  expect("after the same batch again", everything(*s), expected);
}

inline void empty_batch(store_place& place) {
  const auto s = place.open();
  s->commit({});
  append(*s, "shop.orders", 0, 2);
  const lines before = everything(*s);
  s->commit({});
  expect("after an empty batch", everything(*s), before);
}

inline void long_names(store_place& place) {
  const auto s = place.open();
  const std::size_t longest = s->features().max_key_bytes;
  require(longest >= 400, "max_key_bytes is below 400");
  const std::string name(longest, 'n');
  const std::string too_long(longest + 1, 'n');
  store_batch b;
  b.events = {event_at(name, 0, "x", name, 1)};
  b.events[0].name = name;
  b.cursors = {{name, name, 1}};
  b.pending = {{name, name, 1, 1, 1}};
  b.claims = {{name, name, claim_state::claimed, 1}};
  b.types = {{name, 1, "x"}};
  s->commit(b);
  const names here{{name}, {name}, {name}};
  const lines before = everything(*s, here);
  expect("lines of a store with the longest names", std::uint64_t{before.size()}, std::uint64_t{9});
  const auto refuse = [&](const char* what, auto put) {
    store_batch wrong;
    wrong.cursors = {{"billing", "shop.orders", 1}};
    put(wrong);
    refused(what, store_errc::too_large, *s, [&] { s->commit(wrong); });
    expect(std::string("after ") + what, everything(*s, here), before);
  };
  refuse("a topic's name that is too long", [&](store_batch& w) { w.events = {event_at(too_long, 0)}; });
  refuse("a stream's key that is too long", [&](store_batch& w) { w.events = {event_at("t", 0, "x", too_long, 1)}; });
  refuse("a subscription's name that is too long", [&](store_batch& w) { w.cursors.push_back({too_long, "t", 1}); });
  refuse("an idempotency key that is too long", [&](store_batch& w) {
    w.claims = {{"billing", too_long, claim_state::claimed, 1}};
  });
  refuse("a type's name that is too long", [&](store_batch& w) { w.types = {{too_long, 1, "x"}}; });
}

}  // namespace peal::inline v0::testing::contract_cases
