// SPDX-License-Identifier: MIT
// What is left of a bus's retry budget.
#pragma once

#include <peal/core/clock.hpp>
#include <peal/policy/retry_budget.hpp>

#include <atomic>
#include <cstdint>

namespace peal::inline v0::detail {

/// A token bucket, filled by first runs and by time.
///
/// Thread safety: everything but `set` from any thread. Memory order: relaxed; it counts and orders nothing.
class retry_tokens {
 public:
  /// Before any other call.
  void set(const retry_budget& b, time_point now) noexcept {
    limited_ = b.ratio < retry_budget::unlimited;
    if (!limited_) return;
    for_a_run_ = parts(b.ratio);
    per_second_ = b.per_second;
    most_ = parts(b.burst);
    left_.store(most_, std::memory_order_relaxed);
    filled_.store(now.time_since_epoch().count(), std::memory_order_relaxed);
  }

  /// Counts first runs.
  void earn(std::uint64_t first_runs) noexcept {
    if (limited_) add(static_cast<std::int64_t>(first_runs < most_runs ? first_runs : most_runs) * for_a_run_);
  }

  [[nodiscard]] bool limited() const noexcept { return limited_; }

  /// One retry now; false: not before `wait()` has passed.
  [[nodiscard]] bool take(time_point now) noexcept {
    fill(now.time_since_epoch().count());
    std::int64_t left = left_.load(std::memory_order_relaxed);
    do {
      if (left < token) return false;
    } while (!left_.compare_exchange_weak(left, left - token, std::memory_order_relaxed));
    return true;
  }
  [[nodiscard]] nanoseconds wait() const noexcept {
    constexpr double least = 1e6;
    constexpr double longest = 1e9;
    const double one = per_second_ > 0 ? 1e9 / per_second_ : longest / 10;
    return nanoseconds{static_cast<std::int64_t>(one < least ? least : one > longest ? longest : one)};
  }

 private:
  static constexpr std::int64_t token = std::int64_t{1} << 20U;
  static constexpr std::uint64_t most_runs = 1024;  // of one batch; keeps the product far from its end

  static std::int64_t parts(double tokens) noexcept {
    constexpr double most = 1e9;
    return static_cast<std::int64_t>((tokens < most ? tokens : most) * static_cast<double>(token));
  }
  void add(std::int64_t more) noexcept {
    std::int64_t left = left_.load(std::memory_order_relaxed);
    std::int64_t sum = 0;
    do {
      sum = left > most_ - more ? most_ : left + more;
    } while (!left_.compare_exchange_weak(left, sum, std::memory_order_relaxed));
  }
  void fill(std::int64_t now) noexcept {
    constexpr std::int64_t often_enough = 1'000'000;
    std::int64_t last = filled_.load(std::memory_order_relaxed);
    if (now - last < often_enough || !filled_.compare_exchange_strong(last, now, std::memory_order_relaxed)) return;
    const double tokens = static_cast<double>(now - last) * 1e-9 * per_second_;
    add(parts(tokens));
  }

  bool limited_ = false;
  std::int64_t for_a_run_ = 0;
  std::int64_t most_ = 0;
  double per_second_ = 0;
  std::atomic<std::int64_t> left_{0};
  std::atomic<std::int64_t> filled_{0};
};

}  // namespace peal::inline v0::detail
