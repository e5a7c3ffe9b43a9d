// SPDX-License-Identifier: MIT
// The threaded runtime: workers that run ready subscriptions, the thread of the timers, and poll().
#pragma once

#include <peal/bus/detail/fork_mark.hpp>
#include <peal/bus/detail/gathering.hpp>
#include <peal/bus/detail/own_thread.hpp>
#include <peal/bus/detail/random.hpp>
#include <peal/bus/detail/topic_base.hpp>
#include <peal/bus/options.hpp>
#include <peal/detail/list.hpp>
#include <peal/detail/maybe.hpp>
#include <peal/detail/own_ptr.hpp>
#include <peal/detail/shared.hpp>
#include <peal/ring/event_count.hpp>
#include <peal/ring/mpmc_ring.hpp>

#include <atomic>
#include <mutex>
#include <utility>

namespace peal::inline v0 {

/// Runs subscriptions on threads of its own.
///
/// A worker takes a ready subscription, runs one batch and looks again. One that it finds empty stays with it (`ready`
/// remains 1, so publishers make no system call) and is looked at while the worker has nothing better; about to run
/// another, the worker hands those it watches to the queue, so that none waits for a long handler. Before it sleeps it
/// gives all of them back with one barrier (section 6 of the protocols).
/// Thread safety: everything may be called from any thread, start and shut_down once each.
class worker_pool final : public detail::executor {
 public:
  worker_pool(const bus_options& o, std::size_t seats)
      : workers_wanted_{o.workers == bus_options::one_per_core ? default_workers() : o.workers},
        spin_{o.spin},
        queue_{seats + detail::bus_base::max_hands_queued},
        polled_{seats},
        journals_{max_journals},
        wheel_{std::chrono::steady_clock::now()},
        random_{o.seed != 0 ? o.seed : detail::random_seed()} {}

  // ---- for topics and subscriptions ----

  [[nodiscard]] time_point now() const noexcept override { return std::chrono::steady_clock::now(); }
  [[nodiscard]] std::uint64_t random_bits() noexcept override { return random_.next(); }
  [[nodiscard]] bool alive() const noexcept { return mark_.same_process(); }

  void enqueue(detail::seat& s) noexcept override {
    if (s.polled) {
      put(polled_, s);
      poll_.notify_all(side::rare);
    } else if (s.is_journal) {
      put(journals_, s);
      journal_.notify_all(side::rare);
    } else {
      put(queue_, s);
      work_.notify_one(side::rare);
    }
  }

  void release_retired() noexcept override {
    for (mpmc_ring<detail::seat*>* const queue : {&queue_, &polled_}) {
      detail::seat* s = nullptr;
      for (std::size_t n = queue->size_approx(); n != 0 && queue->try_pop(s); --n) {
        if (s->retired()) {
          (void)s->topic->run(*s);
        } else {
          put(*queue, *s);
        }
      }
    }
    work_.notify_all(side::rare);  // one who found the queue empty meanwhile may be asleep
    poll_.notify_all(side::rare);
  }

  void arm(timer_node& node, time_point due) noexcept override {
    bool sooner = false;
    {
      const std::lock_guard lock{wheel_mutex_};
      const auto before = wheel_.next();
      wheel_.arm(node, due);
      const auto after = wheel_.next();
      sooner = after && (!before || *after < *before);
      if (sooner) rearmed_.store(true, std::memory_order_seq_cst);
    }
    if (sooner) timer_.notify_all(side::rare);
  }
  bool cancel(timer_node& node) noexcept override {
    const std::lock_guard lock{wheel_mutex_};
    return wheel_.cancel(node);
  }

  /// Sleeps until `ready()` or the moment; false when the moment came first.
  template <class Ready>
  bool wait(event_count<>& where, time_point until, Ready ready) noexcept {
    return where.wait_until(until, ready);
  }
  inline void wait_for_answer(const detail::topic_base& topic, event_count<>& where, time_point until, bool inside,
                              bool (*ready)(const void*) noexcept, const void* arg) noexcept override;
  void expect_requests() noexcept override { asked_.store(true, std::memory_order_relaxed); }
  /// Time passes by itself here.
  static constexpr bool waits_for_time = true;

  // ---- for the bus ----

  /// Starts the threads; each keeps `alive` until it ends.
  void start(detail::bus_base& bus, const detail::shared<void>& alive) {
    if (workers_wanted_ == 0) return;
    const unsigned count = workers_wanted_ + (bus.log != nullptr ? 2U : 1U);
    threads_.reserve(count);
    for (unsigned i = 0; i < count; ++i) {  // one kind of thread: each kind would be compiled for itself
      const unsigned beyond = i < workers_wanted_ ? 0 : i - workers_wanted_ + 1;
      detail::own_ptr<work> mine{new work{this, &bus, beyond, alive}};
      threads_.push_back(detail::own_thread{&run_thread, mine.get()});
      (void)mine.release();  // the thread's
    }
  }

