// SPDX-License-Identifier: MIT
// P37: a subscription that is behind reads from the store, holds nobody back, and comes back to the ring without a gap.
#include <peal/bus/durable.hpp>
#include <peal/store/memory_store.hpp>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

#include "support/bus_fixture.hpp"
#include "support/stress_options.hpp"

namespace {

using namespace peal_test;

struct tick {
  std::int64_t n{};
  std::string text{};
  static constexpr peal::event_name name{"test.tick", 1};
  static constexpr auto fields = peal::fields(peal::field{"n", &tick::n}, peal::field{"text", &tick::text});
};
using ticks = peal::topic<tick, peal::durable, peal::capacity<256>>;

}  // namespace

TEST_CASE("read_store: one that hangs holds nobody back, and then has everything in order", "[bus][durable][P37]") {
  const watchdog dog{"read_store"};
  peal::memory_store kept;
  peal::bus<ticks> bus{{.workers = 2}, kept};
  const auto events = static_cast<std::int64_t>(20'000 * peal_test::scale());
  door inside, go_on;
  std::int64_t beside = 0;
  std::int64_t behind = 0;
  std::int64_t wrong_beside = 0;
  std::int64_t wrong_behind = 0;
  const auto reads = bus.subscribe<tick>("beside", [&](const tick& t) { wrong_beside += t.n != beside++; });
  const auto hangs = bus.subscribe<tick>(
      "behind",
      [&](const tick& t) {
        if (t.n == 10) {
          inside.open();
          go_on.wait();
        }
        wrong_behind += t.n != behind++ || t.text != std::to_string(t.n);
      },
      peal::behind{peal::read_store});
  for (std::int64_t n = 0; n != 11; ++n) bus.publish(tick{n, std::to_string(n)});
  inside.wait();
  std::int64_t refused = 0;
  for (std::int64_t n = 11; n != events && refused == 0; ++n) {
    if (!bus.try_publish_for(tick{n, std::to_string(n)}, std::chrono::seconds{20})) ++refused;
  }
  CHECK(refused == 0);
  go_on.open();
  for (std::int64_t n = events; n != events + 5'000; ++n) bus.publish(tick{n, std::to_string(n)});  // on the way back
  const auto report = bus.settle();
  CHECK(report.settled);
  CHECK(wrong_beside == 0);
  CHECK(wrong_behind == 0);
  CHECK(beside == events + 5'000);
  CHECK(behind == events + 5'000);
  std::printf("  read_store: offered=%lld delivered=%lld lost=%lld out of order=%lld\n",
              static_cast<long long>(events + 5'000), static_cast<long long>(behind),
              static_cast<long long>(events + 5'000 - behind), static_cast<long long>(wrong_beside + wrong_behind));
}

TEST_CASE("read_store: it goes on where it was in the next life of the bus", "[bus][durable][P31][P37]") {
  const watchdog dog{"read_store, two lives"};
  peal::memory_store kept;
  std::vector<std::int64_t> seen;
  for (int life = 0; life != 3; ++life) {
    peal::bus<ticks> bus{{.workers = 1}, kept};
    const auto take = [&](const tick& t) { seen.push_back(t.n); };
    auto s = bus.subscribe<tick>("behind", take, peal::behind{peal::read_store});
    for (std::int64_t n = 0; n != 400; ++n) bus.publish(tick{life * 1000 + n, {}});
    (void)bus.settle();
    s.stop();
    for (std::int64_t n = 400; n != 1000; ++n) bus.publish(tick{life * 1000 + n, {}});
  }
  CHECK(seen.size() == 2'400);
  for (std::size_t i = 0; i != seen.size(); ++i) {
    if (seen[i] != static_cast<std::int64_t>(i)) FAIL("at " << i << " stands " << seen[i]);
  }
}

TEST_CASE("read_store: on a topic in memory it is refused by name", "[bus][durable]") {
  peal::bus<tick> bus;
  const peal::subscriber<tick> in = bus;
  const auto take = [](const tick&) {};
  CHECK_THROWS_WITH(in.subscribe("late", take, peal::behind{peal::read_store}),
                    "peal: subscription \"late\": behind{read_store} goes with a durable topic, and the topic of "
                    "test.tick is in memory; add peal::durable to its options");
}
