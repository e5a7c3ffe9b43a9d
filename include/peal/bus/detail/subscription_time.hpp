// SPDX-License-Identifier: MIT
// Time in a subscription: when an attempt begins and has to be over, and what is said of one that failed then.
// Included by subscription_base.hpp only.
#pragma once

#include <peal/bus/detail/subscription_base.hpp>
#include <peal/detail/minmax.hpp>

#include <string>
#include <system_error>

namespace peal::inline v0::detail {

/// When it is worth nothing any more.
inline time_point subscription_base::expiry_of(const envelope& e) const noexcept {
  if (limits.age.count() == 0 || e.published == time_point{}) return e.deadline;
  return smaller(e.deadline, saturating_add(e.published, limits.age));
}

/// `since` is where the watchdog looks.
inline void subscription_base::begin_attempt(delivery& d, attempt_clock& since) const noexcept {
  time_point until = time_point::max();
  const envelope* const e = delivery_access::envelope_of(d);
  if (e != nullptr && !d.redriven()) until = expiry_of(*e);
  if (limits.attempt.count() != 0) {
    const time_point start = now();
    since.store(start.time_since_epoch().count(), std::memory_order_relaxed);
    until = smaller(until, saturating_add(start, limits.attempt));
  }
  delivery_access::ends(d, until);
}

/// A run threw (`failed`) or answered that it failed. True: its time was over.
inline bool subscription_base::take_failed(const delivery& d, attempt_end& end, failure* failed,
                                           const attempt_clock& since) noexcept {
  if (failed != nullptr) {
    if (failed->code == std::errc::operation_canceled && d.cancellation().stop_requested()) {
      end.what = verdict::not_run;  // it gave up because it was asked to: that is no failure
      return false;
    }
    end.fail(*failed);
  }
  if (end.what != verdict::failed || !d.expired()) return false;
  end.late = true;
  (void)caught([&] {  // without memory it says what it said
    std::string text = "timed out";
    if (const std::int64_t began = since.load(std::memory_order_relaxed); began != 0) {
      const nanoseconds ran = now().time_since_epoch() - nanoseconds{began};
      text += " after " + std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(ran).count()) + " ms";
    }
    end.error = text + ": " + end.error;
  });
  return true;
}

/// An expired event: nothing more than counted, or a letter.
inline subscription_base::decision subscription_base::decide_expired(const attempt_end& end) noexcept {
  if (limits.letters) return {next_step::bury, {}, dead_cause::expired, end.claim};
  counts_.expired.add();
  return {};
}

}  // namespace peal::inline v0::detail
