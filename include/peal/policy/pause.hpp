// SPDX-License-Identifier: MIT
// A failure that is not the event's: the whole subscription waits before it tries again.
#pragma once

#include <peal/policy/backoff.hpp>
#include <peal/policy/backoff_chain.hpp>

#include <cstdint>
#include <peal/detail/time.hpp>

namespace peal::inline v0 {

/// Action of a rule: the failed event is kept for another run, and its subscription runs nothing before `time` has
/// passed, so that no other event spends an attempt on what is known to fail.
///
/// It is a back-off (with `backoff::pauses`) and stands where one may stand, behind `.then` as well. It goes on for as
/// long as the failure does, unless `attempts` says when to give the event up.
/// Order: the failed event runs first. Runs that had begun in other hands end as they do.
/// Example: `peal::on<gateway_down>(peal::pause{30s})`
struct pause {
  static constexpr std::uint32_t no_limit = ~std::uint32_t{0};

  std::chrono::nanoseconds time = std::chrono::seconds{30};  ///< from 0
  std::uint32_t attempts = no_limit;                         ///< runs of one event in all, then a dead letter

  constexpr operator backoff() const noexcept {  // NOLINT: it is one, in fewer words
    return {
        .attempts = attempts, .first = time, .cap = time, .multiplier = 1.0, .spread = jitter::none, .pauses = true};
  }
  /// What follows when these runs are used up, as of a back-off.
  template <class Next>
  [[nodiscard]] constexpr auto then(Next next) const noexcept {
    return static_cast<backoff>(*this).then(next);
  }
};

namespace detail {

/// An action as a rule keeps it.
template <class Action>
constexpr Action as_kept(Action action) noexcept {
  return action;
}
constexpr backoff as_kept(pause p) noexcept { return p; }

}  // namespace detail

}  // namespace peal::inline v0
