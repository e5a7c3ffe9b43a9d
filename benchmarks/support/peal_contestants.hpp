// SPDX-License-Identifier: MIT
// peal in the contestants' interface: as its users write it, and its ring by itself.
#pragma once

#include <peal/bus/bus.hpp>
#include <peal/ring/multicast_ring.hpp>

#include <span>
#include <thread>
#include <utility>
#include <vector>

#include "support/contestant.hpp"

namespace bench {

/// One topic, one subscription, one worker a consumer: the subscription is handled in order, by one worker at a time.
struct peal_bus {
  static constexpr description about{.name = "peal", .handlers_in_turn = true};

  template <class E, class Sink>
  class lane {
    using bus_type = peal::bus<peal::topic<E>>;

   public:
    lane(const shape& s, std::vector<Sink>& sinks)
        : lane{peal::bus_options{.workers = s.consumers, .capacity = s.capacity}, sinks} {}
    lane(const peal::bus_options& o, std::vector<Sink>& sinks)
        : bus_{o}, subscription_{bus_.template subscribe<E>("sink", [&to = sinks.front()](const E& e) { to(e); })} {}

    class producer {
     public:
      explicit producer(bus_type& bus) : bus_{bus} {}
      void publish(E&& event) { bus_.publish(std::move(event)); }
      void publish(std::span<E> events) { (void)bus_.publish_range(events.data(), events.size()); }

     private:
      bus_type& bus_;
    };
    producer make_producer() { return producer{bus_}; }
    void finish() { bus_.settle(); }

   private:
    bus_type bus_;
    peal::subscription subscription_;
  };
};

/// A topic that only one thread may publish to.
struct peal_single_producer {
  static constexpr description about{.name = "peal single_producer", .max_producers = 1, .handlers_in_turn = true};

  template <class E, class Sink>
  class lane {
    using bus_type = peal::bus<peal::topic<E, peal::single_producer>>;

   public:
    lane(const shape& s, std::vector<Sink>& sinks)
        : bus_{{.workers = s.consumers, .capacity = s.capacity}},
          subscription_{bus_.template subscribe<E>("sink", [&to = sinks.front()](const E& e) { to(e); })} {}

    class producer {
     public:
      explicit producer(bus_type& bus) : out_{bus.template sole_publisher<E>()} {}
      void publish(E&& event) { out_.publish(std::move(event)); }

     private:
      decltype(std::declval<bus_type&>().template sole_publisher<E>()) out_;
    };
    producer make_producer() { return producer{bus_}; }
    void finish() { bus_.settle(); }

   private:
    bus_type bus_;
    peal::subscription subscription_;
  };
};

/// The ring without the bus: one cursor, its own thread, no envelope and no policies.
struct peal_ring {
  static constexpr description about{.name = "peal ring alone",
                                     .lacks = "policies, envelopes, statistics",
                                     .max_consumers = 1,
                                     .handlers_in_turn = true};

  template <class E, class Sink>
  class lane {
    using ring_type = peal::multicast_ring<E>;

   public:
    lane(const shape& s, std::vector<Sink>& sinks)
        : ring_{{.capacity = s.capacity}}, reader_{[cursor = ring_.subscribe(), &sink = sinks.front()]() mutable {
            while (cursor.consume(sink, 256) != 0) continue;
          }} {}
    ~lane() { finish(); }

    class producer {
     public:
      explicit producer(ring_type& ring) : ring_{ring} {}
      void publish(E&& event) { ring_.publish(std::move(event)); }
      void publish(std::span<E> events) { ring_.publish_range(events); }

     private:
      ring_type& ring_;
    };
    producer make_producer() { return producer{ring_}; }
    void finish() {
      ring_.close();
      if (reader_.joinable()) reader_.join();
    }

   private:
    ring_type ring_;
    std::thread reader_;
  };
};

}  // namespace bench
