// SPDX-License-Identifier: MIT
// Idempotency across lives of the process, on virtual time: what was handled and is in the store is not handled again.
#include <peal/bus/durable.hpp>
#include <peal/store/memory_store.hpp>
#include <peal/testing/faulty_store.hpp>

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "bus/stepped_support.hpp"

namespace {

using namespace std::chrono_literals;

struct order {
  static constexpr peal::event_name name{"shop.order", 1};
  std::int64_t id = 0;
  static constexpr auto fields = peal::fields(peal::field{"id", &order::id});
};
struct refund {
  static constexpr peal::event_name name{"shop.refund", 1};
  std::int64_t id = 0;
  static constexpr auto fields = peal::fields(peal::field{"id", &refund::id});
};
struct payment {
  static constexpr peal::event_name name{"shop.payment", 1};
  std::int64_t id = 0;
  static constexpr auto fields = peal::fields(peal::field{"id", &payment::id});
};

using orders = peal::topic<order, refund, peal::durable>;
using payments = peal::topic<payment, peal::capacity<2>, peal::durable>;
using shop = peal::testing::stepped_bus<orders, payments>;

const auto once = peal::idempotent{&order::id};
const auto nothing = [](const auto&) {};

/// How often each id was handled.
using counts = std::map<std::int64_t, int>;

std::size_t claims_in(const peal::store& kept, const std::string& scope) {
  std::size_t n = 0;
  kept.claims(scope, [&](const peal::stored_claim&) { ++n; });
  return n;
}

/// A life that ends well: publishes orders [first, last) twice and comes to rest.
template <class... Ps>
counts live(peal::store& kept, std::int64_t first, std::int64_t last, Ps... policies) {
  counts handled;
  shop bus{{.seed = 3}, kept};
  auto s = bus.subscribe<order>(
      "charge", [&](const order& o) { ++handled[o.id]; }, policies...);
  for (int twice = 0; twice != 2; ++twice) {
    for (std::int64_t id = first; id != last; ++id) bus.publish(order{id});
  }
  REQUIRE(bus.settle());
  return handled;
}

/// Lets every claim in the store be older.
void age(peal::store& kept, const std::string& scope, std::chrono::nanoseconds by) {
  std::vector<std::pair<std::string, peal::wall_time>> all;
  kept.claims(scope, [&](const peal::stored_claim& c) { all.emplace_back(c.key, c.at); });
  peal::store_batch b;
  for (const auto& [key, at] : all) b.claims.push_back({scope, key, peal::claim_state::committed, at - by.count()});
  kept.commit(b);
}

}  // namespace

TEST_CASE("durable keys: what was handled in one life is a duplicate in the next", "[bus][durable][P24]") {
  peal::memory_store kept;
  CHECK(live(kept, 0, 10, once) ==
        counts{{0, 1}, {1, 1}, {2, 1}, {3, 1}, {4, 1}, {5, 1}, {6, 1}, {7, 1}, {8, 1}, {9, 1}});
  CHECK(claims_in(kept, "charge") == 10);
  CHECK(live(kept, 8, 12, once) == counts{{10, 1}, {11, 1}});
  CHECK(live(kept, 0, 12, once) == counts{});
}

