// SPDX-License-Identifier: MIT
// Rival, hand-written: a mutex, a condition variable and a deque of std::function, as most programs begin.
// Does not promise: a bound (memory grows with the backlog), removal of handlers, an order with several consumers.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <utility>
#include <vector>

#include "support/contestant.hpp"

namespace bench::rivals {

struct function_deque {
  static constexpr description about{.name = "mutex + deque of functions", .lacks = "no bound, no removal of handlers"};

  template <class E, class Sink>
  class lane {
   public:
    lane(const shape&, std::vector<Sink>& sinks) {
      threads_.start(sinks, [this](Sink& sink) { consume(sink); });
    }
    ~lane() { finish(); }

    class producer {
     public:
      explicit producer(lane& to) : to_{to} {}
      void publish(E&& event) {
        {
          const std::scoped_lock lock{to_.mutex_};
          to_.tasks_.emplace_back([e = std::move(event)](Sink& sink) { sink(e); });
        }
        to_.some_.notify_one();
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
    void consume(Sink& sink) {
      for (;;) {
        std::function<void(Sink&)> task;
        {
          std::unique_lock lock{mutex_};
          some_.wait(lock, [this] { return closed_ || !tasks_.empty(); });
          if (tasks_.empty()) return;
          task = std::move(tasks_.front());
          tasks_.pop_front();
        }
        task(sink);
      }
    }

    std::mutex mutex_;
    std::condition_variable some_;
    std::deque<std::function<void(Sink&)>> tasks_;
    bool closed_ = false;
    consumer_threads threads_;
  };
};

}  // namespace bench::rivals
