// SPDX-License-Identifier: MIT
// Handled keys and timers of a durable bus in SQLite, with the process killed at any moment.
#include <peal/adapters/sqlite/sqlite_store.hpp>
#include <peal/bus/durable.hpp>
#include <peal/testing/contract/detail/child.hpp>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <map>
#include <mutex>
#include <random>
#include <set>
#include <string>
#include <thread>

#include "bus/retained_topic.hpp"
#include "support/catch.hpp"
#include "support/stress_options.hpp"
#include "support/temporary_folder.hpp"

namespace {

using namespace std::chrono_literals;
namespace cases = peal::testing::contract_cases;

struct order {
  static constexpr peal::event_name name{"shop.order", 1};
  std::int64_t id = 0;
  static constexpr auto fields = peal::fields(peal::field{"id", &order::id});
};
struct reminder {
  static constexpr peal::event_name name{"shop.reminder", 1};
  std::int64_t id = 0;
  static constexpr auto fields = peal::fields(peal::field{"id", &reminder::id});
};
using shop = peal::bus<peal::topic<order, peal::durable>, peal::topic<reminder, peal::durable>>;

/// A life: orders are handled once each, and each sets a reminder.
struct service {
  explicit service(peal::store& kept) : bus{{.workers = 2}, kept} {}

  shop bus;
  std::mutex mutex{};
  std::set<std::int64_t> handled{};
  std::map<std::int64_t, int> reminded{};
  peal::subscription reminders = bus.subscribe<reminder>(
      "reminders",
      [this](const reminder& r) {
        const std::lock_guard lock{mutex};
        ++reminded[r.id];
      },
      peal::start_at::beginning());
  peal::subscription orders = bus.subscribe<order>(
      "orders",
      [this](const order& o) {
        bus.publish_after(reminder{o.id}, std::chrono::milliseconds{o.id % 4});
        const std::lock_guard lock{mutex};
        handled.insert(o.id);
      },
      peal::idempotent{&order::id}, peal::start_at::beginning());
};

std::uint64_t claims_in(const peal::store& kept, const char* scope) {
  std::uint64_t n = 0;
  kept.claims(scope, [&](const peal::stored_claim&) { ++n; });
  return n;
}

}  // namespace

TEST_CASE("sqlite: killed at any moment, a handled key stays handled, and what it was to publish later comes",
          "[adapters][sqlite][durable][P24][P28]") {
  peal_test::temporary_folder folder;
  const std::string path = folder.path("shop.db");
  const auto kills = static_cast<int>(peal_test::scaled(20));
  constexpr std::int64_t a_life = 40;
  std::mt19937_64 random{peal_test::seed()};
  std::uint64_t again = 0;
  for (int kill = 0; kill != kills; ++kill) {
    cases::channel ready;
    cases::child process{[&] {
      peal::sqlite::store kept{path, {.durability = peal::sync::os}};
      service s{kept};
      for (std::int64_t id = 0; id != a_life * (kill + 1); ++id) {
        s.bus.publish(order{id});  // all those of earlier lives as well
        if (id == 0) ready.say();
      }
      (void)::pause();  // it is killed
    }};
    ready.hear();
    const auto moment = std::chrono::steady_clock::now() + std::chrono::microseconds(random() % 20'000);
    while (std::chrono::steady_clock::now() < moment) std::this_thread::yield();
    process.kill();
    REQUIRE(process.was_killed());
    peal::sqlite::store kept{path, {.durability = peal::sync::os}};
    const std::uint64_t known = claims_in(kept, "orders");
    service s{kept};
    for (std::int64_t id = 0; id != a_life * (kill + 1); ++id) s.bus.publish(order{id});
    REQUIRE(s.bus.settle_for(30s));
    REQUIRE(s.handled.size() == static_cast<std::size_t>(a_life * (kill + 1)) - known);
    again += known;
  }
  peal::sqlite::store kept{path, {.durability = peal::sync::os}};
  std::set<std::int64_t> published;
  (void)kept.read("shop.reminder", 0, ~std::size_t{0},
                  [&](const peal::stored_event& e) { published.insert(peal::decode<reminder>(e.payload).id); });
  kept.timers([&](const peal::stored_timer& t) { published.insert(peal::decode<reminder>(t.event.payload).id); });
  std::printf("keys: seed=%llu kills=%d deduplicated=%llu reminders=%zu lost=%lld\n",
              static_cast<unsigned long long>(peal_test::seed()), kills, static_cast<unsigned long long>(again),
              published.size(), static_cast<long long>(a_life * kills) - static_cast<long long>(published.size()));
  CHECK(published.size() == static_cast<std::size_t>(a_life * kills));
}

TEST_CASE("sqlite: of a topic that is compacted the newest of each key stay, and what somebody has still to read",
          "[adapters][sqlite][durable][retention]") {
  peal_test::temporary_folder folder;
  peal::sqlite::store kept{folder.path("market.db"), {.durability = peal::sync::os}};
  peal_test::newest_of_each_key_stay(kept, peal_test::seed(), static_cast<int>(peal_test::scaled(4)));
}
