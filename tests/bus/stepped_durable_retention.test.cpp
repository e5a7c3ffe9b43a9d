// SPDX-License-Identifier: MIT
// What goes out of the store of a durable topic, and what never does: events that somebody has still to read.
#include <peal/bus/durable.hpp>
#include <peal/store/memory_store.hpp>
#include <peal/testing/faulty_store.hpp>

#include <cstdint>
#include <string>
#include <vector>

#include "bus/retained_topic.hpp"
#include "bus/stepped_support.hpp"
#include "support/catch.hpp"
#include "support/stress_options.hpp"

namespace {

using namespace std::chrono_literals;

struct order {
  std::int64_t id{};
  static constexpr peal::event_name name{"shop.order", 1};
  static constexpr auto fields = peal::fields(peal::field{"id", &order::id});
};
using shop = peal::testing::stepped_bus<peal::topic<order, peal::durable>>;

void publish(shop& bus, int count) {
  for (int i = 0; i < count; ++i) {
    bus.publish(order{i});
    if (i % 100 == 99) (void)bus.settle();
  }
  (void)bus.settle();
  bus.runtime().advance(10s);
}
std::uint64_t oldest(shop& bus) { return bus.durability().topics.at(0).oldest; }

/// Sees how much goes at once.
struct watching_store final : peal::testing::store_wrapper {
  using store_wrapper::store_wrapper;
  std::uint64_t trim(std::string_view topic, std::uint64_t before) override {
    const std::uint64_t n = wrapped().trim(topic, before);
    most = n > most ? n : most;
    return n;
  }
  std::uint64_t most = 0;
};

const auto ignore = [](const order&) {};

}  // namespace

TEST_CASE("retention: without a word everything is kept", "[bus][durable][retention]") {
  peal::memory_store kept;
  shop bus{{.seed = 7}, kept};
  const auto s = bus.subscribe<order>("ledger", ignore);
  publish(bus, 50);
  CHECK(oldest(bus) == 0);
  CHECK(kept.range("shop.order").first == 0);
}

