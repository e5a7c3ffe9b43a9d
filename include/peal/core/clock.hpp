// SPDX-License-Identifier: MIT
// The time the bus lives by: steady, so that a jump of the wall clock moves no delay.
#pragma once

#include <peal/detail/time.hpp>

namespace peal::inline v0 {

/// A moment of the bus's clock: steady, comparable within one process only.
using time_point = std::chrono::steady_clock::time_point;

/// Lengths of time everywhere in the interface; every `std::chrono` duration converts.
using nanoseconds = std::chrono::nanoseconds;

/// `at + d`, saturating instead of wrapping.
constexpr time_point saturating_add(time_point at, nanoseconds d) noexcept {
  if (d.count() > 0 && at > time_point::max() - d) {
    return time_point::max();
  }
  return at + d;
}

namespace detail {

/// What time it is for a bus, without knowing what the bus runs on.
class clock_source {
 public:
  [[nodiscard]] virtual time_point now() const noexcept = 0;

 protected:
  ~clock_source() = default;
};

}  // namespace detail
}  // namespace peal::inline v0
