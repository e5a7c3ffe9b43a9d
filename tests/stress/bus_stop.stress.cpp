// SPDX-License-Identifier: MIT
// P8: subscriptions come and go while events flow; what stop() says is looked at when it returns and long after.
#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <deque>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "support/bus_fixture.hpp"
#include "support/stress_options.hpp"

namespace {

using namespace peal_test;

struct tick {
  std::uint32_t publisher = 0;
  std::uint64_t n = 0;
};
using bus_type = peal::bus<peal::topic<tick, peal::capacity<16>>>;

/// Captured by a handler: knows whether the handler still exists, whether it is being called, and how often it was.
struct witness {
  std::atomic<int> exists{0};
  std::atomic<int> running{0};
  std::atomic<std::uint64_t> calls{0};
  std::atomic<peal::subscription*> itself{nullptr};  ///< to be stopped by its own handler
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
    if (peal::subscription* const self = w_->itself.exchange(nullptr)) (void)self->stop();
    --w_->running;
  }

 private:
  std::shared_ptr<witness> w_;
};

enum class kind { plain, stops_itself, backs_off, drops, on_publisher, count };
constexpr std::array<const char*, 5> kind_names{"plain", "stops itself", "backs off", "drops", "on publisher's thread"};

struct totals {
  std::uint64_t stops = 0, offered = 0, accepted = 0, delivered = 0, left = 0;
  std::uint64_t lost = 0, duplicated = 0;  ///< of the subscription that stands the whole time
  std::uint64_t running = 0, alive = 0, late = 0, unbalanced = 0;
  std::array<std::uint64_t, kind_names.size()> by_kind{};

  void add(const totals& o) {
    for (auto field :
         {&totals::stops, &totals::offered, &totals::accepted, &totals::delivered, &totals::left, &totals::lost,
          &totals::duplicated, &totals::running, &totals::alive, &totals::late, &totals::unbalanced}) {
      this->*field += o.*field;
    }
    for (std::size_t k = 0; k < by_kind.size(); ++k) by_kind[k] += o.by_kind[k];
  }
};

peal::subscription subscribe(bus_type& bus, kind k, const std::string& name, const std::shared_ptr<witness>& w) {
  auto handler = [c = capture{w}](const tick&) { c.call(); };
  switch (k) {
    case kind::backs_off:
      return bus.subscribe<tick>(name, [c = capture{w}](const tick& t, const peal::delivery& d) -> peal::outcome {
        c.call();
        if (t.n % 3 != 0 || d.attempt() > 1) return {};
        return peal::retry_after(std::chrono::microseconds{t.n % 50});
      });
    case kind::drops: return bus.subscribe<tick>(name, std::move(handler), peal::behind{peal::drop_oldest});
    case kind::on_publisher: return bus.subscribe<tick>(name, std::move(handler), peal::on_publisher_thread);
    default: return bus.subscribe<tick>(name, std::move(handler));
  }
}

/// One that makes a subscription and stops it, again and again.
class stopper {
 public:
  stopper(bus_type& bus, unsigned number, std::atomic<std::uint64_t>& progress)
      : bus_{bus}, name_{"s" + std::to_string(number)}, random_{seed() + number}, progress_{progress} {}

  totals run(std::uint64_t stops) {
    for (std::uint64_t i = 0; i < stops; ++i) {
      once(static_cast<kind>(random_() % static_cast<unsigned>(kind::count)));
      progress_.fetch_add(1, std::memory_order_relaxed);
    }
    while (!past_.empty()) look_back();
    return sum_;
  }

 private:
  struct ended {
    std::shared_ptr<witness> w;
    std::uint64_t calls;
  };

  void once(kind k) {
    const auto w = std::make_shared<witness>();
    peal::subscription s = subscribe(bus_, k, name_, w);
    const peal::subscription::meter meter = s.counters();
    if (random_() % 4 == 0) until([&] { return w->calls.load() != 0; });
    for (auto spin = random_() % 512; spin != 0; --spin) (void)w->calls.load(std::memory_order_relaxed);
    if (k == kind::stops_itself) {
      w->itself.store(&s);
      until([&] { return w->exists.load() == 0; });  // its handler is destroyed once it is out of it
    } else if (random_() % 2 == 0) {
      (void)s.stop();
    } else {
      const peal::subscription dies = std::move(s);
    }
    look_at(k, *w, meter);
    past_.push_back({w, w->calls.load()});
    if (past_.size() > 512) look_back();
  }

