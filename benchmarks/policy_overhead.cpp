// SPDX-License-Identifier: MIT
// What does a policy cost that is on and has nothing to do?
//
//   publish a ring full ──▶ [ topic ] ──▶ poll(): policies ──▶ handler
//
// One thread does both, so no line travels and only instructions count. What a publish and a delivery cost without
// policies stands in the first row; the other rows say what comes on top of it.
// Checked: every event handled once, in order.
#include <chrono>
#include <cstdio>
#include <memory>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <peal/bus/bus.hpp>
#include <peal/policy/filter.hpp>
#include <peal/policy/idempotency.hpp>
#include <peal/policy/middleware.hpp>
#include <peal/policy/overflow.hpp>
#include <peal/policy/retry.hpp>

#include "support/drive.hpp"
#include "topologies.hpp"

namespace bench {
namespace {

using event_type = event<24>;
constexpr std::size_t room = 4096;

/// A bus that one thread fills and empties in turns; the time of each turn is kept.
template <class Topic>
class turning {
 public:
  template <class E = event_type, class Handler, class... Policies>
  explicit turning(std::type_identity<E>, Handler handler, Policies... policies)
      : subscription_{bus_.template subscribe<E>("s", std::move(handler), policies...)} {}

  template <class Make>
  void turn(Make make) {
    const auto start = clock::now();
    for (std::size_t i = 0; i < room; ++i) bus_.publish(make());
    const auto published = clock::now();
    while (bus_.poll() != 0) continue;
    delivering_.push_back(seconds_since(published) / room * 1e9);
    publishing_.push_back(std::chrono::duration<double, std::nano>(published - start).count() / room);
  }
  void forget_times() {
    publishing_.clear();
    delivering_.clear();
  }
  double publish_ns() { return at_rank(publishing_, 0.5); }
  double deliver_ns() { return at_rank(delivering_, 0.5); }

 private:
  peal::bus<Topic> bus_{{.workers = 0, .capacity = room}};
  peal::subscription subscription_;
  std::vector<double> publishing_;
  std::vector<double> delivering_;
};

/// A plain subscription and one with the policies take turns, so that their difference drifts with nothing.
template <class Topic = peal::topic<event_type>, class... Policies>
void add(table& t, const std::string& row, Policies... policies) {
  t.measure(row, {"publish", "deliver", "publish extra", "deliver extra"}, [=](const effort& e) {
    std::vector<ledger> plain_seen(1);
    std::vector<ledger> seen(1);
    std::uint64_t count = 0;
    turning<peal::topic<event_type>> plain{std::type_identity<event_type>{},
                                           [&](const event_type& event) { plain_seen.front()(event); }};
    turning<Topic> with{std::type_identity<event_type>{}, [&](const event_type& event) { seen.front()(event); },
                        policies...};
    const auto start = clock::now();
    do {
      std::uint64_t number = count;
      plain.turn([&] { return event_type{++number, {}}; });
      number = count;
      with.turn([&] { return event_type{++number, {}}; });
      count = number;
    } while (seconds_since(start) < e.seconds);
    check(plain_seen, 1, count);
    check(seen, 1, count);
    return std::vector<double>{with.publish_ns(), with.deliver_ns(), with.publish_ns() - plain.publish_ns(),
                               with.deliver_ns() - plain.deliver_ns()};
  });
}

struct keyed {
  std::uint64_t value;
  std::string key;
};

/// Deliveries of events with a new string key each, when a million keys are remembered already.
class million_keys {
 public:
  explicit million_keys(std::size_t keys)
      : bus_{std::type_identity<keyed>{}, [this](const keyed&) { ++handled_; },
             peal::idempotent{&keyed::key, {.window = std::chrono::hours{24}, .capacity = keys}}} {
    while (published_ < keys) bus_.turn([this] { return next(); });
  }

  std::vector<double> operator()(double seconds) {
    bus_.forget_times();
    const auto start = clock::now();
    do {
      bus_.turn([this] { return next(); });
    } while (seconds_since(start) < seconds);
    if (handled_ != published_) throw wrong_result("a new key was taken for an old one");
    return {bus_.publish_ns(), bus_.deliver_ns()};
  }

 private:
  keyed next() {
    char text[32];
    const int n = std::snprintf(text, sizeof text, "order-%016llu", static_cast<unsigned long long>(++published_));
    return {published_, std::string(text, static_cast<std::size_t>(n))};
  }

  std::uint64_t published_ = 0;
  std::uint64_t handled_ = 0;
  turning<peal::topic<keyed>> bus_;
};

constexpr double limit_ns = 10;

}  // namespace

void policy_overhead(suite& s) {
  table& t = s.add("policy_overhead", "24 byte events, one thread, what a policy adds", unit::nanoseconds);
  struct gateway_timeout : std::runtime_error {
    using std::runtime_error::runtime_error;
  };
  add(t, "no policy");
  add(t, "filter", peal::filter{[](const event_type& event) { return event.value != 0; }});
  add(t, "on<…>, otherwise(back-off)", peal::on<gateway_timeout>(peal::discard),
      peal::otherwise(peal::backoff{.attempts = 5, .first = std::chrono::milliseconds{1}}));
  add(t, "middleware", peal::middleware{[](const auto&, peal::delivery&, auto&& next) { return next(); }});
  add(t, "side_store", peal::side_store{4096});
  add(t, "measured, one run in 32", peal::measured{});
  add(t, "measured, every run", peal::measured{.one_in = 1});
  add(t, "breaker", peal::breaker{});
  add(t, "rate", peal::rate{.per_second = 1e9, .burst = 4'000'000'000});
  add(t, "behind{drop_oldest}", peal::behind{peal::drop_oldest});
  add(t, "behind{conflate}, each key new", peal::behind{peal::conflate{&event_type::value}},
      peal::side_store{2 * room});
  add<peal::topic<event_type, peal::timed>>(t, "timed (an option of the topic)");
  add(t, "timeout, which reads the clock", peal::timeout{std::chrono::seconds{2}});
  add<peal::topic<event_type, peal::timed>>(t, "timed, and expires", peal::expires{std::chrono::minutes{5}});
  add(t, "idempotent, integer keys, 65,536 remembered",
      peal::idempotent{&event_type::value, {.window = std::chrono::hours{24}, .capacity = 65'536}});
  const std::string million = "idempotent, string keys, 10^6 remembered";
  t.measure(million, {"publish", "deliver"}, [keys = std::shared_ptr<million_keys>{}](const effort& e) mutable {
    if (keys == nullptr) keys = std::make_shared<million_keys>(e.quick ? 100'000 : 1'000'000);
    return (*keys)(e.seconds);
  });
  for (const char* row : {"filter", "on<…>, otherwise(back-off)", "middleware", "side_store", "measured, one run in 32",
                          "breaker", "rate", "timeout, which reads the clock", "behind{drop_oldest}"}) {
    s.require_at_most(std::string("policy_overhead ") + row, t, row, "deliver extra", limit_ns);
  }
  s.require_at_most("policy_overhead idempotent with 10^6 string keys", t, million, "deliver", 250);
}

}  // namespace bench
