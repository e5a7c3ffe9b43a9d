// SPDX-License-Identifier: MIT
// Events that are published later: kept aside under a timer, then through the lane of their topic.
#pragma once

#include <peal/bus/detail/topic_base.hpp>
#include <peal/bus/timers.hpp>
#include <peal/detail/list.hpp>
#include <peal/detail/own_ptr.hpp>
#include <peal/policy/retry.hpp>

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <utility>

namespace peal::inline v0::detail {

/// Thread safety: everything from any thread. No user code runs under its lock: events are copied, published and destroyed
/// outside. Complexity: O(1) each; the wheel does the rest.
class schedule {
 public:
  schedule(bus_base& bus, executor& runner) noexcept : bus_{bus}, runner_{runner} {}
  schedule(const schedule&) = delete;
  schedule& operator=(const schedule&) = delete;
  ~schedule() {
    for (const place& p : places_) delete p.waiting;
  }

  /// Errors: bad_alloc, and of a durable topic what the event's codec throws; then nothing is scheduled. `period` of 0:
  /// once.
  timer_id add(topic_base& topic, kept_ptr event, time_point due, nanoseconds period, const publish_options& o) {
    own_ptr<entry> made{new entry(*this, topic, std::move(event), due, period, o)};
    if (topic.keeper == nullptr) return stand(std::move(made), nullptr);
    timer_word word = topic.keeper->write_timer(*made->event, o);  // the user's code, so before the lock
    struct expected {
      topic_keeper* by;
      ~expected() {
        if (by != nullptr) by->no_timer();
      }
    };
    made->stored = topic.keeper->expect_timer();
    expected two_words{topic.keeper};
    const timer_id id = stand(std::move(made), &word);
    two_words.by = nullptr;
    return id;
  }
  /// One that the store has, under its number there.
  void bring(topic_base& topic, kept_ptr event, time_point due, nanoseconds period, std::uint64_t stored,
             const publish_options& o) {
    own_ptr<entry> made{new entry(*this, topic, std::move(event), due, period, o)};
    made->stored = stored;
    (void)stand(std::move(made), nullptr);
  }

  cancel_result cancel(timer_id id) noexcept {
    own_ptr<entry> gone;  // destroyed behind the lock: its event is the user's
    const std::lock_guard lock{mutex_};
    const std::uint64_t at = (id.value & place_mask) - 1;
    if (at >= places_.size() || name_of(at) != id.value) return cancel_result::unknown;
    place& p = places_[at];
    if (p.state != stage::pending) return p.state == stage::fired ? cancel_result::fired : cancel_result::unknown;
    if (runner_.cancel(*p.waiting) || p.waiting->refused) {
      gone.reset(p.waiting);
    } else if (p.waiting->period.count() == 0) {
      return cancel_result::fired;  // between its timer and its topic
    }
    if (p.waiting->stored != 0) p.waiting->topic.keeper->timer_gone(p.waiting->stored);
    // One that repeats and is on its way to its topic sees it there, and goes no further.
    leave(p, at, stage::cancelled);
    return cancel_result::cancelled;
  }

 private:
  static constexpr std::uint64_t place_mask = 0xffff'ffff;
  static constexpr nanoseconds again_later = std::chrono::milliseconds{10};
  enum class stage : std::uint8_t { free, pending, fired, cancelled };

  struct entry : late_node {
    entry(schedule& s, topic_base& t, kept_ptr e, time_point first, nanoseconds every,
          const publish_options& o) noexcept
        : all{s}, topic{t}, event{std::move(e)}, when{first}, period{every}, options{o} {
      fire = [](timer_node& node) noexcept {
        entry& self = static_cast<entry&>(node);
        self.all.runner_.later(self);
      };
      run = [](late_node& node) noexcept {
        entry& self = static_cast<entry&>(node);
        self.all.publish(self);
      };
    }
    schedule& all;
    topic_base& topic;
    kept_ptr event;
    time_point when;
    const nanoseconds period;
    const publish_options options;
    std::uint64_t at = 0;
    std::uint64_t stored = 0;  ///< its number in the store; 0: it is not there
    bool on_its_way = false;   ///< between its timer and its topic: it does not wait any more
    bool refused = false;      ///< its time came while the bus was ending
  };
  struct place {
    entry* waiting = nullptr;
    std::uint32_t generation = 0;
    stage state = stage::free;
  };

