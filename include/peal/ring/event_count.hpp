// SPDX-License-Identifier: MIT
// An event count: threads sleep until a condition that others make true, without a lock and without a lost wake-up.
#pragma once

#include <peal/ring/atomics.hpp>
#include <peal/ring/detail/line.hpp>

#include <cstdint>
#include <peal/detail/time.hpp>

namespace peal::inline v0 {

/// How long a waiting thread looks before it sleeps. It looks less and less often, so that it does not keep taking the line
/// that it waits for from whoever writes there.
struct spin_limit {
  std::uint32_t pauses = 400;  ///< pause instructions before the first yield; count; 0 and up
  std::uint32_t stride = 16;   ///< the most pause instructions between two looks; count; 1 and up
  std::uint32_t yields = 4;    ///< looks with the time slice given away between them; count; 0 and up
  /// Pause instructions a reader spends before it looks again behind a short batch, so that the next one is longer and two
  /// threads do not fight over each line; count; 0 and up. 8 took one publisher and one reader from 8 to 20 M events of
  /// 24 bytes a second (2 cores, busy machine, medians of 25, one run).
  std::uint32_t gather = 8;
};

namespace detail {

/// `now + length` where that can be told, else the end of time.
template <class Rep, class Period>
[[nodiscard]] std::chrono::steady_clock::time_point deadline_after(std::chrono::duration<Rep, Period> length) noexcept {
  using clock = std::chrono::steady_clock;
  const auto now = clock::now();
  const double seconds = std::chrono::duration<double>(length).count();
  if (!(seconds < 3e8)) return clock::time_point::max();  // ten years, or not a number
  if (seconds <= 0) return now;
  return now + std::chrono::ceil<clock::duration>(length);
}

}  // namespace detail

namespace detail {

/// A predicate without its type.
struct question {
  void* with;
  bool (*ask)(void* with) noexcept;
  bool operator()() const noexcept { return ask(with); }
};
template <class Ready>
bool ask(void* ready) noexcept {
  return (*static_cast<Ready*>(ready))();
}

}  // namespace detail

/// Lets threads sleep until a condition holds, at no cost for those who make it true while nobody sleeps.
/// The condition is made true by `barrier::publish` (or by a seq_cst access, then notify with side::rare) *before*
/// notify is called, and is looked at by `barrier::recheck` (or seq_cst) between prepare() and commit().
/// Source: the event count of section 6 of the ring's protocols; Reed and Kanodia, 1979; folly::EventCount.
/// Thread safety: everything may be called from any thread.
/// Memory order: what happened before a condition was made true is ordered by the condition itself, not by the wake-up.
/// Complexity: notify is one load while nobody sleeps, else one read-modify-write and one system call.
template <atomics_policy Atomics = native_atomics>
class event_count {
  using word = typename Atomics::template atomic<std::uint32_t>;

 public:
  using clock = std::chrono::steady_clock;

  /// What prepare() has seen; worth something only for the commit or cancel that follows.
  struct key {
    std::uint32_t epoch;
  };

  explicit event_count(barrier<Atomics> order = {}, spin_limit spin = {}) noexcept : barrier_{order}, spin_{spin} {}
  event_count(const event_count&) = delete;
  event_count& operator=(const event_count&) = delete;

  [[nodiscard]] const barrier<Atomics>& order() const noexcept { return barrier_; }

  [[nodiscard]] const spin_limit& spinning() const noexcept { return spin_; }

  /// Whether anybody sleeps or is about to.
  [[nodiscard, gnu::always_inline]] bool has_waiters(side where = side::frequent) const noexcept {
    // [W1] pairs with [B1]: after the condition, a store before a load, ordered by the barrier or by seq_cst on both
    // sides. The rare side has no compiler barrier behind it and is seq_cst in both modes.
    return (where == side::frequent ? barrier_.observe(waiters_) : waiters_.load(std::memory_order_seq_cst)) != 0;
  }

  /// Wakes one sleeper, if there is one.
  [[gnu::always_inline]] void notify_one(side where = side::frequent) noexcept {
    if (has_waiters(where)) [[unlikely]]
      wake_one();
  }

