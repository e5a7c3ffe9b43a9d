// SPDX-License-Identifier: MIT
// The example as a whole: whatever goes wrong, the books are those of a day without trouble.
#include "../../examples/order_flow/run.hpp"

#include <peal/store/memory_store.hpp>

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "../../examples/order_flow/stream_ledger.hpp"
#include "support/catch.hpp"

namespace {

using namespace order_flow;

options some_orders(std::uint64_t count, trouble::options troubles) {
  options chosen;
  chosen.orders = count;
  chosen.troubles = troubles;
  return chosen;
}

run_report run(const options& chosen) {
  onlooker nobody;
  return run_shop(chosen, nobody);
}

}  // namespace

TEST_CASE("order_flow: a calm day balances, and nothing is tried twice", "[examples][order_flow]") {
  const auto report = run(some_orders(500, {}));
  CHECK(complaints(report) == std::vector<std::string>{});
  CHECK(report.found.orders_placed + report.found.orders_cancelled == 500);
  CHECK(report.found.orders_charged > 300);
  CHECK(letter_count(report) == static_cast<std::uint64_t>(report.found.orders_rejected));
  for (const auto& service : report.services) {
    CAPTURE(service.name);
    CHECK(service.retried == 0);
    CHECK(service.deduplicated == 0);
    CHECK(service.latency.count() == service.handled);
  }
  CHECK(report.services.size() == 6);
  CHECK_FALSE(report.interrupted);
}

TEST_CASE("order_flow: trouble does not change the books", "[examples][order_flow]") {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    CAPTURE(seed);
    const auto calm = run(some_orders(200, {.seed = seed}));
    const auto rough = run(some_orders(200, {.duplicate = 0.3, .flaky = 0.3, .crash = 0.3, .seed = seed}));
    CHECK(complaints(calm) == std::vector<std::string>{});
    CHECK(complaints(rough) == std::vector<std::string>{});
    CHECK(differences(calm.found, rough.found) == std::vector<std::string>{});
    CHECK(rough.duplicates_published > 0);
  }
}

TEST_CASE("order_flow: the same seed makes the same trouble, whatever the threads do", "[examples][order_flow]") {
  auto chosen = some_orders(300, {.duplicate = 0.2, .flaky = 0.2, .crash = 0.1, .seed = 4});
  const auto one = run(chosen);
  chosen.workers = 4;
  const auto other = run(chosen);
  REQUIRE(one.services.size() == other.services.size());
  for (std::size_t i = 0; i < one.services.size(); ++i) {
    CAPTURE(one.services[i].name);
    CHECK(one.services[i].retried > 0);
    CHECK(one.services[i].retried == other.services[i].retried);
    CHECK(one.services[i].deduplicated == other.services[i].deduplicated);
    CHECK(one.services[i].dead == other.services[i].dead);
  }
  CHECK(one.events == other.events);
}

TEST_CASE("order_flow: each good order that comes twice is deduplicated by who would act on it",
          "[examples][order_flow]") {
  const auto report = run(some_orders(400, {.duplicate = 1, .seed = 2}));
  CHECK(complaints(report) == std::vector<std::string>{});
  CHECK(report.duplicates_published == 400);
  const auto charged = static_cast<std::uint64_t>(report.found.orders_charged);
  for (const auto& service : report.services) {
    CAPTURE(service.name);
    if (service.name == "inventory" || service.name == "payment") CHECK(service.deduplicated == charged);
  }
  CHECK(letter_count(report) == 2 * static_cast<std::uint64_t>(report.found.orders_rejected));
}

TEST_CASE("order_flow: a shop that closes early finishes what it took", "[examples][order_flow]") {
  class closing_time final : public onlooker {
   public:
    bool go_on(std::uint64_t orders_taken) override { return orders_taken < 123; }
  } closes;
  const auto report = run_shop(some_orders(1000, {.duplicate = 0.2, .flaky = 0.2, .crash = 0.1}), closes);
  CHECK(report.interrupted);
  CHECK(report.found.orders_placed + report.found.orders_cancelled == 123);
  CHECK(complaints(report) == std::vector<std::string>{});
}

TEST_CASE("order_flow: a gateway that never answers is seen in the books", "[examples][order_flow]") {
  const auto report = run(some_orders(20, {.flaky = 1}));
  CHECK(report.found.orders_charged == 0);
  CHECK_FALSE(complaints(report).empty());
  CHECK_THAT(complaints_text(report), peal_test::contains_text("dead letters of good orders"));
  CHECK_THAT(complaints_text(report), peal_test::contains_text("parcels without their goods or their payment: "));
}

TEST_CASE("order_flow: an outage of the gateway opens its breaker, is survived, and changes no book",
          "[examples][order_flow][P26]") {
  using namespace std::chrono_literals;
  const auto calm = run(some_orders(400, {.duplicate = 0.1, .seed = 3}));
  const auto rough = run(some_orders(400, {.duplicate = 0.1, .flaky = 0.1, .outage = 400ms, .seed = 3}));
  CHECK(calm.outage.breaker_opened == 0);
  CHECK(complaints(rough) == std::vector<std::string>{});
  CHECK(differences(calm.found, rough.found) == std::vector<std::string>{});
  CHECK(letter_count(calm) == letter_count(rough));
  CHECK(rough.took >= 400ms);
  CHECK(rough.outage.breaker_opened >= 1);
  CHECK(rough.outage.breaker_opened <= 9);  // open for 50 ms at a time
  CHECK(rough.outage.breaker_open >= 50ms);
  REQUIRE(rough.outage.recovery.has_value());
  CHECK(*rough.outage.recovery >= 0ns);
}

TEST_CASE("order_flow: no orders are a day, too", "[examples][order_flow]") {
  const auto report = run(some_orders(0, {}));
  CHECK(complaints(report) == std::vector<std::string>{});
  CHECK(report.events == 0);
}

TEST_CASE("order_flow: a shop on a store goes on where it closed, and does nothing twice",
          "[examples][order_flow][P31]") {
  class closing_time final : public onlooker {
   public:
    explicit closing_time(std::uint64_t orders) : orders_{orders} {}
    bool go_on(std::uint64_t orders_taken) override { return orders_taken < orders_; }

   private:
    std::uint64_t orders_;
  };
  const auto chosen = some_orders(300, {.duplicate = 0.2, .flaky = 0.2, .crash = 0.1, .seed = 9});
  const auto in_memory = run(chosen);
  peal::memory_store kept;
  std::uint64_t accepted = 0;
  for (const std::uint64_t orders : {0u, 7u, 100u, 301u, 301u}) {
    CAPTURE(orders);
    stream_ledger entries{kept};
    closing_time closes{orders};
    const auto report = run_shop_on(kept, entries, chosen, closes);
    CHECK(complaints(report) == std::vector<std::string>{});
    CHECK(report.accepted_before == accepted);
    CHECK(report.interrupted == (orders <= 300));
    accepted = kept.range("shop.orders").next;
    if (orders == 301) CHECK(differences(in_memory.found, report.found) == std::vector<std::string>{});
  }
  CHECK(accepted == 300 + in_memory.duplicates_published);
}

TEST_CASE("order_flow: a store that was begun with other orders is refused", "[examples][order_flow]") {
  peal::memory_store kept;
  stream_ledger entries{kept};
  onlooker nobody;
  (void)run_shop_on(kept, entries, some_orders(20, {.seed = 1}), nobody);
  CHECK_THROWS_WITH(run_shop_on(kept, entries, some_orders(20, {.seed = 2}), nobody),
                    peal_test::contains_text("this store was begun with 20 orders made from a seed, seed 1"));
}
