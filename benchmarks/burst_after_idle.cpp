// SPDX-License-Identifier: MIT
// How long until the last event of a burst is handled, when the consumer was asleep?
//
//   (1 ms nothing) producer ──▶▶▶▶ [ topic ] ──▶ handler, asleep
//
// Checked: every event handled once, in order.
#include <atomic>
#include <chrono>
#include <thread>
#include <utility>

#include "rivals/all.hpp"
#include "support/drive.hpp"
#include "support/peal_contestants.hpp"
#include "topologies.hpp"

namespace bench {
namespace {

using event_type = event<24>;

struct counting {
  ledger seen{};
  std::uint64_t goal = 0;
  std::atomic<std::uint64_t>* reached = nullptr;

  void operator()(const event_type& e) {
    seen(e);
    if (seen.count % goal == 0) reached->store(seen.count, std::memory_order_release);
  }
};

/// Microseconds from the first publish to the end of the last handler, the median of some bursts.
template <class X>
double bursts(std::uint64_t size, unsigned count) {
  using lane_type = typename X::template lane<event_type, counting>;
  std::atomic<std::uint64_t> reached{0};
  std::vector<counting> sinks{{.goal = size, .reached = &reached}};
  std::vector<double> took;
  {
    const core_guard here;
    here.stand_on(1);
    lane_type lane{shape{}, sinks};
    here.stand_on(0);
    auto out = lane.make_producer();
    event_type e{};
    for (std::uint64_t burst = 0; burst < count; ++burst) {
      std::this_thread::sleep_for(std::chrono::milliseconds{1});
      const auto start = clock::now();
      for (std::uint64_t i = 1; i <= size; ++i) {
        e.value = burst * size + i;
        out.publish(event_type{e});
      }
      while (reached.load(std::memory_order_acquire) < (burst + 1) * size) __builtin_ia32_pause();
      took.push_back(seconds_since(start) * 1e6);
    }
  }
  check({sinks.front().seen}, 1, size * count);
  return median_of(took);
}

}  // namespace

void burst_after_idle(suite& s) {
  table& t =
      s.add("burst_after_idle", "24 byte events to a sleeping consumer, until the last is handled", unit::microseconds);
  for (const std::uint64_t size : {std::uint64_t{10}, std::uint64_t{1'000}}) {
    const std::string column = said(static_cast<double>(size)) + " events";
    each(contestants<peal_bus>{} + rivals::sleeping{}, [&]<class X>(std::type_identity<X>) {
      t.describe(X::about.name, X::about.lacks);
      t.measure(X::about.name, {column},
                [size](const effort& e) { return std::vector<double>{bursts<X>(size, e.quick ? 8 : 30)}; });
    });
  }
}

}  // namespace bench
