// SPDX-License-Identifier: MIT
// Observers, publish middleware and measured subscriptions on threads: what they count is what there was.
#include <atomic>
#include <thread>
#include <vector>

#include "support/bus_fixture.hpp"

namespace {

using peal_test::bus_fixture;
using peal_test::repeat;
using peal_test::watchdog;

struct ping {
  std::uint64_t n = 0;
};
struct pong {
  std::uint64_t n = 0;
};

struct counting final : peal::observer {
  std::atomic<std::uint64_t> accepted_count{0};
  std::atomic<std::uint64_t> handled_count{0};
  std::atomic<std::uint64_t> failed_count{0};
  std::atomic<std::uint64_t> retried_count{0};
  std::atomic<std::uint64_t> dead_count{0};

  void accepted(const accepted_event&) noexcept override { ++accepted_count; }
  void handled(const handled_events& e) noexcept override { handled_count += e.count; }
  void failed(const failed_run&) noexcept override { ++failed_count; }
  void retried(const coming_run&) noexcept override { ++retried_count; }
  void dead(const dead_event&) noexcept override { ++dead_count; }
};

struct passing {
  std::atomic<std::uint64_t> passed{0};

  auto operator()(auto&, peal::publication&, auto&& next) noexcept {
    const peal::result<peal::receipt> answer = next();
    if (answer) passed.fetch_add(1, std::memory_order_relaxed);
    return answer;
  }
};

}  // namespace

TEST_CASE("observer: on threads it counts what the statistics count, beside middleware and measuring",
          "[bus][threads][observe][P3]") {
  const watchdog guard{"observers on threads"};
  const std::uint64_t events = repeat(6'000, 20);
  counting watch;
  bus_fixture<peal::topic<ping, peal::capacity<64>, peal::timed, peal::publish_through<passing>>,
              peal::topic<pong, peal::capacity<64>, peal::publish_through<passing>>>
      fx{{.workers = 2, .observer = &watch}};
  const peal::backoff at_once{.attempts = 2, .first = std::chrono::nanoseconds{1}, .cap = std::chrono::nanoseconds{1}};
  const auto fails = [](const ping& p) {
    if (p.n % 7 == 0) throw std::runtime_error("seven");
  };
  auto answers = fx.subscribe<ping>("answers", [](const ping& p) { return pong{p.n}; });
  auto letters = fx.subscribe<ping>("letters", fails, peal::measured{.one_in = 4}, peal::otherwise(at_once));
  auto hands = fx.subscribe<ping>("hands", fails, peal::concurrency{2}, peal::measured{.one_in = 4});
  auto here = fx.subscribe<pong>(
      "here", [](const pong&) {}, peal::on_publisher_thread, peal::measured{.one_in = 4});
  auto reads = fx.subscribe<pong>("reads", [](const pong&) {});
  std::atomic<bool> over{false};
  std::thread reader{[&] {
    std::uint64_t before = 0;
    while (!over) {
      const std::uint64_t now = letters.statistics().handler_time.count;
      if (now < before) std::abort();
      before = now;
      (void)fx->statistics();
    }
  }};
  std::vector<std::thread> publishers;
  for (std::uint64_t t = 0; t != 2; ++t) {
    publishers.emplace_back([&, t] {
      for (std::uint64_t n = t; n < events; n += 2) (void)fx->publish(ping{n});
    });
  }
  for (auto& p : publishers) p.join();
  fx.settle();
  over = true;
  reader.join();
  const auto all = fx->statistics();
  std::uint64_t accepted = 0;
  for (const auto& t : all.topics) accepted += t.accepted;
  std::uint64_t handled = 0;
  std::uint64_t failures = 0;
  std::uint64_t dead = 0;
  std::uint64_t retries = 0;
  for (const auto& s : all.subscriptions) {
    handled += s.handled;
    failures += s.failures;
    dead += s.dead;
    retries += s.retries;
  }
  CHECK(watch.accepted_count == accepted);
  CHECK(watch.handled_count == handled);
  CHECK(watch.failed_count == failures);
  CHECK(watch.dead_count == dead);
  CHECK(watch.retried_count == retries);
  CHECK(fx->publish_middleware<ping, passing>().passed == events);
  CHECK(fx->publish_middleware<pong, passing>().passed == events);
  for (const char* name : {"letters", "hands", "here"}) CHECK(fx.of(name).handler_time.count != 0);
  CHECK(fx.of("hands").latency.count != 0);
}
