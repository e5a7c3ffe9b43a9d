// SPDX-License-Identifier: MIT
// A redrive at a rate: one letter after the other, by a timer, until it has come to the last or is stopped.
#pragma once

#include <peal/bus/detail/letter_desk.hpp>
#include <peal/bus/redrive.hpp>
#include <peal/detail/list.hpp>
#include <peal/detail/shared.hpp>

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <utility>

namespace peal::inline v0::detail {

class redrive_job;

/// The redrives of a bus that have not ended; it lets go of them when it ends.
class redrive_jobs {
 public:
  void add(shared<redrive_job> job) {
    const std::lock_guard lock{mutex_};
    jobs_.push_back(std::move(job));
  }
  /// What is returned keeps it alive.
  shared<redrive_job> remove(const redrive_job* job) noexcept {
    shared<redrive_job> found;
    const std::lock_guard lock{mutex_};
    for (auto& j : jobs_) {
      if (j.get() != job) continue;
      found = std::move(j);
      j = std::move(jobs_.back());
      jobs_.pop_back();
      break;
    }
    return found;
  }

 private:
  std::mutex mutex_;
  list<shared<redrive_job>> jobs_;
};

/// What a redrive at a rate is about.
struct redrive_order {
  dead_letter_query query;
  redrive_options options;
  letter_publisher publish;
  bool (*open)(topic_base&) noexcept;  ///< false once the bus drains
};

/// Source of the pacing: the generic cell rate algorithm (ATM Forum, Traffic Management 4.0): one moment instead of a
/// bucket, the one from which on the next letter may go.
/// Thread safety: everything from any thread; tests, edits and copies run under no lock, on the thread of the timers.
class redrive_job : public late_node {
 public:
  redrive_job(bus_base& bus, topic_base& topic, std::uint8_t type, redrive_order order, redrive_jobs& all)
      : bus_{bus},
        topic_{topic},
        desk_{bus, topic, type},
        order_{std::move(order)},
        all_{all},
        last_{desk_.last_number()},
        left_{order_.query.limit},
        between_{static_cast<std::int64_t>(larger(1e9 / order_.options.per_second, 1.0))},
        due_{bus.runner->now()} {
    fire = [](timer_node& node) noexcept {
      redrive_job& self = static_cast<redrive_job&>(node);
      self.bus_.runner->later(self);
    };
    run = [](late_node& node) noexcept { static_cast<redrive_job&>(node).turn(); };
    now_.state = redrive_state::running;
    now_.reached = order_.query.after;
  }
  redrive_job(const redrive_job&) = delete;
  redrive_job& operator=(const redrive_job&) = delete;
  virtual ~redrive_job() = default;

  void start() {
    const std::lock_guard lock{mutex_};
    arm(due_);
  }
  [[nodiscard]] redrive_progress progress() const {
    const std::lock_guard lock{mutex_};
    return now_;
  }
  void pause() noexcept {
    const std::lock_guard lock{mutex_};
    if (now_.state == redrive_state::running) now_.state = redrive_state::paused;
  }
  void resume() noexcept {
    const std::lock_guard lock{mutex_};
    if (now_.state != redrive_state::paused) return;
    now_.state = redrive_state::running;
    if (!armed_ && !busy_) arm(bus_.runner->now());
  }
  /// Afterwards no letter goes any more, and no test or edit runs, but where it is called from inside one.
  void stop() noexcept {
    bool waits = false;
    bool idle = false;
    {
      const std::lock_guard lock{mutex_};
      if (now_.state == redrive_state::running || now_.state == redrive_state::paused) {
        now_.state = redrive_state::stopped;
      }
      if (armed_ && bus_.runner->cancel(*this)) armed_ = false;
      waits = busy_ && by_ != thread_key();
      idle = !armed_ && !busy_;
    }
    while (waits) {
      native_atomics::yield();
      const std::lock_guard lock{mutex_};
      waits = busy_;
      idle = !armed_ && !busy_;
    }
    if (idle) (void)all_.remove(this);
  }

 protected:
  [[nodiscard]] virtual letter_test where() noexcept = 0;
  [[nodiscard]] virtual letter_edit edit() noexcept = 0;

 private:
  static constexpr nanoseconds again_later = std::chrono::milliseconds{10};
  static constexpr nanoseconds timer_step = std::chrono::milliseconds{2};

  void arm(time_point when) noexcept {
    armed_ = true;
    bus_.runner->arm(*this, when);
  }

  void turn() noexcept {
    shared<redrive_job> over;  // it may be the last to hold this
    {
      const std::lock_guard lock{mutex_};
      armed_ = false;
      busy_ = now_.state == redrive_state::running;
      by_ = thread_key();
    }
    time_point again = bus_.runner->now();
    bool more = busy_;
    if (busy_ && caught([&] { more = go(again); })) again = saturating_add(again, again_later);
    bool ended = false;
    {
      const std::lock_guard lock{mutex_};
      if (busy_ && !more && now_.state != redrive_state::stopped) now_.state = redrive_state::finished;
      busy_ = false;
      if (now_.state == redrive_state::running) arm(again);
      ended = now_.state == redrive_state::finished || now_.state == redrive_state::stopped;
      if (ended) over = all_.remove(this);
    }
  }

