// SPDX-License-Identifier: MIT
// The contract's cases about threads, other processes, and being opened again.
#pragma once

#include <peal/testing/contract/detail/child.hpp>
#include <peal/testing/contract/detail/store_events.hpp>

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace peal::inline v0::testing::contract_cases {

/// Threads of a case: what one throws is thrown again where they are joined.
class crew {
 public:
  crew() = default;
  crew(const crew&) = delete;
  crew& operator=(const crew&) = delete;
  ~crew() { join(); }

  template <class F>
  void start(F f) {
    threads_.emplace_back([this, f] {
      try {
        f();
      } catch (const std::exception& e) {
        const std::lock_guard hold{mutex_};
        if (problem_.empty()) problem_ = e.what();
      }
    });
  }
  void finish() {
    join();
    if (!problem_.empty()) violated(problem_);
  }

 private:
  void join() {
    for (std::thread& t : threads_) t.join();
    threads_.clear();
  }

  std::vector<std::thread> threads_;
  std::mutex mutex_;
  std::string problem_;
};

inline void threads_read(store_place& place) {
  const auto s = place.open();
  const std::uint64_t size = 20;
  const std::uint64_t batches = 60;
  std::atomic<bool> over{false};
  crew all;
  for (int reader = 0; reader < 3; ++reader) {
    all.start([&] {
      do {
        std::uint64_t expected = 0;
        s->read("shop.orders", 0, static_cast<std::size_t>(-1), [&](const stored_event& e) {
          if (shown(e) != shown(event_at("shop.orders", expected++))) violated("a reader saw " + shown(e));
        });
        if (expected % size != 0) violated("a reader saw a part of a batch: " + shown(expected) + " events");
        std::uint64_t cursor = 0;
        s->cursors([&](const stored_cursor& c) { cursor = c.position; });
        if (cursor < expected) violated("a reader saw events before the cursor of their batch");
      } while (!over);
    });
  }
  for (std::uint64_t i = 0; i < batches; ++i) {
    store_batch b;
    for (std::uint64_t k = 0; k < size; ++k) b.events.push_back(event_at("shop.orders", i * size + k));
    b.cursors = {{"billing", "shop.orders", (i + 1) * size}};
    s->commit(b);
  }
  over = true;
  all.finish();
}

inline void threads_commit(store_place& place) {
  const auto s = place.open();
  const std::uint64_t batches = 30;
  crew all;
  for (int writer = 0; writer < 4; ++writer) {
    all.start([&, topic = "topic." + std::to_string(writer)] {
      for (std::uint64_t i = 0; i < batches; ++i) append(*s, topic, 3 * i, 3);
    });
  }
  all.finish();
  for (int writer = 0; writer < 4; ++writer) {
    const std::string topic = "topic." + std::to_string(writer);
    expect("the events of " + topic, std::uint64_t{events_of(*s, topic).size()}, 3 * batches);
  }
}

inline void reopened(store_place& place) {
  auto s = place.open();
  s->commit(with_everything({event_at("shop.orders", 0, "a", "o-1", 1), event_at("shop.orders", 1, "b", "o-1", 2)}));
  append(*s, "shop.refunds", 0, 700);
  s->trim("shop.refunds", 650);
  append(*s, "shop.gone", 0, 3);
  s->trim("shop.gone", 3);
  const lines before = everything(*s);
  for (int times = 0; times < 3; ++times) {
    s.reset();
    s = place.open();
    expect("everything after it was opened again", everything(*s), before);
  }
  expect("the range of a topic without events", s->range("shop.gone"), topic_range{3, 3});
  append(*s, event_at("shop.orders", 2, "c", "o-1", 3));
  append(*s, "shop.gone", 3, 1);
  expect("a topic goes on", s->range("shop.orders"), topic_range{0, 3});
}

inline void second_writer(store_place& place) {
  const auto s = place.open();
  append(*s, "shop.orders", 0, 1);
  for (int times = 0; times < 2; ++times) {
    refused("a second writer", store_errc::locked, *s, [&] { (void)place.open(); });
    append(*s, "shop.orders", s->range("shop.orders").next, 1);
  }
  const lines before = everything(*s);
  in_child([&] { refused("a second writer in another process", store_errc::locked, *s, [&] { (void)place.open(); }); });
  expect("after second writers were refused", everything(*s), before);
  append(*s, "shop.orders", 3, 1);
}

inline void closed_and_opened(store_place& place) {
  for (std::uint64_t times = 0; times < 5; ++times) {
    in_child([&] { append(*place.open(), "shop.orders", 2 * times, 1); });
    append(*place.open(), "shop.orders", 2 * times + 1, 1);
  }
  expect("events", std::uint64_t{events_of(*place.open(), "shop.orders").size()}, std::uint64_t{10});
}

inline void reader_beside(store_place& place) {
  channel to_reader;
  channel to_writer;
  const auto in_turns = [&](store& s) {
    for (std::uint64_t round = 0; round < 4; ++round) {
      append(s, "shop.orders", 5 * round, 5);
      append(s, "topic." + std::to_string(round), 0, 1);  // one that the reader has not seen yet
      if (round == 2) s.trim("shop.orders", 5);
      to_reader.say();
      to_writer.hear();
    }
  };
  child reader{[&] {
    to_reader.close_writing();  // so that each side hears when the other is gone
    to_reader.hear();
    const auto s = place.open_for_reading();
    require(s != nullptr, "features() says reads_beside, and open_for_reading() gives nothing");
    for (std::uint64_t round = 0; round < 4; ++round) {
      if (round != 0) to_reader.hear();
      const topic_range r{round < 2 ? std::uint64_t{0} : std::uint64_t{5}, 5 * (round + 1)};
      expect("the range that a reader in another process sees", s->range("shop.orders"), r);
      expect("the events that it sees", std::uint64_t{events_of(*s, "shop.orders").size()}, r.next - r.first);
      expect("the topic that is new", s->range("topic." + std::to_string(round)), topic_range{0, 1});
      refused("a reader that commits", store_errc::read_only, *s, [&] { append(*s, "shop.orders", r.next, 1); });
      refused("a reader that trims", store_errc::read_only, *s, [&] { s->trim("shop.orders", r.next); });
      to_writer.say();
    }
  }};
  to_writer.close_writing();
  {
    const auto s = place.open();
    in_turns(*s);
  }
  reader.finish();
}

}  // namespace peal::inline v0::testing::contract_cases
