// SPDX-License-Identifier: MIT
// Rival: moodycamel::BlockingConcurrentQueue with tokens; its consumers take up to 64 at once and sleep when idle.
// Does not promise: an order across producers, a bound.
#pragma once

#include <concurrentqueue/blockingconcurrentqueue.h>

#include <array>
#include <span>
#include <utility>
#include <vector>

#include "support/contestant.hpp"

namespace bench::rivals {

struct moodycamel {
  static constexpr description about{
      .name = "moodycamel", .lacks = "no order across producers, no bound", .keeps = order::per_producer};

  template <class E, class Sink>
  class lane {
    using queue_type = ::moodycamel::BlockingConcurrentQueue<E>;

   public:
    lane(const shape& s, std::vector<Sink>& sinks) : queue_{s.capacity * s.producers} {
      threads_.start(sinks, [this](Sink& sink) { consume(sink); });
    }
    ~lane() { finish(); }

    class producer {
     public:
      explicit producer(queue_type& queue) : queue_{queue}, token_{queue} {}
      void publish(E&& event) { queue_.enqueue(token_, std::move(event)); }
      void publish(std::span<E> events) { queue_.enqueue_bulk(token_, events.data(), events.size()); }

     private:
      queue_type& queue_;
      ::moodycamel::ProducerToken token_;
    };
    producer make_producer() { return producer{queue_}; }

    /// These may overtake the last events, so whoever gets one takes what is left; each consumer ends on one.
    void finish() {
      for (std::size_t i = threads_.size(); i != 0; --i) queue_.enqueue(E{});
      threads_.join();
    }

   private:
    void consume(Sink& sink) {
      std::array<E, 64> taken;
      ::moodycamel::ConsumerToken token{queue_};
      std::size_t ends = 0;
      const auto handle = [&](std::size_t n) {
        for (std::size_t i = 0; i < n; ++i) {
          if (taken[i].value == 0) {
            ++ends;
          } else {
            sink(taken[i]);
          }
        }
        return n != 0;
      };
      while (ends == 0) handle(queue_.wait_dequeue_bulk(token, taken.data(), taken.size()));
      while (handle(queue_.try_dequeue_bulk(token, taken.data(), taken.size()))) continue;
      for (; ends > 1; --ends) queue_.enqueue(E{});
    }

    queue_type queue_;
    consumer_threads threads_;
  };
};

}  // namespace bench::rivals
