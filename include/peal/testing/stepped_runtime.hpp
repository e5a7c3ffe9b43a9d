// SPDX-License-Identifier: MIT
// A bus without threads on virtual time: the same wiring, one step at a time, in an order drawn from a seed.
#pragma once

#include <peal/bus/bus.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <peal/detail/time.hpp>
#include <vector>

namespace peal::inline v0::testing {

/// Runs subscriptions one batch at a time on the thread that asks; time moves only when told to, or inside calls that
/// wait for a length of time.
///
/// Order: of what is ready, the next is drawn from the bus's seed; the same seed and calls give the same run.
/// Thread safety: one thread.
class stepped_executor final : public detail::executor {
 public:
  stepped_executor(const bus_options& o, std::size_t)
      : now_{start_of_time()}, wheel_{now_}, random_{o.seed}, order_{~o.seed} {}

  // ---- for tests ----

  /// Runs one batch of one ready subscription; false when nothing is ready.
  bool step() { return !ready_.empty() && step_at(static_cast<std::size_t>(order_.next() % ready_.size())); }

  /// Runs until nothing is ready; no time passes. Returns the number of steps.
  std::size_t run() {
    std::size_t steps = 0;
    while (step()) ++steps;
    return steps;
  }

  /// Lets time pass: at each timer on the way everything that becomes ready is run.
  void advance(nanoseconds d) {
    const time_point until = saturating_add(now_, d);
    run();
    while (to_next_timer(until)) run();
    now_ = until;
    wheel_.advance(now_);
    run_late();
    run();
  }

  /// When the next timer fires, if there is one.
  [[nodiscard]] std::optional<time_point> next_timer() const {
    const auto next = wheel_.next();
    return next ? std::optional<time_point>{*next} : std::nullopt;
  }

  // ---- for topics and subscriptions ----

  [[nodiscard]] time_point now() const noexcept override { return now_; }
  [[nodiscard]] std::uint64_t random_bits() noexcept override { return random_.next(); }
  [[nodiscard]] bool alive() const noexcept { return true; }
  [[nodiscard]] static constexpr bool only_polls() noexcept { return false; }
  void enqueue(detail::seat& s) noexcept override { (s.polled ? polled_ : ready_).push_back(&s); }
  void release_retired() noexcept override {
    for (std::vector<detail::seat*>* const queue : {&ready_, &polled_}) {
      std::erase_if(*queue,
                    [](detail::seat* s) { return s->retired() && s->topic->run(*s) == detail::run_state::retired; });
    }
  }
  void arm(timer_node& node, time_point due) noexcept override { wheel_.arm(node, due); }
  bool cancel(timer_node& node) noexcept override { return wheel_.cancel(node); }

  /// Steps, and moves time from timer to timer, until `ready()` or the moment; false when neither can come any more.
  template <class Ready>
  bool wait(event_count<>&, time_point until, Ready ready) {
    for (;;) {
      if (ready()) return true;
      if (step()) continue;
      if (to_next_timer(until)) continue;
      if (until != time_point::max() && until > now_) now_ = until;
      return ready();
    }
  }
  static constexpr bool waits_for_time = false;
  /// The same for who waits for an answer; inside a handler only that topic is stepped.
  void wait_for_answer(const detail::topic_base& topic, event_count<>&, time_point until, bool inside,
                       bool (*ready)(const void*) noexcept, const void* arg) noexcept override {
    while (!ready(arg)) {
      if (inside ? step_of(topic) : step()) continue;
      if (to_next_timer(until)) continue;
      if (until != time_point::max() && until > now_) now_ = until;
      return;
    }
  }
  void expect_requests() noexcept override {}

  // ---- for the bus ----

  void start(detail::bus_base&, const detail::shared<void>&) noexcept {}
  void shut_down() noexcept {}
  std::size_t poll() {
    std::size_t runs = 0;
    std::vector<detail::seat*> mine;
    mine.swap(polled_);
    for (detail::seat* s : mine) {
      const detail::run_state state = s->topic->run(*s);
      runs += s->last_runs.load(std::memory_order_relaxed);
      if (state == detail::run_state::more) {
        polled_.push_back(s);
      } else if (state == detail::run_state::idle) {
        s->topic->declare_idle(*s);
        if (s->topic->recheck_work(*s) && s->topic->take_back(*s)) polled_.push_back(s);
      }
    }
    return runs;
  }
  bool wait_polled(time_point until) {
    run();
    while (polled_.empty() && to_next_timer(until)) run();
    return !polled_.empty();
  }

 private:
  // Not the epoch of the clock, which stands for "not recorded".
  static constexpr time_point start_of_time() noexcept { return time_point{} + std::chrono::hours{1}; }

  bool step_at(std::size_t i) {
    detail::seat* const s = ready_[i];
    ready_.erase(ready_.begin() + static_cast<std::ptrdiff_t>(i));
    const detail::run_state state = s->topic->run(*s);
    if (state == detail::run_state::more) {
      ready_.push_back(s);
    } else if (state == detail::run_state::idle) {
      s->topic->declare_idle(*s);
      if (s->topic->recheck_work(*s) && s->topic->take_back(*s)) ready_.push_back(s);
    }
    return true;
  }
  bool step_of(const detail::topic_base& topic) {
    for (std::size_t i = 0; i < ready_.size(); ++i) {
      if (ready_[i]->topic == &topic) return step_at(i);
    }
    return false;
  }

  bool to_next_timer(time_point until) {
    while (const auto next = wheel_.next()) {
      if (*next > until) return false;
      if (*next > now_) now_ = *next;
      const bool fired = wheel_.advance(now_) != 0;
      run_late();
      if (fired) return true;
    }
    return false;
  }

  time_point now_;
  timer_wheel wheel_;
  detail::random_source random_;
  detail::random_source order_;
  std::vector<detail::seat*> ready_;
  std::vector<detail::seat*> polled_;
};

struct stepped_runtime {
  using atomics = native_atomics;
  using executor = stepped_executor;
};

/// A bus for tests: nothing happens until it is stepped, settled or given time.
///
/// Example: `peal::testing::stepped_bus<order_placed> bus{{.seed = 7}}; … bus.publish(o); bus.settle();
/// bus.runtime().advance(50ms);`
template <class... Topics>
using stepped_bus = basic_bus<stepped_runtime, Topics...>;

}  // namespace peal::inline v0::testing
