// SPDX-License-Identifier: MIT
// Rival, hand-written: a mutex, a condition variable and a vector of events that the consumer swaps for an empty one.
// Does not promise: a bound, removal of handlers, an order with several consumers.
#pragma once

#include <condition_variable>
#include <mutex>
#include <span>
#include <utility>
#include <vector>

#include "support/contestant.hpp"

namespace bench::rivals {

struct swapped_vector {
  static constexpr description about{.name = "mutex + swapped vector", .lacks = "no bound, no removal of handlers"};

  template <class E, class Sink>
  class lane {
   public:
    lane(const shape& s, std::vector<Sink>& sinks) {
      events_.reserve(s.capacity);
      threads_.start(sinks, [this, room = s.capacity](Sink& sink) { consume(sink, room); });
    }
    ~lane() { finish(); }

    class producer {
     public:
      explicit producer(lane& to) : to_{to} {}
      void publish(E&& event) {
        bool first = false;
        {
          const std::scoped_lock lock{to_.mutex_};
          first = to_.events_.empty();
          to_.events_.push_back(std::move(event));
        }
        if (first) to_.some_.notify_one();  // a consumer takes all there is, so only the first needs to wake one
      }
      void publish(std::span<E> events) {
        bool first = false;
        {
          const std::scoped_lock lock{to_.mutex_};
          first = to_.events_.empty();
          to_.events_.insert(to_.events_.end(), events.begin(), events.end());
        }
        if (first) to_.some_.notify_one();
      }

     private:
      lane& to_;
    };
    producer make_producer() { return producer{*this}; }

    void finish() {
      {
        const std::scoped_lock lock{mutex_};
        closed_ = true;
      }
      some_.notify_all();
      threads_.join();
    }

   private:
    void consume(Sink& sink, std::size_t room) {
      std::vector<E> taken;
      taken.reserve(room);
      for (;;) {
        {
          std::unique_lock lock{mutex_};
          some_.wait(lock, [this] { return closed_ || !events_.empty(); });
          if (events_.empty()) return;
          taken.swap(events_);
        }
        for (const E& event : taken) sink(event);
        taken.clear();
      }
    }

    std::mutex mutex_;
    std::condition_variable some_;
    std::vector<E> events_;
    bool closed_ = false;
    consumer_threads threads_;
  };
};

}  // namespace bench::rivals
