// SPDX-License-Identifier: MIT
// How one run of a delivery ended, as the pipeline tells the subscription.
#pragma once

#include <peal/bus/detail/kept.hpp>
#include <peal/core/delivery.hpp>
#include <peal/policy/retry.hpp>
#include <peal/ring/sequence.hpp>

#include <atomic>
#include <cstdint>
#include <string>
#include <system_error>
#include <utility>

namespace peal::inline v0::detail {

/// When a run began, in the clock's nanoseconds: written by whoever runs it, glanced at by the watchdog; 0: none runs.
using attempt_clock = std::atomic<std::int64_t>;

/// How one run of the pipeline ended.
enum class verdict : std::uint8_t {
  handled,
  filtered,
  expired,
  deduplicated,
  behind,      ///< its idempotency key is claimed by another
  behind_key,  ///< its order key is busy with another
  failed,
  rejected,
  discarded,
  not_run,  ///< given back by a hand: paused, or the bus is coming to rest
};

/// A run that did not simply succeed.
struct attempt_end {
  verdict what = verdict::handled;
  bool late = false;  ///< it failed when its time was over
  applied_action action{};
  nanoseconds asked_delay{-1};  ///< of retry_after; negative: none
  std::string error{};
  std::error_code code{};
  void* claim = nullptr;       ///< the claimed key, or for `behind` the key that somebody else has claimed
  key_chain* chain = nullptr;  ///< the order key that is this event's, or for `behind_key` another's
  bool counts = true;          ///< a failure is one for the breaker
  std::uint32_t permit = 0;    ///< what its run has taken from the subscription's rate and breaker; 0: nothing

  [[gnu::cold]] void fail(failure& failed) noexcept {
    what = verdict::failed;
    action = failed.action;
    error = std::move(failed.error_text);
    code = failed.code;
  }
};

/// An event as it stands in its slot, or kept aside.
struct event_at {
  position where;
  std::uint8_t type;
  const void* event;
  const envelope* around;
  bool returned = false;  ///< from the dead letters: it does not expire again
};

}  // namespace peal::inline v0::detail
