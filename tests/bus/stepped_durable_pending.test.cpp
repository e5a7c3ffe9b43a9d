// SPDX-License-Identifier: MIT
// What a durable subscription keeps for later: letters on their way back, back-offs, keys that wait; across stops and lives.
#include <peal/bus/durable.hpp>
#include <peal/store/memory_store.hpp>
#include <peal/testing/faulty_store.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "bus/stepped_support.hpp"

namespace {

using namespace std::chrono_literals;

struct order {
  std::int64_t id{};
  std::int64_t customer{};
  static constexpr peal::event_name name{"shop.order", 1};
  static constexpr auto fields = peal::fields(peal::field{"id", &order::id}, peal::field{"customer", &order::customer});
};

using shop = peal::testing::stepped_bus<peal::topic<order, peal::durable>>;
using ids = std::vector<std::int64_t>;
constexpr auto once = peal::otherwise(peal::backoff{.attempts = 1});

std::size_t letters_in(const peal::store& kept) {
  std::size_t n = 0;
  kept.letters("", [&](const peal::stored_letter&) { ++n; });
  return n;
}

}  // namespace

TEST_CASE("durable: a redriven letter whose subscription stops before it has run stands among the letters again",
          "[bus][durable][P23][P25]") {
  peal::memory_store kept;
  shop bus{{.seed = 7}, kept};
  bool down = true;
  ids ran;
  const auto handler = [&](const order& o) {
    if (down) throw peal_test::gateway_down();
    ran.push_back(o.id);
  };
  std::optional<peal::subscription> s = bus.subscribe<order>("ship", handler, peal::ordered_by{&order::customer}, once);
  bus.publish(order{1, 7});
  bus.publish(order{2, 7});
  REQUIRE(bus.settle());
  bus.runtime().advance(1s);
  REQUIRE(letters_in(kept) == 2);
  down = false;
  s->pause();
  CHECK(bus.redrive<order>() == 2);
  s.reset();
  const auto letters = bus.dead_letters<order>();
  REQUIRE(letters.size() == 2);
  CHECK(letters[0].number == 1);
  CHECK(letters[0].cause == peal::dead_cause::failed);
  CHECK(letters[0].subscription == "ship");
  REQUIRE(letters[0].errors.size() == 1);
  CHECK(letters[0].errors[0].what == "gateway down");
  CHECK(letters[1].cause == peal::dead_cause::blocked_by);
  s = bus.subscribe<order>("ship", handler, peal::ordered_by{&order::customer}, once);
  bus.publish(order{3, 7});
  bus.publish(order{4, 8});
  REQUIRE(bus.settle());
  CHECK(ran == ids{4});  // the key is held
  CHECK(bus.redrive<order>() == 3);
  REQUIRE(bus.settle());
  CHECK(ran == ids{4, 1, 2, 3});
  bus.runtime().advance(1s);
  CHECK(letters_in(kept) == 0);
}

TEST_CASE("durable: what a letter's runs threw is told as it was, in every life", "[bus][durable][P25]") {
  peal::memory_store kept;
  for (int life = 0; life != 4; ++life) {
    shop bus{{.seed = 7}, kept};
    if (life == 0) {
      const auto s = bus.subscribe<order>(
          "ship", [](const order&) { throw peal_test::gateway_down(); },
          peal::otherwise(peal::backoff{.attempts = 2, .first = 1ms}));
      bus.publish(order{1, 7});
      bus.runtime().advance(1s);
    }
    const auto s = bus.subscribe<order>("ship", [](const order&) {});
    const auto letters = bus.dead_letters<order>();
    REQUIRE(letters.size() == 1);
    REQUIRE(letters[0].errors.size() == 2);
    CHECK(letters[0].errors[1].attempt == 2);
    CHECK(letters[0].errors[1].what == "gateway down");
    CHECK(bus.edit_letter<order>(1, [](order& o) { ++o.id; }) == peal::redrive_errc::none);  // it is stored again
    bus.runtime().advance(1s);
  }
}

TEST_CASE("durable keys: the effect of a letter that came back has made its key a handled one",
          "[bus][durable][P24][P32]") {
  struct rows {
    peal::memory_store& disk;
    void commit(const peal::store_batch& b) { disk.commit(b); }
  };
  peal::memory_store kept;
  int handled = 0;
  bool down = true;
  {
    peal::testing::faulty_store store{&kept};
    shop bus{{.seed = 7}, store};
    const auto s = bus.subscribe<order>(
        "charge",
        [&](const order&, peal::delivery& d) {
          if (down) throw peal_test::gateway_down();
          ++handled;
          rows t{kept};
          d.commit(t);
          store.fail(1, peal::store_errc::io);  // here the process ends
        },
        peal::idempotent{&order::customer}, once);
    bus.publish(order{1, 7});
    REQUIRE(bus.settle());
    bus.runtime().advance(1s);
    down = false;
    CHECK(bus.redrive<order>() == 1);
    bus.runtime().advance(1s);
    CHECK(handled == 1);
  }
  CHECK(letters_in(kept) == 0);
  for (int life = 0; life != 2; ++life) {
    shop bus{{.seed = 7}, kept};
    const auto s = bus.subscribe<order>(
        "charge", [&](const order&) { ++handled; }, peal::idempotent{&order::customer});
    bus.publish(order{2, 7});
    REQUIRE(bus.settle());
    CHECK(handled == 1);
  }
}
