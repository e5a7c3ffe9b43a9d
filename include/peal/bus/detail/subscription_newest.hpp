// SPDX-License-Identifier: MIT
// Conflation: an event that waits gives its place to a newer one of its key. Included by subscription_base.hpp only.
#pragma once

#include <peal/bus/detail/subscription_base.hpp>

namespace peal::inline v0::detail {

/// The event of `fresh` instead of the one that waits, in its place.
inline void take_place(kept& waiting, kept& fresh) noexcept {
  waiting.ops->destroy(waiting.event());
  waiting.ops->move(waiting.event(), fresh.event());
  waiting.position = fresh.position;
  waiting.around = fresh.around;
  waiting.has_envelope = fresh.has_envelope;
  waiting.attempts = 0;
  waiting.cycles = 0;
  waiting.progress = {};
  waiting.errors = {};
}

/// An event of the ring comes aside, into the place of the one of its key that waits there. False: no room, or no memory.
inline bool subscription_base::take_newest(const event_at& at) noexcept {
  newest_chain* chain = nullptr;
  bool told = false;
  bool wanted = true;
  const auto failed = caught([&] {
    wanted = passes_filters(at.event, at.type);
    if (wanted) chain = conflated_->of(at.event, at.type, told);
  });
  if (failed && told) {
    wake_later();
    return false;
  }
  if (!wanted) {
    counts_.filtered.add();
    return true;
  }
  const bool replaces = chain != nullptr && chain->event != nullptr;
  kept_ptr fresh;
  if (replaces || kept_count() < max_kept_ || drop_next()) fresh = copy_aside(at);
  if (fresh == nullptr) {
    if (chain != nullptr && !replaces) conflated_->free(*chain);
    return false;
  }
  if (!replaces) {
    fresh->chain = chain;
    if (chain != nullptr) chain->event = fresh.get();
    link(*fresh);
    queue(*fresh.release());
    return true;
  }
  take_place(*chain->event, *fresh);
  counts_.replaced.add();
  return true;
}

/// Makes room by dropping the event that would run next. False: all that waits is in a back-off.
inline bool subscription_base::drop_next() noexcept {
  kept* const next = run_first_;
  if (next == nullptr) return false;
  run_first_ = next->next;
  if (run_first_ == nullptr) run_last_ = nullptr;
  const kept_ptr dropped{next};
  counts_.replaced.add();
  unlink(*next);
  if (next->chain != nullptr) pass_on(*next->chain);
  return true;
}

}  // namespace peal::inline v0::detail
