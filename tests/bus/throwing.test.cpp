// SPDX-License-Identifier: MIT
// P5: user code that throws ends that attempt and nothing else, wherever it stands.
#include "support/bus_fixture.hpp"

#include <array>
#include <stdexcept>
#include <string>

namespace {

using namespace peal_test;

struct order {
  std::uint64_t n = 0;
};
/// Copying the third one throws as long as `broken` says so.
struct fragile {
  std::uint64_t n = 0;
  explicit fragile(std::uint64_t number) noexcept : n{number} {}
  fragile(const fragile& other) : n{other.n} {
    if (n == 2 && broken.load() != 0) {
      --broken;
      throw std::runtime_error("copy");
    }
  }
  fragile(fragile&&) noexcept = default;
  static inline std::atomic<int> broken{0};
};

constexpr std::uint64_t third = 2;

template <class E>
void throw_at_third(const E& e) {
  if (e.n == third) throw std::runtime_error("the third");
}

}  // namespace

TEST_CASE("throwing: what is not a std::exception is caught as well", "[bus][P5]") {
  bus_fixture<order> f;
  const auto s = f.subscribe<order>("s", [](const order& o) {
    if (o.n == 1) throw 5;
    if (o.n == 2) throw std::string("text");
  });
  for (std::uint64_t n = 0; n < 4; ++n) f->publish(order{n});
  f.settle();
  CHECK(f.of("s").handled == 2);
  CHECK(f.of("s").dead == 2);
}

TEST_CASE("throwing: a copy that throws while an event is kept aside stalls in place and is tried again",
          "[bus][P5][P25]") {
  const watchdog dog{"copies that throw"};
  bus_fixture<fragile> f{{.workers = 1}};
  fragile::broken = 0;
  SECTION("for a letter") {
    fragile::broken = 3;
    const auto s = f.subscribe<fragile>("s", [](const fragile& e) { throw_at_third(e); });
    for (std::uint64_t n = 0; n < 10; ++n) f->publish(fragile{n});
    f.settle();
    CHECK(f.of("s").handled == 9);
    CHECK(f.of("s").dead == 1);
    CHECK(f.of("s").failures == 1);  // the handler is not run again for want of a copy
  }
  SECTION("for a back-off") {
    fragile::broken = 3;
    std::uint64_t runs = 0;
    const auto s = f.subscribe<fragile>(
        "s",
        [&](const fragile& e) {
          if (e.n == third && ++runs == 1) throw std::runtime_error("once");
        },
        peal::otherwise(peal::backoff{.attempts = 3, .first = 1ms}));
    for (std::uint64_t n = 0; n < 10; ++n) f->publish(fragile{n});
    f.settle();
    CHECK(f.of("s").handled == 10);
    CHECK(runs == 2);
  }
  SECTION("for a reader that drops what it cannot keep up with") {
    fragile::broken = 3;
    const auto s = f.subscribe<fragile>(
        "s", [](const fragile&) {}, peal::behind{peal::drop_oldest});
    for (std::uint64_t n = 0; n < 10; ++n) f->publish(fragile{n});
    f.settle();
    CHECK(f.of("s").handled == 10);
  }
  CHECK(fragile::broken == 0);
}

TEST_CASE("throwing: publishing an lvalue whose copy throws leaves no hole", "[bus][P5]") {
  bus_fixture<fragile> f{{.workers = 1}};
  std::uint64_t seen = 0;
  const auto s = f.subscribe<fragile>("s", [&](const fragile&) { ++seen; });
  const fragile e{third};
  fragile::broken = 1;
  CHECK_THROWS_AS(f->publish(e), std::runtime_error);
  fragile::broken = 1;
  CHECK_THROWS_AS(f->try_publish(e), std::runtime_error);
  f->publish(e);
  f.settle();
  CHECK(seen == 1);
  CHECK(f->statistics().topics[0].accepted == 1);
}

TEST_CASE("throwing: rules are asked in the order written, and outcomes need no exception", "[bus][P5][P21][P25]") {
  const watchdog dog{"rules"};
  bus_fixture<order> f{{.workers = 1}};
  std::array<std::uint64_t, 8> runs{};
  const auto s = f.subscribe<order>(
      "s",
      [&](const order& o) -> peal::outcome {
        const std::uint64_t run = ++runs[o.n];
        switch (o.n) {
          case 0: throw std::out_of_range("discard me");
          case 1: throw std::logic_error("bury me");
          case 2: throw std::runtime_error("again");
          case 3: return peal::discard;
          case 4: return peal::reject("never");
          case 5: return run < 3 ? peal::outcome{peal::retry} : peal::outcome{peal::done};
          case 6: return run < 3 ? peal::retry_after(1ms) : peal::outcome{peal::done};
          default: return peal::done;
        }
      },
      peal::on<std::out_of_range>(peal::discard), peal::on<std::logic_error>(peal::dead_letter),
      peal::otherwise(peal::backoff{.attempts = 4, .first = 1ms, .spread = peal::jitter::none}));
  for (std::uint64_t n = 0; n < 8; ++n) f->publish(order{n});
  f.settle();
  CHECK(runs == std::array<std::uint64_t, 8>{1, 1, 4, 1, 1, 3, 3, 1});
  const auto books = f.of("s");
  CHECK(books.handled == 3);
  CHECK(books.discarded == 2);
  CHECK(books.dead == 3);
  CHECK(books.retries == 3 + 2 + 2);
  const auto letters = f->dead_letters<order>();
  REQUIRE(letters.size() == 3);
  for (const auto& l : letters) {
    if (l.event.n == 1) CHECK(l.attempts == 1);
    if (l.event.n == 2) {
      CHECK(l.attempts == 4);
      REQUIRE(l.errors.size() == 4);
      CHECK(l.errors[3].attempt == 4);
      CHECK(l.errors[3].what == "again");
    }
    if (l.event.n == 4) {
      CHECK(l.cause == peal::dead_cause::rejected);
      CHECK(l.errors.at(0).what == "never");
    }
  }
}
