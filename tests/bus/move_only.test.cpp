// SPDX-License-Identifier: MIT
// Events that cannot be copied: handled in place, and what cannot be kept aside is discarded and counted.
#include "support/bus_fixture.hpp"

#include <memory>
#include <stdexcept>

namespace {

using namespace peal_test;

struct picture {
  std::unique_ptr<std::uint64_t> pixels;
};

/// Of five pictures one each is handled, retried, retried later, rejected and discarded.
peal::outcome judge(const picture& p) {
  switch (*p.pixels % 5) {
    case 1: return peal::retry;
    case 2: return peal::retry_after(1h);
    case 3: return peal::reject("torn");
    case 4: return peal::discard;
    default: return peal::done;
  }
}

void check(const peal::subscription_statistics& s, std::uint64_t pictures) {
  CHECK(s.handled == pictures / 5);
  CHECK(s.discarded == pictures / 5 * 4);
  CHECK(s.failures == pictures / 5 * 3);
  CHECK(s.retries == 0);
  CHECK(s.dead == 0);
  CHECK(s.kept == 0);
}

}  // namespace

TEST_CASE("a move-only event: an outcome that asks to keep it is a failure that is discarded", "[bus][P3][P4]") {
  const watchdog dog{"move-only events"};
  bus_fixture<peal::topic<picture, peal::capacity<8>>> f{{.workers = 2}};
  const auto s = f.subscribe<picture>("screen", &judge, peal::otherwise(peal::discard));
  for (std::uint64_t n = 0; n < 100; ++n) f->publish(picture{std::make_unique<std::uint64_t>(n)});
  f.settle();
  check(f.of("screen"), 100);
  CHECK(f->statistics().topics.front().letters == 0);
}

TEST_CASE("a move-only event: the same on the publisher's thread, with and without a reader of the ring",
          "[bus][here][P3][P4]") {
  const bool with_reader = GENERATE(false, true);
  const watchdog dog{"move-only events on the publisher's thread"};
  bus_fixture<peal::topic<picture, peal::capacity<8>>> f{{.workers = 2}};
  const auto here = f.subscribe<picture>("here", &judge, peal::on_publisher_thread, peal::otherwise(peal::discard));
  peal::subscription reader;
  if (with_reader) reader = f.subscribe<picture>("reader", &judge, peal::otherwise(peal::discard));
  for (std::uint64_t n = 0; n < 100; ++n) f->publish(picture{std::make_unique<std::uint64_t>(n)});
  f.settle();
  check(f.of("here"), 100);
  if (with_reader) check(f.of("reader"), 100);
}

TEST_CASE("a move-only event: a handler that throws ends that event and no other", "[bus][P5]") {
  const watchdog dog{"move-only events and a throwing handler"};
  bus_fixture<picture> f{{.workers = 1}};
  const auto s = f.subscribe<picture>(
      "screen",
      [](const picture& p) {
        if (*p.pixels == 3) throw std::runtime_error("torn");
      },
      peal::otherwise(peal::discard));
  for (std::uint64_t n = 0; n < 10; ++n) f->publish(picture{std::make_unique<std::uint64_t>(n)});
  f.settle();
  CHECK(f.of("screen").handled == 9);
  CHECK(f.of("screen").discarded == 1);
}
