// SPDX-License-Identifier: MIT
// What one subscription reads of a topic's past: events out of the store, in slots like those of the ring.
#pragma once

#include <peal/bus/detail/first_runs.hpp>
#include <peal/detail/minmax.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <vector>

namespace peal::inline v0::detail {

/// Capacity: 256 events; a slot is free again once the subscription's cursor has passed it.
/// Thread safety: the owner of the seat's `running`.
class past_reader {
 public:
  past_reader(durable_topic& t, subscription_base& s, std::size_t stride, std::size_t offset, position from)
      : topic_{t},
        subscription_{s},
        stride_{stride},
        offset_{offset},
        slots_{static_cast<std::byte*>(::operator new(slots* stride, alignment))},
        around_(slots),
        passed_{from},
        filled_{from} {}
  past_reader(const past_reader&) = delete;
  past_reader& operator=(const past_reader&) = delete;
  ~past_reader() {
    pass(filled_);
    ::operator delete(slots_, alignment);
  }

  /// Brings in what is there before `end`; returns up to where there is something.
  /// Errors: store_error, bad_alloc.
  position fill(position end) {
    const position most = advance(passed_, slots);
    if (distance(end, most) > 0) end = most;
    const pending_rows* const rows = rows_of(subscription_);
    while (distance(end, filled_) > 0) {
      position to = end;
      if (rows != nullptr && distance(rows->resumed(), filled_) > 0) {  // what is kept, and nothing else
        const kept_row* const next = rows->next(filled_);
        if (distance(to, rows->resumed()) > 0) to = rows->resumed();
        if (next == nullptr || next->at != filled_) {
          leave_empty_to(next != nullptr && distance(to, next->at) > 0 ? next->at : to);
          continue;
        }
        to = advance(filled_, 1);
      }
      bring(to);
      if (to == end || filled_ != to) break;
    }
    return filled_;
  }
  /// A copy of an event of the ring, which is the next. Errors: what copying it throws.
  void copy(const batch& b, position p) {
    const std::uint8_t t = b.tag(p);
    const auto type = static_cast<std::uint8_t>(t & slot_tag::type_mask);
    if (!subscription_.wants(type)) return show(slot_tag::empty);
    topic_.topic.types[type]->copy(slot(p) + offset_, b.event(p));
    if (const envelope* const around = b.around(p, t); around != nullptr) around_[p & (slots - 1)] = *around;
    show(t);
  }
  [[nodiscard]] std::size_t room() const noexcept {
    return slots - static_cast<std::size_t>(distance(filled_, passed_));
  }
  [[nodiscard]] position filled() const noexcept { return filled_; }
  /// How long to wait before the store is asked again: after each failure twice as long.
  nanoseconds patience(bool failed) noexcept {
    const nanoseconds wait = failed ? patience_ : shortest;
    patience_ = failed ? smaller(patience_ * 2, longest) : shortest;
    rests_until_ = failed ? saturating_add(subscription_.now(), wait) : time_point{};
    return wait;
  }
  /// Whatever wakes it, it does not ask before so much time has passed.
  [[nodiscard]] nanoseconds rests_for() const noexcept {
    return rests_until_ == time_point{} ? nanoseconds{0} : rests_until_ - subscription_.now();
  }
  static constexpr nanoseconds shortest = std::chrono::milliseconds{10};
  static constexpr nanoseconds longest = std::chrono::seconds{1};

  /// Of what is there from `from` on, what was kept when the subscription stood before goes aside, in its place among the
  /// others. Returns up to where the rest may be run. Errors: store_error, bad_alloc.
  position keep_again(position from, position last) {
    if (subscription_.rows == nullptr) return last;
    pending_rows& rows = *rows_of(subscription_);
    if (distance(kept_to_, from) < 0) kept_to_ = from;
    position to = from;
    for (const kept_row* r = rows.next(kept_to_); r != nullptr && distance(last, r->at) > 0; r = rows.next(kept_to_)) {
      for (; to != r->at; to = advance(to, 1)) {
        if ((tag(to) & slot_tag::empty) == 0) return r->at;
      }
      const std::uint8_t t = tag(to);
      if ((t & slot_tag::empty) != 0) {
        rows.end(r->slot);  // it has ended
      } else {
        const auto type = static_cast<std::uint8_t>(t & slot_tag::type_mask);
        if (!subscription_.keep_again({to, type, view(to, advance(to, 1)).event(to), view(to, to).around(to, t)}, *r)) {
          return to;
        }
        leave_empty(to);
      }
      kept_to_ = advance(to, 1);
    }
    return last;
  }

