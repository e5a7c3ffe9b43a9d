// SPDX-License-Identifier: MIT
// How much of a bus's work may be retries: so that an outage does not become a storm.
#pragma once

#include <limits>

namespace peal::inline v0 {

/// Option of a bus: further runs are at most `ratio` of the first ones, and `per_second` on top.
///
/// A retry that the budget does not cover waits, without spending an attempt, and is never lost for it.
/// Errors: bad_option for a negative or missing number. Source: the retry budgets of Finagle and of Google's SRE book,
/// chapter "Handling Overload".
/// Example: `shop bus{{.retries = {.ratio = 0.2, .per_second = 10}}};`
struct retry_budget {
  static constexpr double unlimited = std::numeric_limits<double>::infinity();

  double ratio = unlimited;  ///< retries for each first run; from 0
  double per_second = 10;    ///< retries that are always free, so that a quiet bus recovers; from 0
  double burst = 100;        ///< most retries saved up; from 1
};

}  // namespace peal::inline v0
