// SPDX-License-Identifier: MIT
// How long a failed delivery waits before its next run: capped exponential back-off with jitter.
#pragma once

#include <cstdint>
#include <peal/detail/time.hpp>

namespace peal::inline v0 {

/// How the waiting times of deliveries that failed together are spread, after M. Brooker, "Exponential Backoff And
/// Jitter" (AWS Architecture Blog) and "Timeouts, retries, and backoff with jitter" (Amazon Builders' Library).
enum class jitter : std::uint8_t {
  none,          ///< the computed wait
  full,          ///< between nothing and the computed wait
  equal,         ///< between half the computed wait and all of it
  decorrelated,  ///< between `first` and three times the wait before, at most `cap`; `multiplier` is not used
};

namespace detail {

/// The upper 64 bits of a 128-bit product: scales 64 random bits to [0, below).
constexpr std::uint64_t scale_bits(std::uint64_t bits, std::uint64_t below) noexcept {
  constexpr std::uint64_t low = 0xffff'ffff;
  const std::uint64_t cross = (bits >> 32) * (below & low) + (((bits & low) * (below & low)) >> 32);
  return (bits >> 32) * (below >> 32) + (cross >> 32) + (((bits & low) * (below >> 32) + (cross & low)) >> 32);
}

}  // namespace detail

/// Action of a rule: run the delivery again after a wait that grows with each failed run.
///
/// Errors: none; values out of range are taken as the nearest that makes sense, and arithmetic saturates at `cap`.
/// Example: `peal::on<gateway_timeout>(peal::backoff{.attempts = 5, .first = 50ms, .cap = 5s})`
struct backoff {
  std::uint32_t attempts = 5;                                       ///< runs in all; 5 = at most 5 runs; 0 counts as 1
  std::chrono::nanoseconds first = std::chrono::milliseconds{100};  ///< wait after the first failed run; from 0
  std::chrono::nanoseconds cap = std::chrono::seconds{30};          ///< longest wait; from 0
  double multiplier = 2.0;                                          ///< growth from one wait to the next; from 1
  peal::jitter spread = peal::jitter::full;                         ///< spread of the wait
  std::chrono::nanoseconds max_elapsed =
      std::chrono::nanoseconds::max();  ///< no further run starts later than so long after the first failed one
  bool pauses = false;                  ///< the whole subscription waits so long, not this delivery alone

  /// The wait after `failed_attempts` failed runs: `first × multiplier^(failed_attempts - 1)`, at most `cap`, spread by
  /// 64 random bits from `next_bits()`, which is called only when there is something to spread. No wait after 0.
  /// `before` is the wait before this one, for decorrelated jitter; 0 when there was none.
  template <class Bits>
  [[nodiscard]] constexpr std::chrono::nanoseconds delay(std::uint32_t failed_attempts, Bits&& next_bits,
                                                         std::chrono::nanoseconds before = {}) const {
    if (spread == peal::jitter::decorrelated) return decorrelated(failed_attempts, next_bits, before);
    const std::int64_t wait = unspread(failed_attempts);
    if (wait == 0 || spread == peal::jitter::none) return std::chrono::nanoseconds{wait};
    return between(spread == peal::jitter::equal ? wait / 2 : 0, wait, next_bits);
  }

  /// What follows when these runs are used up: a further back-off with runs of its own, `discard` or `dead_letter`.
  /// Example: `peal::backoff{.attempts = 3, .first = 10ms}.then(peal::backoff{.attempts = 10, .first = 1min})`
  template <class Next>
  [[nodiscard]] constexpr auto then(Next next) const noexcept;

 private:
  template <class Bits>
  static constexpr std::chrono::nanoseconds between(std::int64_t low, std::int64_t high, Bits&& next_bits) {
    const std::uint64_t chosen = detail::scale_bits(next_bits(), static_cast<std::uint64_t>(high - low) + 1);
    return std::chrono::nanoseconds{low + static_cast<std::int64_t>(chosen)};
  }

  template <class Bits>
  [[nodiscard]] constexpr std::chrono::nanoseconds decorrelated(std::uint32_t failed_attempts, Bits&& next_bits,
                                                                std::chrono::nanoseconds before) const {
    if (failed_attempts == 0 || first.count() <= 0 || cap.count() <= 0) return {};
    const std::int64_t low = first < cap ? first.count() : cap.count();
    const std::int64_t last = before.count() > low ? before.count() : low;
    const std::int64_t high = last > cap.count() / 3 ? cap.count() : last * 3;
    return between(low, high > low ? high : low, next_bits);
  }

  // Multiplications only, so that no compiler can contract them and every build computes the same wait.
  [[nodiscard]] constexpr std::int64_t unspread(std::uint32_t failed_attempts) const noexcept {
    if (failed_attempts == 0 || first.count() <= 0 || cap.count() <= 0) return 0;
    const auto longest = static_cast<double>(cap.count());
    auto wait = static_cast<double>(first.count());
    double factor = multiplier > 1.0 ? multiplier : 1.0;
    for (std::uint32_t left = failed_attempts - 1; left != 0 && wait < longest; left >>= 1U) {
      if ((left & 1U) != 0) wait *= factor;
      // Beyond this every further power exceeds the cap; stopping here keeps the arithmetic finite.
      if (factor < 1e19) factor *= factor;
    }
    return wait < longest ? static_cast<std::int64_t>(wait) : cap.count();
  }
};

}  // namespace peal::inline v0
