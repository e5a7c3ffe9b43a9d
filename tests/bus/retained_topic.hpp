// SPDX-License-Identifier: MIT
// What retention and compaction leave of a durable topic, on any store, beside a model of what was published.
#pragma once

#include <peal/bus/durable.hpp>
#include <peal/testing/stepped_runtime.hpp>

#include <chrono>
#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "support/catch.hpp"

namespace peal_test {

struct price {
  std::string symbol;
  std::int64_t n{};
  static constexpr peal::event_name name{"market.price", 1};
  static constexpr auto fields = peal::fields(peal::field{"symbol", &price::symbol}, peal::field{"n", &price::n});
  static constexpr auto key = &price::symbol;
};
/// Its key is that of a price, or none.
struct halted {
  std::int64_t number{};
  std::int64_t n{};
  static constexpr peal::event_name name{"market.halted", 1};
  static constexpr auto fields = peal::fields(peal::field{"number", &halted::number}, peal::field{"n", &halted::n});
  static std::string key(const halted& h) { return h.number == 0 ? std::string{} : "s" + std::to_string(h.number); }
};
using market = peal::testing::stepped_bus<peal::topic<price, halted, peal::durable_as<"market">>>;

/// What was published: key and number by position.
struct published {
  struct one {
    std::string key;
    std::int64_t n;
  };
  std::vector<one> all;

  /// The position of the newest of each key, and of those without one.
  [[nodiscard]] std::map<std::uint64_t, std::int64_t> newest() const {
    std::map<std::string, std::uint64_t> last;
    std::map<std::uint64_t, std::int64_t> found;
    for (std::uint64_t p = 0; p != all.size(); ++p) {
      if (all[p].key.empty()) found[p] = all[p].n;
      last[all[p].key] = p;
    }
    for (const auto& [key, p] : last) found[p] = all[p].n;
    return found;
  }
};

inline std::map<std::uint64_t, std::string> keys_in(const peal::store& kept) {
  std::map<std::uint64_t, std::string> there;
  (void)kept.read("market", 0, ~std::size_t{0}, [&](const peal::stored_event& e) { there[e.position] = e.key; });
  return there;
}

class market_life {
 public:
  market_life(peal::store& kept, published& book, std::mt19937_64& random)
      : kept_{kept}, book_{book}, random_{random}, bus_{{.seed = random()}, kept} {
    bus_.compact<price>();
  }

  market& bus() noexcept { return bus_; }

  void publish_some() {
    for (std::uint64_t i = random_() % 40; i != 0; --i) {
      const auto n = static_cast<std::int64_t>(book_.all.size());
      const auto k = static_cast<std::int64_t>(random_() % 6);
      if (random_() % 8 != 0) {
        const std::string symbol = "s" + std::to_string(k + 1);
        (void)bus_.publish(price{symbol, n});
        book_.all.push_back({symbol, n});
      } else {
        (void)bus_.publish(halted{k, n});
        book_.all.push_back({k == 0 ? std::string{} : "s" + std::to_string(k), n});
      }
    }
  }
  /// Whatever went, nobody misses it.
  void check(std::uint64_t lowest) const {
    const auto there = keys_in(kept_);
    const std::uint64_t end = kept_.range("market").next;
    for (const auto& [p, key] : there) REQUIRE(key == book_.all[p].key);
    for (const auto& [p, n] : book_.newest()) REQUIRE((p >= end || there.count(p) == 1));
    for (std::uint64_t p = lowest; p < end; ++p) REQUIRE(there.count(p) == 1);
  }

 private:
  peal::store& kept_;
  published& book_;
  std::mt19937_64& random_;
  market bus_;
};

/// Lives with a subscription that keeps up, one that often does not stand, and newcomers from the beginning.
inline void newest_of_each_key_stay(peal::store& kept, std::uint64_t seed, int lives) {
  using namespace std::chrono_literals;
  std::mt19937_64 random{seed};
  published book;
  std::uint64_t slow_at = 0;
  INFO("seed " << seed);
  for (int life = 0; life != lives; ++life) {
    kept.forget_subscription("late");
    market_life m{kept, book, random};
    const auto fast = m.bus().subscribe<price, halted>("fast", [](const auto&) {});
    for (int turn = 0; turn != 12; ++turn) {
      if (random() % 3 == 0 || life + turn == 0) {
        const auto slow = m.bus().subscribe<price, halted>(
            "slow", [&](const auto& e) { slow_at = static_cast<std::uint64_t>(e.n) + 1; }, peal::start_at::beginning());
        m.publish_some();
        (void)m.bus().settle();
      }
      m.publish_some();
      (void)m.bus().settle();
      m.bus().runtime().advance(10s);
      m.check(slow_at);
    }
    std::vector<std::int64_t> heard;
    const auto there = keys_in(kept);
    const auto late = m.bus().subscribe<price, halted>(
        "late", [&](const auto& e) { heard.push_back(e.n); }, peal::start_at::beginning());
    (void)m.bus().settle();
    std::vector<std::int64_t> expected;
    for (const auto& [p, key] : there) expected.push_back(book.all[p].n);
    CHECK(heard == expected);
  }
  kept.forget_subscription("late");
  {
    market_life m{kept, book, random};
    const auto fast = m.bus().subscribe<price, halted>("fast", [](const auto&) {});
    const auto slow = m.bus().subscribe<price, halted>("slow", [](const auto&) {});
    (void)m.bus().settle();
    m.bus().runtime().advance(10s);
    CHECK(keys_in(kept).size() <= 2 * book.newest().size());
    CHECK(book.all.size() > 300);
  }
}

}  // namespace peal_test
