// SPDX-License-Identifier: MIT
// The states of a breaker, driven by runs and by a time that is given to it.
#pragma once

#include <peal/core/clock.hpp>
#include <peal/detail/list.hpp>
#include <peal/policy/breaker.hpp>

#include <cstddef>
#include <cstdint>
#include <peal/detail/time.hpp>

namespace peal::inline v0::detail {

/// Errors: the constructor bad_option, bad_alloc. Thread safety: none.
class breaker_machine {
 public:
  enum class phase : std::uint8_t { closed, open, half_open };

  explicit breaker_machine(const breaker& b) : limits_{b} {
    b.check();
    runs_.resize(b.window.runs);
  }

  /// Whether a run may start; open becomes half-open when its time is over.
  [[nodiscard]] bool allow(time_point now) noexcept {
    if (phase_ == phase::open && now >= until_) enter(phase::half_open);
    return phase_ == phase::closed || (phase_ == phase::half_open && started_ < limits_.probes);
  }
  /// A run starts, which allow() let through. What is returned says which round it belongs to.
  [[nodiscard]] std::uint32_t start() noexcept {
    if (phase_ == phase::half_open) ++started_;
    return round_;
  }
  /// It has ended. One of an earlier round says nothing about now.
  void ended(std::uint32_t round, bool failed, time_point now) noexcept {
    if (round != round_) return;
    if (phase_ == phase::half_open) {
      if (failed) {
        open(now);
      } else if (++succeeded_ == limits_.probes) {
        enter(phase::closed);
      }
      return;
    }
    count(failed, now);
    if (failed && counted_ >= limits_.minimum && failures_ >= limits_.failure_ratio * counted_) open(now);
  }
  /// Whether the time matters of a run that has succeeded.
  [[nodiscard]] bool looks_at_time() const noexcept { return limits_.window.time != nanoseconds::max(); }
  /// It did not run after all.
  void given_back(std::uint32_t round) noexcept {
    if (round == round_ && phase_ == phase::half_open) --started_;
  }

  [[nodiscard]] phase now_in() const noexcept { return phase_; }
  /// The end of the open phase.
  [[nodiscard]] time_point until() const noexcept { return until_; }

 private:
  struct run {
    time_point at{};
    bool failed = false;
  };

  void enter(phase next) noexcept {
    phase_ = next;
    ++round_;
    started_ = succeeded_ = 0;
    counted_ = failures_ = 0;
  }
  void open(time_point now) noexcept {
    enter(phase::open);
    until_ = saturating_add(now, limits_.open_for);
  }
  void count(bool failed, time_point now) noexcept {
    while (counted_ != 0 && (counted_ == runs_.size() || now - oldest().at > limits_.window.time)) {
      failures_ -= oldest().failed ? 1U : 0U;
      --counted_;
    }
    runs_[next_] = {now, failed};
    next_ = next_ + 1 == runs_.size() ? 0 : next_ + 1;
    ++counted_;
    failures_ += failed ? 1U : 0U;
  }
  [[nodiscard]] const run& oldest() const noexcept {
    return runs_[next_ >= counted_ ? next_ - counted_ : next_ + runs_.size() - counted_];
  }

  const breaker limits_;
  phase phase_ = phase::closed;
  std::uint32_t round_ = 1;
  std::uint32_t started_ = 0;  // probes
  std::uint32_t succeeded_ = 0;
  time_point until_{};
  list<run> runs_{};
  std::size_t next_ = 0;
  std::uint32_t counted_ = 0;
  std::uint32_t failures_ = 0;
};

}  // namespace peal::inline v0::detail
