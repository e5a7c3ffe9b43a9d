// SPDX-License-Identifier: MIT
// How long is an event on its way when each answers the other: there and back between two handlers on two threads?
//
//   ┌──▶ [ ping ] ──▶ handler ──┐
//   └─── handler ◀── [ pong ] ◀─┘
//
// Two buses with a worker each, so that the two handlers never share a thread; the rivals have two queues.
// Checked: each answer is the successor of its question.
#include <atomic>
#include <memory>
#include <utility>

#include "rivals/all.hpp"
#include "support/drive.hpp"
#include "support/peal_contestants.hpp"
#include "topologies.hpp"

namespace bench {
namespace {

using event_type = event<8>;

/// Answers with the next number; says so at the last one.
struct player {
  void operator()(const event_type& e) {
    wrong += e.value == expected ? 0 : 1;
    expected += 2;
    if (e.value >= last) {
      over->store(true, std::memory_order_release);
      over->notify_one();
    } else {
      publish(out, event_type{e.value + 1});
    }
  }

  std::uint64_t expected = 0;
  std::uint64_t last = 0;
  std::atomic<bool>* over = nullptr;
  void* out = nullptr;
  void (*publish)(void* out, event_type&& e) = nullptr;
  std::uint64_t wrong = 0;
};

template <class X>
double play(std::uint64_t rounds) {
  using lane_type = typename X::template lane<event_type, player>;
  using producer_type = typename lane_type::producer;
  std::atomic<bool> over{false};
  const auto publish = [](void* out, event_type&& e) { static_cast<producer_type*>(out)->publish(std::move(e)); };
  std::vector<player> first{{.expected = 1, .last = 2 * rounds, .over = &over, .publish = publish}};
  std::vector<player> second{{.expected = 2, .last = 2 * rounds, .over = &over, .publish = publish}};
  double seconds = 0;
  {
    const core_guard here;
    here.stand_on(0);
    lane_type ping{shape{}, first};
    here.stand_on(1);
    lane_type pong{shape{}, second};
    here.anywhere();
    auto to_ping = std::make_unique<producer_type>(ping.make_producer());
    auto to_pong = std::make_unique<producer_type>(pong.make_producer());
    auto start_whistle = std::make_unique<producer_type>(ping.make_producer());
    first.front().out = to_pong.get();
    second.front().out = to_ping.get();
    const auto start = clock::now();
    start_whistle->publish(event_type{1});
    over.wait(false, std::memory_order_acquire);
    seconds = seconds_since(start);
    to_ping.reset();
    to_pong.reset();
    start_whistle.reset();
    ping.finish();
    pong.finish();
  }
  if (first.front().wrong + second.front().wrong != 0 || first.front().expected != 2 * rounds + 1) {
    throw wrong_result("the rally was broken");
  }
  return seconds;
}

}  // namespace

void ping_pong(suite& s) {
  table& t = s.add("ping_pong", "there and back between two handlers on two threads", unit::nanoseconds);
  each(contestants<peal_bus>{} + rivals::all{}, [&]<class X>(std::type_identity<X>) {
    t.describe(X::about.name, X::about.lacks);
    t.time(X::about.name, "round trip", play<X>);
  });
}

}  // namespace bench
