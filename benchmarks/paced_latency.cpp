// SPDX-License-Identifier: MIT
// How long is an event on its way when 100,000 come a second, and what does waiting for them cost?
//
//   producer, one each 10 us ──▶ [ topic ] ──▶ handler: now - published
//
// The gap of 10 us is longer than a handler and shorter than peal's spin (50 us, an option), so its worker stays awake;
// without a spin each event has to wake it. CPU is that of the consumer's threads, 100 % is one core.
// Checked: every event handled once.
#include <algorithm>
#include <chrono>
#include <utility>

#include "rivals/all.hpp"
#include "support/drive.hpp"
#include "support/peal_contestants.hpp"
#include "topologies.hpp"

namespace bench {
namespace {

using event_type = event<24>;  // its value is the moment of its publish
constexpr std::uint64_t gap_ns = 10'000;

std::uint64_t now_ns() {
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::nanoseconds>(clock::now().time_since_epoch()).count());
}

struct stopwatch {
  std::vector<double> took{};
  void operator()(const event_type& e) { took.push_back(static_cast<double>(now_ns() - e.value)); }
};

/// p50, p99, p99.9 in microseconds, and the consumer's CPU in percent.
template <class Lane, class Make>
std::vector<double> pace(double seconds, Make make) {
  const auto count = static_cast<std::uint64_t>(seconds * 1e9) / gap_ns;
  std::vector<stopwatch> sinks(1);
  sinks.front().took.reserve(count);
  double cpu = 0;
  {
    const core_guard here;
    here.stand_on(1);
    Lane lane = make(sinks);
    here.stand_on(0);
    {
      auto out = lane.make_producer();
      const usage before = usage_now();
      const auto start = clock::now();
      std::uint64_t next = now_ns();
      event_type e{};
      for (std::uint64_t i = 0; i < count; ++i) {
        while ((e.value = now_ns()) < next) __builtin_ia32_pause();
        out.publish(event_type{e});
        next += gap_ns;
      }
      const usage after = usage_now();
      cpu = ((after.process_seconds - before.process_seconds) - (after.thread_seconds - before.thread_seconds)) /
            seconds_since(start) * 100;
    }
    lane.finish();
  }
  std::vector<double>& took = sinks.front().took;
  if (took.size() != count)
    throw wrong_result("handled " + std::to_string(took.size()) + " of " + std::to_string(count));
  return {at_rank(took, 0.5) / 1e3, at_rank(took, 0.99) / 1e3, at_rank(took, 0.999) / 1e3, cpu};
}

const std::vector<std::string> columns{"p50 us", "p99 us", "p99.9 us", "CPU %"};

void add_peal(table& t, const std::string& row, std::chrono::nanoseconds spin) {
  t.measure(row, columns, [spin](const effort& e) {
    using lane_type = peal_bus::lane<event_type, stopwatch>;
    return pace<lane_type>(e.quick ? 0.06 : 0.3, [spin](auto& sinks) {
      return lane_type{peal::bus_options{.workers = 1, .spin = spin}, sinks};
    });
  });
}

}  // namespace

void paced_latency(suite& s) {
  table& t = s.add("paced_latency", "24 byte events, 100,000 a second, from publish to handler", unit::as_said);
  add_peal(t, "peal", peal::bus_options{}.spin);
  add_peal(t, "peal, no spin", std::chrono::nanoseconds{0});
  each(contestants<rivals::spinning_ring>{} + rivals::sleeping{}, [&]<class X>(std::type_identity<X>) {
    t.describe(X::about.name, X::about.lacks);
    t.measure(X::about.name, columns, [](const effort& e) {
      using lane_type = typename X::template lane<event_type, stopwatch>;
      return pace<lane_type>(e.quick ? 0.06 : 0.3, [](auto& sinks) { return lane_type{shape{}, sinks}; });
    });
  });
  for (const std::string column : {"p50 us", "p99 us"}) {
    const std::string rank = column.substr(0, column.find(' '));
    s.require("paced_latency " + rank + " vs a spinning ring", "at most 1.5x", [&t, column]() -> std::optional<judged> {
      const auto ours = t.at("peal", column);
      const auto ring = t.at("spinning ring", column);
      const auto cpu = t.at("peal", "CPU %");
      if (!ours || !ring) return std::nullopt;
      const double times = ours->median / ring->median;
      return judged{said(times) + "x, " + said(ours->median) + " us at " + said(cpu->median) + " % of a core",
                    times <= 1.5};
    });
  }
}

}  // namespace bench
