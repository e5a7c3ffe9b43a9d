// SPDX-License-Identifier: MIT
// A rate as the Generic Cell Rate Algorithm keeps it: one moment, which each permit moves on.
#pragma once

#include <peal/core/clock.hpp>
#include <peal/policy/rate.hpp>

#include <cstdint>
#include <peal/detail/time.hpp>

namespace peal::inline v0::detail {

/// Virtual scheduling: a permit is there when the theoretical arrival time is at most `slack` ahead of now.
///
/// Errors: the constructor bad_option. Thread safety: none.
class cell_rate {
 public:
  explicit cell_rate(const rate& r) {
    constexpr double longest = 4e18;
    constexpr double of_a_second = 0.02;
    r.check();
    const double wanted = 1e9 / r.per_second;
    const double step = wanted < longest ? wanted : longest;
    step_ = static_cast<std::int64_t>(step);
    if (step_ < 1 || static_cast<double>(step_) < step) ++step_;
    const double by_itself = r.per_second * of_a_second;
    const double burst = r.burst != 0 ? r.burst : by_itself < 1 ? 1 : by_itself < 1e9 ? by_itself : 1e9;
    const double slack = (burst - 1) * static_cast<double>(step_);
    slack_ = slack < longest ? static_cast<std::int64_t>(slack) : static_cast<std::int64_t>(longest);
  }

  /// When the next permit is there.
  [[nodiscard]] time_point next() const noexcept { return time_point{nanoseconds{expected_ - slack_}}; }
  /// Takes one that is there.
  void take(time_point now) noexcept {
    const std::int64_t at = now.time_since_epoch().count();
    expected_ = saturating_add(time_point{nanoseconds{expected_ < at ? at : expected_}}, nanoseconds{step_})
                    .time_since_epoch()
                    .count();
  }
  void give_back() noexcept { expected_ -= step_; }

 private:
  std::int64_t step_ = 1;      // ns between two permits
  std::int64_t slack_ = 0;     // ns: how far a burst may run ahead
  std::int64_t expected_ = 0;  // ns on the steady clock: the theoretical arrival time
};

}  // namespace peal::inline v0::detail
