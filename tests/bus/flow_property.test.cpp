// SPDX-License-Identifier: MIT
// P3, P23, P26: whatever a subscription waits for, nothing is lost, no key overtakes itself, and no limit is passed.
#include "bus/stepped_support.hpp"

#include <array>
#include <deque>
#include <map>

namespace {

using namespace std::chrono_literals;
using peal_test::gateway_down;
using peal_test::stepped;

struct order {
  int key = 0;
  int n = 0;
};

/// A small generator of its own, so that the test's choices are not the bus's.
struct dice {
  std::uint64_t state;
  std::uint64_t operator()(std::uint64_t below) {
    state = state * 6364136223846793005U + 1442695040888963407U;
    return (state >> 33U) % below;
  }
};

constexpr double per_second = 200;
constexpr std::uint32_t burst = 5;
constexpr peal::backoff soon{.attempts = 100'000, .first = 3ms, .cap = 20ms};

/// What every run must keep to.
struct watcher {
  explicit watcher(stepped<order>& bus) : fx{bus} {}

  void ran(const order& o, bool failed) {
    const auto now = fx.now();
    times.push_back(now);
    while (now - times.front() > 1s) times.pop_front();
    CHECK(static_cast<double>(times.size()) <= per_second + burst + 1);
    if (s->statistics().breaker == peal::breaker_state::open) ++while_open;
    if (failed) return;
    CHECK(o.n > last[o.key]);
    last[o.key] = o.n;
    ++handled;
  }

  stepped<order>& fx;
  peal::subscription* s = nullptr;
  std::deque<peal::time_point> times;
  std::map<int, int> last;
  std::uint64_t handled = 0;
  std::uint64_t while_open = 0;
};

/// How often the breaker opened.
template <class... Ps>
std::uint64_t storm(std::uint64_t seed, Ps... policies) {
  CAPTURE(seed);
  dice roll{seed};
  stepped<order> fx{{.capacity = 64, .seed = seed}};
  watcher look{fx};
  bool down = false;
  auto s = fx.subscribe<order>(
      "s",
      [&](const order& o) {
        const bool fails = down || roll(20) == 0;
        look.ran(o, fails);
        if (fails) throw gateway_down();
      },
      peal::ordered_by{&order::key},
      peal::breaker{.window = {.runs = 10, .time = 500ms}, .minimum = 4, .open_for = 50ms, .probes = 2},
      peal::rate{.per_second = per_second, .burst = burst}, policies...);
  look.s = &s;
  int published = 0;
  for (int round = 0; round < 60; ++round) {
    for (std::uint64_t n = roll(8); n != 0; --n) {
      if (fx.bus.try_publish(order{static_cast<int>(roll(5)), published + 1})) ++published;
    }
    if (roll(10) == 0) down = !down;
    if (roll(12) == 0) s.pause();
    if (roll(3) == 0) s.resume();
    for (std::uint64_t n = roll(6); n != 0; --n) (void)fx.bus.runtime().step();
    if (roll(2) == 0) fx.advance(std::chrono::milliseconds{roll(40)});
    fx.check_accounts();
  }
  down = false;
  s.resume();
  fx.advance(1min);
  REQUIRE(fx.bus.settle());
  CHECK(s.statistics().handled == static_cast<std::uint64_t>(published));
  CHECK(look.handled == s.statistics().handled);
  CHECK(look.while_open == 0);
  return s.statistics().breaker_opened;
}

}  // namespace

TEST_CASE("flow: storms, outages and pauses lose nothing and pass no limit", "[bus][breaker][rate][P3][P23][P26]") {
  std::array<std::uint64_t, 4> opened{};
  for (std::uint64_t seed = 1; seed <= 250; ++seed) {
    opened[0] += storm(seed, peal::otherwise(soon));
    opened[1] += storm(seed, peal::otherwise(peal::pause{15ms}));
    opened[2] += storm(seed, peal::otherwise(soon), peal::concurrency{3});
    opened[3] += storm(seed, peal::otherwise(peal::pause{15ms}), peal::concurrency{3});
  }
  for (const std::uint64_t n : opened) CHECK(n > 250);
}
