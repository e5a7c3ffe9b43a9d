// SPDX-License-Identifier: MIT
// Back-off: exact waits, saturation over every count of attempts, and the spread of the jitter.
#include <peal/policy/backoff.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <vector>

#include "support/catch.hpp"

namespace {

using namespace std::chrono_literals;
using std::chrono::nanoseconds;
__extension__ using wide = unsigned __int128;

constexpr std::uint64_t all_bits = std::numeric_limits<std::uint64_t>::max();
constexpr auto bits_of(std::uint64_t bits) {
  return [bits] { return bits; };
}

std::vector<std::uint32_t> interesting_counts() {
  std::vector<std::uint32_t> counts;
  for (std::uint32_t i = 0; i < 300; ++i) counts.push_back(i);
  for (unsigned shift = 8; shift < 32; ++shift) {
    const std::uint32_t power = std::uint32_t{1} << shift;
    for (const std::uint32_t n : {power - 1, power, power + 1}) counts.push_back(n);
  }
  counts.push_back(std::numeric_limits<std::uint32_t>::max());
  std::sort(counts.begin(), counts.end());
  return counts;
}

constexpr peal::backoff plain{.attempts = 5, .first = 50ms, .cap = 5s, .spread = peal::jitter::none};
static_assert(plain.delay(0, bits_of(1)) == 0ns);
static_assert(plain.delay(1, bits_of(1)) == 50ms);
static_assert(plain.delay(2, bits_of(1)) == 100ms);
static_assert(plain.delay(7, bits_of(1)) == 3200ms);
static_assert(plain.delay(8, bits_of(1)) == 5s);
// A power of two of runs: the factor is squared 31 times before it is used, and stays finite.
static_assert(peal::backoff{.first = 1ns, .multiplier = 1.5}.delay((std::uint32_t{1} << 31U) + 1, bits_of(all_bits)) ==
              30s);

}  // namespace

TEST_CASE("backoff: a field left out keeps its default", "[policy][backoff]") {
  constexpr peal::backoff b{.attempts = 7};
  CHECK(b.attempts == 7);
  CHECK(b.first == 100ms);
  CHECK(b.cap == 30s);
  CHECK(b.spread == peal::jitter::full);
}

TEST_CASE("backoff: no count of attempts overflows, shrinks the wait or passes the cap", "[policy][backoff][P21]") {
  const auto counts = interesting_counts();
  for (const double multiplier : {1.0, 1.0000001, 1.5, 2.0, 10.0, 1e300, std::numeric_limits<double>::infinity()}) {
    for (const nanoseconds first : {1ns, nanoseconds{100ms}, nanoseconds::max()}) {
      for (const nanoseconds cap : {1ns, nanoseconds{30s}, nanoseconds{(1LL << 53) + 1}, nanoseconds::max()}) {
        const peal::backoff b{.first = first, .cap = cap, .multiplier = multiplier, .spread = peal::jitter::none};
        nanoseconds last = 0ns;
        for (const std::uint32_t n : counts) {
          const nanoseconds wait = b.delay(n, bits_of(0));
          if (wait < last || wait > cap || (n > 0 && wait < std::min(first, cap))) {
            FAIL("first " << first.count() << " cap " << cap.count() << " x " << multiplier << " after " << n << ": "
                          << wait.count());
          }
          last = wait;
        }
      }
    }
  }
}

TEST_CASE("backoff: the wait is first × multiplier^(failed runs - 1)", "[policy][backoff][P21]") {
  for (const double multiplier : {1.0, 1.25, 2.0, 3.0}) {
    const peal::backoff b{.first = 10ms, .cap = 24h * 365, .multiplier = multiplier, .spread = peal::jitter::none};
    for (std::uint32_t n = 1; n <= 20; ++n) {
      const double expected = 10e6 * std::pow(multiplier, n - 1.0);
      CHECK(static_cast<double>(b.delay(n, bits_of(0)).count()) == Approx(expected).margin(1.0));
    }
  }
}

TEST_CASE("backoff: values out of range are taken as the nearest that makes sense", "[policy][backoff]") {
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  for (const double multiplier : {nan, 0.0, -3.0, 0.5, -std::numeric_limits<double>::infinity()}) {
    const peal::backoff b{.first = 1s, .multiplier = multiplier, .spread = peal::jitter::none};
    CHECK(b.delay(1, bits_of(0)) == 1s);
    CHECK(b.delay(1'000'000, bits_of(0)) == 1s);
  }
  CHECK(peal::backoff{.first = -5s}.delay(9, bits_of(all_bits)) == 0s);
  CHECK(peal::backoff{.cap = -5s}.delay(9, bits_of(all_bits)) == 0s);
  CHECK(peal::backoff{.first = 9s, .cap = 2s, .spread = peal::jitter::none}.delay(1, bits_of(0)) == 2s);
}

TEST_CASE("backoff: jitter reaches both ends of its range and never leaves it", "[policy][backoff][P21]") {
  const peal::backoff full{.first = 8s, .spread = peal::jitter::full};
  CHECK(full.delay(1, bits_of(0)) == 0s);
  CHECK(full.delay(1, bits_of(all_bits)) == 8s);
  const peal::backoff equal{.first = 8s, .spread = peal::jitter::equal};
  CHECK(equal.delay(1, bits_of(0)) == 4s);
  CHECK(equal.delay(1, bits_of(all_bits)) == 8s);
  const peal::backoff longest{.first = nanoseconds::max(), .cap = nanoseconds::max()};
  CHECK(longest.delay(1, bits_of(all_bits)) == nanoseconds::max());
  std::mt19937_64 random{3};
  for (int i = 0; i < 100'000; ++i) {
    const std::uint64_t a = random();
    const std::uint64_t b = random() >> (random() % 64);
    if (peal::detail::scale_bits(a, b) != static_cast<std::uint64_t>((wide{a} * b) >> 64)) FAIL(a << " × " << b);
  }
}

TEST_CASE("backoff: full jitter is even over its range", "[policy][backoff][P21]") {
  const peal::backoff b{.first = 1s, .spread = peal::jitter::full};
  std::mt19937_64 random{5};
  std::array<int, 100> hits{};
  constexpr int draws = 1'000'000;
  for (int i = 0; i < draws; ++i) {
    const nanoseconds wait = b.delay(1, random);
    ++hits[static_cast<std::size_t>(wait / 10ms) % hits.size()];
  }
  double chi_square = 0;
  for (const int h : hits) chi_square += std::pow(h - draws / 100.0, 2) / (draws / 100.0);
  CHECK(chi_square < 148.2);  // 99 degrees of freedom, p = 0.001
  CHECK(chi_square > 50.0);
}

TEST_CASE("backoff: the generator is asked once for a spread wait and never for another", "[policy][backoff][P21]") {
  int asked = 0;
  const auto count = [&asked] {
    ++asked;
    return std::uint64_t{1};
  };
  (void)peal::backoff{.spread = peal::jitter::none}.delay(3, count);
  (void)peal::backoff{.first = 0s}.delay(3, count);
  (void)peal::backoff{}.delay(0, count);
  CHECK(asked == 0);
  (void)peal::backoff{}.delay(3, count);
  CHECK(asked == 1);
  (void)peal::backoff{.spread = peal::jitter::equal}.delay(3, count);
  CHECK(asked == 2);
}
