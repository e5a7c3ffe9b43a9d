// SPDX-License-Identifier: MIT
// Rival: oneTBB's concurrent_bounded_queue; its consumers sleep when it is empty.
// Does not promise: an order of handling with several consumers; there are no handlers to remove.
#pragma once

#include <oneapi/tbb/concurrent_queue.h>

#include <cstddef>
#include <utility>
#include <vector>

#include "support/contestant.hpp"

namespace bench::rivals {

struct tbb_queue {
  static constexpr description about{.name = "TBB bounded queue"};

  template <class E, class Sink>
  class lane {
    using queue_type = tbb::concurrent_bounded_queue<E>;

   public:
    lane(const shape& s, std::vector<Sink>& sinks) {
      queue_.set_capacity(static_cast<typename queue_type::size_type>(s.capacity));
      threads_.start(sinks, [this](Sink& sink) {
        E event{};
        for (queue_.pop(event); event.value != 0; queue_.pop(event)) sink(event);
      });
    }
    ~lane() { finish(); }

    class producer {
     public:
      explicit producer(queue_type& queue) : queue_{queue} {}
      void publish(E&& event) { queue_.push(std::move(event)); }

     private:
      queue_type& queue_;
    };
    producer make_producer() { return producer{queue_}; }
    void finish() {
      for (std::size_t i = threads_.size(); i != 0; --i) queue_.push(E{});
      threads_.join();
    }

   private:
    queue_type queue_;
    consumer_threads threads_;
  };
};

}  // namespace bench::rivals
