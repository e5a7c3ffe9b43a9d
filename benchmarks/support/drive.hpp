// SPDX-License-Identifier: MIT
// Drives a contestant: so many events from so many threads to handlers on so many threads, and a look at the ledgers.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <thread>
#include <vector>

#include "support/contestant.hpp"
#include "support/event.hpp"
#include "support/machine.hpp"
#include "support/suite.hpp"

namespace bench {

/// Holds threads back until all of them are there.
class start_line {
 public:
  explicit start_line(unsigned threads) : missing_{threads} {}

  void wait() {
    missing_.fetch_sub(1);
    while (!open_.load(std::memory_order_acquire)) std::this_thread::yield();
  }
  clock::time_point open() {
    while (missing_.load() != 0) std::this_thread::yield();
    const auto now = clock::now();
    open_.store(true, std::memory_order_release);
    return now;
  }

 private:
  std::atomic<unsigned> missing_;
  std::atomic<bool> open_{false};
};

/// Calls `chunk()`, which does `size` operations, until so many are done; seconds they take at the median chunk's pace. For
/// work of one thread: an interruption spoils a chunk and not the figure.
template <class Chunk>
double by_chunks(std::uint64_t operations, std::uint64_t size, Chunk chunk) {
  std::vector<double> took;
  took.reserve(operations / size + 1);
  for (std::uint64_t done = 0; done < operations; done += size) {
    const auto start = clock::now();
    chunk();
    took.push_back(seconds_since(start));
  }
  return at_rank(took, 0.5) * static_cast<double>(operations) / static_cast<double>(size);
}

/// Publishes `count` events as producer `me`, `Batch` at once if that is more than 1.
template <std::size_t Batch, class E, class Producer>
void publish_all(Producer& out, unsigned me, std::uint64_t count) {
  if constexpr (Batch == 1) {
    E event{};
    for (std::uint64_t i = 1; i <= count; ++i) {
      event.value = stamp(me, i);
      out.publish(std::move(event));  // plain bytes: still there
    }
  } else {
    std::array<E, Batch> batch{};
    for (std::uint64_t i = 1; i <= count;) {
      const auto n = static_cast<std::size_t>(std::min<std::uint64_t>(Batch, count - i + 1));
      for (std::size_t k = 0; k < n; ++k) batch[k].value = stamp(me, i + k);
      out.publish(std::span<E>{batch.data(), n});
      i += n;
    }
  }
}

/// Seconds from the first publish until every event was handled. One producer and one consumer stand on a core each;
/// more of them stand where the system puts them.
template <class X, class E, std::size_t Batch = 1>
double drive(const shape& s, std::uint64_t events) {
  using lane_type = typename X::template lane<E, ledger>;
  const std::uint64_t each = (events + s.producers - 1) / s.producers;
  std::vector<ledger> ledgers(s.consumers);
  double seconds = 0;
  {
    const core_guard here;
    const bool alone = s.producers == 1 && s.consumers == 1;
    if (alone) here.stand_on(1);
    lane_type lane{s, ledgers};
    if (alone) {
      here.stand_on(0);
      const auto start = clock::now();
      {
        auto out = lane.make_producer();
        publish_all<Batch, E>(out, 0, each);
      }
      lane.finish();
      seconds = seconds_since(start);
    } else {
      start_line line{s.producers};
      std::vector<std::thread> producers;
      for (unsigned p = 0; p < s.producers; ++p) {
        producers.emplace_back([&, p] {
          auto out = lane.make_producer();
          line.wait();
          publish_all<Batch, E>(out, p, each);
        });
      }
      const auto start = line.open();
      for (std::thread& t : producers) t.join();
      lane.finish();
      seconds = seconds_since(start);
    }
  }
  if constexpr (X::about.handlers_in_turn) ledgers.resize(1);
  check(ledgers, s.producers, each);
  return seconds;
}

}  // namespace bench
