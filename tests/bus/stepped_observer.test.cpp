// SPDX-License-Identifier: MIT
// Observers, on virtual time: what they are told of each way that an event can go, and that it adds up.
#include <map>

#include "bus/stepped_support.hpp"

namespace {

using namespace std::chrono_literals;
using peal_test::every;
using peal_test::gateway_down;
using peal_test::stepped;

struct order {
  int id = 0;
};
struct invoice {
  int id = 0;
};

/// Writes down what it is told, as text.
struct scribe final : peal::observer {
  std::vector<std::string> said{};
  std::vector<peal::event_id> ids{};
  std::map<std::string, std::uint64_t> handled_by{};
  std::uint64_t accepted_count = 0;

  void accepted(const accepted_event& e) noexcept override {
    ++accepted_count;
    ids.push_back(e.id);
    said.push_back("accepted " + std::to_string(e.id.position()));
  }
  void handled(const handled_events& e) noexcept override {
    handled_by[std::string(e.subscription)] += e.count;
    said.push_back(std::string(e.subscription) + " handled " + std::to_string(e.count));
  }
  void failed(const failed_run& e) noexcept override {
    said.push_back(std::string(e.subscription) + " failed run " + std::to_string(e.attempt) + " of " +
                   std::to_string(e.id.position()) + ": " + std::string(e.error) +
                   (e.code ? " " + e.code.message() : ""));
  }
  void retried(const coming_run& e) noexcept override {
    said.push_back(std::string(e.subscription) + " runs " + std::to_string(e.id.position()) + " for the " +
                   std::to_string(e.attempt) + ". time in " + std::to_string(e.delay / 1ms) + " ms");
  }
  void dead(const dead_event& e) noexcept override {
    said.push_back(std::string(e.subscription) + " buried " + std::to_string(e.id.position()) + " as letter " +
                   std::to_string(e.letter) + ", " + std::string(peal::to_string(e.cause)) + " after " +
                   std::to_string(e.attempts));
  }
};

}  // namespace

TEST_CASE("observer: is told of the way of an event, in order", "[bus][observe]") {
  scribe watch;
  stepped<order> fx{{.observer = &watch, .seed = 7}};
  auto s = fx.subscribe<order>(
      "s",
      [](const order& o) {
        if (o.id == 2) throw std::system_error(std::make_error_code(std::errc::timed_out), "late");
      },
      peal::otherwise(every(1s, 2)));
  for (int i = 1; i <= 3; ++i) fx.bus.publish(order{i});
  fx.advance(2s);
  const std::string why = std::make_error_code(std::errc::timed_out).message();
  CHECK(watch.said == std::vector<std::string>{
                          "accepted 0", "accepted 1", "accepted 2", "s failed run 1 of 1: late: " + why + " " + why,
                          "s runs 1 for the 2. time in 1000 ms", "s handled 2",
                          "s failed run 2 of 1: late: " + why + " " + why, "s buried 1 as letter 1, failed after 2"});
  CHECK(watch.ids[2] == peal::event_id{watch.ids[0].high, 2});
}

TEST_CASE("observer: what it is told adds up to the statistics, whatever kind of subscription it is",
          "[bus][observe]") {
  scribe watch;
  stepped<peal::topic<order, peal::capacity<8>>, peal::topic<invoice, peal::capacity<4>>> fx{
      {.observer = &watch, .seed = 7}};
  int n = 0;
  const auto sometimes = [&](const order&) {
    if (++n % 5 == 0) throw gateway_down();
  };
  auto plain = fx.subscribe<order>("plain", [](const order&) {});
  auto keyed = fx.subscribe<order>(
      "keyed", [](const order&) {}, peal::idempotent{&order::id});
  auto writes = fx.subscribe<order>("writes", [](const order& o) { return invoice{o.id}; });
  auto hands = fx.subscribe<order>(
      "hands", [](const order&) {}, peal::concurrency{2});
  auto here = fx.subscribe<order>(
      "here", [](const order&) {}, peal::on_publisher_thread);
  auto answers = fx.subscribe<order>(
      "answers", [](const order&) -> peal::outcome { return peal::done; }, peal::on_publisher_thread);
  auto retries = fx.subscribe<order>("retries", sometimes, peal::otherwise(every(1s, 5)));
  auto reads = fx.subscribe<invoice>("reads", [](const invoice&) {});
  for (int i = 0; i != 100; ++i) {
    fx.bus.publish(order{i});
    if (i % 8 == 7) fx.run();
  }
  order range[3]{{200}, {201}, {202}};
  CHECK(fx.bus.publish_range(range, 3) == 3);
  fx.bus.publish_after(order{300}, 1s);
  fx.advance(1h);
  REQUIRE(fx.bus.settle());
  const auto stats = fx.bus.statistics();
  std::uint64_t accepted = 0;
  for (const auto& t : stats.topics) accepted += t.accepted;
  CHECK(watch.accepted_count == accepted);
  for (const auto* s : {&plain, &keyed, &writes, &hands, &here, &answers, &retries, &reads}) {
    CAPTURE(s->statistics().name);
    CHECK(s->statistics().handled == 104);
    CHECK(watch.handled_by[s->statistics().name] == 104);
  }
}

TEST_CASE("observer: several of them are told as one; letters of the publisher's thread and of a full lane too",
          "[bus][observe]") {
  scribe first;
  scribe second;
  peal::observers both{first, second};
  stepped<order, peal::topic<invoice, peal::capacity<2>>> fx{
      {.lane_capacity = 2, .overload_after = 1s, .observer = &both, .seed = 7}};
  auto here = fx.subscribe<order>(
      "here",
      [&](const order& o) {
        fx.bus.publish(invoice{o.id});
        throw gateway_down();
      },
      peal::on_publisher_thread);
  auto reads = fx.subscribe<invoice>("reads", [](const invoice&) {});
  reads.pause();
  for (int i = 1; i <= 3; ++i) fx.bus.publish(order{i});
  fx.advance(1100ms);
  CHECK(first.said == second.said);
  const auto count = [&](const std::string& what) {
    return std::count_if(first.said.begin(), first.said.end(), [&](const auto& s) { return s.find(what) == 0; });
  };
  CHECK(count("here failed run 1 of ") == 3);
  CHECK(count("here buried 2 as letter 3, failed after 1") == 1);
  CHECK(count("here buried 0 as letter 1, overloaded after 0") == 1);
}