  /// As many letters as may go now. False: there are no more; else `again` is when to go on.
  bool go(time_point& again) {
    constexpr int fair_share = 64;
    for (int n = 0; n != fair_share; ++n) {
      again = bus_.runner->now();
      if (!order_.open(topic_)) return stop_here();
      if (!running()) return true;
      const time_point earliest = due_ - between_ * (order_.options.burst - 1);
      if (earliest > again) {
        again = earliest;
        return true;
      }
      if (left_ == 0) return false;
      if (!one_more(again)) return now_.reached < last_;
    }
    return true;
  }
  /// The next letter. False: none was found in the part looked at, or it has to wait until `now`.
  bool one_more(time_point& now) {
    std::uint64_t reached = now_.reached;
    letter_ptr l;
    redrive_errc why = redrive_errc::none;
    if (caught([&] { l = desk_.next(order_.query, where(), reached, last_); })) {
      l = topic_.letters.get(reached);
      why = redrive_errc::threw;
      if (l == nullptr) now = saturating_add(now, again_later);  // no memory
    }
    if (l != nullptr && !stands_in(followed_, reached)) {
      if (why == redrive_errc::none) why = redrive(l, now);
      if (why == redrive_errc::no_room) {
        now = saturating_add(now, again_later);
        return false;
      }
      if (why != redrive_errc::none) refuse(*l, why);
    }
    const std::lock_guard lock{mutex_};
    now_.reached = reached;
    return l != nullptr;
  }

  redrive_errc redrive(const letter_ptr& l, time_point now) {
    redrive_errc why = redrive_errc::none;
    list<letter_ptr> followers;
    list<std::uint64_t> alone;
    const auto threw = caught([&] {
      followers = desk_.behind(*l);
      followed_.reserve(followed_.size() + followers.size());
      why = desk_.judge(*l, order_.options, alone);
      if (why == redrive_errc::none) why = edited(*l, followers);
      if (why == redrive_errc::none) why = desk_.bring_back(l->number, order_.publish);
    });
    if (threw) return redrive_errc::threw;
    if (why != redrive_errc::none) return why;
    // What fell due between two steps of the timers is not lost.
    due_ = saturating_add(larger(due_, now - timer_step), between_ * static_cast<std::int64_t>(1 + followers.size()));
    count(1);
    for (const letter_ptr& f : followers) {
      if (!desk_.wanted(*f, order_.query)) continue;
      followed_.insert(place_of(followed_, f->number), f->number);
      count(1);
    }
    return why;
  }
  /// Edits a letter, and before it goes what follows it by itself.
  redrive_errc edited(const kept& l, const list<letter_ptr>& followers) {
    const letter_edit change = edit();
    if (change.run == nullptr) return redrive_errc::none;
    const redrive_errc why = desk_.edit_one(l.number, change);
    if (why != redrive_errc::none) return why;
    for (const letter_ptr& f : followers) {
      redrive_errc not_it = redrive_errc::threw;
      (void)caught([&] {
        not_it = desk_.wanted(*f, order_.query) && where()(*f) ? desk_.edit_one(f->number, change) : redrive_errc::none;
      });
      if (not_it != redrive_errc::none) refuse(*f, not_it);
    }
    return why;
  }

  void count(std::size_t n) noexcept {
    left_ -= smaller(left_, n);
    const std::lock_guard lock{mutex_};
    now_.redriven += n;
  }
  void refuse(const kept& l, redrive_errc why) {
    if (why == redrive_errc::gone) return;
    const std::lock_guard lock{mutex_};
    ++now_.refused_count;
    if (now_.refused.size() < redrive_progress::most_refused) now_.refused.push_back(letter_desk::refusal(l, why));
  }
  [[nodiscard]] bool running() const noexcept {
    const std::lock_guard lock{mutex_};
    return now_.state == redrive_state::running;
  }
  bool stop_here() noexcept {
    const std::lock_guard lock{mutex_};
    now_.state = redrive_state::stopped;
    return false;
  }

  bus_base& bus_;
  topic_base& topic_;
  letter_desk desk_;
  const redrive_order order_;
  redrive_jobs& all_;
  const std::uint64_t last_;
  std::size_t left_;
  const nanoseconds between_;
  time_point due_;
  list<std::uint64_t> followed_{};
  mutable std::mutex mutex_;
  redrive_progress now_{};
  bool armed_ = false;
  bool busy_ = false;
  std::uintptr_t by_ = 0;
};

}  // namespace peal::inline v0::detail