TEST_CASE("retention: what everybody has passed goes, and nothing else", "[bus][durable][retention]") {
  peal::memory_store kept;
  shop bus{{.seed = 7}, kept};
  bus.retain<order>({});
  SECTION("with nobody there nothing goes") {
    publish(bus, 50);
    CHECK(oldest(bus) == 0);
  }
  SECTION("the slowest one keeps it") {
    bool slow = true;
    const auto a = bus.subscribe<order>("fast", ignore);
    const auto b = bus.subscribe<order>(
        "slow",
        [&](const order& o) {
          if (slow && o.id == 20) throw peal_test::gateway_down();
        },
        peal::otherwise(peal::backoff{.attempts = 100, .first = 1h, .spread = peal::jitter::none}));
    publish(bus, 50);
    CHECK(oldest(bus) == 20);
    slow = false;
    bus.runtime().advance(2h);
    CHECK(oldest(bus) == 50);
  }
  SECTION("one that does not stand keeps it as well, until it is forgotten") {
    {
      auto gone = bus.subscribe<order>("orphan", ignore);
      publish(bus, 10);
      gone.stop();
    }
    const auto a = bus.subscribe<order>("fast", ignore);
    publish(bus, 10);
    CHECK(oldest(bus) == 10);
  }
  SECTION("a projection's position, too") {
    peal::store_batch b;
    b.cursors.push_back({"stock", "shop.order", 7});
    kept.commit(b);
    const auto a = bus.subscribe<order>("fast", ignore);
    publish(bus, 20);
    CHECK(oldest(bus) == 7);
  }
  SECTION("it goes on when a subscription has come on") {
    const auto a = bus.subscribe<order>("fast", ignore);
    publish(bus, 10'000);
    CHECK(oldest(bus) == 10'000);
    publish(bus, 1);
    CHECK(oldest(bus) == 10'001);
  }
}

TEST_CASE("retention: an orphan of an earlier life keeps what it has not read", "[bus][durable][retention]") {
  peal::memory_store kept;
  {
    shop bus{{.seed = 7}, kept};
    const auto gone = bus.subscribe<order>("orphan", ignore);
    publish(bus, 10);
  }
  std::vector<std::int64_t> heard;
  {
    shop bus{{.seed = 7}, kept};
    bus.retain<order>({});
    const auto a = bus.subscribe<order>("fast", ignore);
    publish(bus, 10);
    CHECK(oldest(bus) == 10);
    const auto back = bus.subscribe<order>("orphan", [&](const order& o) { heard.push_back(o.id); });
    publish(bus, 1);
    CHECK(heard.size() == 11);
    CHECK(oldest(bus) == 21);
  }
  shop bus{{.seed = 7}, kept};
  const auto s = bus.subscribe<order>(
      "new", [&](const order& o) { heard.push_back(o.id); }, peal::start_at::beginning());
  publish(bus, 1);
  CHECK(heard.size() == 12);  // what is gone is not there for newcomers
}

TEST_CASE("retention: what has gathered goes a few thousand at a time", "[bus][durable][retention]") {
  peal::memory_store disk;
  watching_store kept{&disk};
  shop bus{{.seed = 7}, kept};
  const auto a = bus.subscribe<order>("fast", ignore);
  publish(bus, 10'000);
  CHECK(kept.most == 0);
  bus.retain<order>({});
  bus.runtime().advance(10s);
  CHECK(oldest(bus) == 10'000);
  CHECK(kept.most == 4096);
}

TEST_CASE("retention: the newest are kept by count", "[bus][durable][retention]") {
  peal::memory_store kept;
  shop bus{{.seed = 7}, kept};
  bus.retain<order>({.count = 30});
  const auto a = bus.subscribe<order>("fast", ignore);
  publish(bus, 20);
  CHECK(oldest(bus) == 0);
  publish(bus, 80);
  CHECK(oldest(bus) == 70);
  bus.retain<order>({.count = 5});
  bus.runtime().advance(10s);
  CHECK(oldest(bus) == 95);
}

TEST_CASE("retention: the young ones are kept by age", "[bus][durable][retention]") {
  peal::memory_store kept;
  {  // ten old ones
    peal::store_batch b;
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    for (std::uint64_t i = 0; i < 10; ++i) {
      peal::stored_event& e = b.events.emplace_back();
      e.topic = "shop.order";
      e.position = i;
      e.name = "shop.order";
      e.published = std::chrono::duration_cast<std::chrono::nanoseconds>(now - 2h).count();
    }
    b.cursors.push_back({"fast", "shop.order", 10});
    kept.commit(b);
  }
  shop bus{{.seed = 7}, kept};
  const auto a = bus.subscribe<order>("fast", ignore);
  SECTION("an hour") {
    bus.retain<order>({.age = 1h});
    publish(bus, 5);
    CHECK(oldest(bus) == 10);
  }
  SECTION("three hours") {
    bus.retain<order>({.age = 3h});
    publish(bus, 5);
    CHECK(oldest(bus) == 0);
  }
  SECTION("an hour, and the newest eight") {
    bus.retain<order>({.age = 1h, .count = 8});
    publish(bus, 5);
    CHECK(oldest(bus) == 7);
  }
}

TEST_CASE("retention: a store that cannot remove does no harm, and is asked again", "[bus][durable][retention]") {
  peal::memory_store disk;
  peal::testing::faulty_store kept{&disk};
  shop bus{{.seed = 7}, kept};
  const auto a = bus.subscribe<order>("fast", ignore);
  publish(bus, 10);
  kept.fail(1, peal::store_errc::no_space);
  bus.retain<order>({});
  (void)bus.settle();
  CHECK(oldest(bus) == 0);
  bus.runtime().advance(10s);
  CHECK(oldest(bus) == 10);
  publish(bus, 10);
  CHECK(oldest(bus) == 20);
  CHECK_THROWS_AS(bus.retain<order>({.age = -1s}), peal::bad_option);
}

TEST_CASE("retention: the newest are kept by their bytes", "[bus][durable][retention]") {
  peal::memory_store kept;
  shop bus{{.seed = 7}, kept};
  const auto a = bus.subscribe<order>("fast", ignore);
  publish(bus, 100);
  const std::uint64_t all = kept.size("shop.order").bytes;
  const auto bytes_from = [&](std::uint64_t position) {
    std::uint64_t bytes = 0;
    (void)kept.read("shop.order", position, 1'000, [&](const peal::stored_event& e) { bytes += e.payload.size(); });
    return bytes;
  };
  SECTION("all that there are") {
    bus.retain<order>({.bytes = all});
    bus.runtime().advance(10s);
    CHECK(oldest(bus) == 0);
    publish(bus, 1);
    CHECK(oldest(bus) == 1);
  }
  SECTION("as many as fit") {
    const std::uint64_t ten = bytes_from(90);
    bus.retain<order>({.bytes = ten});
    bus.runtime().advance(10s);
    CHECK(oldest(bus) == 90);
    bus.retain<order>({.bytes = ten - 1});
    bus.runtime().advance(10s);
    CHECK(oldest(bus) == 91);
  }
  SECTION("an event that is kept by one of the limits is kept") {
    bus.retain<order>({.count = 30, .bytes = 1});
    bus.runtime().advance(10s);
    CHECK(oldest(bus) == 70);
    bus.retain<order>({.age = 1h, .bytes = 1});
    publish(bus, 100);
    CHECK(oldest(bus) == 70);
  }
  SECTION("those of an earlier life count") {
    peal::memory_store copy;
    peal::store_batch b;
    (void)kept.read("shop.order", 0, 100, [&](const peal::stored_event& e) { b.events.push_back(e); });
    b.cursors.push_back({"fast", "shop.order", 60});
    copy.commit(b);
    shop next{{.seed = 8}, copy};
    next.retain<order>({.bytes = 1});
    next.runtime().advance(10s);
    CHECK(oldest(next) == 60);  // "fast" does not stand
  }
}

TEST_CASE("retention: more than goes at once goes by bytes as well", "[bus][durable][retention]") {
  peal::memory_store kept;
  shop bus{{.seed = 7}, kept};
  const auto a = bus.subscribe<order>("fast", ignore);
  publish(bus, 10'000);
  bus.retain<order>({.bytes = 100});
  bus.runtime().advance(10s);
  CHECK(kept.size("shop.order").bytes <= 100);
  CHECK(kept.size("shop.order").bytes > 90);
}

TEST_CASE("retention: a delivery that waits keeps its event", "[bus][durable][retention]") {
  peal::memory_store kept;
  peal::store_batch b;
  b.pending.push_back({"slow", "shop.order", 3, 2, 0});
  b.cursors.push_back({"slow", "shop.order", 40});
  kept.commit(b);
  shop bus{{.seed = 7}, kept};
  const auto a = bus.subscribe<order>("fast", ignore);
  bus.retain<order>({});
  publish(bus, 50);
  CHECK(oldest(bus) == 3);
}

TEST_CASE("compaction: the newest of each key stay, and what somebody has still to read", "[bus][durable][retention]") {
  peal::memory_store kept;
  peal_test::newest_of_each_key_stay(kept, peal_test::seed(), static_cast<int>(peal_test::scaled(8)));
}

TEST_CASE("compaction: what is young or among the newest stays", "[bus][durable][retention]") {
  peal::memory_store kept;
  peal_test::market bus{{.seed = 7}, kept};
  const auto a = bus.subscribe<peal_test::price>("fast", [](const auto&) {});
  for (int i = 0; i != 50; ++i) bus.publish(peal_test::price{"s", i});
  (void)bus.settle();
  bus.compact<peal_test::price>({.age = 1h});
  bus.runtime().advance(10s);
  CHECK(kept.size("market").events == 50);
  bus.compact<peal_test::halted>({.count = 10});  // of the same topic
  bus.runtime().advance(10s);
  CHECK(kept.size("market").events == 11);
  CHECK_THROWS_AS(bus.compact<peal_test::price>({.age = -1s}), peal::bad_option);
}

TEST_CASE("compaction: goes with a limit of what is kept", "[bus][durable][retention]") {
  peal::memory_store kept;
  peal_test::market bus{{.seed = 7}, kept};
  const auto a = bus.subscribe<peal_test::price>("fast", [](const auto&) {});
  bus.compact<peal_test::price>();
  bus.retain<peal_test::price>({.count = 30});
  bus.publish(peal_test::price{"once", 0});
  for (int i = 1; i != 50; ++i) bus.publish(peal_test::price{"s" + std::to_string(i % 2), i});
  (void)bus.settle();
  bus.runtime().advance(10s);
  CHECK(kept.range("market").first >= 20);
  CHECK(kept.size("market").events < 7);
}
