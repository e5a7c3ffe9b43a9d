// SPDX-License-Identifier: MIT
// What does a publish cost whose handlers run before it returns, on the publisher's own thread?
//
//   publish ──▶ handler 1 ──▶ handler 2 ──▶ … ──▶ return
//
// Checked: every handler heard every event; of one publisher, in order.
#include <array>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <peal/bus/bus.hpp>

#include "rivals/synchronous.hpp"
#include "support/drive.hpp"
#include "topologies.hpp"

namespace bench {
namespace {

using event_type = event<8>;
constexpr std::uint64_t chunk = 100;

struct peal_inline {
  static constexpr description about{.name = "peal"};

  template <class E>
  class hub {
   public:
    template <class Handler>
    void subscribe(Handler handler) {
      all_.push_back(
          bus_.template subscribe<E>("h" + std::to_string(all_.size()), std::move(handler), peal::on_publisher_thread));
    }
    void publish(const E& event) { bus_.publish(event); }

   private:
    peal::bus<E> bus_{{.workers = 1, .max_subscriptions = 128}};
    std::vector<peal::subscription> all_;
  };
};

template <class X>
double publishes(unsigned handlers, std::uint64_t events) {
  std::vector<ledger> ledgers(handlers);
  typename X::template hub<event_type> hub;
  for (ledger& mine : ledgers) hub.subscribe([&mine](const event_type& e) { mine(e); });
  std::uint64_t published = 0;
  const double seconds = by_chunks(events, chunk, [&] {
    for (std::uint64_t i = 0; i < chunk; ++i) hub.publish(event_type{++published});
  });
  for (const ledger& one : ledgers) check({one}, 1, published);
  return seconds;
}

/// Two threads publish at once to three handlers; a handler counts for each thread apart.
template <class X>
double two_publish(std::uint64_t events) {
  struct alignas(64) count {
    std::uint64_t of = 0;
  };
  constexpr unsigned handlers = 3;
  std::vector<std::array<count, 2>> counts(handlers);
  typename X::template hub<event_type> hub;
  for (auto& mine : counts) hub.subscribe([&mine](const event_type& e) { mine[e.value >> 48U].of += 1; });
  const std::uint64_t each = events / 2 + 1;
  start_line line{2};
  std::vector<std::thread> threads;
  for (unsigned p = 0; p < 2; ++p) {
    threads.emplace_back([&, p] {
      line.wait();
      for (std::uint64_t i = 1; i <= each; ++i) hub.publish(event_type{stamp(p, i)});
    });
  }
  const auto start = line.open();
  for (std::thread& thread : threads) thread.join();
  const double seconds = seconds_since(start);
  for (const auto& mine : counts) {
    if (mine[0].of != each || mine[1].of != each) throw wrong_result("a handler missed events");
  }
  return seconds * 2;  // each thread's publishes are half of all
}

template <class X>
constexpr bool for_two_threads = true;
#if PEAL_BENCH_HAS_SIGCXX
template <>
constexpr bool for_two_threads<rivals::sigcxx> = false;
#endif

std::string column_of(unsigned handlers) {
  return std::to_string(handlers) + (handlers == 1 ? " handler" : " handlers");
}

}  // namespace

void inline_handlers(suite& s) {
  table& t =
      s.add("inline_handlers", "one publish, 8 byte events, handlers on the publisher's thread", unit::nanoseconds);
  each(contestants<peal_inline>{} + rivals::synchronous{}, [&]<class X>(std::type_identity<X>) {
    t.describe(X::about.name, X::about.lacks);
    for (const unsigned handlers : {1U, 10U, 100U}) {
      t.time(X::about.name, column_of(handlers), [handlers](std::uint64_t n) { return publishes<X>(handlers, n); });
    }
    if constexpr (for_two_threads<X>) t.time(X::about.name, "3, two publishers", two_publish<X>);
  });
  for (const unsigned handlers : {1U, 10U, 100U}) {
    s.require_at_most("inline_handlers " + column_of(handlers), t, "peal", column_of(handlers), 20 + 2 * handlers);
    s.require_times("inline_handlers " + column_of(handlers) + " vs Boost.Signals2", t, column_of(handlers),
                    {"Boost.Signals2"}, 5);
  }
}

}  // namespace bench
