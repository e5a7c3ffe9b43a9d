// SPDX-License-Identifier: MIT
// What the reports of peal read like through fmt.
#include <peal/adapters/fmt/formatters.hpp>
#include <peal/peal.hpp>
#include <peal/testing/stepped_runtime.hpp>

#include <chrono>
#include <stdexcept>
#include <string>

#include "support/catch.hpp"

namespace {

using namespace std::chrono_literals;

struct order {
  static constexpr peal::event_name name{"shop.order", 1};
  std::uint64_t number = 0;
};

constexpr peal::event_id some_id{0x0123456789abcdefU, 0x0200000000000011U};

}  // namespace

TEST_CASE("fmt: ids, receipts and refusals", "[adapters][fmt]") {
  CHECK(fmt::format("{}", some_id) == "0123456789abcdef-0200000000000011");
  CHECK(fmt::format("{:>35}|", some_id) == "  0123456789abcdef-0200000000000011|");
  CHECK(fmt::format("{}", peal::receipt{some_id}) == "0123456789abcdef-0200000000000011");
  CHECK(fmt::format("{}", peal::receipt{}) == "in the lane");
  CHECK(fmt::format("{}", peal::publish_errc::closed) == "the bus is closed");
  CHECK(fmt::format("{}", peal::result<peal::receipt>{peal::receipt{some_id}}) == "0123456789abcdef-0200000000000011");
  CHECK(fmt::format("{}", peal::result<peal::receipt>{peal::publish_errc::full}) == "refused: the topic is full");
  CHECK(fmt::format("{} {}", peal::dead_cause::timed_out, peal::health::degraded) == "timed_out degraded");
}

TEST_CASE("fmt: a settle report says what it waits for", "[adapters][fmt]") {
  CHECK(fmt::format("{}", peal::settle_report{}) == "settled");
  CHECK(fmt::format("{}", peal::settle_report{false, {"billing is paused", "books waits for poll()"}}) ==
        "not settled: billing is paused; books waits for poll()");
}

TEST_CASE("fmt: a drain report names ids and stuck handlers", "[adapters][fmt]") {
  peal::drain_report r;
  r.handled = 12;
  r.took = 1'500ms;
  CHECK(fmt::format("{}", r) == "drained in 1.500 s: handled 12");
  r.complete = false;
  r.abandoned = 2;
  r.abandoned_ids = {some_id, some_id};
  r.stuck.push_back({"billing", "shop.order", 17});
  CHECK(fmt::format("{}", r) ==
        "not drained after 1.500 s: handled 12, abandoned 2 (0123456789abcdef-0200000000000011, "
        "0123456789abcdef-0200000000000011), stuck: billing in shop.order at position 17");
  r.abandoned = 4;
  r.abandoned_ids.resize(4, some_id);
  CHECK(fmt::format("{}", r).find("0011, ...), stuck") != std::string::npos);
}

TEST_CASE("fmt: statistics leave out what is zero", "[adapters][fmt]") {
  peal::subscription_statistics s;
  s.name = "billing";
  CHECK(fmt::format("{}", s) == "billing: accepted 0 = handled 0");
  s.accepted = 10;
  s.handled = 7;
  s.dead = 1;
  s.waiting = 2;
  s.kept = 2;
  s.failures = 4;
  s.stalled = true;
  CHECK(fmt::format("{}", s) == "billing: accepted 10 = handled 7 + dead 1 + waiting 2, kept 2, failures 4, stalled");
  peal::topic_statistics t;
  t.events = "shop.order";
  t.accepted = 10;
  t.capacity = 64;
  t.letters = 1;
  CHECK(fmt::format("{}", peal::bus_statistics{{t}, {s}}) ==
        "shop.order: accepted 10, unread 0 of 64, letters 1\n" + fmt::format("{}", s));
}

TEST_CASE("fmt: what a bus reports is what is printed", "[adapters][fmt]") {
  peal::testing::stepped_bus<order> bus{{.seed = 7}};
  const auto s = bus.subscribe<order>(
      "billing", [](const order&) { throw std::runtime_error("gateway timeout"); },
      peal::otherwise(peal::backoff{.attempts = 2, .first = 1ms, .cap = 1ms}));
  const std::string id = fmt::format("{}", bus.publish(order{1}));
  (void)bus.settle();
  bus.runtime().advance(1s);
  CHECK(fmt::format("{}", bus.settle()) == "settled");
  const auto letters = bus.dead_letters<order>();
  REQUIRE(letters.size() == 1);
  CHECK(fmt::format("{}", letters[0]) == fmt::format("letter {} of billing: failed after 2 attempts, shop.order {}, "
                                                     "last attempt 2: gateway timeout",
                                                     letters[0].number, id));
  CHECK(fmt::format("{}", s.statistics()) == "billing: accepted 1 = handled 0 + dead 1, failures 2, retries 1");
  CHECK(fmt::format("{}", bus.health()) == "ok");
}
