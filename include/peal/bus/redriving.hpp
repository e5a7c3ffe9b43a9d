// SPDX-License-Identifier: MIT
// The token of a redrive at a rate: while it lives letters go back.
#pragma once

#include <peal/bus/detail/redrive_job.hpp>
#include <peal/bus/subscription.hpp>
#include <peal/detail/shared.hpp>

#include <utility>

namespace peal::inline v0 {

/// Owns a redrive that was started; its destructor stops it. What it has not reached stays a letter.
///
/// Lifetime: may outlive its bus. Thread safety: as subscription.
class [[nodiscard("the redrive stops when its token dies; hold it, or give it to the bus with keep()")]] redriving {
 public:
  redriving() noexcept = default;
  redriving(detail::shared<detail::redrive_job> job, detail::bus_link link) noexcept
      : job_{std::move(job)}, link_{std::move(link)} {}
  redriving(redriving &&) noexcept = default;
  redriving& operator=(redriving&& other) noexcept {
    if (this != &other) {
      stop();
      job_ = std::move(other.job_);
      link_ = std::move(other.link_);
    }
    return *this;
  }
  ~redriving() { stop(); }

  /// How far it has come; of a default-made token: finished.
  [[nodiscard]] redrive_progress progress() const {
    redrive_progress p = job_ != nullptr ? job_->progress() : redrive_progress{};
    const bool goes_on = p.state == redrive_state::running || p.state == redrive_state::paused;
    if (goes_on && living() == nullptr) p.state = redrive_state::stopped;
    return p;
  }
  /// No further letter goes until resume().
  void pause() noexcept {
    if (const auto core = living()) job_->pause();
  }
  void resume() noexcept {
    if (const auto core = living()) job_->resume();
  }
  /// For good. When it returns no letter is on its way through a test, an edit or a copy any more, but where it is called
  /// from inside one of those.
  void stop() noexcept {
    if (const auto core = living()) job_->stop();
  }
  /// It goes on without the token.
  void keep() noexcept {
    job_.reset();
    link_ = {};
  }

 private:
  [[nodiscard]] detail::shared<void> living() const noexcept {
    auto core = job_ != nullptr ? link_.core.lock() : nullptr;
    return core != nullptr && link_.same_process(core.get()) ? core : nullptr;
  }

  detail::shared<detail::redrive_job> job_;
  detail::bus_link link_;
};

}  // namespace peal::inline v0
