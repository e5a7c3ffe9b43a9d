// SPDX-License-Identifier: MIT
// Off the happy path: back-off, duplicates in flight, dead letters, stalls. Included by subscription_base.hpp only.
#pragma once

#include <peal/bus/detail/subscription_base.hpp>

namespace peal::inline v0::detail {

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
  kept_ever_.store(last_serial_, std::memory_order_release);
}

inline void subscription_base::detach(kept& k) noexcept {
  (k.older != nullptr ? k.older->newer : oldest_) = k.newer;
  (k.newer != nullptr ? k.newer->older : newest_) = k.older;
  k.linked = false;
}

inline void subscription_base::reattach(kept& k) noexcept {
  (k.older != nullptr ? k.older->newer : oldest_) = &k;
  (k.newer != nullptr ? k.newer->older : newest_) = &k;
  k.linked = true;
}

inline void subscription_base::note_detached() noexcept {
  kept_count_.store(kept_count_.load(std::memory_order_relaxed) - 1, std::memory_order_release);  // [kept]
  oldest_kept_.store(oldest_ != nullptr ? oldest_->serial : ~std::uint64_t{0}, std::memory_order_release);
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

inline void subscription_base::intake() noexcept {
  if (due_.load(std::memory_order_relaxed) == nullptr) return;
  kept* newest_first = due_.exchange(nullptr, std::memory_order_acquire);  // pairs with [due]
  kept* in_order = nullptr;
  while (newest_first != nullptr) {
    kept* const next = newest_first->next;
    newest_first->next = in_order;
    in_order = newest_first;
    newest_first = next;
  }
  while (in_order != nullptr) {
    kept* const next = in_order->next;
    if (!in_order->linked) {
      link(*in_order);
      returning_.fetch_sub(1, std::memory_order_release);  // [returned]
    }
    queue(*in_order);
    in_order = next;
  }
}

inline bool subscription_base::run_due() {
  constexpr int fair_share = 64;
  intake();
  for (int n = 0; n < fair_share && run_first_ != nullptr && !outputs_waiting_.load(std::memory_order_relaxed) &&
                  homeless_ == nullptr;
       ++n) {
    if ((seat_->signal.load(std::memory_order_relaxed) & (seat::stop | seat::pause)) != 0) break;
    kept* const k = run_first_;
    run_first_ = k->next;
    if (run_first_ == nullptr) run_last_ = nullptr;
    k->next = nullptr;
    if (++k->attempts > 1) counts_.retries.add();
    delivery_access::at(delivery_, k->position, k->has_envelope ? &k->around : nullptr, run_first_ == nullptr);
    delivery_access::run(delivery_, k->attempts, k->cycles != 0);
    running_position_.store(k->position, std::memory_order_relaxed);
    attempt_end end;
    attempt_kept(*k, end);
    end_kept(k, end);
  }
  return run_first_ != nullptr && !blocked();
}

inline void subscription_base::end_kept(kept* k, attempt_end& end) {
  k->claim = nullptr;
  const std::uint8_t type = k->type;
  if (end.what == verdict::behind) {
    --k->attempts;  // its handler has not run
    kept_ptr owned{k};
    carry_out({next_step::wait_behind, {}, {}, end.claim}, owned);
    return;
  }
  if (end.what == verdict::failed || end.what == verdict::rejected) {
    const decision what = decide(end, k->attempts, k->errors, type);
    if (what.step != next_step::none) {
      kept_ptr owned{k};
      carry_out(what, owned);
      return;
    }
  }
  const kept_ptr ended{k};
  switch (end.what) {
    case verdict::handled: succeed(end.claim, type); break;
    case verdict::filtered: counts_.filtered.add(); break;
    case verdict::expired: counts_.expired.add(); break;
    case verdict::deduplicated: counts_.deduplicated.add(); break;
    default: counts_.discarded.add(); break;
  }
  if (end.what != verdict::handled && end.claim != nullptr) abandoned(end.claim, type);
  unlink(*k);  // last: whoever sees it gone finds it counted and its outputs published
}

inline bool subscription_base::end_first(const event_at& at, attempt_end& end) {
  decision what;
  error_history errors;
  switch (end.what) {
    case verdict::handled: return true;
    case verdict::filtered: counts_.filtered.add(); break;
    case verdict::expired: counts_.expired.add(); break;
    case verdict::deduplicated: counts_.deduplicated.add(); return true;
    case verdict::discarded: counts_.discarded.add(); break;
    case verdict::behind: what = {next_step::wait_behind, {}, {}, end.claim}; break;
    case verdict::failed:
    case verdict::rejected:
      what = decide(end, 1, errors, at.type);
      if (what.step == next_step::none) counts_.discarded.add();
      break;
  }
  if (what.step == next_step::none) {
    if (end.claim != nullptr) abandoned(end.claim, at.type);
    return true;
  }
  if (put_aside(what, at, errors)) return true;
  in_place_.active = true;
  if (what.step == next_step::wait_behind) {
    in_place_.what = {};  // asked anew later: the key may have been given up by then, and no run was spent
  } else {
    in_place_.what = what;
    in_place_.errors = std::move(errors);
  }
  return false;
}

inline subscription_base::decision subscription_base::decide(attempt_end& end, std::uint32_t attempts,
                                                             error_history& errors, std::uint8_t) {
  constexpr std::uint32_t unruled_attempts = 5;
  counts_.failures.add();
  (void)rule_set<>{}.run([&] { errors.add({attempts, now(), std::move(end.error)}); });  // without memory: counted only
  if (end.what == verdict::rejected) return {next_step::bury, {}, dead_cause::rejected, end.claim};
  if (end.action.kind == action_kind::discarded) return {};
  if (end.action.kind == action_kind::again) {
    const std::uint32_t most = end.action.plan != nullptr ? end.action.plan->attempts : unruled_attempts;
    if (attempts < most) {
      const nanoseconds delay =
          end.asked_delay.count() >= 0 || end.action.plan == nullptr
              ? end.asked_delay
              : end.action.plan->delay(attempts, [this] { return topic_.bus.runner->random_bits(); });
      return {next_step::run_again, delay, {}, end.claim};
    }
  }
  return {next_step::bury, {}, dead_cause::failed, end.claim};
}

inline kept_ptr subscription_base::copy_aside(const event_at& at) noexcept {
  kept_ptr k;
  const auto failed = rule_set<>{}.run([&] { k = copy_event_aside(*topic_.types[at.type], at.event); });
  if (failed) {
    wake_later();
    return {};
  }
  k->position = at.where;
  k->type = at.type;
  if (at.around != nullptr) {
    k->around = *at.around;
    k->has_envelope = true;
  }
  return k;
}

inline bool subscription_base::put_aside(const decision& what, const event_at& at, error_history& errors) {
  // One that others wait behind gets a place beyond the limit: they can only go after it.
  const bool room = what.step == next_step::bury ? !topic_.letters.full()
                    : kept_count() < max_kept_   ? true
                    : what.step == next_step::run_again && what.claim != nullptr
                        ? waiters_of(what.claim, at.type) != nullptr
                        : false;
  if (!room) return false;
  kept_ptr k = copy_aside(at);
  if (k == nullptr) return false;
  k->errors = std::move(errors);
  k->attempts = what.step == next_step::wait_behind ? 0 : 1;
  carry_out(what, k);
  return true;
}

inline bool subscription_base::bury(const decision& what, kept_ptr& k) noexcept {
  kept& event = *k;
  const std::uint8_t type = event.type;
  const bool was_kept = event.linked;
  if (was_kept) detach(event);  // before it is a letter, which others may take and free
  event.claim = nullptr;
  event.cause = what.cause;
  event.died_at = now();
  event.owner_number = number;
  bool put = false;
  const auto failed = rule_set<>{}.run([&] {
    event.subscription = name_;
    put = topic_.letters.put(k);
  });
  if (failed || !put) {
    if (failed) wake_later();
    was_kept ? reattach(event) : link(event);
    homeless_what_ = what;
    homeless_ = std::move(k);
    return false;
  }
  counts_.dead.add();
  if (was_kept) note_detached();
  if (what.claim != nullptr) abandoned(what.claim, type);
  return true;
}

inline void subscription_base::wait_behind(void* claim, kept& event) noexcept {
  event.next = nullptr;
  void** last = &waiters_of(claim, event.type);
  kept* at = static_cast<kept*>(*last);
  if (at == nullptr) {
    *last = &event;
    return;
  }
  while (at->next != nullptr) at = at->next;
  at->next = &event;
}

inline bool subscription_base::carry_out(const decision& what, kept_ptr& k) noexcept {
  if (what.step == next_step::bury) return bury(what, k);
  kept& event = *k;
  if (!event.linked) link(event);
  (void)k.release();
  if (what.step == next_step::wait_behind) {
    wait_behind(what.claim, event);
    return true;
  }
  event.claim = what.claim;
  if (what.delay.count() <= 0) {
    queue(event);
    return true;
  }
  event.fire = [](timer_node& node) noexcept {
    kept& due = static_cast<kept&>(node);
    due.owner->push_due(&due);
  };
  topic_.bus.runner->arm(event, saturating_add(now(), what.delay));
  return true;
}

inline void subscription_base::committed(void* claim, std::uint8_t type) noexcept {
  kept* duplicate = static_cast<kept*>(waiters_of(claim, type));
  waiters_of(claim, type) = nullptr;
  commit_claim(claim, type);
  while (duplicate != nullptr) {
    const kept_ptr ended{duplicate};
    duplicate = duplicate->next;
    counts_.deduplicated.add();
    unlink(*ended);
  }
}

inline void subscription_base::abandoned(void* claim, std::uint8_t type) noexcept {
  void*& waiters = waiters_of(claim, type);
  kept* const heir = static_cast<kept*>(waiters);
  if (heir == nullptr) {
    abandon_claim(claim, type);
    return;
  }
  waiters = heir->next;  // the others wait behind the heir now
  heir->claim = claim;
  queue(*heir);
}

inline void subscription_base::wake_later() noexcept {
  constexpr nanoseconds later = std::chrono::milliseconds{10};
  wake_up_.owner = this;
  wake_up_.fire = [](timer_node& node) noexcept {
    subscription_base& self = *static_cast<wake_up&>(node).owner;
    self.seat_->signal.fetch_or(seat::kick, std::memory_order_seq_cst);
    self.topic_.rouse(*self.seat_);
  };
  topic_.bus.runner->arm(wake_up_, saturating_add(now(), later));
}

inline std::uint64_t subscription_base::unstall(const batch& b) {
  if (homeless_ != nullptr) {
    kept_ptr again = std::move(homeless_);
    if (!carry_out(homeless_what_, again)) return 0;
  }
  if (outputs_waiting_.load(std::memory_order_relaxed)) {
    if (!flush_outputs()) return 0;
    counts_.handled.add();
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
  in_place_.active = kept_count() >= max_kept_ && newest_ != nullptr;
  return 0;
}

inline void subscription_base::end_here(const event_at& at, attempt_end& end) noexcept {
  const bool buried =
      end.what == verdict::rejected || (end.what == verdict::failed && end.action.kind != action_kind::discarded);
  if (end.what == verdict::failed || end.what == verdict::rejected) counts_.failures.add_shared();
  if (!buried) {
    (end.what == verdict::filtered  ? counts_.filtered
     : end.what == verdict::expired ? counts_.expired
                                    : counts_.discarded)
        .add_shared();
    return;
  }
  const auto failed = rule_set<>{}.run([&] {
    kept_ptr k = copy_event_aside(*topic_.types[at.type], at.event);
    k->position = at.where;
    k->type = at.type;
    if (at.around != nullptr) {
      k->around = *at.around;
      k->has_envelope = true;
    }
    k->attempts = 1;
    k->errors.add({1, now(), std::move(end.error)});
    k->cause = end.what == verdict::rejected ? dead_cause::rejected : dead_cause::failed;
    k->died_at = now();
    k->subscription = name_;
    k->owner_number = number;
    topic_.letters.put(k, true);
  });
  if (failed) {
    counts_.discarded.add_shared();  // its copy constructor threw, and no thread could wait for a better moment
  } else {
    counts_.dead.add();
  }
}

inline position subscription_base::take_aside(const batch& b) {
  position p = b.first;
  for (; p != b.last; p = advance(p, 1)) {
    const std::uint8_t tag = b.tag(p);
    const auto type = static_cast<std::uint8_t>(tag & slot_tag::type_mask);
    if ((tag & slot_tag::empty) != 0 || !wants(type)) continue;
    if (kept_count() >= max_kept_) break;
    kept_ptr k = copy_aside({p, type, b.event(p), b.around(p, tag)});
    if (k == nullptr) break;
    link(*k);
    queue(*k.release());
    counts_.taken.add();
  }
  no_room_aside_ = p != b.last;
  return p;
}

inline void subscription_base::note_left(position p) noexcept {
  if ((seat_->signal.load(std::memory_order_relaxed) & seat::abandon) == 0 || left_.size() >= max_left) return;
  (void)rule_set<>{}.run([&] { left_.push_back({topic_.bus.epoch, std::uint64_t{topic_.index} << 56 | p}); });
}

inline void subscription_base::release_kept() noexcept {
  executor& runner = *topic_.bus.runner;
  runner.cancel(wake_up_);
  for (kept* k = oldest_; k != nullptr; k = k->newer) runner.cancel(*k);
  kept* due = due_.exchange(reinterpret_cast<kept*>(this), std::memory_order_acquire);  // closed; pairs with [due]
  while (due != nullptr) {
    kept* const next = due->next;
    if (!due->linked) {
      const kept_ptr ended{due};
      left_over().add();
      returning_.fetch_sub(1, std::memory_order_release);  // [returned]
    }
    due = next;
  }
  (void)homeless_.release();  // it is in the list as well
  while (oldest_ != nullptr) {
    const kept_ptr ended{oldest_};
    note_left(ended->position);
    left_over().add();
    unlink(*oldest_);
  }
  run_first_ = run_last_ = nullptr;
  in_place_ = {};
  if (outputs_waiting_.load(std::memory_order_relaxed)) {
    drop_outputs();
    counts_.handled.add();  // its handler ran to its end; only its outputs found no room before the stop
    outputs_waiting_.store(false, std::memory_order_release);
  }
}

inline void bus_base::wake_stalled() noexcept {
  const std::lock_guard lock{wiring};
  for (const auto& s : subscriptions) {
    if (!s->stalled()) continue;
    s->place().signal.fetch_or(seat::kick, std::memory_order_seq_cst);
    s->topic().rouse(s->place());
  }
}

inline std::shared_ptr<subscription_base> bus_base::forget(subscription_base& s) noexcept {
  const std::lock_guard lock{wiring};
  for (auto it = subscriptions.begin(); it != subscriptions.end(); ++it) {
    if (it->get() != &s) continue;
    std::shared_ptr<subscription_base> found = std::move(*it);
    subscriptions.erase(it);
    return found;
  }
  return {};
}

}  // namespace peal::inline v0::detail
