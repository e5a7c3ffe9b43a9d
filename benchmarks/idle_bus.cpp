// SPDX-License-Identifier: MIT
// What does a bus take that has nothing to do?
//
//   [ four topics ] ──▶ eight subscriptions, a worker a core, all asleep
//
// Checked: no processor time and no context switch while it is idle; the next event arrives.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <thread>

#include <peal/bus/bus.hpp>

#include "support/drive.hpp"
#include "topologies.hpp"

namespace bench {
namespace {

template <int Number>
struct numbered : event<24> {};
using bus_type = peal::bus<numbered<0>, numbered<1>, numbered<2>, numbered<3>>;

template <int Number>
void subscribe_twice(bus_type& bus, std::atomic<int>& heard) {
  for (const char* name : {"a", "b"}) {
    bus.subscribe<numbered<Number>>(name + std::to_string(Number), [&](const numbered<Number>&) { ++heard; }).keep();
  }
}

std::vector<double> idle(const effort& e) {
  std::atomic<int> heard{0};
  const std::uint64_t before = resident_bytes();
  bus_type bus;
  subscribe_twice<0>(bus, heard);
  subscribe_twice<1>(bus, heard);
  subscribe_twice<2>(bus, heard);
  subscribe_twice<3>(bus, heard);
  bus.settle();
  const std::uint64_t after = resident_bytes();
  std::this_thread::sleep_for(std::chrono::milliseconds{50});

  const double seconds = e.quick ? 0.3 : 2;
  const usage start = usage_now();
  std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
  const usage end = usage_now();
  bus.publish(numbered<3>{});
  bus.settle();
  if (heard != 2) throw wrong_result("the event after idleness was not heard");
  const double kib = 1024;
  const double cpu = (end.process_seconds - start.process_seconds) - (end.thread_seconds - start.thread_seconds);
  return {static_cast<double>(bus.footprint()) / kib, static_cast<double>(after - before) / kib,
          std::max(cpu, 0.0) / seconds * 100,
          static_cast<double>(end.switches - start.switches) - 1};  // this thread's own sleep is one
}

}  // namespace

void idle_bus(suite& s) {
  table& t = s.add("idle_bus", "four topics of 4,096 slots, eight subscriptions, a worker a core", unit::as_said);
  t.measure_once("peal", {"footprint KiB", "resident KiB", "CPU %", "context switches"}, idle);
  s.require("idle_bus CPU", "0", [&t]() -> std::optional<judged> {
    const auto cpu = t.at("peal", "CPU %");
    const auto switches = t.at("peal", "context switches");
    if (!cpu || !switches) return std::nullopt;
    return judged{said(cpu->median) + " %, " + said(switches->median) + " context switches",
                  cpu->median < 0.05 && switches->median <= 0};
  });
}

}  // namespace bench
