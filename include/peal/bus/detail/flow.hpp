// SPDX-License-Identifier: MIT
// What a whole subscription may have to wait for before it runs anything: a pause after a failure, its breaker, its rate.
#pragma once

#include <peal/bus/detail/breaker_machine.hpp>
#include <peal/bus/detail/cell_rate.hpp>
#include <peal/bus/detail/counters.hpp>
#include <peal/bus/detail/delivery_end.hpp>
#include <peal/bus/detail/executor.hpp>
#include <peal/detail/maybe.hpp>
#include <peal/observe/statistics.hpp>

#include <atomic>
#include <cstdint>
#include <peal/detail/time.hpp>
#include <utility>

namespace peal::inline v0::detail {

/// One moment before which nothing starts, and who moves it.
///
/// Thread safety: the owner of the seat's `running` alone calls it; hands read shut(), anybody the statistics.
/// Memory order: what others read is counted and orders nothing: relaxed.
class flow {
 public:
  flow(const breaker* b, const rate* r) {
    if (b != nullptr) breaker_.emplace(*b);
    if (r != nullptr) rate_.emplace(*r);
  }
  /// Before the first run.
  void sit(const executor& clock, std::atomic<std::uint32_t>& open_breakers) noexcept {
    clock_ = &clock;
    open_breakers_ = &open_breakers;
    if (breaker_) state_.store(breaker_state::closed, std::memory_order_relaxed);
  }

  /// Whether a run may start now. It costs a look at the clock only with a rate, or while something waits.
  [[nodiscard]] bool may_start() noexcept {
    from_ahead_ = false;
    if (!rate_ && !watching_) return true;
    now_ = clock_->now();
    if (rate_) rate_->settle(now_);
    if (now_ < paused_until_ || (rate_ && now_ < rate_->next())) return false;
    if (breaker_ && !breaker_->allow(now_)) return false;
    note_state();
    watching_ = breaker_ && breaker_->now_in() != breaker_machine::phase::closed;
    shut_.store(false, std::memory_order_relaxed);
    return true;
  }
  /// The same within a batch, at whose end rest() is called: one look at the clock for several permits.
  [[nodiscard]] bool may_go_on() noexcept {
    if (!rate_ || watching_ || !rate_->has_ahead()) return may_start();
    return from_ahead_ = true;
  }
  void rest() noexcept {
    if (rate_ && rate_->unsettled()) rate_->settle(clock_->now());
  }
  /// A run starts, which may_start() or may_go_on() has just let through.
  void start(attempt_end& end) noexcept {
    goes_on();
    if (rate_) from_ahead_ ? rate_->take_ahead() : rate_->take(now_);
    end.permit = breaker_ ? breaker_->start() : 1;
  }
  /// What was started has ended, or was not run after all.
  void ended(attempt_end& end) noexcept {
    const std::uint32_t permit = std::exchange(end.permit, 0);
    if (permit == 0) return;
    if (end.what == verdict::not_run || end.what == verdict::expired) {
      if (rate_) rate_->give_back();
      if (breaker_) breaker_->given_back(permit);
      return;
    }
    if (!breaker_) return;
    const bool failed = end.counts && end.what == verdict::failed && end.action.kind != action_kind::discarded;
    const bool timed = failed || breaker_->looks_at_time();  // else a look at the clock would be most of what it costs
    breaker_->ended(permit, failed, timed ? clock_->now() : time_point{});
    note_state();
  }
  /// Nothing starts for so long.
  void pause(nanoseconds time) noexcept {
    const time_point until = saturating_add(clock_->now(), time);
    if (until > paused_until_) paused_until_ = until;
    pauses_.add();
    shut();
  }

