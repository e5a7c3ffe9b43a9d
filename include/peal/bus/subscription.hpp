// SPDX-License-Identifier: MIT
// The token of a subscription: while it lives the handler is called, and not a moment longer.
#pragma once

#include <peal/bus/detail/stop.hpp>
#include <peal/detail/shared.hpp>

#include <cstdint>
#include <string_view>
#include <utility>

namespace peal::inline v0 {

namespace detail {
/// Outlives the bus, so that a token can find out that the bus is gone.
struct bus_link {
  watch_base core;
  bool (*same_process)(const void* core) noexcept = nullptr;
  void (*keep)(void* core, const shared<subscription_base>&) = nullptr;
};
}  // namespace detail

enum class stop_result : std::uint8_t {
  stopped,  ///< the handler is not running, never runs again, and is destroyed
  pending,  ///< asked from inside a handler while the target runs: takes effect after the current attempt
};

/// Owns a subscription; its destructor stops it.
///
/// Lifetime: declare it after everything its handler uses: its destructor waits for the handler, and members die in
/// reverse order. It may outlive its bus.
/// Thread safety: distinct tokens from any thread; one token from one thread at a time.
class [[nodiscard(
    "the subscription stops when its token dies; hold it, or give it to the bus with keep()")]] subscription {
 public:
  subscription() noexcept = default;
  subscription(detail::shared<detail::subscription_base> s, detail::bus_link link) noexcept
      : subscription_{std::move(s)}, link_{std::move(link)} {}
  subscription(subscription &&) noexcept = default;
  subscription& operator=(subscription&& other) noexcept {
    if (this != &other) {
      stop();
      subscription_ = std::move(other.subscription_);
      link_ = std::move(other.link_);
    }
    return *this;
  }
  ~subscription() { stop(); }

  /// Ends the subscription; what it has not handled is counted `stopped`. A second call changes nothing.
  ///
  /// On an outside thread it returns when the handler is not running, never runs again and its captures are destroyed.
  /// Inside a handler of the same bus it never waits: `pending` when the target is running, itself included.
  stop_result stop() noexcept {
    const auto core = link_.core.lock();
    if (subscription_ == nullptr || core == nullptr || !link_.same_process(core.get())) {
      subscription_.reset();
      return stop_result::stopped;
    }
    const detail::shared<detail::subscription_base> s = std::move(subscription_);
    link_ = {};
    if (detail::begin_stop(s, 0)) return stop_result::stopped;
    if (s->topic().bus.frames.current() != nullptr) {
      return detail::has_stopped(*s) ? stop_result::stopped : stop_result::pending;
    }
    (void)detail::wait_stopped(s, time_point::max());
    return stop_result::stopped;
  }

  /// Holds deliveries back after the current attempt, losing none; publishers wait once the topic is full.
  /// No effect on handlers that run on the publisher's thread.
  void pause() const {
    if (const auto core = living()) detail::pause_subscription(*subscription_, true);
  }
  void resume() const {
    if (const auto core = living()) detail::pause_subscription(*subscription_, false);
  }

  /// Gives the subscription to the bus: it stands until the bus ends.
  void keep()&& {
    if (const auto core = living()) link_.keep(core.get(), subscription_);
    subscription_.reset();
    link_ = {};
  }

  /// Empty when default-made, moved from, stopped or kept.
  [[nodiscard]] bool active() const noexcept {
    return subscription_ != nullptr && !detail::has_stopped(*subscription_);
  }
  [[nodiscard]] std::string_view name() const noexcept {
    return subscription_ != nullptr ? std::string_view{subscription_->name()} : std::string_view{};
  }

  /// How its deliveries have ended so far.
  [[nodiscard]] subscription_statistics statistics() const {
    const auto core = living();
    if (core == nullptr) return {};
    const std::lock_guard lock{subscription_->topic().bus.wiring};
    return detail::full_statistics_of(*subscription_);
  }

  /// A way to read the counters after the token has stopped or died; valid while the bus lives.
  class meter {
   public:
    meter() noexcept = default;
    meter(detail::shared<detail::subscription_base> s, detail::bus_link link) noexcept
        : subscription_{std::move(s)}, link_{std::move(link)} {}
    [[nodiscard]] subscription_statistics statistics() const {
      const auto core = link_.core.lock();
      if (core == nullptr || subscription_ == nullptr || !link_.same_process(core.get())) return {};
      const std::lock_guard lock{subscription_->topic().bus.wiring};
      return detail::full_statistics_of(*subscription_);
    }
    /// It has been told to stop, or has stopped.
    [[nodiscard]] bool stopping() const noexcept {
      return subscription_ == nullptr || subscription_->stop_asked_.load(std::memory_order_acquire);
    }

   private:
    detail::shared<detail::subscription_base> subscription_;
    detail::bus_link link_;
  };
  [[nodiscard]] meter counters() const noexcept { return {subscription_, link_}; }

 private:
  [[nodiscard]] detail::shared<void> living() const noexcept {
    auto core = subscription_ != nullptr ? link_.core.lock() : nullptr;
    return core != nullptr && link_.same_process(core.get()) ? core : nullptr;
  }

  detail::shared<detail::subscription_base> subscription_;
  detail::bus_link link_;
};

}  // namespace peal::inline v0
