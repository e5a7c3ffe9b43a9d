// SPDX-License-Identifier: MIT
// The contract's cases about events: appending, reading, trimming, compacting, streams.
#pragma once

#include <peal/testing/contract/detail/store_probe.hpp>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

namespace peal::inline v0::testing::contract_cases {

inline void new_is_empty(store_place& place) {
  const auto s = place.open();
  expect("the range of an unknown topic", s->range("shop.orders"), topic_range{0, 0});
  expect("a read of an unknown topic goes on from", s->read("shop.orders", 0, 10, [](const stored_event&) {}),
         std::uint64_t{0});
  expect("the version of an unknown stream", s->read_stream("shop.orders", "o-1", 1, 10, [](const stored_event&) {}),
         std::uint64_t{0});
  expect("trimming an unknown topic removes", s->trim("shop.orders", 10), std::uint64_t{0});
  expect("compacting an unknown topic removes", s->compact("shop.orders", 10), std::uint64_t{0});
  expect("forgetting unknown claims removes", s->forget_claims("billing", 10), std::uint64_t{0});
  s->forget_subscription("billing");
  const names none{{}, {}, {}};
  expect("all that is in a new store", everything(*s, none), lines{});
  require(!s->place().empty(), "place() is empty");
}

inline void event_comes_back(store_place& place) {
  const auto s = place.open();
  std::vector<stored_event> all{event_at("shop.orders", 0, "first", "o-1"), event_at("shop.orders", 1, "second"),
                                event_at("shop.orders", 2, "third", "o-1")};
  all[1].correlation = all[1].id;  // what begins a story belongs to itself,
  all[1].causation = {};           // and nothing caused it
  all[2].id = {std::numeric_limits<std::uint64_t>::max(), std::numeric_limits<std::uint64_t>::max()};
  all[2].correlation = {};
  all[2].version = std::numeric_limits<std::uint32_t>::max();
  all[2].published = std::numeric_limits<wall_time>::min();
  store_batch b;
  lines expected;
  for (const stored_event& e : all) {
    b.events.push_back(e);
    expected.push_back(shown(e));
  }
  s->commit(b);
  expect("events read", events_of(*s, "shop.orders"), expected);
}

inline void read_in_parts(store_place& place) {
  const auto s = place.open();
  const std::uint64_t count = 2'000;
  append(*s, "shop.orders", 0, count);
  const lines all = events_of(*s, "shop.orders");
  expect("events read", std::uint64_t{all.size()}, count);
  const auto part = [&](std::uint64_t from, std::size_t max) {
    lines seen;
    const std::uint64_t next =
        s->read("shop.orders", from, max, [&](const stored_event& e) { seen.push_back(shown(e)); });
    const std::uint64_t first = std::min(from, count);
    const std::uint64_t last = max < count - first ? first + max : count;
    const std::string what = "read from " + std::to_string(from) + ", at most " + std::to_string(max);
    expect(what, seen,
           lines(all.begin() + static_cast<std::ptrdiff_t>(first), all.begin() + static_cast<std::ptrdiff_t>(last)));
    expect(what + ", goes on from", next, std::max(from, last));
  };
  part(0, 0);
  part(0, 1);
  part(7, 1'000);
  part(count - 1, 1);
  part(count - 1, 2);
  part(count, 5);
  part(count + 100, 5);
  part(1, static_cast<std::size_t>(-1));
}

inline void positions_go_on(store_place& place) {
  const auto s = place.open();
  append(*s, "shop.orders", 0, 3);
  append(*s, "shop.refunds", 0, 1);
  append(*s, "shop.orders", 3, 2);
  expect("shop.orders", s->range("shop.orders"), topic_range{0, 5});
  expect("shop.refunds", s->range("shop.refunds"), topic_range{0, 1});
  store_batch b;
  b.events = {event_at("shop.refunds", 1), event_at("shop.orders", 5), event_at("shop.refunds", 2),
              event_at("shop.orders", 6)};
  s->commit(b);
  expect("shop.orders", s->range("shop.orders"), topic_range{0, 7});
  expect("shop.refunds", s->range("shop.refunds"), topic_range{0, 3});
  lines seen;
  s->topics([&](const stored_topic& t) { seen.push_back(shown(t)); });
  std::sort(seen.begin(), seen.end());
  expect("topics", seen, lines{"topic \"shop.orders\" [0, 7)", "topic \"shop.refunds\" [0, 3)"});
}

/// One of everything beside the events given.
inline store_batch with_everything(std::vector<stored_event> events) {
  store_batch b;
  b.types = {{"shop.order.placed", 2, "order{id}"}};
  b.events = std::move(events);
  b.cursors = {{"billing", "shop.orders", 17}};
  b.pending = {{"billing", "shop.orders", 3, 2, 55}};
  b.claims = {{"billing", "o-1", claim_state::claimed, 44}};
  stored_letter l;
  l.subscription = "billing";
  l.number = 9;
  l.event = event_at("shop.orders", 4, "dead", "o-1");
  l.cause = dead_cause::crashed;
  l.attempts = 3;
  l.cycles = 1;
  l.died = 99;
  l.blocked_by = 8;
  l.errors = bytes_of("it broke");
  b.letters = {l};
  stored_timer t;
  t.id = 5;
  t.due = 1234;
  t.period = 1000;
  t.event = event_at("shop.refunds", 0, "later");
  b.timers = {t};
  return b;
}

/// A batch that must be refused for its last event, with everything else in it besides.
inline void no_effect_of(store& s, const stored_event& wrong, std::string_view what) {
  const lines before = everything(s);
  const topic_range r = s.range("shop.refunds");
  const store_batch b = with_everything({event_at("shop.refunds", r.next), event_at("shop.new", 0), wrong});
  refused(what, store_errc::conflict, s, [&] { s.commit(b); });
  expect(std::string(what) + ": after the refused batch", everything(s), before);
  expect(std::string(what) + ": a topic of the refused batch", s.range("shop.new"), topic_range{});
}

inline void gap_is_refused(store_place& place) {
  const auto s = place.open();
  no_effect_of(*s, event_at("shop.orders", 1), "a first position of 1");
  append(*s, "shop.orders", 0, 5);
  no_effect_of(*s, event_at("shop.orders", 6), "a gap");
  no_effect_of(*s, event_at("shop.orders", 4), "a position that is taken");
  no_effect_of(*s, event_at("shop.orders", 0), "the first position again");
  store_batch b;
  b.events = {event_at("shop.orders", 5), event_at("shop.orders", 7)};
  refused("a gap within a batch", store_errc::conflict, *s, [&] { s->commit(b); });
  append(*s, "shop.orders", 5, 1);
  append(*s, "shop.new", 0, 1);
  expect("the store goes on", s->range("shop.orders"), topic_range{0, 6});
}

inline void version_is_refused(store_place& place) {
  const auto s = place.open();
  no_effect_of(*s, event_at("shop.orders", 0, "x", "o-1", 2), "a stream that starts with version 2");
  append(*s, event_at("shop.orders", 0, "x", "o-1", 1));
  no_effect_of(*s, event_at("shop.orders", 1, "x", "o-1", 1), "a version that is taken");
  no_effect_of(*s, event_at("shop.orders", 1, "x", "o-1", 3), "a version too far");
  no_effect_of(*s, event_at("shop.orders", 1, "x", "o-2", 2), "another stream's version");
  store_batch b;
  b.events = {event_at("shop.orders", 1, "x", "o-1", 2), event_at("shop.orders", 2, "y", "o-1", 3)};
  s->commit(b);
  expect("stream", stream_of(*s, "shop.orders", "o-1"), events_of(*s, "shop.orders"));
}

inline void visitor_stops(store_place& place) {
  const auto s = place.open();
  append(*s, "shop.orders", 0, 10);
  int seen = 0;
  const std::uint64_t next = s->read("shop.orders", 2, 100, [&](const stored_event&) { return ++seen < 3; });
  expect("events shown to a visitor that stops at the third", std::uint64_t(seen), std::uint64_t{3});
  expect("and goes on from", next, std::uint64_t{5});
  s->commit(with_everything({}));
  const store_batch more = [] {
    store_batch b =
        with_everything({event_at("shop.refunds", 0, "x", "o-1", 1), event_at("shop.refunds", 1, "x", "o-1", 2)});
    b.types[0].name = "another";
    b.cursors[0].topic = "shop.refunds";
    b.pending[0].position = 4;
    b.claims[0].key = "o-2";
    b.letters[0].number = 10;
    b.timers[0].id = 6;
    return b;
  }();
  s->commit(more);
  const auto once = [](std::string_view what, auto ask) {
    int times = 0;
    ask([&](const auto&) { return ++times < 1; });
    expect(std::string(what) + " shown to a visitor that wants one", std::uint64_t(times), std::uint64_t{1});
  };
  once("events of a stream", [&](auto v) { s->read_stream("shop.refunds", "o-1", 1, 10, v); });
  once("topics", [&](auto v) { s->topics(v); });
  once("types", [&](auto v) { s->types(v); });
  once("cursors", [&](auto v) { s->cursors(v); });
  once("pending deliveries", [&](auto v) { s->pending("billing", "shop.orders", v); });
  once("claims", [&](auto v) { s->claims("billing", v); });
  once("letters", [&](auto v) { s->letters("", v); });
  once("timers", [&](auto v) { s->timers(v); });
}

inline void visitor_calls(store_place& place) {
  const auto s = place.open();
  append(*s, "shop.orders", 0, 3);
  s->commit(with_everything({}));
  std::uint64_t copied = 0;
  s->read("shop.orders", 0, 10, [&](const stored_event& e) {
    expect("the event at its position, read inside a visitor", events_of(*s, "shop.orders", e.position, 1),
           lines{shown(e)});
    append(*s, "shop.refunds", copied++, 1);
  });
  expect("events appended inside a visitor", s->range("shop.refunds"), topic_range{0, 3});
  s->cursors([&](const stored_cursor& c) {
    store_batch b;
    b.cursors = {{"ledger", c.topic, c.position}};
    if (c.subscription == "billing") s->commit(b);
  });
  s->letters("", [&](const stored_letter& l) {
    store_batch b;
    b.letters_gone = {{l.event.topic, l.number}};
    s->commit(b);
  });
  s->timers([&](const stored_timer& t) {
    store_batch b;
    b.timers_gone = {t.id};
    s->commit(b);
  });
  lines left;
  s->letters("", [&](const stored_letter& l) { left.push_back(shown(l)); });
  s->timers([&](const stored_timer& t) { left.push_back(shown(t)); });
  expect("letters and timers removed by the visitors that saw them", left, lines{});
}

inline void visitor_throws(store_place& place) {
  const auto s = place.open();
  append(*s, "shop.orders", 0, 3);
  struct mine {};
  bool passed = false;
  try {
    s->read("shop.orders", 0, 10, [](const stored_event&) { throw mine{}; });
  } catch (const mine&) {
    passed = true;
  }
  require(passed, "what a visitor threw did not come out of read");
  append(*s, "shop.orders", 3, 1);
  expect("events after a visitor threw", std::uint64_t{events_of(*s, "shop.orders").size()}, std::uint64_t{4});
}

inline void odd_sizes(store_place& place) {
  const auto s = place.open();
  std::vector<std::string> payloads{"", std::string(1, '\0'), std::string("a\0b\0", 4), "'; drop table events; --"};
  for (const std::size_t size : {100U, 1'000U, 2'000U, 4'095U, 4'096U, 4'097U, 70'000U, 3'000'000U}) {
    std::string p(size, '\0');
    for (std::size_t i = 0; i < size; ++i) p[i] = static_cast<char>(i * 131 + (i >> 8));
    payloads.push_back(p);
  }
  const std::size_t longest = s->features().max_key_bytes;
  const std::vector<std::string> keys{
      std::string(1, '\0'),      std::string("k\0", 2),    "k",
      std::string("k\0\xff", 3), std::string(200, '\xff'), std::string(std::min<std::size_t>(longest, 100'000), 'k')};
  lines expected;
  std::uint64_t position = 0;
  for (const auto& p : payloads) {
    const stored_event e = event_at("shop.orders", position, p, keys[position % keys.size()]);
    ++position;
    append(*s, e);
    expected.push_back(shown(e));
  }
  expect("events of all sizes", events_of(*s, "shop.orders"), expected);
  for (const auto& key : keys) {
    const stored_event e = event_at("shop.orders", position++, "x", key, 1);
    append(*s, e);
    expect("the stream of the key " + shown(key), stream_of(*s, "shop.orders", key), lines{shown(e)});
    store_batch b;
    b.claims = {{"billing", key, claim_state::committed, 1}};
    s->commit(b);
  }
  std::uint64_t count = 0;
  s->claims("billing", [&](const stored_claim& c) {
    require(std::find(keys.begin(), keys.end(), c.key) != keys.end(), "a claim has another key: " + shown(c.key));
    ++count;
  });
  expect("claims", count, std::uint64_t{keys.size()});
}

inline void many_topics(store_place& place) {
  const auto s = place.open();
  const int count = 120;
  std::vector<std::string> topics;
  topics.reserve(count);
  for (int i = 0; i < count; ++i) topics.push_back("topic." + std::to_string(i));
  for (std::uint64_t round = 0; round < 3; ++round) {
    store_batch b;
    for (const auto& t : topics) b.events.push_back(event_at(t, round, t));
    s->commit(b);
  }
  for (const auto& t : topics) {
    expect("events of " + t, events_of(*s, t),
           lines{shown(event_at(t, 0, t)), shown(event_at(t, 1, t)), shown(event_at(t, 2, t))});
  }
}

}  // namespace peal::inline v0::testing::contract_cases