TEST_CASE(
    "durable keys: cut off at any commit, no key that the store has as handled is handled again, and its output is "
    "there; every other one is handled",
    "[bus][durable][P24]") {
  constexpr std::int64_t ids = 12;
  std::size_t cuts = 0;
  std::size_t known_after_a_cut = 0;
  for (std::uint64_t seed = 1; seed != 31; ++seed) {
    for (std::uint64_t cut = 1; cut != 40; ++cut) {
      peal::memory_store kept;
      peal::testing::faulty_store store{&kept};
      const auto pay = [](counts& handled) {
        return [&handled](const order& o) {
          if (++handled[o.id] == 1 && o.id % 3 == 0) throw peal_test::gateway_down{};
          return payment{o.id};
        };
      };
      const auto policies = [&](auto subscribe) {
        const unsigned hands = seed % 2 == 0 ? 2 : 1;  // with one, a turn makes more payments than there is room for
        return subscribe(once, peal::otherwise(peal_test::every(5ms, 3)), peal::concurrency{hands});
      };
      counts before;
      {
        shop bus{{.capacity = 8, .lane_capacity = 2, .seed = seed}, store};
        store.fail(cut, peal::store_errc::io);
        auto s = policies([&](auto... p) { return bus.subscribe<order>("charge", pay(before), p...); });
        auto out = bus.subscribe<payment>("books", nothing);
        for (std::int64_t id = 0; id != ids; ++id) {
          (void)bus.try_publish(order{id});
          if (id % 2 == 0) (void)bus.try_publish(order{id});
          if (id % 4 == 3) bus.runtime().step();
        }
        bus.runtime().advance(100ms);
        if (bus.durability().failed) ++cuts;
      }
      INFO("seed " << seed << ", cut at commit " << cut);
      std::set<std::int64_t> paid;
      (void)kept.read("shop.payment", 0, 1000,
                      [&](const peal::stored_event& e) { paid.insert(peal::decode<payment>(e.payload).id); });
      const std::size_t known = claims_in(kept, "charge");
      known_after_a_cut += known;
      CHECK(paid.size() >= known);
      counts after;
      shop bus{{.seed = seed}, kept};
      auto s = policies([&](auto... p) { return bus.subscribe<order>("charge", pay(after), p...); });
      auto out = bus.subscribe<payment>("books", [&](const payment& p) { paid.insert(p.id); });
      for (std::int64_t id = 0; id != ids; ++id) bus.publish(order{id});
      bus.runtime().advance(1s);
      REQUIRE(bus.settle());
      CHECK(after.size() == static_cast<std::size_t>(ids) - known);
      for (std::int64_t id = 0; id != ids; ++id) CHECK(paid.count(id) == 1);
    }
  }
  CHECK(cuts > 200);
  CHECK(known_after_a_cut > 100);
}

TEST_CASE("durable keys: one that stands again in the same life knows what it has handled, in the store yet or not",
          "[bus][durable][P24]") {
  peal::memory_store kept;
  counts handled;
  shop bus{{.seed = 3}, kept};
  for (std::int64_t life = 0; life != 3; ++life) {
    auto s = bus.subscribe<order>(
        "charge", [&](const order& o) { ++handled[o.id]; }, once);
    for (std::int64_t id = 0; id != 4 + life; ++id) bus.publish(order{id});
    while (handled.size() != static_cast<std::size_t>(4 + life)) REQUIRE(bus.runtime().step());
  }
  CHECK(handled == counts{{0, 1}, {1, 1}, {2, 1}, {3, 1}, {4, 1}, {5, 1}});
}

TEST_CASE("durable keys: events of different types never share a key", "[bus][durable][P24]") {
  peal::memory_store kept;
  for (int life = 0; life != 2; ++life) {
    int orders_seen = 0;
    int refunds_seen = 0;
    shop bus{{.seed = 3}, kept};
    struct both {
      int& orders;
      int& refunds;
      void operator()(const order&) const { ++orders; }
      void operator()(const refund&) const { ++refunds; }
    };
    auto s = bus.subscribe<order, refund>("charge", both{orders_seen, refunds_seen},
                                          peal::idempotent{&order::id, &refund::id});
    bus.publish(refund{1});
    if (life == 1) bus.publish(order{1});
    REQUIRE(bus.settle());
    CHECK(refunds_seen == (life == 0 ? 1 : 0));
    CHECK(orders_seen == (life == 0 ? 0 : 1));
  }
}

TEST_CASE("durable keys: the window goes on by the wall clock", "[bus][durable][P24]") {
  const auto day = peal::idempotent{&order::id, {.window = 24h}};
  peal::memory_store kept;
  (void)live(kept, 0, 2, day);
  age(kept, "charge", 23h);
  (void)live(kept, 2, 4, day);
  CHECK(live(kept, 0, 4, day) == counts{});
  age(kept, "charge", 2h);
  CHECK(live(kept, 0, 4, day) == counts{{0, 1}, {1, 1}});
  shop bus{{.seed = 3}, kept};  // and within a life by the steady one, from where it stood
  counts handled;
  auto s = bus.subscribe<order>(
      "charge", [&](const order& o) { ++handled[o.id]; }, day);
  bus.runtime().advance(21h);
  for (std::int64_t id = 0; id != 4; ++id) bus.publish(order{id});
  REQUIRE(bus.settle());
  CHECK(handled == counts{});
  bus.runtime().advance(90min);
  for (std::int64_t id = 0; id != 4; ++id) bus.publish(order{id});
  REQUIRE(bus.settle());
  CHECK(handled == counts{{2, 1}, {3, 1}});
}

