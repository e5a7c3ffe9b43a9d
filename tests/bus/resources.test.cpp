// SPDX-License-Identifier: MIT
// What a bus uses: no memory an event, no processor time when idle.
#include <peal/peal.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <new>
#include <thread>
#include <utility>
#if defined(__linux__)
#include <sys/resource.h>
#endif

#include "support/bus_fixture.hpp"
#include "support/catch.hpp"

namespace {

using namespace std::chrono_literals;

[[maybe_unused]] std::atomic<std::uint64_t> allocations{0};

struct plain {
  std::uint64_t number = 0;
};
struct answer {
  std::uint64_t number = 0;
};

}  // namespace

#if !defined(__SANITIZE_THREAD__) && !defined(__SANITIZE_ADDRESS__) && !(defined(__has_feature) && (defined(__clang__)))
#define PEAL_TEST_COUNTS_ALLOCATIONS 1
[[gnu::noinline]] void* operator new(std::size_t size) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  if (void* p = std::malloc(size == 0 ? 1 : size)) return p;
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* p) noexcept { std::free(p); }
[[gnu::noinline]] void operator delete(void* p, std::size_t) noexcept { std::free(p); }
#endif

TEST_CASE("bus: publish, handle and publish again allocate nothing", "[bus][P12]") {
#if defined(PEAL_TEST_COUNTS_ALLOCATIONS)
  const std::uint64_t events = 10'000'000;
  peal::bus<plain, answer> bus{{.workers = 2}};
  std::atomic<std::uint64_t> answers{0};
  auto a = bus.subscribe<plain>(
      "a", [](const plain& e) -> answer { return {e.number}; }, peal::filter{[](const plain&) { return true; }},
      peal::otherwise(peal::backoff{.attempts = 3}));
  auto b = bus.subscribe<plain>(
      "b", [](const plain&) {}, peal::idempotent{&plain::number, {.window = 24h, .capacity = 1'000}});
  auto c = bus.subscribe<answer>("c", [&](const answer&) { answers.fetch_add(1, std::memory_order_relaxed); });
  std::uint64_t number = 0;
  for (; number < 100'000; ++number) bus.publish(plain{number});
  REQUIRE(bus.settle());
  const std::uint64_t before = allocations.load();
  for (std::uint64_t i = 0; i < events; ++i, ++number) bus.publish(plain{number});
  while (answers.load(std::memory_order_relaxed) != number) std::this_thread::yield();  // settle would allocate
  const std::uint64_t after = allocations.load();
  REQUIRE(bus.settle());
  CHECK(after - before == 0);
  CHECK(b.statistics().handled == number);
#else
  WARN("not counted here: sanitizers and clang's new keep their own operator new");
  SUCCEED();
#endif
}

#if defined(__linux__)
TEST_CASE("bus: an idle one uses no processor and makes no context switch", "[bus][P13]") {
  const auto usage = [] {
    rusage u{};
    ::getrusage(RUSAGE_SELF, &u);
    return u;
  };
  const auto micros = [](const rusage& u) {
    return (u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1'000'000 + u.ru_utime.tv_usec + u.ru_stime.tv_usec;
  };
  // What this process does in as long a time without a bus: a sanitizer has a thread of its own that wakes up.
  peal::event_count<> nothing;
  const auto seconds = 2s;
  const auto measured = [&] {
    const rusage before = usage();
    (void)nothing.wait_for(seconds, [] { return false; });
    const rusage after = usage();
    return std::pair<long long, long long>{micros(after) - micros(before), after.ru_nvcsw - before.ru_nvcsw};
  };
  std::thread{[] {}}.join();  // from the first thread on
  const auto without = measured();
  peal::bus<plain, answer> bus{{.workers = 4}};
  std::atomic<int> handled{0};
  auto a = bus.subscribe<plain>("a", [](const plain& e) -> answer { return {e.number}; });
  auto b = bus.subscribe<answer>("b", [&](const answer&) { ++handled; });
  auto c = bus.subscribe<plain>("c", [&](const plain&) { ++handled; });
  for (std::uint64_t i = 0; i < 1000; ++i) bus.publish(plain{i});
  REQUIRE(bus.settle());
  (void)nothing.wait_for(200ms, [] { return false; });  // everybody gets the time to fall asleep
  const auto with = measured();
  std::printf(
      "idle for 2 s: %lld us of processor time and %lld voluntary context switches, without a bus %lld and %lld\n",
      with.first, with.second, without.first, without.second);
  CHECK(with.first < without.first + 2'000);
  CHECK(with.second <= without.second + 4);
  bus.publish(plain{1});
  REQUIRE(bus.settle());
  CHECK(handled == 2 * 1001);
}
#endif
