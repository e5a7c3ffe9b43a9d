// SPDX-License-Identifier: MIT
// What does a policy cost that is on and has nothing to do?
//
//   publish a ring full ──▶ [ topic ] ──▶ poll(): policies ──▶ handler
//
// One thread does both, so no line travels and only instructions count. What a publish and a delivery cost without
// policies stands in the first row; the other rows say what comes on top of it.
// Checked: every event handled once, in order.
#include <array>
#include <chrono>
#include <cstdio>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

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

/// Nanoseconds of a publish and of a delivery, one thread doing both in turns.
template <class Bus, class Publish>
std::pair<double, double> take_turns(Bus& bus, double wanted_seconds, Publish publish) {
  clock::duration publishing{};
  clock::duration delivering{};
  std::uint64_t count = 0;
  while (std::chrono::duration<double>(publishing + delivering).count() < wanted_seconds || count == 0) {
    const auto start = clock::now();
    for (std::size_t i = 0; i < room; ++i) publish(++count);
    const auto published = clock::now();
    while (bus.poll() != 0) continue;
    delivering += clock::now() - published;
    publishing += published - start;
  }
  const auto each = [count](clock::duration d) {
    return std::chrono::duration<double, std::nano>(d).count() / static_cast<double>(count);
  };
  return {each(publishing), each(delivering)};
}

template <class Topic, class... Policies>
std::vector<double> costs(const effort& e, Policies... policies) {
  std::vector<ledger> seen(1);
  std::uint64_t published = 0;
  std::pair<double, double> cost;
  {
    peal::bus<Topic> bus{{.workers = 0, .capacity = room}};
    auto s = bus.template subscribe<event_type>(
        "s", [&](const event_type& event) { seen.front()(event); }, policies...);
    cost = take_turns(bus, e.seconds, [&](std::uint64_t number) {
      bus.publish(event_type{number, {}});
      published = number;
    });
  }
  check(seen, 1, published);
  return {cost.first, cost.second};
}

/// A row with its own run of the plain subscription right beside it, so that the difference drifts with nothing.
template <class Topic = peal::topic<event_type>, class... Policies>
void add(table& t, const std::string& row, Policies... policies) {
  t.measure(row, {"publish", "deliver", "publish extra", "deliver extra"}, [=](const effort& e) {
    const auto plain = costs<peal::topic<event_type>>(e);
    auto with = costs<Topic>(e, policies...);
    with.push_back(with[0] - plain[0]);
    with.push_back(with[1] - plain[1]);
    return with;
  });
}

struct keyed {
  std::uint64_t value;
  std::string key;
};

/// Deliveries of events with a new string key each, when a million keys are remembered already.
class million_keys {
 public:
  std::vector<double> operator()(const effort& e) {
    if (bus_ == nullptr) fill(e.quick ? 100'000 : 1'000'000);
    const std::uint64_t before = handled_;
    const std::uint64_t first = published_;
    const auto cost = take_turns(*bus_, e.seconds, [&](std::uint64_t) { publish(); });
    if (handled_ - before != published_ - first) throw wrong_result("a new key was taken for an old one");
    return {cost.first, cost.second};
  }

 private:
  void fill(std::uint64_t keys) {
    bus_ = std::make_unique<bus_type>(peal::bus_options{.workers = 0, .capacity = room});
    subscription_ = bus_->subscribe<keyed>(
        "s", [this](const keyed&) { ++handled_; },
        peal::idempotent{&keyed::key, {.window = std::chrono::hours{24}, .capacity = static_cast<std::size_t>(keys)}});
    while (published_ < keys) {
      for (std::size_t i = 0; i < room; ++i) publish();
      while (bus_->poll() != 0) continue;
    }
  }
  void publish() {
    char text[32];
    const int n = std::snprintf(text, sizeof text, "order-%016llu", static_cast<unsigned long long>(++published_));
    bus_->publish(keyed{published_, std::string(text, static_cast<std::size_t>(n))});
  }

  using bus_type = peal::bus<keyed>;
  std::unique_ptr<bus_type> bus_;
  peal::subscription subscription_;
  std::uint64_t published_ = 0;
  std::uint64_t handled_ = 0;
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
  add(t, "behind{drop_oldest}", peal::behind{peal::drop_oldest});
  add<peal::topic<event_type, peal::timed>>(t, "timed (an option of the topic)");
  add(t, "idempotent, integer keys, 65,536 remembered",
      peal::idempotent{&event_type::value, {.window = std::chrono::hours{24}, .capacity = 65'536}});
  const std::string million = "idempotent, string keys, 10^6 remembered";
  t.measure(million, {"publish", "deliver"},
            [keys = std::make_shared<million_keys>()](const effort& e) { return (*keys)(e); });
  for (const char* row : {"filter", "on<…>, otherwise(back-off)", "middleware", "side_store", "behind{drop_oldest}"}) {
    s.require_at_most(std::string("policy_overhead ") + row, t, row, "deliver extra", limit_ns);
  }
  s.require_at_most("policy_overhead idempotent with 10^6 string keys", t, million, "deliver", 250);
}

}  // namespace bench
