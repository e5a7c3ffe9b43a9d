// SPDX-License-Identifier: MIT
// Rival, hand-written: Vyukov's bounded queue, both sides spinning. The least latency there is, for a whole core.
// Does not promise: sleeping, giving way to other threads; a stopped producer stops everyone behind it.
#pragma once

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <thread>
#include <utility>
#include <vector>

#include "support/contestant.hpp"

namespace bench::rivals {

struct spinning_ring {
  static constexpr description about{.name = "spinning ring", .lacks = "does not sleep: a whole core"};

  template <class E, class Sink>
  class lane {
   public:
    lane(const shape& s, std::vector<Sink>& sinks)
        : patience_{s.producers + s.consumers > std::thread::hardware_concurrency() ? 64U : ~0U},
          slots_(std::bit_ceil(s.capacity)),
          mask_{slots_.size() - 1} {
      for (std::size_t i = 0; i < slots_.size(); ++i) slots_[i].turn.store(i, std::memory_order_relaxed);
      threads_.start(sinks, [this](Sink& sink) { consume(sink); });
    }
    ~lane() { finish(); }

    class producer {
     public:
      explicit producer(lane& to) : to_{to} {}
      void publish(E&& event) { to_.push(event); }

     private:
      lane& to_;
    };
    producer make_producer() { return producer{*this}; }
    void finish() {
      for (std::size_t i = threads_.size(); i != 0; --i) push(E{});
      threads_.join();
    }

   private:
    struct alignas(sizeof(E) > 48 ? 64 : 16) slot {
      std::atomic<std::uint64_t> turn{0};
      E event{};
    };

    /// Takes the position whose slot stands at `wanted` turns ahead of it.
    slot& take(std::atomic<std::uint64_t>& side, std::uint64_t ahead, std::uint64_t& at) {
      at = side.load(std::memory_order_relaxed);
      for (unsigned spins = 0;;) {
        slot& s = slots_[at & mask_];
        const auto difference = static_cast<std::int64_t>(s.turn.load(std::memory_order_acquire) - (at + ahead));
        if (difference == 0 && side.compare_exchange_weak(at, at + 1, std::memory_order_relaxed)) return s;
        if (difference < 0 && ++spins >= patience_) {
          std::this_thread::yield();  // only where threads outnumber cores
        } else if (difference < 0) {
          __builtin_ia32_pause();
        }
        if (difference != 0) at = side.load(std::memory_order_relaxed);
      }
    }
    void push(const E& event) {
      std::uint64_t at = 0;
      slot& s = take(tail_, 0, at);
      s.event = event;
      s.turn.store(at + 1, std::memory_order_release);
    }
    void consume(Sink& sink) {
      for (;;) {
        std::uint64_t at = 0;
        slot& s = take(head_, 1, at);
        const E event = s.event;
        s.turn.store(at + slots_.size(), std::memory_order_release);
        if (event.value == 0) return;
        sink(event);
      }
    }

    const unsigned patience_;
    std::vector<slot> slots_;
    const std::size_t mask_;
    alignas(64) std::atomic<std::uint64_t> tail_{0};
    alignas(64) std::atomic<std::uint64_t> head_{0};
    consumer_threads threads_;
  };
};

}  // namespace bench::rivals
