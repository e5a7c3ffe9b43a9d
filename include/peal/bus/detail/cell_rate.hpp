// SPDX-License-Identifier: MIT
// A rate as the Generic Cell Rate Algorithm keeps it: one moment, which each permit moves on.
#pragma once

#include <peal/core/clock.hpp>
#include <peal/policy/rate.hpp>

#include <cstdint>
#include <peal/detail/time.hpp>
#include <utility>

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
    constexpr double longest_ahead = 1e17;  // ns; far from what a sum could not hold
    if (step < longest_ahead) most_ahead_ = static_cast<std::uint32_t>(burst / 8 < 8 ? burst / 8 : 8);
  }

  /// When the next permit is there.
  [[nodiscard]] time_point next() const noexcept { return time_point{nanoseconds{expected_ - slack_}}; }
  /// Takes one that is there.
  void take(time_point now) noexcept {
    take_some(now, 1);
    const std::int64_t room = slack_ - (expected_ - now.time_since_epoch().count());
    ahead_ = room >= most_ahead_ * step_ ? most_ahead_ : 0;
  }
  void give_back() noexcept { taken_ahead_ != 0 ? void(--taken_ahead_) : void(expected_ -= step_); }

  // Without a look at the clock: permits that were there at the last take are there later, too. Until the next look it is
  // not known when they were taken; they then count as taken at that look, which is never more than was agreed.

  [[nodiscard]] bool has_ahead() const noexcept { return ahead_ != 0; }
  void take_ahead() noexcept {
    --ahead_;
    ++taken_ahead_;
  }
  [[nodiscard]] bool unsettled() const noexcept { return taken_ahead_ != 0; }
  void settle(time_point now) noexcept {
    if (taken_ahead_ != 0) take_some(now, std::exchange(taken_ahead_, 0));
    ahead_ = 0;
  }

 private:
  void take_some(time_point now, std::int64_t count) noexcept {
    const std::int64_t at = now.time_since_epoch().count();
    const time_point from{nanoseconds{expected_ < at ? at : expected_}};
    expected_ = saturating_add(from, nanoseconds{step_} * count).time_since_epoch().count();
  }

  std::int64_t step_ = 1;          // ns between two permits
  std::int64_t slack_ = 0;         // ns: how far a burst may run ahead
  std::int64_t expected_ = 0;      // ns on the steady clock: the theoretical arrival time
  std::uint32_t most_ahead_ = 0;   // permits taken between two looks: few of a burst
  std::uint32_t ahead_ = 0;        // of those, how many are left
  std::uint32_t taken_ahead_ = 0;  // since the last look
};

}  // namespace peal::inline v0::detail
