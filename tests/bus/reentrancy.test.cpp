// SPDX-License-Identifier: MIT
// P6, P8: whatever user code asks of the bus from inside, wherever it stands, nothing waits for itself.
#include "support/bus_fixture.hpp"

#include <functional>
#include <memory>

namespace {

using namespace peal_test;

using hook = const std::function<void()>*;

/// Runs one function when the event it is in is destroyed, another when that is copied; copies and moved-from shells run
/// none.
class last_words {
 public:
  explicit last_words(hook destroyed = nullptr, hook copied = nullptr) noexcept
      : destroyed_{destroyed}, copied_{copied} {}
  last_words(const last_words& other) {
    if (other.copied_ != nullptr) (*other.copied_)();
  }
  last_words(last_words&& other) noexcept
      : destroyed_{std::exchange(other.destroyed_, nullptr)}, copied_{std::exchange(other.copied_, nullptr)} {}
  last_words& operator=(const last_words&) = delete;
  ~last_words() {
    if (destroyed_ != nullptr) (*destroyed_)();
  }

 private:
  hook destroyed_ = nullptr;
  hook copied_ = nullptr;
};

struct ping {
  std::uint64_t n = 0;
  last_words words{};
};
struct pong {
  std::uint64_t n = 0;
};
using fixture = bus_fixture<peal::topic<ping, peal::capacity<4>>, peal::topic<pong, peal::capacity<2>>>;

enum class place { handler, filter, middleware, key, destructor, copy };
enum class act { publish_same, publish_new, subscribe, stop_self, stop_other, drain, settle, look };

constexpr std::uint64_t events = 12;

/// Everything that one combination needs; the action runs once, at the fourth event.
struct world {
  fixture f{{.workers = 2, .lane_capacity = 16}};
  std::atomic<std::uint64_t> pings{0};
  std::atomic<std::uint64_t> acted{0};
  std::atomic<std::uint64_t> wrong{0};
  peal::subscription self, other, pongs, late;

  void expect(bool right) {
    if (!right) ++wrong;
  }
  void perform(act what) {
    if (acted.fetch_add(1) != 0) return;
    switch (what) {
      case act::publish_same:
        for (std::uint64_t i = 0; i < 8; ++i) f->publish(ping{100 + i});
        break;
      case act::publish_new:
        for (std::uint64_t i = 0; i < 8; ++i) f->publish(pong{i});
        break;
      case act::subscribe: late = f->subscribe<ping>("late", [this](const ping&) { ++pings; }); break;
      case act::stop_self: (void)self.stop(); break;
      case act::stop_other: (void)other.stop(); break;
      case act::drain: (void)f->drain(100s); break;
      case act::settle: expect(!f->settle().settled); break;
      case act::look:
        // Each takes a lock of ours: with one held by this thread it would never return.
        (void)f->statistics();
        (void)f->dead_letters<ping>();
        expect(f->redrive<ping>() == 0);
        expect(f->discard_letters<ping>() == 0);
        (void)f->health();
        (void)other.statistics();
        other.pause();
        other.resume();
        break;
    }
  }
};

void run(place where, act what, bool on_publisher) {
  CAPTURE(static_cast<int>(where), static_cast<int>(what), on_publisher);
  const watchdog dog{"re-entrancy"};
  world w;
  const std::function<void()> from_event = [&] { w.perform(what); };
  const auto at = [&](place here, const ping& e) {
    if (here == where && e.n == 3) w.perform(what);
  };
  const auto filter = peal::filter{[&](const ping& e) {
    at(place::filter, e);
    return true;
  }};
  const auto around = peal::middleware{[&](const ping& e, peal::delivery&, auto next) {
    at(place::middleware, e);
    return next();
  }};
  const auto key = peal::idempotent{[&](const ping& e) {
    at(place::key, e);
    return e.n;
  }};
  std::atomic<bool> failed{false};
  const auto handler = [&](const ping& e) {
    at(place::handler, e);
    if (where == place::copy && e.n == 3 && !failed.exchange(true)) throw std::runtime_error("a letter is a copy");
    ++w.pings;
  };
  w.pongs = w.f.subscribe<pong>("pongs", [](const pong&) {});
  w.other = w.f.subscribe<ping>("other", [](const ping&) {});
  w.self = on_publisher          ? w.f.subscribe<ping>("self", handler, filter, around, peal::on_publisher_thread)
           : where == place::key ? w.f.subscribe<ping>("self", handler, filter, around, key)
                                 : w.f.subscribe<ping>("self", handler, filter, around);
  for (std::uint64_t n = 0; n < events; ++n) {
    ping e{n, last_words{where == place::destructor && n == 3 ? &from_event : nullptr,
                         where == place::copy && n == 3 ? &from_event : nullptr}};
    const auto published = w.f->try_publish_for(std::move(e), 100s);
    if (!published) REQUIRE(what == act::drain);
  }
  if (what == act::drain) {
    REQUIRE(w.f->drain(100s).complete);
  } else {
    w.f.settle();
  }
  until([&] { return w.acted.load() == 1; });
  CHECK(w.wrong == 0);
  if (what == act::stop_self) until([&] { return !w.self.active(); });
  if (what == act::stop_other) until([&] { return !w.other.active(); });
  if (what == act::publish_same) CHECK(w.pings == events + 8 - (where == place::copy ? 1 : 0));
  if (what == act::publish_new) CHECK(w.f.of("pongs").handled == 8);
}

}  // namespace

