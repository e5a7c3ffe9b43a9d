// SPDX-License-Identifier: MIT
// How a subscription sits down, comes to the end of a delivery, and is held up by what others have to bring. Included by
// subscription_base.hpp only.
#pragma once

#include <peal/bus/detail/hands.hpp>
#include <peal/bus/detail/subscription_base.hpp>

#include <atomic>
#include <cstdint>
#include <utility>

namespace peal::inline v0::detail {

inline void subscription_base::sit(seat& s) noexcept {
  seat_ = &s;
  delivery_access::belongs(delivery_, topic_.origin, name_, cancellation_token{&s.signal, seat::stop},
                           topic_.bus.runner);
  delivery_access::keeps(delivery_, effects, replay_end);
  if (flow_ != nullptr) flow_->sit(*topic_.bus.runner, topic_.bus.open_breakers);
}

inline void subscription_base::learn(std::size_t ran, nanoseconds took) noexcept {
  if (ran < limit_) return;
  if (took < nanoseconds{20'000} && limit_ < 1024) limit_ *= 2;
  if (took > nanoseconds{50'000} && limit_ > 1) limit_ /= 2;
}

inline bool subscription_base::succeed(void* claim, std::uint8_t type) noexcept {
  if (claim != nullptr) committed(claim, type);
  if (!flush_outputs()) {
    outputs_waiting_.store(true, std::memory_order_relaxed);
    return false;
  }
  if (claim != nullptr && claims_ != nullptr) claims_->tell();
  counts_.handled.add();
  note_handled();
  return true;
}

inline void subscription_base::note_stall() noexcept {
  const bool now = hands_ != nullptr
                       ? blocked() || !stuck_.empty() || hands_->reading_stalled
                       : blocked() && (run_first_ == nullptr || outputs_waiting() || homeless_ != nullptr);
  if (now == stalled()) return;
  if (!now) return unnote_stall();
  topic_.bus.stalled.fetch_add(1, std::memory_order_seq_cst);
  stalled_.store(true, std::memory_order_seq_cst);
  looked_again_ = false;
}
inline void subscription_base::unnote_stall() noexcept {
  stalled_.store(false, std::memory_order_seq_cst);
  topic_.bus.stalled.fetch_sub(1, std::memory_order_seq_cst);
}

inline std::uint64_t subscription_base::unstall(const batch& b) {
  if (homeless_ != nullptr) {
    kept_ptr again = std::move(homeless_);
    const decision what = homeless_what_;  // another one may become homeless behind it
    if (!carry_out(what, again)) return 0;
    if (homeless_ == nullptr && order_ != nullptr && order_->spilling != nullptr) spill(*order_->spilling);
    if (homeless_ != nullptr) return 0;
  }
  if (outputs_waiting_.load(std::memory_order_relaxed)) {
    delivery_access::left(delivery_);  // its event may have gone meanwhile; what is inherited from it has been noted
    if (!flush_outputs()) return 0;
    counts_.handled.add();
    note_handled();
    if (claims_ != nullptr) claims_->tell();
    if (row_over_ != no_row) rows->end(std::exchange(row_over_, no_row));
    if (const letter_ptr over = std::move(letter_over_)) topic_.keeper->letter_gone(over->number);
    outputs_waiting_.store(false, std::memory_order_release);
  }
  no_room_aside_ = no_room_aside_ && kept_count() >= max_kept_;
  if (!in_place_.active) return 0;
  if (in_place_.what.step != next_step::none) {
    const std::uint8_t tag = b.tag(b.first);
    const event_at at{b.first, static_cast<std::uint8_t>(tag & slot_tag::type_mask), b.event(b.first),
                      b.around(b.first, tag)};
    if (!put_aside(in_place_.what, at, in_place_.errors)) return 0;
    in_place_ = {};
    counts_.taken.add();
    return 1;
  }
  in_place_.active = !in_place_.behind_key && aside_count() >= max_kept_ && newest_ != nullptr;
  return 0;
}

}  // namespace peal::inline v0::detail
