// SPDX-License-Identifier: MIT
// Rival: boost::asio::post to a thread_pool.
// Does not promise: a bound, an order of handling with several threads, removal of handlers.
#pragma once

#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>

#include <atomic>
#include <cstddef>
#include <utility>
#include <vector>

#include "support/contestant.hpp"

namespace bench::rivals {

struct asio_post {
  static constexpr description about{.name = "asio post", .lacks = "no bound, no removal of handlers"};

  template <class E, class Sink>
  class lane {
   public:
    lane(const shape& s, std::vector<Sink>& sinks) : sinks_{sinks}, pool_{s.consumers} {}
    ~lane() { finish(); }

    class producer {
     public:
      explicit producer(lane& to) : to_{to} {}
      void publish(E&& event) {
        boost::asio::post(to_.pool_, [&to = to_, e = std::move(event)] { to.mine()(e); });
      }

     private:
      lane& to_;
    };
    producer make_producer() { return producer{*this}; }
    void finish() { pool_.join(); }

   private:
    /// The sink of this thread. The pool's threads are new in each lane.
    Sink& mine() {
      if (sinks_.size() == 1) return sinks_.front();
      static thread_local std::size_t index = next_.fetch_add(1);
      return sinks_[index];
    }

    std::vector<Sink>& sinks_;
    std::atomic<std::size_t> next_{0};
    boost::asio::thread_pool pool_;
  };
};

}  // namespace bench::rivals