TEST_CASE("re-entrancy: every call from every kind of user code returns", "[bus][P6][P8]") {
  for (const bool on_publisher : {false, true}) {
    for (const place where :
         {place::handler, place::filter, place::middleware, place::key, place::destructor, place::copy}) {
      if (on_publisher && where == place::key) continue;  // does not compile there
      for (const act what : {act::publish_same, act::publish_new, act::subscribe, act::stop_self, act::stop_other,
                             act::drain, act::settle, act::look}) {
        if (where == place::destructor && what == act::settle) continue;  // see below
        run(where, what, on_publisher);
      }
    }
  }
}

TEST_CASE("re-entrancy: two handlers that stop each other do not wait for each other", "[bus][P8]") {
  const watchdog dog{"mutual stop"};
  for (std::uint64_t i = 0; i < repeat(2000); ++i) {
    peal::bus<peal::topic<ping, peal::capacity<4>>, pong> bus{{.workers = 2}};
    peal::subscription a, b;
    std::atomic<int> inside{0};
    const auto meet = [&inside] {
      ++inside;
      until([&] { return inside.load() == 2; });
    };
    a = bus.subscribe<ping>("a", [&](const ping&) {
      meet();
      (void)b.stop();
    });
    b = bus.subscribe<pong>("b", [&](const pong&) {
      meet();
      (void)a.stop();
    });
    bus.publish(ping{});
    bus.publish(pong{});
    until([&] { return inside.load() == 2; });
    REQUIRE(bus.settle());
  }
}

TEST_CASE("re-entrancy: stop from inside says whether the target still runs", "[bus][P8]") {
  fixture f;
  peal::subscription self, idle;
  std::atomic<int> wrong{0};
  door acted;
  idle = f.subscribe<pong>("idle", [](const pong&) {});
  self = f.subscribe<ping>("self", [&](const ping&) {
    if (idle.stop() != peal::stop_result::stopped) ++wrong;
    if (self.stop() != peal::stop_result::pending) ++wrong;
    if (self.stop() != peal::stop_result::stopped) ++wrong;  // the token is empty now
    acted.open();
  });
  const auto books = self.counters();
  f->publish(ping{});
  acted.wait();
  until([&] { return f->statistics().subscriptions.empty(); });
  CHECK(wrong == 0);
  CHECK(books.statistics().handled == 1);
}

TEST_CASE("re-entrancy: a handler may own the token of its own subscription", "[bus][P8]") {
  const watchdog dog{"a handler that owns its token"};
  std::weak_ptr<int> gone;
  {
    peal::bus<ping> bus{{.workers = 2}};
    struct owner {
      std::shared_ptr<int> alive = std::make_shared<int>(1);
      peal::subscription token;
    };
    const auto o = std::make_shared<owner>();
    gone = o->alive;
    o->token = bus.subscribe<ping>("s", [o](const ping& e) {
      if (e.n == 2) (void)o->token.stop();
    });
    for (std::uint64_t n = 0; n < 5; ++n) bus.publish(ping{n});
    until([&] { return bus.statistics().subscriptions.empty(); });
  }
  CHECK(gone.expired());
}
