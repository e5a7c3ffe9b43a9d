// SPDX-License-Identifier: MIT
// What a measured subscription writes down of its runs.
#pragma once

#include <peal/bus/detail/frames.hpp>
#include <peal/core/delivery.hpp>
#include <peal/core/error.hpp>
#include <peal/observe/histogram.hpp>
#include <peal/observe/measured.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <type_traits>

namespace peal::inline v0::detail {

template <class P>
inline constexpr bool is_measured = std::is_same_v<P, measured>;

/// Errors: bad_option.
template <class P>
void check_measured(const P& policy) {
  if constexpr (is_measured<P>) {
    constexpr std::uint32_t most = 1U << 20U;
    if (policy.one_in >= 1 && policy.one_in <= most) return;
    throw bad_option("peal: measured.one_in is " + std::to_string(policy.one_in) + ", must be 1 to " +
                     std::to_string(most));
  }
}

/// Thread safety: any thread; where several count at once, a few of their steps may be lost, which only moves the sample.
/// Memory order: relaxed; nothing hangs on it.
class timings {
 public:
  timings(std::uint32_t one_in, bool concurrent)
      : handler{concurrent ? shards : 1},
        latency{concurrent ? shards : 1},
        spread_{2 * std::uint64_t{one_in} - 1},
        sharded_{concurrent} {
    left_.store(static_cast<std::uint32_t>(draw()), std::memory_order_relaxed);
  }

  /// Is this one timed?
  [[nodiscard]] bool due() noexcept {
    const std::uint32_t left = left_.load(std::memory_order_relaxed);
    if (left != 0) [[likely]] {
      left_.store(left - 1, std::memory_order_relaxed);
      return false;
    }
    left_.store(static_cast<std::uint32_t>(draw()), std::memory_order_relaxed);
    return true;
  }
  [[nodiscard]] std::size_t place() const noexcept {
    return sharded_ ? static_cast<std::size_t>((std::uint64_t{thread_key()} * 0x9e3779b97f4a7c15U) >> 60) : 0;
  }

  histogram handler;
  histogram latency;

 private:
  static constexpr std::size_t shards = 4;

  /// How many are passed over before the next: from 0 to twice the mean.
  std::uint64_t draw() noexcept {
    std::uint64_t x = state_.load(std::memory_order_relaxed);
    x ^= x << 13U;
    x ^= x >> 7U;
    x ^= x << 17U;
    state_.store(x, std::memory_order_relaxed);
    return (x >> 32U) % spread_;
  }

  const std::uint64_t spread_;
  const bool sharded_;
  std::atomic<std::uint32_t> left_{0};
  std::atomic<std::uint64_t> state_{0x2545f4914f6cdd1dU};
};

/// Around a run that is timed, whether it returns or throws.
class stopwatch {
 public:
  stopwatch(timings& t, const clock_source& clock, const delivery& d) noexcept
      : timings_{t}, clock_{clock}, delivery_{d}, began_{clock.now()} {}
  stopwatch(const stopwatch&) = delete;
  stopwatch& operator=(const stopwatch&) = delete;
  ~stopwatch() {
    const time_point end = clock_.now();
    const std::size_t place = timings_.place();
    timings_.handler.record(end - began_, place);
    const auto published = delivery_.published_at();
    if (handled_ && published) timings_.latency.record(end - *published, place);
  }
  void handled(bool yes) noexcept { handled_ = yes; }

 private:
  timings& timings_;
  const clock_source& clock_;
  const delivery& delivery_;
  const time_point began_;
  bool handled_ = false;
};

}  // namespace peal::inline v0::detail
