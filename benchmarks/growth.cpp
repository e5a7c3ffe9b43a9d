// SPDX-License-Identifier: MIT
// How does peal grow: with publishing threads, subscriptions, the size of an event, the ring's room, waiting retries?
//
//   1 … 16 producers ──▶ [ 16 … 65,536 slots of 8 B … 4 KiB ] ──▶ 1 … 32 subscriptions, 0 … 10^6 events in a back-off
//
// One axis at a time; the others stand at one producer, one subscription, 24 bytes, 4,096 slots, nothing in a back-off.
// Checked: every subscription handled every event once, in order.
#include <atomic>
#include <chrono>
#include <string>
#include <thread>
#include <utility>

#include "support/drive.hpp"
#include "support/peal_contestants.hpp"
#include "topologies.hpp"

namespace bench {
namespace {

std::string bytes(std::size_t n) { return std::to_string(n) + " B"; }

template <std::size_t... Sizes>
void add_sizes(table& t) {
  (t.time("peal", bytes(Sizes), [](std::uint64_t n) { return drive<peal_bus, event<Sizes>>({}, n); }), ...);
}

double to_subscriptions(unsigned subscriptions, std::uint64_t deliveries) {
  using event_type = event<24>;
  const std::uint64_t events = deliveries / subscriptions + 1;
  std::vector<ledger> ledgers(subscriptions);
  double seconds = 0;
  {
    peal::bus<event_type> bus{{.workers = 1}};
    std::vector<peal::subscription> all;
    for (ledger& mine : ledgers) {
      all.push_back(
          bus.subscribe<event_type>("s" + std::to_string(all.size()), [&mine](const event_type& e) { mine(e); }));
    }
    const auto start = clock::now();
    for (std::uint64_t i = 1; i <= events; ++i) bus.publish(event_type{stamp(0, i), {}});
    bus.settle();
    seconds = seconds_since(start);
  }
  for (const ledger& one : ledgers) check({one}, 1, events);
  return seconds;
}

/// Events a second that pass a subscription with so many others in its back-off; in millions.
double beside_waiting(std::uint64_t waiting, double wanted_seconds) {
  using event_type = event<24>;
  constexpr std::uint64_t fails = std::uint64_t{1} << 63U;
  std::atomic<std::uint64_t> reached{0};
  std::atomic<std::uint64_t> goal{1};
  std::uint64_t handled = 0;
  peal::bus<event_type> bus{{.workers = 1}};
  auto s = bus.subscribe<event_type>(
      "s",
      [&](const event_type& e) -> peal::outcome {
        if ((e.value & fails) != 0) return peal::retry_after(std::chrono::hours{1});
        if (++handled == goal.load(std::memory_order_relaxed)) reached.store(handled, std::memory_order_release);
        return peal::done;
      },
      peal::side_store{static_cast<std::uint32_t>(waiting + 1)});
  const auto publish = [&](std::uint64_t count) {
    goal.store(goal.load() + count - 1, std::memory_order_relaxed);
    const std::uint64_t last = goal.load();
    const auto start = clock::now();
    for (std::uint64_t i = 1; i <= count; ++i) bus.publish(event_type{i, {}});
    while (reached.load(std::memory_order_acquire) != last) std::this_thread::yield();
    goal.store(last + 1, std::memory_order_relaxed);
    return seconds_since(start);
  };
  for (std::uint64_t i = 1; i <= waiting; ++i) bus.publish(event_type{i | fails, {}});
  (void)publish(1);
  const std::uint64_t kept = s.statistics().kept;
  if (kept != waiting) throw wrong_result(std::to_string(kept) + " of " + std::to_string(waiting) + " wait");
  std::uint64_t count = 20'000;
  count = static_cast<std::uint64_t>(static_cast<double>(count) * wanted_seconds / publish(count)) + 1;
  std::vector<double> rates;
  for (int i = 0; i < 3; ++i) rates.push_back(static_cast<double>(count) / publish(count) / 1e6);
  return median_of(rates);
}

}  // namespace

void growth(suite& s) {
  table& producers = s.add("growth_producers", "one handler, 24 byte events", unit::millions_per_second);
  for (const unsigned n : {1U, 2U, 4U, 8U, 16U}) {
    producers.time("peal", std::to_string(n),
                   [n](std::uint64_t events) { return drive<peal_bus, event<24>>({.producers = n}, events); });
  }
  table& subscriptions =
      s.add("growth_subscriptions", "one worker, deliveries of 24 byte events", unit::millions_per_second);
  for (const unsigned n : {1U, 2U, 4U, 8U, 16U, 32U}) {
    subscriptions.time("peal", std::to_string(n),
                       [n](std::uint64_t deliveries) { return to_subscriptions(n, deliveries); });
  }
  table& sizes = s.add("growth_event_size", "one producer, one handler", unit::millions_per_second);
  add_sizes<8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096>(sizes);
  table& room = s.add("growth_capacity", "one producer, one handler, 24 byte events, slots of the ring",
                      unit::millions_per_second);
  for (std::size_t n = 16; n <= 65'536; n *= 4) {
    room.time("peal", std::to_string(n),
              [n](std::uint64_t events) { return drive<peal_bus, event<24>>({.capacity = n}, events); });
  }
  table& retries = s.add("growth_pending_retries", "events that pass while so many others wait in a back-off",
                         unit::millions_per_second);
  for (const std::uint64_t n : {0ULL, 1'000ULL, 10'000ULL, 100'000ULL, 1'000'000ULL}) {
    retries.measure_once("peal", {std::to_string(n)}, [n](const effort& e) {
      return std::vector<double>{beside_waiting(e.quick ? n / 10 : n, e.seconds)};
    });
  }
}

}  // namespace bench
