// SPDX-License-Identifier: MIT
// Prometheus's text format: names, labels and numbers as its own checker wants them, from a real bus.
#include <peal/observe/prometheus.hpp>

#include "bus/stepped_support.hpp"

#include <cstdio>
#include <cstdlib>
#include <map>

namespace {

struct order {
  int id = 0;
};

/// The samples by name and labels.
std::map<std::string, std::string> samples(const std::string& text) {
  std::map<std::string, std::string> found;
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t end = text.find('\n', at);
    const std::string line = text.substr(at, end - at);
    at = end + 1;
    if (line.empty() || line[0] == '#') continue;
    const std::size_t space = line.rfind(' ');
    CHECK(found.emplace(line.substr(0, space), line.substr(space + 1)).second);  // no sample twice
  }
  return found;
}

std::string text_of_a_bus() {
  peal_test::stepped<peal::topic<order, peal::timed>> fx;
  auto s = fx.subscribe<order>(
      "a \"quoted\\ name\"\nin two lines",
      [](const order& o) {
        if (o.id == 2) throw std::runtime_error("two");
      },
      peal::breaker{});
  auto timed = fx.subscribe<order>(
      "timed", [&](const order& o) { fx.bus.runtime().advance(std::chrono::milliseconds{o.id}); },
      peal::measured{.one_in = 1});
  for (int id = 1; id <= 3; ++id) fx.bus.publish(order{id});
  (void)fx.bus.settle();
  return peal::prometheus_text(fx.bus.statistics());
}

}  // namespace

TEST_CASE("prometheus: what a subscription did stands under its escaped name", "[observe][prometheus]") {
  const auto found = samples(text_of_a_bus());
  const std::string name = R"(subscription="a \"quoted\\ name\"\nin two lines")";
  CHECK(found.at("peal_deliveries_total{" + name + R"(,outcome="handled"})") == "2");
  CHECK(found.at("peal_deliveries_total{" + name + R"(,outcome="dead"})") == "1");
  CHECK(found.at("peal_failures_total{" + name + "}") == "1");
  CHECK(found.at("peal_waiting_events{" + name + "}") == "0");
}

TEST_CASE("prometheus: a redriven letter takes nothing back from a counter", "[observe][prometheus]") {
  peal_test::stepped<order> fx;
  bool failing = true;
  auto s = fx.subscribe<order>("s", [&](const order&) {
    if (failing) throw std::runtime_error("not yet");
  });
  fx.bus.publish(order{1});
  (void)fx.bus.settle();
  const std::string dead = R"(peal_deliveries_total{subscription="s",outcome="dead"})";
  CHECK(samples(peal::prometheus_text(fx.bus.statistics())).at(dead) == "1");
  failing = false;
  CHECK(fx.bus.redrive<order>() == 1);
  (void)fx.bus.settle();
  const auto after = samples(peal::prometheus_text(fx.bus.statistics()));
  CHECK(after.at(dead) == "1");
  CHECK(after.at(R"(peal_redriven_total{subscription="s"})") == "1");
  CHECK(after.at(R"(peal_deliveries_total{subscription="s",outcome="handled"})") == "1");
}

TEST_CASE("prometheus: a breaker says where it stands, how often and how long it was open", "[observe][prometheus]") {
  using namespace std::chrono_literals;
  peal_test::stepped<order> fx;
  auto plain = fx.subscribe<order>("plain", [](const order&) {});
  CHECK(peal::prometheus_text(fx.bus.statistics()).find("peal_breaker") == std::string::npos);
  auto s = fx.subscribe<order>(
      "s", [](const order&) { throw std::runtime_error("down"); }, peal::breaker{.minimum = 1, .open_for = 1h},
      peal::rate{.per_second = 1000});
  for (int id = 1; id <= 3; ++id) fx.bus.publish(order{id});
  fx.advance(2345678us);
  const auto found = samples(peal::prometheus_text(fx.bus.statistics()));
  CHECK(found.at(R"(peal_breaker_state{subscription="s",state="open"})") == "1");
  CHECK(found.at(R"(peal_breaker_state{subscription="s",state="closed"})") == "0");
  CHECK(found.at(R"(peal_breaker_opened_total{subscription="s"})") == "1");
  CHECK(found.at(R"(peal_breaker_open_seconds_total{subscription="s"})") == "2.345678");
  CHECK(found.at(R"(peal_rate_waits_total{subscription="s"})") == "0");
  CHECK(found.count(R"(peal_breaker_opened_total{subscription="plain"})") == 0);
}

TEST_CASE("prometheus: times are a histogram in seconds, its limits powers of two nanoseconds",
          "[observe][prometheus]") {
  const std::string text = text_of_a_bus();
  const auto found = samples(text);
  const std::string s = R"({subscription="timed")";
  CHECK(found.at("peal_handler_seconds_count" + s + "}") == "3");
  CHECK(found.at("peal_handler_seconds_sum" + s + "}") == "0.006");
  CHECK(found.at("peal_handler_seconds_bucket" + s + R"(,le="0.000001024"})") == "0");
  CHECK(found.at("peal_handler_seconds_bucket" + s + R"(,le="0.001048576"})") == "1");
  CHECK(found.at("peal_handler_seconds_bucket" + s + R"(,le="0.002097152"})") == "2");
  CHECK(found.at("peal_handler_seconds_bucket" + s + R"(,le="0.004194304"})") == "3");
  CHECK(found.at("peal_handler_seconds_bucket" + s + R"(,le="17.179869184"})") == "3");
  CHECK(found.at("peal_handler_seconds_bucket" + s + R"(,le="+Inf"})") == "3");
  CHECK(found.at("peal_latency_seconds_count" + s + "}") == "3");
  CHECK(found.count("peal_handler_seconds_count{subscription=\"a\"}") == 0);
  CHECK(text.find("# TYPE peal_handler_seconds histogram\n") != std::string::npos);
}

TEST_CASE("prometheus: promtool has nothing to say against it", "[observe][prometheus]") {
  if (std::system("command -v promtool >/dev/null 2>&1") != 0) {
    WARN("skipped: no promtool here (Debian's package prometheus)");
    return;
  }
  std::FILE* const checker = ::popen("promtool check metrics", "w");
  REQUIRE(checker != nullptr);
  const std::string text = text_of_a_bus();
  CHECK(std::fwrite(text.data(), 1, text.size(), checker) == text.size());
  CHECK(::pclose(checker) == 0);
}
