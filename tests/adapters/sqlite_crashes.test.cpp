// SPDX-License-Identifier: MIT
// Events that end the process: found out by runs that are in the store before they begin.
#include <peal/adapters/sqlite/sqlite_store.hpp>
#include <peal/bus/durable.hpp>
#include <peal/testing/contract/detail/child.hpp>

#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "support/catch.hpp"
#include "support/temporary_folder.hpp"

namespace {

using namespace std::chrono_literals;
namespace cases = peal::testing::contract_cases;

struct parcel {
  std::int64_t number{};
  std::int64_t key{};
  static constexpr peal::event_name name{"shop.parcel", 1};
  static constexpr auto fields = peal::fields(peal::field{"number", &parcel::number}, peal::field{"key", &parcel::key});
};
using bus_type = peal::bus<peal::topic<parcel, peal::durable>>;

constexpr std::int64_t parcels = 200;
constexpr std::int64_t killer = 77;

struct life {
  std::uint64_t handled = 0;  ///< by the one with the killer
  std::uint64_t innocent = 0;
  std::uint64_t letters = 0;
  std::uint64_t crashed = 0;
  std::int64_t number = -1;  ///< of the letter's event
  std::uint64_t runs = 0;    ///< that the letter tells
};

/// One life of the service: true when it came to its end, and then `seen` says what it was.
template <class Wire>
bool live(const std::string& path, bool first, life& seen, Wire wire) {
  cases::channel words;
  cases::child service{[&] {
    peal::sqlite::store kept{path, {.durability = peal::sync::os}};
    life mine;
    {
      bus_type bus{{.workers = 2}, kept};
      std::atomic<std::uint64_t> handled{0};
      std::atomic<std::uint64_t> innocent{0};
      const auto beside = bus.subscribe<parcel>(
          "innocent", [&](const parcel&) { ++innocent; }, peal::start_at::beginning());
      const auto s = wire(bus, handled);
      if (first) {
        for (std::int64_t i = 0; i != parcels; ++i) bus.publish(parcel{i, i % 7});
      }
      (void)bus.settle();
      mine.handled = handled;
      mine.innocent = innocent;
      for (const auto& l : bus.template dead_letters<parcel>()) {
        ++mine.letters;
        if (l.cause != peal::dead_cause::crashed) continue;
        ++mine.crashed;
        mine.number = l.event.number;
        mine.runs = l.errors.empty() ? 0 : l.errors.back().attempt;
      }
    }
    words.write(&mine, sizeof mine);
  }};
  words.close_writing();
  const bool ended = words.read(&seen, sizeof seen) == sizeof seen;
  (void)service.was_killed();
  return ended;
}

}  // namespace

TEST_CASE("durable: an event that ends the process is a letter after so many lives, and only it", "[durable][P36]") {
  const peal_test::temporary_folder folder;
  const std::string path = folder.path("crashes.db");
  const int kind = GENERATE(0, 1, 2);
  const auto wire = [kind](bus_type& bus, std::atomic<std::uint64_t>& handled) {
    const auto handle = [&](const parcel& p) {
      if (p.number == killer) ::_exit(9);
      ++handled;
    };
    const auto from = peal::start_at::beginning();
    if (kind == 0) return bus.subscribe<parcel>("billing", handle, from);
    if (kind == 1) return bus.subscribe<parcel>("billing", handle, from, peal::concurrency{3});
    return bus.subscribe<parcel>(
        "billing",
        [&](const parcel& p, const peal::delivery& d) {  // it ends the process in its second run
          if (p.number == killer && d.attempt() == 1) throw std::runtime_error("not yet");
          if (p.number == killer) ::_exit(9);
          ++handled;
        },
        from, peal::ordered_by{&parcel::key}, peal::otherwise(peal::backoff{.attempts = 3, .first = 1ms}));
  };
  life seen;
  int lives = 0;
  std::uint64_t handled = 0;
  while (!live(path, lives == 0, seen, wire)) REQUIRE(++lives <= 4);
  handled = seen.handled;
  CHECK(lives == 4);  // the first, which nothing was noted of, and three that were
  CHECK(seen.letters == (kind == 2 ? seen.crashed + (parcels - 1 - killer) / 7 : 1));
  CHECK(seen.crashed == 1);
  CHECK(seen.number == killer);
  CHECK(handled + 1 <= static_cast<std::uint64_t>(parcels));
  REQUIRE(live(path, false, seen, wire));
  CHECK(seen.crashed == 1);  // it stays a letter, and nothing else has become one
  CHECK(seen.innocent == 0);
}
