// SPDX-License-Identifier: MIT
// The events that are published, and the ledger every handler keeps, so that each run proves its own result.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

namespace bench {

/// Who published it and its number: `producer << 48 | number`, numbers from 1. 0 is no event: rivals end on it.
template <std::size_t Bytes>
struct event {
  std::uint64_t value;
  std::array<std::byte, Bytes - sizeof(std::uint64_t)> rest;
};
template <>
struct event<sizeof(std::uint64_t)> {
  std::uint64_t value;
};

constexpr std::uint64_t stamp(unsigned producer, std::uint64_t number) {
  return std::uint64_t{producer} << 48U | number;
}

struct wrong_result : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// What one handler has seen. The same work for peal and for every rival: a sum, a count, a comparison.
/// Thread safety: one thread at a time.
struct alignas(64) ledger {
  static constexpr std::size_t max_producers = 16;

  template <class E>
  void operator()(const E& event) noexcept {
    std::uint64_t& last = last_[event.value >> 48U & (max_producers - 1)];
    inversions += event.value <= last ? 1 : 0;
    last = event.value;
    sum += event.value;
    ++count;
  }

  std::uint64_t count = 0;
  std::uint64_t sum = 0;
  std::uint64_t inversions = 0;

 private:
  std::array<std::uint64_t, max_producers> last_{};
};

/// The sum of what `producers` publish, `each` events each.
constexpr std::uint64_t sum_of(unsigned producers, std::uint64_t each) {
  std::uint64_t sum = 0;
  for (unsigned p = 0; p < producers; ++p) sum += (std::uint64_t{p} << 48U) * each + each * (each + 1) / 2;
  return sum;
}

/// Throws wrong_result unless these ledgers together saw each event of `producers` once; where one handler saw them all,
/// also each producer's in order.
inline void check(const std::vector<ledger>& ledgers, unsigned producers, std::uint64_t each) {
  ledger all;
  for (const ledger& one : ledgers) {
    all.count += one.count;
    all.sum += one.sum;
    all.inversions += ledgers.size() == 1 ? one.inversions : 0;
  }
  if (all.count == producers * each && all.sum == sum_of(producers, each) && all.inversions == 0) return;
  throw wrong_result("published " + std::to_string(producers * each) + ", handled " + std::to_string(all.count) +
                     ", out of order " + std::to_string(all.inversions) +
                     (all.sum == sum_of(producers, each) ? "" : ", not the same events"));
}

}  // namespace bench