  /// Ends the threads. On one of them the others are joined, and it ends itself when it returns from its handler.
  void shut_down() noexcept {
    stop_.store(true, std::memory_order_seq_cst);
    work_.notify_all(side::rare);
    timer_.notify_all(side::rare);
    poll_.notify_all(side::rare);
    journal_.notify_all(side::rare);
    for (detail::own_thread& t : threads_) {
      if (t.is_this()) {
        t.detach();  // it holds the shared part of the bus, and is about to leave
      } else {
        t.join();
      }
    }
    threads_.clear();
  }

  [[nodiscard]] unsigned worker_count() const noexcept { return workers_wanted_; }
  /// Everything waits for poll(), whatever its policy.
  [[nodiscard]] bool only_polls() const noexcept { return workers_wanted_ == 0; }

  /// Runs what is ready for poll() on the calling thread; returns how many runs of handlers that were.
  std::size_t poll() noexcept {
    if (workers_wanted_ == 0) fire_timers();
    std::size_t runs = 0;
    detail::seat* s = nullptr;
    for (std::size_t turns = 0; turns < most_turns_a_poll && polled_.try_pop(s); ++turns) {
      runs += run_polled(*s);
    }
    return runs;
  }
  /// Sleeps until poll() has something to do.
  bool wait_polled(time_point until) noexcept {
    const auto ready = [this] { return !polled_.empty() || stop_.load(std::memory_order_seq_cst); };
    if (workers_wanted_ == 0) {
      const auto next = next_timer();
      if (next && *next < until) return poll_.wait_until(*next, ready) || true;
    }
    return poll_.wait_until(until, ready);
  }

 private:
  static constexpr std::size_t most_turns_a_poll = 1024;
  static constexpr std::size_t max_journals = 256;  // one a topic

  /// Each seat is queued at most once and there is room for all, so "full" only ever means that a worker has been
  /// suspended in the middle of taking what stood there a lap ago.
  static void put(mpmc_ring<detail::seat*>& queue, detail::seat& s) noexcept {
    while (!queue.try_push(&s)) native_atomics::yield();
  }

  static unsigned default_workers() noexcept {
    const unsigned cores = detail::own_thread::cores();
    return cores < 1 ? 1 : cores > 4 ? 4 : cores;
  }

  struct work {
    worker_pool* pool;
    detail::bus_base* bus;
    unsigned beyond;  // 0: a worker's
    detail::shared<void> alive;
  };
  static void* run_thread(void* of) noexcept {
    const detail::own_ptr<work> mine{static_cast<work*>(of)};
    worker_pool& pool = *mine->pool;
    mine->beyond == 0 ? pool.worker_main(*mine->bus) : mine->beyond == 1 ? pool.timer_main() : pool.journal_main();
    return nullptr;
  }

  std::size_t run_polled(detail::seat& s) noexcept;
  class watch;
  detail::seat* spin(watch& watched, nanoseconds patience) noexcept;
  void worker_main(detail::bus_base& bus) noexcept;
  void timer_main() noexcept;
  void journal_main() noexcept;

  bool help(const detail::topic_base& topic) noexcept;

  void fire_timers() noexcept {
    {
      const std::lock_guard lock{wheel_mutex_};
      wheel_.advance(now());
    }
    run_late();
  }
  detail::maybe<time_point> next_timer() noexcept {
    const std::lock_guard lock{wheel_mutex_};
    return wheel_.next();
  }

  const unsigned workers_wanted_;
  const nanoseconds spin_;
  mpmc_ring<detail::seat*> queue_;
  mpmc_ring<detail::seat*> polled_;
  mpmc_ring<detail::seat*> journals_;
  event_count<> work_{barrier<>{}, spin_limit{0, 0}};
  event_count<> poll_{barrier<>{}, spin_limit{0, 0}};
  event_count<> timer_{barrier<>{}, spin_limit{0, 0}};
  event_count<> journal_{barrier<>{}, spin_limit{0, 0}};
  std::atomic<bool> stop_{false};
  std::atomic<bool> rearmed_{false};
  std::atomic<bool> asked_{false};  // handlers may wait for others, whatever the number of workers
  std::atomic<std::uint32_t> spinning_{0};
  std::mutex wheel_mutex_;  // no user code runs under it: firing a timer queues a subscription
  timer_wheel wheel_;
  detail::random_source random_;
  detail::fork_mark mark_;
  detail::list<detail::own_thread> threads_;
};

/// What one worker watches: subscriptions that it found empty and still owns.
class worker_pool::watch {
 public:
  explicit watch(worker_pool& pool) : pool_{pool} { parked_.reserve(64); }

  /// The next seat that has something to do; null if there is none.
  detail::seat* look() noexcept {
    if (detail::seat* const s = next()) return s;
    detail::seat* s = nullptr;
    while (pool_.queue_.try_pop(s)) {
      if (s->topic->has_work(*s)) return s;
      parked_.push_back(s);  // not run: handing those watched over for it would send them round and round
    }
    return nullptr;
  }

