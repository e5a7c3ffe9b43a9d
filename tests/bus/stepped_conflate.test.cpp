// SPDX-License-Identifier: MIT
// P4, P26: of what waits only the newest event of a key is handled, in the older one's place; what it replaced is counted.
#include "bus/stepped_support.hpp"

#include <algorithm>
#include <optional>

namespace {

using namespace std::chrono_literals;
using peal_test::every;
using peal_test::gateway_down;
using peal_test::stepped;

struct price {
  std::string symbol;
  int value = 0;
};
struct halted {
  int symbol = 0;
};
using seen = std::vector<std::string>;

std::string text(const price& p) { return p.symbol + std::to_string(p.value); }

const auto by_symbol = [] { return peal::behind{peal::conflate{&price::symbol}}; };

}  // namespace

TEST_CASE("conflate: the newest of each key, in the place of the older one", "[bus][P4][P26]") {
  stepped<price> fx;
  seen all;
  auto s = fx.subscribe<price>(
      "screen", [&](const price& p) { all.push_back(text(p)); }, by_symbol());
  for (int round = 1; round <= 3; ++round) {
    for (const char* symbol : {"a", "b", "c"}) fx.bus.publish(price{symbol, round});
  }
  fx.bus.publish(price{"d", 1});
  REQUIRE(fx.bus.settle());
  CHECK(all == seen{"a3", "b3", "c3", "d1"});
  CHECK(s.statistics().handled == 4);
  CHECK(s.statistics().dropped == 6);
  CHECK(s.statistics().accepted == 10);
  fx.bus.publish(price{"a", 4});
  fx.bus.publish(price{"b", 4});
  REQUIRE(fx.bus.settle());
  CHECK(all.size() == 6);
}

TEST_CASE("conflate: between two runs it looks at what has come meanwhile", "[bus][P26]") {
  stepped<price> fx;
  seen all;
  auto s = fx.subscribe<price>(
      "screen",
      [&](const price& p) {
        all.push_back(text(p));
        if (p.symbol == "a" && p.value == 1) {
          for (int n = 2; n <= 300; ++n) fx.bus.publish(price{"b", n});
        }
      },
      by_symbol());
  for (const char* symbol : {"a", "b", "c"}) fx.bus.publish(price{symbol, 1});
  REQUIRE(fx.bus.settle());
  CHECK(all == seen{"a1", "b300", "c1"});
}

TEST_CASE("conflate: publishers never wait, and a held subscription keeps the newest of every key",
          "[bus][breaker][P26]") {
  stepped<peal::topic<price, peal::capacity<8>>> fx;
  seen all;
  bool down = true;
  auto s = fx.subscribe<price>(
      "screen",
      [&](const price& p) {
        if (down) throw gateway_down();
        all.push_back(text(p));
      },
      by_symbol(), peal::breaker{.minimum = 1, .open_for = 1s}, peal::otherwise(every(10ms, 100)));
  for (int n = 1; n <= 100; ++n) {
    REQUIRE(fx.bus.try_publish(price{std::string(1, static_cast<char>('a' + n % 3)), n}));
    fx.run();
  }
  CHECK(s.statistics().breaker == peal::breaker_state::open);
  CHECK(s.statistics().kept == 3);
  CHECK(s.statistics().dropped == 97);
  down = false;
  fx.advance(2s);
  REQUIRE(fx.bus.settle());
  CHECK(all.size() == 3);
  std::sort(all.begin(), all.end());
  CHECK(all == seen{"a99", "b100", "c98"});
}

TEST_CASE("conflate: a newer event takes over from one in a back-off, and starts anew", "[bus][retry][P26]") {
  stepped<price> fx;
  std::vector<std::pair<std::string, std::uint32_t>> runs;
  auto s = fx.subscribe<price>(
      "screen",
      [&](const price& p, const peal::delivery& d) {
        runs.emplace_back(text(p), d.attempt());
        if (p.value == 1) throw gateway_down();
      },
      by_symbol(), peal::otherwise(every(1s, 2)));
  fx.bus.publish(price{"a", 1});
  fx.run();
  fx.bus.publish(price{"a", 2});
  fx.run();
  CHECK(runs.size() == 1);  // it waits as long as the other would have
  fx.advance(1001ms);
  REQUIRE(fx.bus.settle());
  REQUIRE(runs.size() == 2);
  CHECK(runs[1] == std::pair<std::string, std::uint32_t>{"a2", 1});
  CHECK(s.statistics().dropped == 1);
  SECTION("and one that dies lets its key go") {
    fx.bus.publish(price{"a", 1});
    fx.advance(2s);
    REQUIRE(fx.bus.settle());
    CHECK(s.statistics().dead == 1);
    fx.bus.publish(price{"a", 3});
    REQUIRE(fx.bus.settle());
    CHECK(runs.back().first == "a3");
    CHECK(fx.bus.redrive<price>() == 1);
    fx.advance(2s);
    REQUIRE(fx.bus.settle());
    CHECK(s.statistics().dead == 1);
  }
}

