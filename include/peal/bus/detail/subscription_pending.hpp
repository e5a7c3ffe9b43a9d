// SPDX-License-Identifier: MIT
// What a subscription of a durable topic keeps for later, as the store is told of it. Included by subscription_base.hpp only.
#pragma once

#include <peal/bus/detail/subscription_base.hpp>

namespace peal::inline v0::detail {

/// Its runs, and when the next one is.
inline void subscription_base::note_wait(const kept& k, time_point due) noexcept {
  if (rows != nullptr && k.row != no_row) rows->change(k.row, k.attempts, due);
}

inline void subscription_base::unlink_ended(kept& k) noexcept {
  if (k.row != no_row && outputs_waiting_.load(std::memory_order_relaxed)) {
    row_over_ = std::exchange(k.row, no_row);
  }
  if (k.number != 0 && topic_.keeper != nullptr) {
    if (outputs_waiting_.load(std::memory_order_relaxed)) {
      letter_over_ = k.came_from;  // told once they have gone out
    } else {
      topic_.keeper->letter_gone(k.number);
    }
  }
  unlink(k);
}

/// Where the store may say that it goes on, with the rows that are there by then; false while what it has published is
/// not in its topic yet.
inline bool subscription_base::stored_position(position& at) const noexcept {
  position read = topic_.cursor_of(*seat_);
  if (outputs_waiting()) return false;
  if (rows != nullptr && distance(rows->resumed(), read) > 0) read = rows->resumed();
  at = read;
  return true;
}

/// A delivery that was kept when the subscription stood before is kept again, as it was. False: not now.
inline bool subscription_base::keep_again(const event_at& at, const kept_row& r) {
  if (homeless_ != nullptr) return false;
  if (topic_.keeper->is_careful(at.where) && topic_.bus.max_crashes != 0 && r.died >= topic_.bus.max_crashes) {
    if (!bury_crashed(at, r.died)) return false;
    rows->end(r.slot);
    return true;
  }
  kept_ptr k = copy_aside(at);
  if (k == nullptr) return false;
  k->attempts = r.attempts;
  k->row = r.slot;
  k->died = r.died;
  counts_.taken.add();
  carry_out({next_step::run_again, r.due - now()}, k);
  return true;
}

/// Its run is in the store before it begins, after a life that was cut off. False: not now.
inline bool subscription_base::may_run(kept& k) noexcept {
  if (!k.careful) return true;
  k.suspect = k.died != 0;
  if (k.suspect && !topic_.keeper->take_suspect()) {
    k.suspect = false;
  } else if (const auto failed =
                 caught([&] { topic_.keeper->note_run(*this, k.position, k.attempts + 1, k.died + 1); });
             !failed) {
    return true;
  }
  cleared(k);
  arm_at(k, saturating_add(now(), std::chrono::milliseconds{10}));
  return false;
}

/// It has not ended the process.
inline void subscription_base::cleared(kept& k) noexcept {
  if (std::exchange(k.suspect, false)) topic_.keeper->suspect_gone();
}

}  // namespace peal::inline v0::detail
