// SPDX-License-Identifier: MIT
// The contract's cases about what goes and what stays: trimming, compacting, streams.
#pragma once

#include <peal/testing/contract/detail/store_probe.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace peal::inline v0::testing::contract_cases {

inline void trims(store_place& place) {
  const auto s = place.open();
  append(*s, "shop.orders", 0, 10);
  append(*s, "shop.refunds", 0, 3);
  expect("removed below 4", s->trim("shop.orders", 4), std::uint64_t{4});
  expect("the range", s->range("shop.orders"), topic_range{4, 10});
  expect("removed below 4 again", s->trim("shop.orders", 4), std::uint64_t{0});
  expect("the first event", events_of(*s, "shop.orders", 0, 1), lines{shown(event_at("shop.orders", 4))});
  expect("the range of another topic", s->range("shop.refunds"), topic_range{0, 3});
  expect("removed below the end and beyond", s->trim("shop.orders", 1'000), std::uint64_t{6});
  expect("the range of what is empty now", s->range("shop.orders"), topic_range{10, 10});
  expect("a read of what is empty goes on from", s->read("shop.orders", 0, 10, [](const stored_event&) {}),
         std::uint64_t{10});
  refused("a position used before", store_errc::conflict, *s, [&] { append(*s, "shop.orders", 0, 1); });
  append(*s, "shop.orders", 10, 2);
  expect("the range after", s->range("shop.orders"), topic_range{10, 12});
  expect("events after", std::uint64_t{events_of(*s, "shop.orders").size()}, std::uint64_t{2});
}

inline void compacts(store_place& place) {
  const auto s = place.open();
  const std::vector<std::string> keys{"a", "b", "", "a", std::string("a\0", 2), "b", "", "a", "c", "a"};
  store_batch b;
  for (std::uint64_t i = 0; i < keys.size(); ++i) b.events.push_back(event_at("shop.orders", i, "x", keys[i]));
  s->commit(b);
  append(*s, event_at("shop.refunds", 0, "x", "a"));
  // Below 8 there are: a 0 3 7, b 1 5, a\0 4, without a key 2 6.
  expect("removed below 8", s->compact("shop.orders", 8), std::uint64_t{3});
  expect("removed below 8 again", s->compact("shop.orders", 8), std::uint64_t{0});
  lines expected;
  for (const std::uint64_t i : {2U, 4U, 5U, 6U, 7U, 8U, 9U}) {
    expected.push_back(shown(event_at("shop.orders", i, "x", keys[i])));
  }
  expect("what is left", events_of(*s, "shop.orders"), expected);
  expect("the range begins with what is left", s->range("shop.orders"), topic_range{2, 10});
  std::vector<std::uint64_t> seen;
  const std::uint64_t next = s->read("shop.orders", 3, 3, [&](const stored_event& e) { seen.push_back(e.position); });
  require(seen == std::vector<std::uint64_t>{4, 5, 6} && next == 7,
          "a read across holes shows 4, 5, 6 and goes on from 7");
  expect("removed below the end", s->compact("shop.orders", 1'000), std::uint64_t{1});
  append(*s, event_at("shop.orders", 10, "x", "a"));
  expect("removed by a trim below 5", s->trim("shop.orders", 5), std::uint64_t{2});
  expect("the range", s->range("shop.orders"), topic_range{5, 11});
  expect("the other topic", std::uint64_t{events_of(*s, "shop.refunds").size()}, std::uint64_t{1});
}

inline void counts(store_place& place) {
  const auto s = place.open();
  const auto at = [&](std::string_view topic) {
    const topic_size n = s->size(topic);
    return std::to_string(n.events) + " of " + std::to_string(n.bytes);
  };
  expect("the size of what was never heard of", at("shop.orders"), std::string("0 of 0"));
  store_batch b;
  for (std::uint64_t i = 0; i < 4; ++i) b.events.push_back(event_at("shop.orders", i, "12345", i % 2 == 0 ? "ab" : ""));
  b.events.push_back(event_at("shop.refunds", 0, "123", std::string_view("a\0b", 3)));
  b.events.push_back(event_at("shop.refunds", 1, "", "a", 1));
  s->commit(b);
  expect("the size", at("shop.orders"), std::string("4 of 24"));
  expect("that of another", at("shop.refunds"), std::string("2 of 7"));
  refused("an event behind a gap", store_errc::conflict, *s, [&] { append(*s, "shop.orders", 9, 1); });
  expect("the size after a refusal", at("shop.orders"), std::string("4 of 24"));
  s->compact("shop.orders", 4);
  expect("the size after a compaction", at("shop.orders"), std::string("3 of 17"));
  append(*s, event_at("shop.orders", 4, "x"));
  expect("the size with one more", at("shop.orders"), std::string("4 of 18"));
  s->trim("shop.orders", 3);
  expect("the size after a trim", at("shop.orders"), std::string("2 of 6"));
  s->trim("shop.refunds", 9);
  expect("the size of what is empty now", at("shop.refunds"), std::string("0 of 0"));
}

inline void deadlines(store_place& place) {
  const auto s = place.open();
  lines expected;
  store_batch b;
  for (std::uint64_t i = 0; i < 1'300; ++i) {
    stored_event e = event_at("shop.orders", i, "x", i % 2 == 0 ? "a" : "");
    if (i % 3 == 0) e.deadline = static_cast<wall_time>(1'700'000'000'000'000'000 + i);
    if (i % 7 == 0) e.deadline = -5;  // before 1970
    b.events.push_back(e);
    expected.push_back(shown(e));
  }
  b.events.push_back(event_at("shop.refunds", 0));
  s->commit(b);
  expect("deadlines", events_of(*s, "shop.orders"), expected);
  expect("one, from within", events_of(*s, "shop.orders", 701, 2), lines{expected[701], expected[702]});
  expect("those of another topic", events_of(*s, "shop.refunds"), lines{shown(event_at("shop.refunds", 0))});
  s->trim("shop.orders", 100);
  s->compact("shop.orders", 1'299);
  expect("one without a key stays", events_of(*s, "shop.orders", 105, 1), lines{expected[105]});
  expect("as the newest of a key does", events_of(*s, "shop.orders", 1'298, 1), lines{expected[1'298]});
}

inline void streams(store_place& place) {
  const auto s = place.open();
  const std::string other("o-1\0", 4);
  lines one;
  std::uint64_t position = 0;
  for (std::uint64_t version = 1; version <= 300; ++version) {
    store_batch b;
    const stored_event first = event_at("shop.orders", position++, "x", "o-1", version);
    b.events = {first, event_at("shop.orders", position++, "y", "o-2", version),
                event_at("shop.orders", position++, "z", other, version),
                event_at("shop.orders", position++, "w", "o-1")};
    one.push_back(shown(first));
    s->commit(b);
  }
  append(*s, event_at("shop.refunds", 0, "r", "o-1", 1));
  expect("a stream", stream_of(*s, "shop.orders", "o-1"), one);
  expect("a part of it", stream_of(*s, "shop.orders", "o-1", 299, 5), lines{one[298], one[299]});
  expect("two of it", stream_of(*s, "shop.orders", "o-1", 5, 2), lines{one[4], one[5]});
  expect("nothing of it", stream_of(*s, "shop.orders", "o-1", 301), lines{});
  expect("a key whose start is another key", std::uint64_t{stream_of(*s, "shop.orders", other).size()},
         std::uint64_t{300});
  expect("the stream of the same key in another topic", std::uint64_t{stream_of(*s, "shop.refunds", "o-1").size()},
         std::uint64_t{1});
  expect("its newest version, whatever is shown",
         s->read_stream("shop.orders", "o-1", 1, 0, [](const stored_event&) {}), std::uint64_t{300});
  s->trim("shop.orders", 1'196);
  expect("what a trim left of it", stream_of(*s, "shop.orders", "o-1"), lines{one[299]});
  s->trim("shop.orders", 1'200);
  expect("a stream without events", stream_of(*s, "shop.orders", "o-1"), lines{});
  expect("its newest version", s->read_stream("shop.orders", "o-1", 1, 9, [](const stored_event&) {}),
         std::uint64_t{300});
  append(*s, event_at("shop.orders", position, "x", "o-1", 301));
  expect("and it goes on", std::uint64_t{stream_of(*s, "shop.orders", "o-1").size()}, std::uint64_t{1});
}

}  // namespace peal::inline v0::testing::contract_cases
