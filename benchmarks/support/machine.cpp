// SPDX-License-Identifier: MIT
#include "support/machine.hpp"

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <fstream>
#include <sstream>
#include <thread>
#include <vector>

#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

namespace bench {
namespace {

/// Below it a line never left one physical core: siblings answer in some 20 ns, neighbours in 40 and more.
constexpr double siblings_ns = 32;

std::string processor_name() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    const auto colon = line.find(": ");
    if (line.rfind("model name", 0) == 0 && colon != std::string::npos) return line.substr(colon + 2);
  }
  return "unknown";
}

/// One batch of round trips between two threads on two cores.
double round_trip_batch(unsigned rounds) {
  alignas(64) std::atomic<unsigned> ball{0};
  std::thread other([&] {
    const core_guard here;
    here.stand_on(1);
    for (unsigned i = 0; i < rounds; ++i) {
      while (ball.load(std::memory_order_acquire) != 2 * i + 1) continue;
      ball.store(2 * i + 2, std::memory_order_release);
    }
  });
  const core_guard here;
  here.stand_on(0);
  const auto start = clock::now();
  for (unsigned i = 0; i < rounds; ++i) {
    ball.store(2 * i + 1, std::memory_order_release);
    while (ball.load(std::memory_order_acquire) != 2 * i + 2) continue;
  }
  const double seconds = seconds_since(start);
  other.join();
  return seconds / rounds * 1e9;
}

/// Of many short batches the tenth best: what others do to the machine can only add.
double line_round_trip() {
  if (core_count() < 2) return 0;
  std::vector<double> batches;
  for (int i = 0; i < 60; ++i) batches.push_back(round_trip_batch(2'000));
  std::sort(batches.begin(), batches.end());
  return batches[batches.size() / 10];
}

double seconds_of(const timeval& t) { return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6; }

}  // namespace

unsigned core_count() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) != 0) return 1;
  return static_cast<unsigned>(CPU_COUNT(&set));
}

core_guard::core_guard() {
  CPU_ZERO(&before_);
  (void)sched_getaffinity(0, sizeof before_, &before_);
}
core_guard::~core_guard() { anywhere(); }

void core_guard::stand_on(unsigned core) const {
  if (CPU_COUNT(&before_) < 2) return;
  cpu_set_t one;
  CPU_ZERO(&one);
  unsigned seen = 0;
  for (unsigned i = 0; i < CPU_SETSIZE; ++i) {
    if (CPU_ISSET(i, &before_) && seen++ == core) CPU_SET(i, &one);
  }
  (void)sched_setaffinity(0, sizeof one, &one);
}
void core_guard::anywhere() const { (void)sched_setaffinity(0, sizeof before_, &before_); }

machine look_at_machine() {
  machine m;
  m.processor = processor_name();
  m.cores = core_count();
  utsname system{};
  if (uname(&system) == 0) m.kernel = std::string(system.sysname) + " " + system.release;
#if defined(__clang__)
  m.compiler = "clang++ " __clang_version__;
#else
  m.compiler = "g++ " __VERSION__;
#endif
  m.flags = PEAL_BENCH_FLAGS;
  double load[1] = {0};
  if (getloadavg(load, 1) == 1) m.load = load[0];
  m.line_round_trip_ns = line_round_trip();
  m.one_physical_core = m.line_round_trip_ns > 0 && m.line_round_trip_ns < siblings_ns;
  m.verdict = m.cores < 2           ? "one core: threads take turns"
              : m.one_physical_core ? "both virtual cores stand on one physical core"
                                    : "two physical cores";
  return m;
}

usage usage_now() {
  rusage process{};
  rusage thread{};
  (void)getrusage(RUSAGE_SELF, &process);
  (void)getrusage(RUSAGE_THREAD, &thread);
  return {seconds_of(process.ru_utime) + seconds_of(process.ru_stime),
          seconds_of(thread.ru_utime) + seconds_of(thread.ru_stime),
          static_cast<std::uint64_t>(process.ru_nvcsw + process.ru_nivcsw)};
}

std::uint64_t resident_bytes() {
  std::ifstream file("/proc/self/statm");
  std::uint64_t size = 0;
  std::uint64_t resident = 0;
  file >> size >> resident;
  return resident * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

double stolen_percent() {
  struct ticks {
    double all = 0;
    double stolen = 0;
  };
  const auto read = [] {
    ticks t;
    std::ifstream file("/proc/stat");
    std::string word;
    file >> word;
    double value = 0;
    for (int i = 0; i < 8 && file >> value; ++i) {
      t.all += value;
      if (i == 7) t.stolen = value;
    }
    return t;
  };
  static const ticks first = read();
  const ticks now = read();
  return now.all > first.all ? (now.stolen - first.stolen) / (now.all - first.all) * 100 : 0;
}

}  // namespace bench
