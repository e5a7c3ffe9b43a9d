// SPDX-License-Identifier: MIT
// The timer wheel against an ordered set, over random arms, cancels, jumps of time and timers centuries away.
#include <peal/bus/timer_wheel.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <limits>
#include <memory>
#include <random>
#include <set>
#include <tuple>
#include <vector>

#include "support/catch.hpp"

namespace {

using namespace std::chrono_literals;
using time_point = peal::timer_wheel::time_point;
using std::chrono::nanoseconds;
__extension__ using wide = __int128;

constexpr wide tick = wide{1} << 16;

time_point at(nanoseconds since_epoch) { return time_point{since_epoch}; }

struct counted : peal::timer_node {
  counted() : timer_node{[](timer_node& n) noexcept { ++static_cast<counted&>(n).fired; }} {}
  int fired = 0;
};

// What the wheel should do, said with an ordered set of (tick, due, order of arming).
class model {
 public:
  explicit model(time_point start) : start_{start.time_since_epoch().count()} {}

  wide boundary(time_point due) const {  // the first tick at or after due
    const wide since = wide{due.time_since_epoch().count()} - start_;
    return since <= 0 ? 0 : (since + tick - 1) / tick;
  }
  wide reached(time_point now) const {
    const wide since = wide{now.time_since_epoch().count()} - start_;
    return since <= 0 ? 0 : since / tick;
  }
  bool comes(wide boundary_tick) const {
    return start_ + boundary_tick * tick <= wide{time_point::max().time_since_epoch().count()};
  }
  time_point time_of(wide t) const { return at(nanoseconds{static_cast<std::int64_t>(start_ + t * tick)}); }

  using key = std::tuple<wide, time_point, std::uint64_t, std::size_t>;
  std::set<key> pending;
  wide current = 0;
  bool firing = false;

  key arm(std::size_t id, time_point due) {
    const key k{std::max(boundary(due), current + (firing ? 1 : 0)), due, ++order_, id};
    pending.insert(k);
    return k;
  }

 private:
  wide start_;
  std::uint64_t order_ = 0;
};

class harness {
 public:
  harness(time_point start, std::uint64_t seed) : wheel{start}, expected{start}, now{start}, random{seed} {
    for (std::size_t id = 0; id < 64; ++id) nodes.push_back(std::make_unique<node>(*this, id));
  }

  void step() {
    const auto choice = random() % 10;
    if (choice < 5) {
      arm(*nodes[random() % nodes.size()]);
    } else if (choice < 7) {
      cancel(*nodes[random() % nodes.size()]);
    } else if (choice < 9) {
      advance(later(now));
    } else if (const auto next = wheel.next()) {
      advance(*next);
    }
    check();
  }