  /// Of what is there from `from` on, up to where it may be run now.
  /// Errors: store_error, bad_alloc.
  position begin_runs(position from, position last) {
    if (subscription_.rows != nullptr && distance(subscription_.rows->resumed(), from) > 0) {
      return distance(subscription_.rows->resumed(), last) < 0 ? subscription_.rows->resumed() : last;
    }
    if (runs_ == nullptr) runs_ = std::make_unique<first_runs>(topic_, subscription_);
    const std::uint32_t died = runs_->died(from);
    if (died >= topic_.topic.bus.max_crashes && (tag(from) & slot_tag::empty) == 0) {
      const std::uint8_t t = tag(from);
      const auto type = static_cast<std::uint8_t>(t & slot_tag::type_mask);
      const batch b = view(from, advance(from, 1));
      if (passed_ != from || !subscription_.bury_crashed({from, type, b.event(from), b.around(from, t)}, died))
        return from;
      leave_empty(from);
    }
    return runs_->begin(from, last, passed_, [this](position p) { return (tag(p) & slot_tag::empty) != 0; });
  }
  [[nodiscard]] batch view(position first, position last) noexcept {
    return {slots_, stride_, offset_, slots - 1, around_.data(), first, last};
  }
  /// Everything before it is done with.
  void pass(position to) noexcept {
    for (; distance(to, passed_) > 0; passed_ = advance(passed_, 1)) {
      const std::uint8_t t = tag(passed_);
      if ((t & slot_tag::empty) == 0) topic_.topic.types[t & slot_tag::type_mask]->destroy(slot(passed_) + offset_);
    }
  }

 private:
  static constexpr std::size_t slots = 256;
  static constexpr std::align_val_t alignment{64};

  [[nodiscard]] std::byte* slot(position p) const noexcept { return slots_ + (p & (slots - 1)) * stride_; }
  [[nodiscard]] std::uint8_t tag(position p) const noexcept {
    return static_cast<std::uint8_t>(
        reinterpret_cast<const std::atomic<std::uint64_t>*>(slot(p))->load(std::memory_order_relaxed));
  }
  void show(std::uint8_t t) noexcept {
    ::new (static_cast<void*>(slot(filled_))) std::atomic<std::uint64_t>{t};
    filled_ = advance(filled_, 1);
  }
  /// What stands there has gone elsewhere.
  void leave_empty(position p) noexcept {
    topic_.topic.types[tag(p) & slot_tag::type_mask]->destroy(slot(p) + offset_);
    ::new (static_cast<void*>(slot(p))) std::atomic<std::uint64_t>{slot_tag::empty};
  }
  void leave_empty_to(position to) noexcept {
    while (distance(to, filled_) > 0) show(slot_tag::empty);
  }

  void bring(position to) {
    const position next = topic_.log.stored_in().read(
        topic_.name, filled_, static_cast<std::size_t>(distance(to, filled_)), [&](const stored_event& e) {
          if (distance(e.position, to) >= 0) return false;
          leave_empty_to(e.position);
          put(e);
          return true;
        });
    leave_empty_to(distance(next, to) < 0 ? next : to);
  }
  void put(const stored_event& e) {
    if (subscription_.effects != nullptr && subscription_.effects->has(e.position)) {
      topic_.remember(subscription_, e);
      return show(slot_tag::empty);
    }
    if (subscription_.rows != nullptr && rows_of(subscription_)->has_letter(e.position)) return show(slot_tag::empty);
    std::uint8_t type = 0;
    while (type != topic_.topic.type_count && topic_.ops[type].name != e.name) ++type;
    if (type == topic_.topic.type_count) {
      topic_.log.bury_undecodable(topic_, subscription_.name(), e, "this program's topic has no such event");
      return show(slot_tag::empty);
    }
    if (!subscription_.wants(type)) return show(slot_tag::empty);
    try {
      topic_.ops[type].decode(e.version, e.payload, slot(filled_) + offset_);
    } catch (const std::bad_alloc&) {
      throw;
    } catch (const std::exception& failed) {  // its decode, or an upcast
      topic_.log.bury_undecodable(topic_, subscription_.name(), e, failed.what());
      return show(slot_tag::empty);
    }
    const bool dated = topic_.topic.timed || e.deadline != 0;
    const bool told = (e.correlation && e.correlation != e.id) || e.causation || dated;
    if (told) {
      envelope& around = around_[filled_ & (slots - 1)] = envelope{};
      if (e.correlation != e.id) around.correlation = e.correlation;
      around.causation = e.causation;
      if (dated) date(around, e);
    }
    show(told ? static_cast<std::uint8_t>(type | slot_tag::enveloped) : type);
  }
  /// By the wall clock, which alone has gone on between two lives.
  void date(envelope& around, const stored_event& e) const noexcept {
    const wall_time wall = wall_now();
    const time_point now = topic_.topic.bus.runner->now();
    if (topic_.topic.timed) around.published = saturating_add(now, nanoseconds{e.published - wall});
    if (e.deadline != 0) around.deadline = saturating_add(now, nanoseconds{e.deadline - wall});
  }
  durable_topic& topic_;
  subscription_base& subscription_;
  std::unique_ptr<first_runs> runs_{};  ///< null: nothing to look out for
  const std::size_t stride_;
  const std::size_t offset_;
  std::byte* const slots_;
  std::vector<envelope> around_;
  position kept_to_ = 0;  ///< what was kept before it is kept again
  position passed_;       ///< slots before it are free
  position filled_;
  nanoseconds patience_ = shortest;
  time_point rests_until_{};
};

}  // namespace peal::inline v0::detail
