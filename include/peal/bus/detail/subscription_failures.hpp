// SPDX-License-Identifier: MIT
// What becomes of a delivery that its handler did not just handle: another run, a wait behind its duplicate, a letter.
// Included by subscription_base.hpp only.
#pragma once

#include <peal/bus/detail/subscription_base.hpp>

namespace peal::inline v0::detail {

/// What a handler throws, or says, behind the commit of its effect does not bring the delivery back: it was handled.
inline void subscription_base::look_for_effect(const delivery& d, attempt_end& end) noexcept {
  if (!delivery_access::has_effect(d)) return;
  if (end.what == verdict::failed || end.what == verdict::rejected) {
    counts_.failures.add();
    note_failed(d.position(), d.attempt(), end.error, end.code);
  }
  attempt_end handled;
  handled.claim = end.claim;
  handled.chain = end.chain;
  end = std::move(handled);
}

inline bool subscription_base::end_first(const event_at& at, attempt_end& end) {
  decision what;
  error_history errors;
  switch (end.what) {
    case verdict::handled: return true;
    case verdict::not_run: return false;  // its subscription is being stopped: it is left where it is
    case verdict::filtered: counts_.filtered.add(); break;
    case verdict::expired: what = decide_expired(end); break;
    case verdict::deduplicated: counts_.deduplicated.add(); return true;
    case verdict::discarded: counts_.discarded.add(); break;
    case verdict::behind: what = {next_step::wait_behind, {}, {}, end.claim}; break;
    case verdict::behind_key: what = {next_step::wait_key, {}, {}, nullptr, {}, end.chain}; break;
    case verdict::failed:
    case verdict::rejected:
      what = decide(end, 1, errors, {}, at.where);
      if (what.step == next_step::none) counts_.discarded.add();
      break;
  }
  if (what.step == next_step::none) {
    if (end.claim != nullptr) abandoned(end.claim, at.type);
    return true;
  }
  if (put_aside(what, at, errors)) return true;
  in_place_.active = true;
  in_place_.behind_key = what.step == next_step::wait_key;
  if (what.step == next_step::wait_behind || in_place_.behind_key) {
    in_place_.what = {};  // asked anew later: the key may have been given up by then, and no run was spent
  } else {
    in_place_.what = what;
    in_place_.errors = std::move(errors);
  }
  return false;
}

/// One whose handler has not run: it waits again. False: it has.
inline bool subscription_base::wait_again(kept* k, attempt_end& end) {
  if (end.what != verdict::behind && end.what != verdict::behind_key && end.what != verdict::not_run) return false;
  --k->attempts;
  note_wait(*k, {});
  if (end.what == verdict::behind) {
    kept_ptr owned{k};
    carry_out({next_step::wait_behind, {}, {}, end.claim}, owned);
  } else if (end.what == verdict::behind_key) {
    if (end.claim != nullptr) abandoned(end.claim, k->type);  // nobody waits for a key with a claim in hand
    join_chain(*end.chain, kept_ptr{k});
  } else {  // its subscription is being stopped
    k->claim = end.claim;
    queue(*k);
  }
  return true;
}

inline void subscription_base::end_kept(kept* k, attempt_end& end) {
  k->claim = nullptr;
  cleared(*k);
  const std::uint8_t type = k->type;
  if (wait_again(k, end)) return;
  if (end.what == verdict::failed || end.what == verdict::rejected || end.what == verdict::expired) {
    const bool ran = end.what != verdict::expired;
    if (!ran) --k->attempts;
    const decision what = ran ? decide(end, k->attempts, k->errors, k->progress, k->position) : decide_expired(end);
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
    case verdict::expired: break;  // counted
    case verdict::deduplicated: counts_.deduplicated.add(); break;
    default: counts_.discarded.add(); break;
  }
  if (end.what != verdict::handled && end.claim != nullptr) abandoned(end.claim, type);
  unlink_ended(*k);  // last: whoever sees it gone finds it counted and its outputs published
  if (k->chain != nullptr) pass_on(*k->chain);
}

inline void subscription_base::end_here(const event_at& at, attempt_end& end) noexcept {
  const bool buried = (end.what == verdict::expired && limits.letters) || end.what == verdict::rejected ||
                      (end.what == verdict::failed && end.action.kind != action_kind::discarded);
  if (end.what == verdict::failed || end.what == verdict::rejected) {
    counts_.failures.add_shared();
    note_failed(at.where, 1, end.error, end.code);
  }
  if (!buried) {
    (end.what == verdict::filtered  ? counts_.filtered
     : end.what == verdict::expired ? counts_.expired
                                    : counts_.discarded)
        .add_shared();
    return;
  }
  letter_ptr placed;
  if (caught([&] { bury_here(at, end, placed); })) {
    counts_.discarded.add_shared();  // its copy constructor threw, and no thread could wait for a better moment
  } else {
    counts_.dead.add();
    topic_.tell(placed);
  }
}

/// Errors: what copying the event throws, bad_alloc.
inline void subscription_base::bury_here(const event_at& at, attempt_end& end, letter_ptr& placed) {
  const bool expired = end.what == verdict::expired;
  kept_ptr k = copy_event_aside(*topic_.types[at.type], at.event);
  k->position = at.where;
  k->type = at.type;
  if (at.around != nullptr) {
    k->around = *at.around;
    k->has_envelope = true;
  }
  k->attempts = expired ? 0 : 1;
  if (!expired) k->errors.add({1, now(), std::move(end.error), end.code});
  k->cause = expired                         ? dead_cause::expired
             : end.what == verdict::rejected ? dead_cause::rejected
             : end.late                      ? dead_cause::timed_out
                                             : dead_cause::failed;
  k->died_at = now();
  k->subscription = name_;
  k->owner_number = number;
  topic_.letters.put(k, placed, true);
}

inline subscription_base::decision subscription_base::decide(attempt_end& end, std::uint32_t attempts,
                                                             error_history& errors, const retry_progress& before,
                                                             position where) {
  constexpr std::uint32_t unruled_attempts = 5;
  counts_.failures.add();
  note_failed(where, attempts, end.error, end.code);
  const time_point failed_at = now();
  (void)caught([&] {  // without memory: counted only
    errors.add({attempts, failed_at, std::move(end.error), end.code});
  });
  if (end.what == verdict::rejected) return {next_step::bury, {}, dead_cause::rejected, end.claim};
  if (end.action.kind == action_kind::discarded) return {};
  if (end.action.kind == action_kind::again) {
    decision again{next_step::run_again, end.asked_delay, {}, end.claim, before};
    if (end.action.plan == nullptr) {
      if (attempts < unruled_attempts) return again;
    } else {
      const nanoseconds elapsed = errors.entries().empty() ? nanoseconds{0} : failed_at - errors.entries()[0].at;
      if (next_run(end.action, attempts, elapsed, again.progress)) {
        if (end.asked_delay.count() < 0) again.delay = again.progress.waited;
        if (end.action.plan[again.progress.plan].pauses) flow_->pause(std::exchange(again.delay, nanoseconds{0}));
        return again;
      }
      if (end.action.at_end == action_kind::discarded) return {};
    }
  }
  return {next_step::bury, {}, end.late ? dead_cause::timed_out : dead_cause::failed, end.claim};
}

/// The plan that has a further run for this delivery, and its wait; false when the runs of all plans are used up.
inline bool subscription_base::next_run(const applied_action& action, std::uint32_t attempts, nanoseconds elapsed,
                                        retry_progress& progress) noexcept {
  if (progress.plans != action.plan) progress = {action.plan};
  std::uint32_t used =
      0;  // the runs of this plan that the next one does not count: after a restart it is told nothing else
  for (; progress.plan < action.plans; ++progress.plan, progress.before = used) {
    const backoff& plan = action.plan[progress.plan];
    const std::uint32_t failed = attempts - progress.before;  // the first plan counts the first run among its own
    const std::uint32_t most = plan.attempts != 0 ? plan.attempts : 1;
    used = progress.before + most - (progress.plan == 0 ? 1 : 0);
    if (progress.plan == 0 ? failed >= most : failed > most) continue;
    used = attempts - 1;
    const nanoseconds wait = plan.delay(
        failed, [this] { return topic_.bus.runner->random_bits(); }, progress.waited);
    if (elapsed > plan.max_elapsed || wait > plan.max_elapsed - elapsed) continue;
    progress.waited = wait;
    return true;
  }
  return false;
}

inline bool subscription_base::carry_out(const decision& what, kept_ptr& k) noexcept {
  if (order_ != nullptr && k->chain == nullptr) {
    if (const auto ended = place_by_key(what, k)) return *ended;
  }
  if (what.step == next_step::bury) return bury(what, k);
  kept& event = *k;
  if (!event.linked) link(event);
  (void)k.release();
  if (what.step == next_step::wait_behind) {
    wait_behind(what.claim, event);
    return true;
  }
  event.claim = what.claim;
  event.progress = what.progress;
  if (topic_.watcher != nullptr && event.attempts != 0) {
    topic_.watcher->retried(
        {name_, topic_.id_at(event.position), event.attempts + 1, larger(what.delay, nanoseconds{0})});
  }
  if (what.delay.count() <= 0) {
    note_wait(event, {});
    queue(event);
    return true;
  }
  arm_again(event, what.delay);
  return true;
}

inline void subscription_base::arm_again(kept& event, nanoseconds delay) noexcept {
  const time_point due = saturating_add(now(), delay);
  note_wait(event, due);
  arm_at(event, due);
}
inline void subscription_base::arm_at(kept& event, time_point when) noexcept {
  event.fire = [](timer_node& node) noexcept {
    kept& due = static_cast<kept&>(node);
    due.owner->push_due(&due);
  };
  topic_.bus.runner->arm(event, when);
}

/// The number under which it stands; 0: nothing has changed, and it is tried again. `holding`: of its key, if it holds that.
inline std::uint64_t subscription_base::put_letter(const decision& what, kept_ptr& k, key_chain* holding,
                                                   letter_ptr& placed) noexcept {
  topic_keeper* const keeper = topic_.keeper;
  kept& event = *k;
  const std::uint64_t put_before = event.number;
  bool expected = false;
  bool told = false;
  std::uint64_t put = 0;
  const auto failed = caught([&] {
    event.subscription = name_;
    if (keeper != nullptr) keeper->expect_letter();
    told = keeper != nullptr;
    if (holding != nullptr) expect_letter(*holding, what.cause);
    expected = holding != nullptr;
    put = topic_.letters.put(k, placed);
  });
  if (failed || put == 0) {
    if (failed) wake_later();
    if (told) keeper->no_letter();
    if (expected) no_letter(*holding, what.cause);
    return 0;
  }
  if (told) {
    keeper->letter(placed);
    if (put_before != 0 && put_before != put) keeper->letter_gone(put_before);
  }
  return put;
}

inline bool subscription_base::bury(const decision& what, kept_ptr& k) noexcept {
  kept& event = *k;
  const std::uint8_t type = event.type;
  const bool was_kept = event.linked;
  if (was_kept) detach(event);  // before it is a letter, which others may take and free
  key_chain* const chain = std::exchange(event.chain, nullptr);
  const bool holds = chain != nullptr && order_ != nullptr && order_->holds;
  event.claim = nullptr;
  letter_ptr was = std::move(event.came_from);
  event.cause = what.cause;
  event.died_at = now();
  event.owner_number = number;
  event.blocked_by = holds ? chain->held_by : 0;
  letter_ptr placed;
  const std::uint64_t put = put_letter(what, k, holds ? chain : nullptr, placed);
  if (put == 0) {
    event.chain = chain;
    event.came_from = std::move(was);
    was_kept ? reattach(event) : link(event);
    homeless_what_ = what;
    homeless_ = std::move(k);
    return false;
  }
  counts_.dead.add();
  topic_.tell(placed);
  if (was_kept) note_detached();
  if (what.claim != nullptr) abandoned(what.claim, type);
  if (holds) {
    letter_put(*chain, what.cause, put);
  } else if (chain != nullptr) {
    pass_on(*chain);
  }
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

inline void subscription_base::committed(void* claim, std::uint8_t type) noexcept {
  kept* duplicate = static_cast<kept*>(waiters_of(claim, type));
  waiters_of(claim, type) = nullptr;
  commit_claim(claim, type);
  while (duplicate != nullptr) {
    const kept_ptr ended{duplicate};
    duplicate = duplicate->next;
    counts_.deduplicated.add();
    unlink_ended(*ended);
    if (ended->chain != nullptr) pass_on(*ended->chain);
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

}  // namespace peal::inline v0::detail
