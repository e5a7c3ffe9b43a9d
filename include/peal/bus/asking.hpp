// SPDX-License-Identifier: MIT
// What patterns that wait for an answer need of a bus, without its types.
#pragma once

#include <peal/bus/detail/port.hpp>
#include <peal/bus/timer_wheel.hpp>
#include <peal/core/clock.hpp>
#include <peal/core/delivery.hpp>
#include <peal/detail/shared.hpp>
#include <peal/ring/event_count.hpp>

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>

namespace peal::inline v0 {

/// How a wait for an answer ended.
enum class asking_end : std::uint8_t {
  ready,
  over,   ///< the moment came first
  ended,  ///< the bus has ended, or was drained past its deadline
};

/// A timer of a pattern: `run` is called on the thread of the timers, under no lock.
using asking_timer = detail::late_node;

/// One event type of a bus as a place to wait at. For patterns; a service uses those.
///
/// Thread safety: any thread. Lifetime: must not outlive its bus. Cheap to copy.
class asking_place {
 public:
  asking_place() noexcept = default;
  template <class E>
  explicit asking_place(const detail::port<E>& way) noexcept : topic_{way.topic}, type_{way.type} {}

  [[nodiscard]] time_point now() const noexcept { return topic_->bus.runner->now(); }
  /// Nothing will be answered any more.
  [[nodiscard]] bool ended() const noexcept { return topic_->bus.resting.load(std::memory_order_seq_cst); }
  /// The calling thread is in a handler, or other user code, of this bus.
  [[nodiscard]] bool inside() const noexcept { return topic_->bus.frames.current() != nullptr; }
  /// When what this thread handles now has to be over, if it has to.
  [[nodiscard]] std::optional<time_point> inherited() const noexcept {
    const detail::frame* const f = topic_->bus.frames.current();
    return f != nullptr && f->current != nullptr ? f->current->attempt_ends() : std::nullopt;
  }
  /// Requests of one type that may wait at once.
  [[nodiscard]] std::size_t max_requests() const noexcept { return topic_->bus.max_requests; }

  /// Sleeps until `ready(arg)` or the moment. Inside a handler, and on a bus without workers, the calling thread runs what
  /// is ready of this topic meanwhile, so that who answers never waits for the thread that asks.
  asking_end wait(event_count<>& where, time_point until, bool (*ready)(const void*) noexcept, const void* arg) const {
    const detail::visit counted{topic_->bus.visitors};  // the bus's destructor waits until we are out
    struct question {
      const asking_place& here;
      bool (*ready)(const void*) noexcept;
      const void* arg;
    } const asked{*this, ready, arg};
    topic_->bus.runner->wait_for_answer(
        *topic_, where, until, inside(),
        [](const void* q) noexcept {
          const question& mine = *static_cast<const question*>(q);
          return mine.ready(mine.arg) || mine.here.ended();
        },
        &asked);
    return ready(arg) ? asking_end::ready : ended() ? asking_end::ended : asking_end::over;
  }

  void arm(asking_timer& timer, time_point due) const noexcept { topic_->bus.runner->arm(timer, due); }
  /// False when it was not armed, or has just fired: then `run` is called soon.
  bool cancel(asking_timer& timer) const noexcept { return topic_->bus.runner->cancel(timer); }
  /// From the timer's `fire`.
  void later(asking_timer& timer) const noexcept { topic_->bus.runner->later(timer); }

  /// Handlers of this bus may ask from now on: its workers keep nothing ready to themselves while they run one.
  void expect_requests() const noexcept { topic_->bus.runner->expect_requests(); }

  /// What all who use this event type of this bus share; made by the first. It outlives every event of its topic.
  template <class Make>
  detail::shared<void> shared(Make&& make) const {
    const std::lock_guard lock{topic_->bus.wiring};
    if (topic_->beside.size() <= type_) topic_->beside.resize(type_ + 1U);
    detail::shared<void>& mine = topic_->beside[type_];
    if (mine == nullptr) mine = make();
    return mine;
  }

  /// A value that no two living threads share.
  [[nodiscard]] static std::uintptr_t this_thread() noexcept { return detail::thread_key(); }

 private:
  detail::topic_base* topic_ = nullptr;
  std::uint8_t type_ = 0;
};

}  // namespace peal::inline v0