TEST_CASE("durable keys: of more than there is room for the newest are remembered, and the store forgets the others",
          "[bus][durable][P24]") {
  const auto few = peal::idempotent{&order::id, {.window = 24h, .capacity = 10}};
  peal::memory_store kept;
  (void)live(kept, 0, 20, peal::idempotent{&order::id, {.window = 24h, .capacity = 100}});
  age(kept, "charge", 1h);
  (void)live(kept, 20, 25, few);
  CHECK(live(kept, 15, 25, few) == counts{});
  CHECK(claims_in(kept, "charge") == 25);
  CHECK(live(kept, 14, 15, few) == counts{{14, 1}});
  (void)live(kept, 1000, 6000, few);
  bool old = false;
  kept.claims("charge",
              [&](const peal::stored_claim& c) { old = old || peal::detail::wall_now() - c.at > 3'000'000'000'000; });
  CHECK_FALSE(old);
}

TEST_CASE("durable keys: only a subscription that the store keeps has its keys there", "[bus][durable][P24]") {
  peal::memory_store kept;
  CHECK(live(kept, 0, 2, once, peal::transient).size() == 2);
  CHECK(live(kept, 0, 2, peal::idempotent{&order::id, {.window = 0s}}).size() == 2);
  CHECK(claims_in(kept, "charge") == 0);
}

TEST_CASE("durable keys: a key that cannot be stored is refused before it stands, by a sentence",
          "[bus][durable][P40]") {
  peal::memory_store kept;
  shop bus{{.seed = 3}, kept};
  const auto key = [](const order& o) { return static_cast<char>(o.id); };
  peal::subscriber<order> in{bus};
  std::string said;
  try {
    auto s = in.subscribe("charge", nothing, peal::idempotent{key});
  } catch (const peal::bad_option& e) {
    said = e.what();
  }
  CHECK(said.find("\"charge\"") != std::string::npos);
  CHECK(said.find("\"shop.order\"") != std::string::npos);
  CHECK(said.find("peal::transient") != std::string::npos);
  auto s = in.subscribe("charge", nothing, peal::idempotent{key}, peal::transient);
}

TEST_CASE("durable keys: an event whose key the store has no place for becomes a letter that says so",
          "[bus][durable][P24]") {
  struct narrow : peal::testing::store_wrapper {
    using store_wrapper::store_wrapper;
    [[nodiscard]] peal::store_features features() const noexcept override {
      auto f = wrapped().features();
      f.max_key_bytes = 64;
      return f;
    }
  };
  peal::memory_store memory;
  narrow kept{&memory};
  shop bus{{.seed = 3}, kept};
  counts handled;
  const auto key = [](const order& o) { return std::string(static_cast<std::size_t>(o.id), 'x'); };
  auto s = bus.subscribe<order>(
      "charge", [&](const order& o) { ++handled[o.id]; }, peal::idempotent{key});
  bus.publish(order{100});
  bus.publish(order{10});
  REQUIRE(bus.settle());
  CHECK(handled == counts{{10, 1}});
  const auto letters = bus.dead_letters<order>();
  REQUIRE(letters.size() == 1);
  CHECK(letters[0].errors[0].what.find("the store takes 64") != std::string::npos);
}

TEST_CASE("durable keys: an effect that was committed when the process ended has made its key a handled one",
          "[bus][durable][P24][P32]") {
  struct rows {
    peal::memory_store& disk;
    void commit(const peal::store_batch& b) { disk.commit(b); }
  };
  peal::memory_store kept;
  for (int life = 0; life != 3; ++life) {
    peal::testing::faulty_store store{&kept};
    counts handled;
    shop bus{{.seed = 3}, store};
    auto s = bus.subscribe<order>(
        "charge",
        [&](const order& o, peal::delivery& d) {
          ++handled[o.id];
          rows t{kept};
          d.commit(t);
          if (life == 0) store.fail(1, peal::store_errc::io);
        },
        once);
    if (life == 0) {
      bus.publish(order{1});
      while (handled.empty()) REQUIRE(bus.runtime().step());
      bus.runtime().advance(10s);
      CHECK(claims_in(kept, "charge") == 0);
      continue;
    }
    for (std::int64_t id = 1; id != 3; ++id) bus.publish(order{id});
    REQUIRE(bus.settle());
    CHECK(handled == (life == 1 ? counts{{2, 1}} : counts{}));
  }
  CHECK(claims_in(kept, "charge") == 2);
}