  timer_id stand(own_ptr<entry> made, timer_word* word) {
    const std::lock_guard lock{mutex_};
    made->at = take_place();
    place& p = places_[made->at];
    p.state = stage::pending;
    entry& e = *(p.waiting = made.release());
    waiting(e).fetch_add(1, std::memory_order_relaxed);
    if (word != nullptr) e.topic.keeper->timer(std::move(*word), e.stored, e.when, e.period);
    runner_.arm(e, e.when);
    timer_id id;
    id.value = name_of(e.at);
    return id;
  }
  [[nodiscard]] std::atomic<std::uint64_t>& waiting(const entry& e) const noexcept {
    return e.stored != 0 ? bus_.timers_kept : bus_.timers;
  }
  [[nodiscard]] std::uint64_t name_of(std::uint64_t at) const noexcept {
    return std::uint64_t{places_[at].generation} << 32U | (at + 1);
  }
  std::uint64_t take_place() {
    if (free_.empty()) {
      free_.make_room(places_.size() + 1);  // so that leaving never allocates
      places_.push_back({});
      return places_.size() - 1;
    }
    const std::uint64_t at = free_.back();
    free_.pop_back();
    ++places_[at].generation;
    return at;
  }
  void leave(place& p, std::uint64_t at, stage how) noexcept {
    if (!p.waiting->on_its_way) waiting(*p.waiting).fetch_sub(1, std::memory_order_relaxed);
    p.waiting = nullptr;
    p.state = how;
    free_.push_back(at);
  }

  /// On the thread of the timers, without a lock of the wheel.
  void publish(entry& e) noexcept {
    own_ptr<entry> over;
    kept_ptr copy;
    if (!sets_out(e)) return (void)over.reset(&e);
    arrival came = arrival::no_room;  // also where the copy of one that repeats throws: later
    if (e.period.count() == 0) {
      came = e.topic.publish_due(*e.event, e.options);
    } else if (!caught([&] { copy = copy_event_aside(*e.event->ops, e.event->event()); })) {
      copy->type = e.event->type;
      came = e.topic.publish_due(*copy, e.options);
    }
    timer_word next;
    if (came == arrival::accepted && e.stored != 0 && e.period.count() != 0) {
      (void)caught([&] { next = e.topic.keeper->write_timer(*e.event, e.options); });
    }  // without it the store has its last time, and after a crash it comes once more
    const std::lock_guard lock{mutex_};
    place& p = places_[e.at];
    if (p.waiting != &e) return over.reset(&e);  // cancelled meanwhile
    if (came == arrival::accepted && e.period.count() == 0) {
      over.reset(&e);
      if (e.stored != 0) e.topic.keeper->timer_gone(e.stored);
      return leave(p, e.at, stage::fired);
    }
    e.on_its_way = false;
    waiting(e).fetch_add(1, std::memory_order_relaxed);
    if (came == arrival::closed) {
      e.refused = true;  // the bus is ending: it stays pending, and is counted so
      return;
    }
    if (came == arrival::no_room) return runner_.arm(e, saturating_add(runner_.now(), again_later));
    const time_point now = runner_.now();
    const auto missed = now > e.when ? (now - e.when) / e.period : 0;  // one that comes late does not catch up
    e.when = saturating_add(e.when, e.period * (missed + 1));
    if (next.topic != nullptr) e.topic.keeper->timer_again(std::move(next), e.stored, e.when, e.period);
    runner_.arm(e, e.when);
  }
  /// False when it was cancelled before.
  bool sets_out(entry& e) noexcept {
    const std::lock_guard lock{mutex_};
    if (places_[e.at].waiting != &e) return false;
    e.on_its_way = true;
    waiting(e).fetch_sub(1, std::memory_order_relaxed);
    return true;
  }

  bus_base& bus_;
  executor& runner_;
  std::mutex mutex_;
  list<place> places_;
  list<std::uint64_t> free_;
};

}  // namespace peal::inline v0::detail