  void run_out() {
    quiet = true;
    std::uint64_t rounds = 0;
    while (const auto next = wheel.next()) {
      advance(*next);
      check();
      REQUIRE(++rounds < 100'000);
    }
    for (const auto& k : expected.pending) REQUIRE(!expected.comes(std::get<0>(k)));
  }

  std::uint64_t fired = 0;
  std::uint64_t wrong = 0;

 private:
  struct node : peal::timer_node {
    node(harness& h, std::size_t i) : timer_node{&node::on_fire}, owner{h}, id{i} {}
    static void on_fire(timer_node& n) noexcept { static_cast<node&>(n).owner.on_fire(static_cast<node&>(n)); }
    harness& owner;
    std::size_t id;
    model::key key{};
  };

  // Any distance from 1 ns to centuries, each order of magnitude as likely as the next.
  time_point later(time_point from) {
    const auto bits = random() % 63;
    const auto distance = static_cast<std::int64_t>(random() & ((std::uint64_t{1} << bits) - 1));
    const std::int64_t base = from.time_since_epoch().count();
    const std::int64_t room = std::numeric_limits<std::int64_t>::max() - std::max<std::int64_t>(base, 0);
    return at(nanoseconds{base + std::min(distance, room)});
  }

  void arm(node& n) {
    if (n.armed()) expected.pending.erase(n.key);
    time_point due = later(now);
    const auto special = random() % 16;
    if (special == 0) due = now;
    if (special == 1 && now.time_since_epoch() > 1s) due = now - 1s;
    if (special == 2) due = time_point::max();
    if (special == 3 && !expected.pending.empty()) due = std::get<1>(*expected.pending.begin());  // the same time again
    wheel.arm(n, due);
    n.key = expected.arm(n.id, due);
    if (!n.armed() || n.due != due) ++wrong;
  }

  void cancel(node& n) {
    const bool was = expected.pending.erase(n.key) == 1;
    if (n.armed() != was || wheel.cancel(n) != was || n.armed()) ++wrong;
  }

  void on_fire(node& n) noexcept {
    ++fired;
    expected.firing = true;
    if (n.armed() || expected.pending.empty() || *expected.pending.begin() != n.key || n.due > target) ++wrong;
    expected.current = std::max(expected.current, std::get<0>(n.key));
    expected.pending.erase(n.key);
    if (quiet) return;
    if (random() % 4 == 0) arm(n);
    if (random() % 4 == 0) arm(*nodes[random() % nodes.size()]);
    if (random() % 4 == 0) cancel(*nodes[random() % nodes.size()]);
  }

  void advance(time_point to) {
    target = to;
    const std::uint64_t before = fired;
    if (wheel.advance(to) != fired - before) ++wrong;
    expected.firing = false;
    expected.current = std::max(expected.current, expected.reached(to));
    now = std::max(now, to);
  }

  void check() {
    REQUIRE(wrong == 0);
    REQUIRE(wheel.size() == expected.pending.size());
    const auto next = wheel.next();
    if (expected.pending.empty()) {
      REQUIRE(!next);
      return;
    }
    const wide first = std::get<0>(*expected.pending.begin());
    if (first <= expected.reached(now)) {
      REQUIRE(next);
      REQUIRE(*next <= now);
    } else if (expected.comes(first)) {
      REQUIRE(next);
      REQUIRE(*next > now);
      REQUIRE(*next <= expected.time_of(first));
    } else if (next) {
      REQUIRE(*next > now);  // a step towards a node that never comes
    }
  }

  peal::timer_wheel wheel;
  model expected;
  std::vector<std::unique_ptr<node>> nodes;
  time_point now;
  time_point target{};
  bool quiet = false;
  std::mt19937_64 random;
};

}  // namespace

TEST_CASE("timer_wheel: a timer fires at the first tick at or after its due time, never before",
          "[bus][timer_wheel][P28]") {
  peal::timer_wheel wheel{at(5h)};
  counted timer;
  for (const nanoseconds wait : {1ns, 65'535ns, 65'536ns, 65'537ns, nanoseconds{1s}, nanoseconds{400h}}) {
    const time_point start = std::max(at(5h), timer.due + 2 * peal::timer_wheel::tick);
    wheel.advance(start);
    timer.fired = 0;
    wheel.arm(timer, start + wait);
    CHECK(wheel.advance(start + wait - 1ns) == 0);
    CHECK(timer.fired == 0);
    CHECK(wheel.advance(start + wait + peal::timer_wheel::tick) == 1);
    CHECK(timer.fired == 1);
    CHECK(!timer.armed());
  }
}

TEST_CASE("timer_wheel: timers fire by due time and, at the same time, in the order armed", "[bus][timer_wheel][P28]") {
  static std::vector<int> fired;
  fired.clear();
  struct numbered : peal::timer_node {
    numbered() : timer_node{[](timer_node& n) noexcept { fired.push_back(static_cast<numbered&>(n).number); }} {}
    int number = 0;
  };
  peal::timer_wheel wheel{at(0s)};
  std::vector<numbered> timers(7);
  for (int i = 0; i < 7; ++i) timers[static_cast<std::size_t>(i)].number = i;
  wheel.arm(timers[0], at(3h));
  wheel.arm(timers[1], at(10ns));  // 1, 2, 3 share a tick
  wheel.arm(timers[2], at(5ns));
  wheel.arm(timers[3], at(10ns));
  wheel.advance(at(2h));
  wheel.arm(timers[4], at(3h));  // armed nearer to the time, filed lower, and still after 0
  wheel.arm(timers[5], at(1h));  // past already
  wheel.arm(timers[6], at(30min));
  CHECK(wheel.advance(at(2h)) == 2);
  CHECK(wheel.advance(at(4h)) == 2);
  CHECK(fired == std::vector<int>{2, 1, 3, 6, 5, 0, 4});
}

TEST_CASE("timer_wheel: a timer that arms itself for the past does not keep advance from returning",
          "[bus][timer_wheel]") {
  static peal::timer_wheel* wheel_of_it = nullptr;
  peal::timer_wheel wheel{at(0s)};
  wheel_of_it = &wheel;
  peal::timer_node eager{[](peal::timer_node& n) noexcept { wheel_of_it->arm(n, at(0s)); }};
  wheel.arm(eager, at(0s));
  CHECK(wheel.advance(at(0s)) == 1);
  CHECK(wheel.advance(at(0s)) == 0);
  CHECK(wheel.advance(at(0s) + 10 * peal::timer_wheel::tick) == 10);
  CHECK(wheel.size() == 1);
}

TEST_CASE("timer_wheel: a timer may destroy itself and cancel the next one of its tick", "[bus][timer_wheel]") {
  struct owned : peal::timer_node {
    static void end(timer_node& n) noexcept {
      auto& self = static_cast<owned&>(n);
      self.wheel.cancel(*self.other);
      delete &self;
    }
    owned(peal::timer_wheel& w, timer_node& o) : timer_node{&owned::end}, wheel{w}, other{&o} {}
    peal::timer_wheel& wheel;
    timer_node* other;
  };
  peal::timer_wheel wheel{at(0s)};
  counted next;
  wheel.arm(*new owned{wheel, next}, at(1s));
  wheel.arm(next, at(1s));
  CHECK(wheel.advance(at(2s)) == 1);
  CHECK(next.fired == 0);
  CHECK(wheel.empty());
}

TEST_CASE("timer_wheel: time that goes back is the latest time", "[bus][timer_wheel][P28]") {
  peal::timer_wheel wheel{at(0s)};
  counted a;
  wheel.advance(at(10s));
  wheel.arm(a, at(10s) + 1ms);
  CHECK(wheel.advance(at(5s)) == 0);
  CHECK(*wheel.next() > at(10s));
  CHECK(wheel.advance(at(10s) + 2ms) == 1);
}

TEST_CASE("timer_wheel: a lone timer is reached in eight rounds, however far, and the end of time never comes",
          "[bus][timer_wheel]") {
  for (const std::int64_t start : {std::int64_t{0}, std::int64_t{-2}, std::numeric_limits<std::int64_t>::min(),
                                   std::numeric_limits<std::int64_t>::max() - 1'000'000'000}) {
    peal::timer_wheel wheel{at(nanoseconds{start})};
    counted far;
    wheel.arm(far, time_point::max() - 2 * peal::timer_wheel::tick);
    int rounds = 0;
    while (const auto next = wheel.next()) {
      wheel.advance(*next);
      REQUIRE(++rounds <= 8);
    }
    CHECK(far.fired == 1);

    counted never;
    peal::timer_wheel second{at(nanoseconds{start})};
    second.arm(never, time_point::max());
    second.advance(time_point::max() - 1ns);
    CHECK(never.fired == 0);
    CHECK(!second.next());
    CHECK(second.cancel(never));
  }
}

TEST_CASE("timer_wheel: it agrees with an ordered set over random arms, cancels and jumps", "[bus][timer_wheel][P28]") {
  std::uint64_t fired = 0;
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    constexpr std::int64_t starts[] = {0,
                                       1,
                                       -1,
                                       123'456'789'012'345,
                                       -(std::int64_t{1} << 40),
                                       std::numeric_limits<std::int64_t>::min(),
                                       std::numeric_limits<std::int64_t>::max() - (std::int64_t{1} << 50)};
    harness h{at(nanoseconds{starts[seed % std::size(starts)]}), seed};
    INFO("seed " << seed);
    for (int i = 0; i < 400; ++i) h.step();
    h.run_out();
    fired += h.fired;
  }
  CHECK(fired > 10'000);
}

TEST_CASE("timer_wheel: with a million timers pending a tick costs what it fires, not what is pending",
          "[bus][timer_wheel][P28]") {
  constexpr std::size_t count = 1'000'000;
  std::vector<counted> timers(count);
  peal::timer_wheel wheel{at(0s)};
  std::mt19937_64 random{7};
  for (auto& timer : timers)
    wheel.arm(timer, at(10min) + nanoseconds{static_cast<std::int64_t>(random() % 3'600'000'000'000U)});
  CHECK(wheel.moves() == count);

  // Ten minutes without an expiry: 9.2 million ticks, each advanced to or jumped over, move hardly anything.
  for (int i = 0; i < 10'000; ++i) wheel.advance(at(i * 50ms));
  CHECK(wheel.moves() - count < count / 4);

  // The hour in which all fire: each is moved at most once a level.
  std::size_t fired = 0;
  for (time_point now = at(500s); fired < count; now += 10ms) fired += wheel.advance(now);
  CHECK(wheel.moves() <=
        count * 6);  // 64^4 ticks are 18 minutes: an hour reaches the fifth level, and the sixth move fires
  CHECK(wheel.empty());
}

TEST_CASE("timer_wheel: a million timers of one tick fire in order", "[bus][timer_wheel]") {
  static std::uint64_t last_due = 0;
  static bool in_order = true;
  last_due = 0;
  in_order = true;
  struct checked : peal::timer_node {
    checked()
        : timer_node{[](timer_node& n) noexcept {
            const auto time = static_cast<std::uint64_t>(n.due.time_since_epoch().count());
            in_order = in_order && time >= last_due;
            last_due = time;
          }} {}
  };
  std::vector<checked> timers(1'000'000);
  peal::timer_wheel wheel{at(0s)};
  std::mt19937_64 random{11};
  for (auto& timer : timers) wheel.arm(timer, at(nanoseconds{static_cast<std::int64_t>(random() % 65'536)}));
  CHECK(wheel.advance(at(1ms)) == timers.size());
  CHECK(in_order);
}
