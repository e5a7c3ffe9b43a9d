// SPDX-License-Identifier: MIT
// Rivals: boost::lockfree::spsc_queue, consumed one event at a time, and as many at a time as there are.
// Does not promise: sleeping (both sides yield), more than one producer, more than one consumer.
#pragma once

#include <boost/lockfree/spsc_queue.hpp>

#include <atomic>
#include <cstddef>
#include <span>
#include <thread>
#include <utility>
#include <vector>

#include "support/contestant.hpp"

namespace bench::rivals {

template <bool All>
struct boost_spsc_by {
  static constexpr description about{.name = All ? "boost spsc_queue, consume_all" : "boost spsc_queue",
                                     .lacks = "does not sleep, one producer, one consumer",
                                     .max_producers = 1,
                                     .max_consumers = 1};

  template <class E, class Sink>
  class lane {
    using queue_type = boost::lockfree::spsc_queue<E>;

   public:
    lane(const shape& s, std::vector<Sink>& sinks) : queue_{s.capacity} {
      threads_.start(sinks, [this](Sink& sink) { consume(sink); });
    }
    ~lane() { finish(); }

    class producer {
     public:
      explicit producer(queue_type& queue) : queue_{queue} {}
      void publish(E&& event) {
        while (!queue_.push(event)) std::this_thread::yield();
      }
      void publish(std::span<E> events) {
        for (std::size_t done = 0; done < events.size();) {
          const std::size_t n = queue_.push(events.data() + done, events.size() - done);
          if (n == 0) std::this_thread::yield();
          done += n;
        }
      }

     private:
      queue_type& queue_;
    };
    producer make_producer() { return producer{queue_}; }
    void finish() {
      closed_.store(true, std::memory_order_release);
      threads_.join();
    }

   private:
    void consume(Sink& sink) {
      const auto some = [&] {
        if constexpr (All) {
          return queue_.consume_all([&](const E& event) { sink(event); }) != 0;
        } else {
          E event{};
          const bool one = queue_.pop(event);
          if (one) sink(event);
          return one;
        }
      };
      while (!closed_.load(std::memory_order_acquire)) {
        if (!some()) std::this_thread::yield();
      }
      while (some()) continue;
    }

    queue_type queue_;
    std::atomic<bool> closed_{false};
    consumer_threads threads_;
  };
};

using boost_spsc = boost_spsc_by<false>;
using boost_spsc_all = boost_spsc_by<true>;

}  // namespace bench::rivals
