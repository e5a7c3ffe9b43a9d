// SPDX-License-Identifier: MIT
// P31: once the store has an event it knows every subscription that stood when it was published.
#include <peal/bus/durable.hpp>
#include <peal/store/memory_store.hpp>
#include <peal/testing/stepped_runtime.hpp>

#include <cstdint>

#include "support/catch.hpp"

namespace {

struct tick {
  std::int64_t n{};
  static constexpr peal::event_name name{"test.tick", 1};
  static constexpr auto fields = peal::fields(peal::field{"n", &tick::n});
};
using ticks = peal::topic<tick, peal::durable, peal::capacity<16384>>;

bool knows(const peal::memory_store& kept, std::string_view name) {
  bool found = false;
  kept.cursors([&](const peal::stored_cursor& c) { found = found || c.subscription == name; });
  return found;
}

}  // namespace

TEST_CASE("durable: with an event the store has the names of those who wait for it", "[bus][durable][P31]") {
  peal::memory_store kept;
  peal::testing::stepped_bus<ticks> bus{{.seed = 7}, kept};
  const auto take = [](const tick&) {};
  const auto early = bus.subscribe<tick>("early", take);
  for (std::int64_t n = 0; n != 5'000; ++n) bus.publish(tick{n});
  while (kept.range("test.tick").next == 0) REQUIRE(bus.runtime().step());
  REQUIRE(kept.range("test.tick").next < 5'000);  // more than one commit takes: a snapshot waits for the rest
  const auto late = bus.subscribe<tick>("late", take);
  bus.publish(tick{5'000});
  while (kept.range("test.tick").next <= 5'000) REQUIRE(bus.runtime().step());
  CHECK(knows(kept, "early"));
  CHECK(knows(kept, "late"));
}