  /// Runs a seat for as long as it is the only one with something to do.
  void run(detail::seat& s) noexcept {
    // A handler may run long: what else is ready or may become so is left to others, awake.
    if (pool_.workers_wanted_ > 1 || pool_.asked_.load(std::memory_order_relaxed)) {
      hand_over();
      if (!pool_.queue_.empty()) pool_.work_.notify_one(side::rare);
    }
    detail::run_state state = detail::run_state::more;
    do {
      state = s.topic->run(s);
      if (state == detail::run_state::more) gather_.after(s.last_runs.load(std::memory_order_relaxed));
    } while (state == detail::run_state::more && pool_.queue_.empty() && parked_.empty() &&
             !pool_.stop_.load(std::memory_order_relaxed));
    if (state == detail::run_state::more) {
      s.signal.fetch_or(detail::seat::work, std::memory_order_seq_cst);  // what it has due cannot be seen from outside
      put(pool_.queue_, s);
    } else if (state == detail::run_state::idle) {
      parked_.push_back(&s);
    }
  }

  /// One that has something to do, no longer watched; null if none has.
  detail::seat* next() noexcept {
    for (std::size_t i = 0; i < parked_.size(); ++i) {
      if (parked_[i]->topic->has_work(*parked_[i])) return take(i);
    }
    return nullptr;
  }

  /// About to run a handler: others may look at these meanwhile.
  void hand_over() noexcept {
    for (detail::seat* s : parked_) pool_.enqueue(*s);
    parked_.clear();
  }

  /// About to sleep, first half: from here on publishers see that they are idle.
  void declare_idle() noexcept {
    for (detail::seat* s : parked_) s->topic->declare_idle(*s);
  }
  /// Second half, behind the barrier: takes back those that got something to do in between. True: there are such.
  bool take_back() noexcept {
    std::size_t kept = 0;
    for (detail::seat* s : parked_) {
      if (s->topic->recheck_work(*s) && s->topic->take_back(*s)) parked_[kept++] = s;
    }
    parked_.resize(kept);
    return kept != 0;
  }

 private:
  detail::seat* take(std::size_t i) noexcept {
    detail::seat* const s = parked_[i];
    parked_.erase(parked_.begin() + i);
    return s;
  }

  worker_pool& pool_;
  detail::gathering gather_;
  detail::list<detail::seat*> parked_;
};

/// Nothing to do: one of the workers looks a while before it sleeps.
inline detail::seat* worker_pool::spin(watch& watched, nanoseconds patience) noexcept {
  detail::seat* found = nullptr;
  if (patience.count() <= 0) return found;
  if (spinning_.fetch_add(1, std::memory_order_relaxed) < 1) {
    const time_point began = now();
    for (unsigned i = 0; found == nullptr && !stop_.load(std::memory_order_relaxed); ++i) {
      for (unsigned k = 0; k < 32 && (found = watched.look()) == nullptr; ++k) native_atomics::pause();
      if (found == nullptr && i > 8) native_atomics::yield();
      if (found == nullptr && now() - began > patience) break;
    }
  }
  spinning_.fetch_sub(1, std::memory_order_relaxed);
  return found;
}

inline void worker_pool::worker_main(detail::bus_base& bus) noexcept {
  bool taken = false;
  const std::uint32_t cell = bus.frames.take(taken);  // a worker's place among those in user code is its own for good
  watch watched{*this};
  nanoseconds patience = spin_;
  constexpr nanoseconds least = std::chrono::microseconds{2};
  while (!stop_.load(std::memory_order_relaxed)) {
    detail::seat* found = watched.look();
    if (found == nullptr) found = spin(watched, patience);
    if (found != nullptr) {
      watched.run(*found);
      continue;
    }
    watched.declare_idle();
    const auto key = work_.prepare();  // one barrier for the idle subscriptions and for this sleep
    if (watched.take_back() || !queue_.empty() || stop_.load(std::memory_order_seq_cst)) {
      work_.cancel();
      continue;
    }
    const time_point slept_from = now();
    work_.commit(key);
    // Spinning pays where the next event comes within the spin; learn it from how long the sleep was.
    patience = now() - slept_from < spin_ ? patience * 2 : patience / 2;
    if (patience < least) patience = least;
    if (patience > spin_) patience = spin_;
  }
  if (taken) bus.frames.give_back(cell);
}

inline std::size_t worker_pool::run_polled(detail::seat& s) noexcept {
  const detail::run_state state = s.topic->run(s);
  const std::size_t runs = s.last_runs.load(std::memory_order_relaxed);
  if (state == detail::run_state::more) {
    put(polled_, s);
  } else if (state == detail::run_state::idle) {
    s.topic->declare_idle(s);
    poll_.order().settle();
    if (s.topic->recheck_work(s) && s.topic->take_back(s)) enqueue(s);
  }
  return runs;
}

/// What a bus runs on by default: real threads, the steady clock, the machine's atomics.
struct threaded_runtime {
  using atomics = native_atomics;
  using executor = worker_pool;
};

}  // namespace peal::inline v0

#include <peal/bus/detail/worker_help.hpp>
#include <peal/bus/detail/worker_others.hpp>
