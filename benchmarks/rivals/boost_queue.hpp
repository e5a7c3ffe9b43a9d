// SPDX-License-Identifier: MIT
// Rival: boost::lockfree::queue, with as many nodes as the others have slots.
// Does not promise: sleeping (it has no way to wait; here both sides yield), non-trivial events.
#pragma once

#include <boost/lockfree/queue.hpp>

#include <algorithm>
#include <atomic>
#include <thread>
#include <utility>
#include <vector>

#include "support/contestant.hpp"

namespace bench::rivals {

struct boost_queue {
  static constexpr description about{.name = "boost lockfree queue", .lacks = "does not sleep, trivial events only"};

  template <class E, class Sink>
  class lane {
    using queue_type = boost::lockfree::queue<E>;

   public:
    // A fixed size needs 16-bit indices; beyond those it allocates a node at a time, bounded by nothing.
    lane(const shape& s, std::vector<Sink>& sinks) : queue_{std::min<std::size_t>(s.capacity, 65'534)} {
      threads_.start(sinks, [this](Sink& sink) { consume(sink); });
    }
    ~lane() { finish(); }

    class producer {
     public:
      explicit producer(queue_type& queue) : queue_{queue} {}
      void publish(E&& event) {
        while (!queue_.bounded_push(event)) std::this_thread::yield();
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
      E event{};
      for (;;) {
        if (queue_.pop(event)) {
          sink(event);
        } else if (closed_.load(std::memory_order_acquire)) {
          while (queue_.pop(event)) sink(event);
          return;
        } else {
          std::this_thread::yield();
        }
      }
    }

    queue_type queue_;
    std::atomic<bool> closed_{false};
    consumer_threads threads_;
  };
};

}  // namespace bench::rivals