TEST_CASE("conflate: more keys than room drop the next, and are counted", "[bus][P4][P26]") {
  stepped<price> fx;
  seen all;
  auto s = fx.subscribe<price>(
      "screen", [&](const price& p) { all.push_back(text(p)); }, by_symbol(), peal::side_store{3});
  for (int n = 1; n <= 2; ++n) {
    for (const char* symbol : {"a", "b", "c", "d", "e"}) fx.bus.publish(price{symbol, n});
  }
  REQUIRE(fx.bus.settle());
  CHECK(all == seen{"c2", "d2", "e2"});
  CHECK(s.statistics().dropped == 7);
  SECTION("when all that waits is in a back-off the ring drops") {
    bool down = true;
    auto t = fx.subscribe<price>(
        "failing",
        [&](const price&) {
          if (down) throw gateway_down();
        },
        by_symbol(), peal::side_store{2}, peal::otherwise(every(1s, 100)));
    for (const char* symbol : {"a", "b", "c", "d"}) {
      fx.bus.publish(price{symbol, 3});
      fx.run();
    }
    CHECK(t.statistics().kept == 2);
    CHECK(t.statistics().waiting == 4);
    down = false;
    fx.advance(2s);
    REQUIRE(fx.bus.settle());
    CHECK(t.statistics().handled == 3);
    CHECK(t.statistics().dropped == 1);  // the first that was due again: it would have run next
  }
}

TEST_CASE("conflate: what the filter does not let pass replaces nothing, nor does what has no key", "[bus][P20][P26]") {
  struct optional_key {
    std::optional<std::string> operator()(const price& p) const {
      if (p.value == 66) throw gateway_down();
      return p.symbol.empty() ? std::nullopt : std::optional{p.symbol};
    }
  };
  stepped<price> fx;
  seen all;
  auto s = fx.subscribe<price>(
      "screen", [&](const price& p) { all.push_back(text(p)); }, peal::behind{peal::conflate{optional_key{}}},
      peal::filter{[](const price& p) { return p.value > 0; }});
  fx.bus.publish(price{"a", 1});
  fx.bus.publish(price{"a", -1});
  fx.bus.publish(price{"", 1});
  fx.bus.publish(price{"", 2});
  fx.bus.publish(price{"a", 66});
  REQUIRE(fx.bus.settle());
  CHECK(all == seen{"a1", "1", "2", "a66"});
  CHECK(s.statistics().filtered == 1);
  CHECK(s.statistics().dropped == 0);
}

TEST_CASE("conflate: poll says how many it has run, not how many it has read", "[bus][poll][P26]") {
  stepped<price> fx;
  auto s = fx.subscribe<price>(
      "screen", [](const price&) {}, by_symbol(), peal::on_poll);
  for (int n = 1; n <= 30; ++n) fx.bus.publish(price{std::string(1, static_cast<char>('a' + n % 3)), n});
  CHECK(fx.bus.poll() == 1);
  CHECK(fx.bus.poll() == 1);
  CHECK(fx.bus.poll() == 1);
  CHECK(fx.bus.poll() == 0);
}

TEST_CASE("conflate: events of two types never replace each other", "[bus][P26]") {
  stepped<peal::topic<price, halted>> fx;
  seen all;
  auto s =
      fx.subscribe<price, halted>("screen",
                                  peal::overloaded{[&](const price& p) { all.push_back(text(p)); },
                                                   [&](const halted& h) { all.push_back(std::to_string(h.symbol)); }},
                                  peal::behind{peal::conflate{&price::symbol, &halted::symbol}});
  fx.bus.publish(price{"1", 1});
  fx.bus.publish(halted{1});
  fx.bus.publish(price{"1", 2});
  fx.bus.publish(halted{1});
  REQUIRE(fx.bus.settle());
  CHECK(all == seen{"12", "1"});
  CHECK(s.statistics().dropped == 2);
}

TEST_CASE("conflate: stopped while events wait, they are counted as stopped", "[bus][P3][P26]") {
  stepped<price> fx;
  auto s = fx.subscribe<price>(
      "screen", [](const price&) { throw gateway_down(); }, by_symbol(), peal::otherwise(peal::pause{1h}));
  for (int n = 1; n <= 9; ++n) fx.bus.publish(price{std::string(1, static_cast<char>('a' + n % 3)), n});
  fx.run();
  const auto meter = s.counters();
  (void)s.stop();
  CHECK(meter.statistics().stopped == 3);
  CHECK(meter.statistics().dropped == 6);
}