  /// Wakes every sleeper.
  [[gnu::always_inline]] void notify_all(side where = side::frequent) noexcept {
    if (has_waiters(where)) [[unlikely]]
      wake_all();
  }

  /// Sleeps until `ready()` holds.
  /// `ready` looks at its conditions by barrier::recheck() or seq_cst, is called any number of times and does not throw.
  template <class Ready>
  void wait(Ready ready) noexcept {
    wait(ready, ready);
  }

  /// The same with a cheaper question for the time before the sleep; it may miss a condition that `ready` knows.
  template <class Ready, class Quick>
  void wait(Ready ready, Quick quick) noexcept {
    while (!spin(quick)) {
      const key seen = prepare();
      if (ready()) return cancel();
      commit(seen);
    }
  }

  /// Sleeps until `ready()` holds or the deadline has passed; whether it holds at the end.
  template <class Ready>
  [[nodiscard]] bool wait_until(clock::time_point deadline, Ready ready) noexcept {
    const detail::question asked{&ready, &detail::ask<Ready>};  // one loop for all who ask
    return wait_until(deadline, asked, asked);
  }

  template <class Ready, class Quick>
  [[nodiscard]] bool wait_until(clock::time_point deadline, Ready ready, Quick quick) noexcept {
    if (deadline == clock::time_point::max()) return wait(ready, quick), true;
    while (!spin(quick)) {
      const key seen = prepare();
      if (ready()) return cancel(), true;
      if (!commit_until(seen, deadline)) return ready();
    }
    return true;
  }

  template <class Rep, class Period, class Ready>
  [[nodiscard]] bool wait_for(std::chrono::duration<Rep, Period> length, Ready ready) noexcept {
    return wait_until(detail::deadline_after(length), ready);
  }

  /// The first half of going to sleep: every condition is looked at again after it, then commit() or cancel() follows.
  /// With `heavy_follows` the barrier is left to the caller, who calls `order().settle()` *after* prepare() and *before*
  /// looking again, so that one barrier serves several handshakes.
  [[nodiscard]] key prepare(bool heavy_follows = false) noexcept {
    waiters_.fetch_add(1, std::memory_order_seq_cst);  // [B1] pairs with [W1]
    if (!heavy_follows) barrier_.settle();
    // An epoch read early is an old one, which only makes the sleep end sooner; read late it would hide a wake-up.
    return {epoch_.load(std::memory_order_acquire)};  // [B2] pairs with [W2]
  }

  /// Not going to sleep after all.
  void cancel() noexcept { waiters_.fetch_sub(1, std::memory_order_relaxed); }

  /// Sleeps unless somebody has notified since prepare(); may return early, so the caller looks again.
  void commit(key seen) noexcept {
    parking_.wait(epoch_, seen.epoch, nullptr);
    cancel();
  }

  /// The same with an end; false when the deadline has passed.
  bool commit_until(key seen, clock::time_point deadline) noexcept {
    if (deadline == clock::time_point::max()) return commit(seen), true;
    const bool in_time = parking_.wait(epoch_, seen.epoch, &deadline);
    cancel();
    return in_time;
  }

 private:
  [[gnu::cold]] void wake_one() noexcept {
    epoch_.fetch_add(1, std::memory_order_release);  // [W2] pairs with [B2]
    parking_.wake_one(epoch_);
  }
  [[gnu::cold]] void wake_all() noexcept {
    epoch_.fetch_add(1, std::memory_order_release);  // [W2] pairs with [B2]
    parking_.wake_all(epoch_);
  }

  template <class Quick>
  [[nodiscard]] bool spin(Quick& quick) const noexcept {
    for (std::uint32_t spent = 0, step = 1; spent < spin_.pauses;
         spent += step, step += step < spin_.stride ? step : 0) {
      if (quick()) return true;
      for (std::uint32_t i = 0; i < step; ++i) Atomics::pause();
    }
    for (std::uint32_t i = 0; i < spin_.yields; ++i) {
      if (quick()) return true;
      Atomics::yield();
    }
    return quick();
  }

  alignas(detail::line_size) word waiters_{0};
  barrier<Atomics> barrier_;
  spin_limit spin_;
  alignas(detail::line_size) word epoch_{0};
  [[no_unique_address]] typename Atomics::parking parking_;
};

}  // namespace peal::inline v0
