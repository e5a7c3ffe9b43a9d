// SPDX-License-Identifier: MIT
// Rival: ZeroMQ, PUSH to PULL over inproc: one socket a producer, one consumer.
// Does not promise: an order across producers; events are bytes.
#pragma once

#include <zmq.hpp>

#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "support/contestant.hpp"

namespace bench::rivals {

struct zeromq {
  static constexpr description about{.name = "ZeroMQ inproc",
                                     .lacks = "no order across producers, bytes only",
                                     .keeps = order::per_producer,
                                     .max_consumers = 1};

  template <class E, class Sink>
  class lane {
   public:
    lane(const shape& s, std::vector<Sink>& sinks) : capacity_{static_cast<int>(s.capacity)} {
      in_.set(zmq::sockopt::rcvhwm, capacity_);
      in_.bind(address);
      threads_.start(sinks, [this](Sink& sink) { consume(sink); });
    }
    ~lane() { finish(); }

    class producer {
     public:
      producer(zmq::context_t& context, int capacity) : out_{context, zmq::socket_type::push} {
        out_.set(zmq::sockopt::sndhwm, capacity);
        out_.connect(address);
      }
      void publish(E&& event) { (void)out_.send(zmq::const_buffer{&event, sizeof event}, zmq::send_flags::none); }

     private:
      zmq::socket_t out_;
    };
    producer make_producer() { return producer{context_, capacity_}; }
    void finish() {
      if (threads_.size() == 0) return;
      make_producer().publish(E{});
      threads_.join();
    }

   private:
    static constexpr const char* address = "inproc://lane";

    /// The end comes by a socket of its own and may overtake events, so what is left is taken behind it.
    void consume(Sink& sink) {
      zmq::message_t message;
      const auto handled = [&](zmq::recv_flags how) {
        if (!in_.recv(message, how)) return false;
        E event;
        std::memcpy(&event, message.data(), sizeof event);
        if (event.value != 0) sink(event);
        return event.value != 0;
      };
      while (handled(zmq::recv_flags::none)) continue;
      while (handled(zmq::recv_flags::dontwait)) continue;
    }

    const int capacity_;
    zmq::context_t context_{0};
    zmq::socket_t in_{context_, zmq::socket_type::pull};
    consumer_threads threads_;
  };
};

}  // namespace bench::rivals
