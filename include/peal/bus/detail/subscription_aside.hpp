// SPDX-License-Identifier: MIT
// Events kept aside: how they leave the ring, come due again, stall their subscription for want of room, and end with it.
// Included by subscription_base.hpp only.
#pragma once

#include <peal/bus/detail/subscription_base.hpp>
#include <peal/detail/shared.hpp>

namespace peal::inline v0::detail {

inline void subscription_base::queue(kept& k) noexcept {
  k.next = nullptr;
  (run_last_ != nullptr ? run_last_->next : run_first_) = &k;
  run_last_ = &k;
}

inline void subscription_base::link(kept& k) noexcept {
  k.owner = this;
  k.linked = true;
  k.serial = ++last_serial_;
  k.older = newest_;
  k.newer = nullptr;
  (newest_ != nullptr ? newest_->newer : oldest_) = &k;
  newest_ = &k;
  kept_count_.store(kept_count_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  if (oldest_ == &k) oldest_kept_.store(k.serial, std::memory_order_release);
  if (topic_.keeper != nullptr && k.number == 0) {
    if (rows != nullptr && k.row == no_row) k.row = rows->put(k.position, k.attempts);
    const position lowest = lowest_kept_.load(std::memory_order_relaxed);
    if (lowest == no_position || distance(k.position, lowest) < 0) {
      lowest_kept_.store(k.position, std::memory_order_release);  // [lowest]
    }
  }
  kept_ever_.store(last_serial_, std::memory_order_release);
}

inline void subscription_base::detach(kept& k) noexcept {
  (k.older != nullptr ? k.older->newer : oldest_) = k.newer;
  (k.newer != nullptr ? k.newer->older : newest_) = k.older;
  k.linked = false;
  row_left_ = k.row;
  if (k.position == lowest_kept_.load(std::memory_order_relaxed)) lowest_left_ = true;
}

inline void subscription_base::reattach(kept& k) noexcept {
  (k.older != nullptr ? k.older->newer : oldest_) = &k;
  (k.newer != nullptr ? k.newer->older : newest_) = &k;
  k.linked = true;
  row_left_ = no_row;
}

inline void subscription_base::note_detached() noexcept {
  const auto ended = std::exchange(row_left_, no_row);
  if (ended != no_row && rows != nullptr) rows->end(ended);
  kept_count_.store(kept_count_.load(std::memory_order_relaxed) - 1, std::memory_order_release);  // [kept]
  oldest_kept_.store(oldest_ != nullptr ? oldest_->serial : ~std::uint64_t{0}, std::memory_order_release);
  if (lowest_left_) find_lowest();
}

/// The list is in the order of positions; that of one with hands but for what stood in their window together.
inline void subscription_base::find_lowest() noexcept {
  constexpr std::int64_t widest_window = 4096;
  lowest_left_ = false;
  position lowest = no_position;
  for (const kept* k = oldest_; k != nullptr; k = k->newer) {
    if (k->number != 0) continue;
    if (lowest == no_position || distance(k->position, lowest) < 0) lowest = k->position;
    if (hands_ == nullptr || distance(k->position, lowest) >= widest_window) break;
  }
  lowest_kept_.store(lowest, std::memory_order_release);  // [lowest]
}

inline bool subscription_base::safe_position(position& at) const noexcept {
  // In this order: what leaves the cursor is kept before, and what leaves there has its outputs waiting before.
  const position read = topic_.cursor_of(*seat_);
  const position lowest = lowest_kept_.load(std::memory_order_acquire);  // pairs with [lowest]
  if (outputs_waiting()) return false;
  at = lowest != no_position && distance(lowest, read) < 0 ? lowest : read;
  return true;
}

inline kept_ptr subscription_base::copy_aside(const event_at& at) noexcept {
  kept_ptr k;
  const auto failed = caught([&] {
    if (rows != nullptr) rows->make_room();
    k = copy_event_aside(*topic_.types[at.type], at.event);
  });
  if (failed) {
    wake_later();
    return {};
  }
  k->position = at.where;
  k->type = at.type;
  k->careful = rows != nullptr && topic_.keeper->is_careful(at.where);
  if (at.around != nullptr) {
    k->around = *at.around;
    k->has_envelope = true;
  }
  return k;
}

inline bool subscription_base::put_aside(const decision& what, const event_at& at, error_history& errors) {
  if (homeless_ != nullptr) return false;
  if (what.step == next_step::wait_key) return hold_back(*what.chain, at);
  // One that others wait behind gets a place beyond the limit: they can only go after it.
  const bool room = what.step == next_step::bury ? !topic_.letters.full()
                    : aside_count() < max_kept_  ? true
                    : what.step == next_step::run_again && what.claim != nullptr
                        ? waiters_of(what.claim, at.type) != nullptr
                        : false;
  if (!room) return false;
  kept_ptr k = copy_aside(at);
  if (k == nullptr) return false;
  k->errors = std::move(errors);
  k->attempts = what.step == next_step::wait_behind || what.cause == dead_cause::expired ? 0 : 1;
  k->chain = what.chain;
  carry_out(what, k);
  return true;
}

inline bool subscription_base::bury_crashed(const event_at& at, std::uint32_t runs) {
  error_history errors;
  (void)caught([&] { errors.add({runs, now(), "the process ended while it was handled"}); });
  if (!put_aside({next_step::bury, {}, dead_cause::crashed}, at, errors)) return false;
  counts_.taken.add();
  return true;
}

inline position subscription_base::take_aside(const batch& b) {
  position p = b.first;
  for (; p != b.last; p = advance(p, 1)) {
    const std::uint8_t tag = b.tag(p);
    const auto type = static_cast<std::uint8_t>(tag & slot_tag::type_mask);
    if ((tag & slot_tag::empty) != 0 || !wants(type)) continue;
    const event_at at{p, type, b.event(p), b.around(p, tag)};
    if (conflated_ != nullptr) {
      if (!take_newest(at)) break;
      counts_.taken.add();
      continue;
    }
    if (kept_count() >= max_kept_) break;
    kept_ptr k = copy_aside(at);
    if (k == nullptr) break;
    link(*k);
    queue(*k.release());
    counts_.taken.add();
  }
  no_room_aside_ = p != b.last;
  return p;
}

inline bool subscription_base::push_due(kept* k) noexcept {
  kept* const closed = reinterpret_cast<kept*>(this);
  kept* first = due_.load(std::memory_order_relaxed);
  do {
    if (first == closed) return false;
    k->next = first;
  } while (!due_.compare_exchange_weak(first, k, std::memory_order_release, std::memory_order_relaxed));  // [due]
  seat_->signal.fetch_or(seat::work, std::memory_order_seq_cst);
  topic_.rouse(*seat_);
  return true;
}

/// Takes over what others have pushed, in the order pushed.
inline void subscription_base::gather() noexcept {
  if (due_.load(std::memory_order_relaxed) == nullptr) return;
  kept* newest_first = due_.exchange(nullptr, std::memory_order_acquire);  // pairs with [due]
  kept* in_order = nullptr;
  while (newest_first != nullptr) {
    kept* const next = newest_first->next;
    newest_first->next = in_order;
    in_order = newest_first;
    newest_first = next;
  }
  if (in_order == nullptr) return;
  (arrived_last_ != nullptr ? arrived_last_->next : arrived_first_) = in_order;
  for (arrived_last_ = in_order; arrived_last_->next != nullptr;) arrived_last_ = arrived_last_->next;
}

inline void subscription_base::intake() noexcept {
  gather();
  if (order_ != nullptr) hear_discarded();
  while (kept* const k = arrived_first_) {
    const bool letter_back = !k->linked;
    if (letter_back && order_ != nullptr && !lead_back(*k)) return;
    arrived_first_ = k->next;
    if (arrived_first_ == nullptr) arrived_last_ = nullptr;
    if (letter_back) link(*k);
    if (!letter_back || order_ == nullptr || !waits_again(*k)) queue(*k);
    if (letter_back) returning_.fetch_sub(1, std::memory_order_release);  // [returned]
  }
  if (order_ != nullptr) let_go();
}

/// A retry that the bus's budget does not cover waits; no attempt is spent.
inline bool subscription_base::put_off(kept& k) noexcept {
  retry_tokens& budget = topic_.bus.retries;
  if (k.attempts == 0 || !budget.limited() || budget.take(now())) return false;
  counts_.throttled.add();
  arm_again(k, budget.wait());
  return true;
}

inline bool subscription_base::run_due() {
  const int fair_share = conflated_ != nullptr ? 1 : 64;
  intake();
  for (int n = 0; n < fair_share && run_first_ != nullptr && !outputs_waiting_.load(std::memory_order_relaxed) &&
                  homeless_ == nullptr && may_start();
       ++n) {
    if ((seat_->signal.load(std::memory_order_relaxed) & (seat::stop | seat::pause)) != 0) break;
    kept* const k = run_first_;
    run_first_ = k->next;
    if (run_first_ == nullptr) run_last_ = nullptr;
    k->next = nullptr;
    if (put_off(*k) || !may_run(*k)) continue;
    if (++k->attempts > 1) counts_.retries.add();
    ++runs_aside_;
    delivery_access::at(delivery_, k->position, k->has_envelope ? &k->around : nullptr, run_first_ == nullptr);
    delivery_access::run(delivery_, k->attempts, k->cycles != 0, k->number);
    running_position_.store(k->position, std::memory_order_relaxed);
    attempt_end end;
    attempt_kept(*k, end);
    delivery_access::left(delivery_);
    if (flow_ != nullptr) flow_->ended(end);
    if (end.what != verdict::handled) look_for_effect(delivery_, end);
    end_kept(k, end);
  }
  running_since.store(0, std::memory_order_relaxed);
  return run_first_ != nullptr && !blocked() && may_start();
}

inline void subscription_base::wake_later() noexcept {
  constexpr nanoseconds later = std::chrono::milliseconds{10};
  wake_at(wake_up_, saturating_add(now(), later));
}

inline void subscription_base::wake_at(wake_up& timer, time_point due) noexcept {
  if (timer.owner == nullptr) {  // once: it may be armed, or just be firing
    timer.owner = this;
    timer.fire = [](timer_node& node) noexcept {
      subscription_base& self = *static_cast<wake_up&>(node).owner;
      self.seat_->signal.fetch_or(seat::kick, std::memory_order_seq_cst);
      self.topic_.rouse(*self.seat_);
    };
  }
  topic_.bus.runner->arm(timer, due);
}

inline bool subscription_base::waits_for_flow(bool anything) noexcept {
  if (flow_ == nullptr) return false;
  if (flow_->may_start()) {
    flow_->goes_on();
    return false;
  }
  const bool given_back = hands_ != nullptr && hands_->again != nullptr;
  if (!anything && !given_back && !flow_->is_shut()) return false;  // nobody waits for a permit
  const time_point due = flow_->look_again();
  if (due != time_point::max()) wake_at(flow_over_, due);
  return true;
}

inline void subscription_base::note_left(position p) noexcept {
  if ((seat_->signal.load(std::memory_order_relaxed) & seat::abandon) == 0 || left_.size() >= max_left) return;
  (void)caught([&] { left_.push_back(topic_.id_at(p)); });
}

/// What has come back from it does not end here: it is among the letters again, as it is in the store.
inline void subscription_base::letter_stays(letter_ptr&& l) noexcept {
  const letter_ptr back = std::move(l);
  if (back != nullptr) topic_.keeper->letter_stays(*this, back);
}

/// Ends what others have pushed and nobody will take in any more.
inline void subscription_base::leave_arrived(kept* k) noexcept {
  while (k != nullptr) {
    kept* const next = k->next;
    if (!k->linked) {
      const kept_ptr ended{k};
      left_over().add();
      letter_stays(std::move(ended->came_from));
      returning_.fetch_sub(1, std::memory_order_release);  // [returned]
    }
    k = next;
  }
}

inline void subscription_base::release_kept() noexcept {
  executor& runner = *topic_.bus.runner;
  runner.cancel(wake_up_);
  runner.cancel(flow_over_);
  if (flow_ != nullptr) flow_->end();
  for (kept* k = oldest_; k != nullptr; k = k->newer) runner.cancel(*k);
  leave_arrived(due_.exchange(reinterpret_cast<kept*>(this), std::memory_order_acquire));  // closed; pairs with [due]
  leave_arrived(std::exchange(arrived_first_, nullptr));
  (void)homeless_.release();  // it is in the list as well
  while (oldest_ != nullptr) {
    const kept_ptr ended{oldest_};
    note_left(ended->position);
    left_over().add();
    letter_stays(std::move(ended->came_from));
    cleared(*ended);
    unlink(*oldest_);
  }
  run_first_ = run_last_ = nullptr;
  counts_.held.set(0);
  in_place_ = {};
  if (outputs_waiting_.load(std::memory_order_relaxed)) {
    drop_outputs();
    letter_stays(std::move(letter_over_));
    counts_.handled.add();  // its handler ran to its end; only its outputs found no room before the stop
    note_handled();
    outputs_waiting_.store(false, std::memory_order_release);
  }
}

inline void subscription_base::failed_here(const event_at& at, failure& failed) noexcept {
  attempt_end end;
  end.fail(failed);
  end_here(at, end);
}

inline void bus_base::wake_stalled() noexcept {
  const std::lock_guard lock{wiring};
  for (const auto& s : subscriptions) {
    if (!s->stalled()) continue;
    s->place().signal.fetch_or(seat::kick, std::memory_order_seq_cst);
    s->topic().rouse(s->place());
  }
}

inline shared<subscription_base> bus_base::forget(subscription_base& s) noexcept {
  const std::lock_guard lock{wiring};
  for (auto it = subscriptions.begin(); it != subscriptions.end(); ++it) {
    if (it->get() != &s) continue;
    shared<subscription_base> found = std::move(*it);
    subscriptions.erase(it);
    return found;
  }
  return {};
}

}  // namespace peal::inline v0::detail