  /// With may_start() false: when to look again; the end of time while only the end of a probe can change that.
  [[nodiscard]] time_point look_again() noexcept {
    time_point when = paused_until_;
    wait_reason why = wait_reason::pause;
    if (rate_ && rate_->next() > when) {
      when = rate_->next();
      why = wait_reason::rate;
    }
    if (breaker_ && breaker_->now_in() == breaker_machine::phase::open && breaker_->until() > when) {
      when = breaker_->until();
      why = wait_reason::breaker;
    }
    if (when <= now_) {
      when = time_point::max();
      why = wait_reason::breaker;
    }
    if (why == wait_reason::rate && waits_.load(std::memory_order_relaxed) != why) rate_waits_.add();
    waits_.store(why, std::memory_order_relaxed);
    return when;
  }
  void goes_on() noexcept {
    if (waits_.load(std::memory_order_relaxed) != wait_reason::nothing) {
      waits_.store(wait_reason::nothing, std::memory_order_relaxed);
    }
  }
  /// Until a moment, and for longer than a permit of the rate takes: what has not begun had better not.
  [[nodiscard]] bool is_shut() const noexcept { return shut_.load(std::memory_order_relaxed); }

  /// The subscription has ended.
  void end() noexcept {
    goes_on();
    if (state_.load(std::memory_order_relaxed) == breaker_state::open) leave_open();
    state_.store(breaker_ ? breaker_state::closed : breaker_state::none, std::memory_order_relaxed);
  }

  /// Any thread.
  void tell(subscription_statistics& s) const noexcept {
    s.breaker = state_.load(std::memory_order_relaxed);
    s.waits_for = waits_.load(std::memory_order_relaxed);
    s.breaker_opened = opened_.get();
    const std::int64_t since = open_since_.load(std::memory_order_relaxed);
    const std::int64_t to_now = since != 0 ? clock_->now().time_since_epoch().count() - since : 0;
    s.breaker_open_time = nanoseconds{static_cast<std::int64_t>(open_time_.get()) + (to_now > 0 ? to_now : 0)};
    s.rate_waits = rate_waits_.get();
    s.pauses = pauses_.get();
  }

 private:
  void shut() noexcept {
    watching_ = true;
    shut_.store(true, std::memory_order_relaxed);
  }
  void note_state() noexcept {
    if (!breaker_) return;
    const breaker_state was = state_.load(std::memory_order_relaxed);
    const breaker_machine::phase phase = breaker_->now_in();
    const breaker_state is = phase == breaker_machine::phase::closed ? breaker_state::closed
                             : phase == breaker_machine::phase::open ? breaker_state::open
                                                                     : breaker_state::half_open;
    if (is == was) return;
    if (was == breaker_state::open) leave_open();
    if (is == breaker_state::open) {
      opened_.add();
      open_since_.store(clock_->now().time_since_epoch().count(), std::memory_order_relaxed);
      open_breakers_->fetch_add(1, std::memory_order_relaxed);
      shut();
    }
    state_.store(is, std::memory_order_relaxed);
  }
  void leave_open() noexcept {
    const std::int64_t since = open_since_.load(std::memory_order_relaxed);
    open_time_.add(static_cast<std::uint64_t>(clock_->now().time_since_epoch().count() - since));
    open_since_.store(0, std::memory_order_relaxed);
    open_breakers_->fetch_sub(1, std::memory_order_relaxed);
  }

  maybe<breaker_machine> breaker_{};
  maybe<cell_rate> rate_{};
  const executor* clock_ = nullptr;
  std::atomic<std::uint32_t>* open_breakers_ = nullptr;
  time_point paused_until_{};
  time_point now_{};
  bool watching_ = false;    // paused, or the breaker is not closed
  bool from_ahead_ = false;  // the run that may start now needs no look at the clock
  std::atomic<bool> shut_{false};
  std::atomic<breaker_state> state_{breaker_state::none};
  std::atomic<wait_reason> waits_{wait_reason::nothing};
  counter opened_;
  counter open_time_;  // ns, without the phase that is still open
  std::atomic<std::int64_t> open_since_{0};
  counter rate_waits_;
  counter pauses_;
};

}  // namespace peal::inline v0::detail
