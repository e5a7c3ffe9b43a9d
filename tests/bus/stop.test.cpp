// SPDX-License-Identifier: MIT
// P8: when stop() returns the handler is gone; from inside a handler it never waits.
#include "support/bus_fixture.hpp"

#include <memory>
#include <random>

namespace {

using namespace peal_test;

struct tick {
  std::uint64_t n = 0;
};
struct tock {
  std::uint64_t n = 0;
};

/// Captured by a handler: knows whether the handler still exists and whether it is being called.
struct witness {
  std::atomic<int> exists{0};
  std::atomic<int> running{0};
  std::atomic<std::uint64_t> calls{0};
};
class capture {
 public:
  explicit capture(std::shared_ptr<witness> w) : w_{std::move(w)} { ++w_->exists; }
  capture(const capture& other) : w_{other.w_} { ++w_->exists; }
  capture(capture&& other) noexcept : w_{other.w_} { ++w_->exists; }
  capture& operator=(const capture&) = delete;
  ~capture() { --w_->exists; }
  void call() const {
    ++w_->running;
    ++w_->calls;
    --w_->running;
  }

 private:
  std::shared_ptr<witness> w_;
};

}  // namespace

TEST_CASE("stop: when it returns the handler is not running, never runs again and its captures are gone", "[bus][P8]") {
  bus_fixture<peal::topic<tick, peal::capacity<8>>> f{{.workers = 2}};
  std::atomic<std::uint64_t> rounds{0};  // four busy threads on two cores: a round may take a time slice
  const watchdog dog{"stop race", &rounds};
  std::atomic<bool> over{false};
  std::thread publisher{[&] {
    for (std::uint64_t n = 0; !over.load(); ++n) f->publish(tick{n});
  }};
  std::uint64_t bad = 0;
  std::uint64_t calls = 0;
  for (std::uint64_t i = 0; i < repeat(30'000, 10); ++i) {
    const auto w = std::make_shared<witness>();
    auto s = f->subscribe<tick>("s", [c = capture{w}](const tick&) { c.call(); });
    if (i % 3 == 0) until([&] { return w->calls.load() != 0; });
    const auto meter = s.counters();
    if (s.stop() != peal::stop_result::stopped) ++bad;
    const std::uint64_t before = w->calls.load();
    if (w->running.load() != 0 || w->exists.load() != 0) ++bad;
    const peal::subscription_statistics books = meter.statistics();
    if (books.handled != before || books.accounted() != books.accepted || books.waiting != 0) ++bad;
    if (w->calls.load() != before) ++bad;
    calls += before;
    ++rounds;
  }
  over = true;
  publisher.join();
  CHECK(bad == 0);
  CHECK(calls > 0);
}