  void look_at(kind k, const witness& w, const peal::subscription::meter& meter) {
    const std::uint64_t calls = w.calls.load();
    if (w.running.load() != 0) ++sum_.running;
    if (w.exists.load() != 0) ++sum_.alive;
    ++sum_.stops;
    ++sum_.by_kind[static_cast<std::size_t>(k)];
    peal::subscription_statistics books = meter.statistics();
    // Its captures are destroyed a moment before it counts as stopped; only stop() waits for both.
    while (k == kind::stops_itself && books.waiting != 0) books = meter.statistics();
    if (books.accounted() != books.accepted || books.waiting != 0 || books.handled + books.failures != calls) {
      ++sum_.unbalanced;
    }
    sum_.delivered += books.handled;
    sum_.left += books.stopped;
  }

  /// The oldest of those that ended: nothing may have happened to it since.
  void look_back() {
    const ended e = std::move(past_.front());
    past_.pop_front();
    if (e.w->calls.load() != e.calls || e.w->exists.load() != 0) ++sum_.late;
  }

  bus_type& bus_;
  const std::string name_;
  std::mt19937_64 random_;
  std::atomic<std::uint64_t>& progress_;
  std::deque<ended> past_;
  totals sum_;
};

totals race(unsigned publishers, unsigned stoppers, std::uint64_t stops) {
  std::atomic<std::uint64_t> progress{0};
  const watchdog dog{"stop stress", &progress, 60s};
  bus_type bus{{.workers = 2, .seed = seed() | 1U}};
  totals sum;
  std::vector<std::uint64_t> next(publishers, 0);
  auto standing = bus.subscribe<tick>("standing", [&](const tick& t) {
    std::uint64_t& expected = next[t.publisher];
    t.n < expected ? ++sum.duplicated : (sum.lost += t.n - expected, expected = t.n + 1);
  });
  std::atomic<bool> over{false};
  std::vector<std::uint64_t> accepted(publishers, 0);
  std::vector<std::thread> threads;
  for (unsigned p = 0; p < publishers; ++p) {
    threads.emplace_back([&, p] {
      for (; !over.load(std::memory_order_relaxed); ++accepted[p]) bus.publish(tick{p, accepted[p]});
    });
  }
  std::vector<totals> parts(stoppers);
  std::vector<std::thread> stopping;
  for (unsigned i = 0; i < stoppers; ++i) {
    stopping.emplace_back([&, i] { parts[i] = stopper{bus, i, progress}.run(stops / stoppers); });
  }
  for (auto& t : stopping) t.join();
  over = true;
  for (auto& t : threads) t.join();
  REQUIRE(bus.settle_for(60s).settled);
  for (unsigned p = 0; p < publishers; ++p) {
    sum.accepted += accepted[p];
    sum.lost += accepted[p] - next[p];
  }
  sum.offered = sum.accepted;
  for (const totals& part : parts) sum.add(part);
  return sum;
}

void print(const totals& t, double seconds) {
  const auto n = [](std::uint64_t v) { return static_cast<unsigned long long>(v); };
  std::printf(
      "stop: seed=%llu stops=%llu offered=%llu accepted=%llu lost=%llu duplicated=%llu delivered=%llu left=%llu "
      "running=%llu alive=%llu late=%llu unbalanced=%llu seconds=%.1f\n",
      n(seed()), n(t.stops), n(t.offered), n(t.accepted), n(t.lost), n(t.duplicated), n(t.delivered), n(t.left),
      n(t.running), n(t.alive), n(t.late), n(t.unbalanced), seconds);
  for (std::size_t k = 0; k < kind_names.size(); ++k) std::printf("  %s: %llu\n", kind_names[k], n(t.by_kind[k]));
}

}  // namespace

// `peal_stress "stop: *" --scale 125` stops a million times.
TEST_CASE("stop: whoever was stopped while events flow is not running, never runs again and leaves nothing behind",
          "[bus][P8][P3]") {
  const auto began = std::chrono::steady_clock::now();
  totals t;
  for (const auto& [publishers, stoppers] : {std::pair{1U, 1U}, std::pair{2U, 2U}}) {
    t.add(race(publishers, stoppers, scaled(4'000)));
  }
  print(t, std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count());
  REQUIRE(t.running == 0);
  REQUIRE(t.alive == 0);
  REQUIRE(t.late == 0);
  REQUIRE(t.unbalanced == 0);
  REQUIRE(t.lost == 0);
  REQUIRE(t.duplicated == 0);
  for (const std::uint64_t count : t.by_kind) CHECK(count > 0);
  CHECK(t.delivered > 0);
}
