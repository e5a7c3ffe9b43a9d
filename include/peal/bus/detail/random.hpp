// SPDX-License-Identifier: MIT
// Random bits for jitter and ids: SplitMix64 over an atomic counter, so that any thread may draw.
#pragma once

#include <atomic>
#include <cstdint>
#include <peal/detail/time.hpp>
#if defined(__linux__)
#include <sys/random.h>
#endif

namespace peal::inline v0::detail {

/// Source: G. Steele, D. Lea, C. Flood, "Fast Splittable Pseudorandom Number Generators" (OOPSLA 2014).
/// Thread safety: any thread. Same seed, same sequence for one thread that draws alone.
class random_source {
 public:
  explicit random_source(std::uint64_t seed) noexcept : state_{seed} {}

  std::uint64_t next() noexcept {
    constexpr std::uint64_t gamma = 0x9e3779b97f4a7c15U;
    std::uint64_t z = state_.fetch_add(gamma, std::memory_order_relaxed) + gamma;
    z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27U)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31U);
  }

 private:
  std::atomic<std::uint64_t> state_;
};

/// Bits that differ from run to run, for buses that were given no seed. Not for secrets. (<random> would cost each user
/// a tenth of a second of compile time for its random_device.)
inline std::uint64_t random_seed() noexcept {
  std::uint64_t seed = 0;
#if defined(__linux__)
  if (::getrandom(&seed, sizeof seed, GRND_NONBLOCK) == static_cast<ssize_t>(sizeof seed)) return seed;
#endif
  const auto time = std::chrono::steady_clock::now().time_since_epoch().count();
  const auto wall = std::chrono::system_clock::now().time_since_epoch().count();
  random_source mixed{static_cast<std::uint64_t>(time) ^ (static_cast<std::uint64_t>(wall) << 20U) ^
                      reinterpret_cast<std::uintptr_t>(&seed)};
  return mixed.next();
}

}  // namespace peal::inline v0::detail
