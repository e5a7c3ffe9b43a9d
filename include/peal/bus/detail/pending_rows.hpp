// SPDX-License-Identifier: MIT
// The deliveries that a subscription of a durable topic keeps for later, on their way to the store and back.
#pragma once

#include <peal/bus/detail/topic_base.hpp>
#include <peal/core/clock.hpp>
#include <peal/detail/time.hpp>
#include <peal/ring/sequence.hpp>
#include <peal/store/store.hpp>
#include <peal/store/wall_clock.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <mutex>
#include <string_view>
#include <utility>
#include <vector>

namespace peal::inline v0::detail {

/// A record in the store for each: `attempts` is the number of the run that comes next, and says by `due` what it is:
/// above 0 the moment of that run; 0 a first run that is noted before it begins (first_runs); below 0 a run of what was
/// kept that is noted before it begins, in which so many lives have ended if this one does.
/// Capacity: what the subscription keeps. Thread safety: every call from any thread, but what is said to be the owner's.
class pending_rows final : public row_book {
 public:
  /// Out of the store, before anything else. Errors: store_error, bad_alloc.
  void load(const store& kept, std::string_view subscription, std::string_view topic, time_point now) {
    const wall_time wall = wall_now();
    kept.pending(subscription, topic, [&](const stored_pending& p) {
      if (p.attempts == 0 || p.due == 0) return;
      make_room();
      const std::lock_guard lock{mutex_};
      slot& s = slots_[take_free()];
      s.stored = true;
      s.what.at = p.position;
      s.what.attempts = p.attempts - 1;
      if (p.due < 0) s.what.died = static_cast<std::uint32_t>(-p.due);
      if (p.due > wall) s.what.due = saturating_add(now, nanoseconds{p.due - wall});
    });
  }

  // The owner's: whoever runs the subscription, or brings it to stand.

  /// It goes on at `cursor`, but for what is here; `letters`: positions whose deliveries have letters, in order. Returns
  /// where it has to read from. Errors: bad_alloc.
  position begin(position cursor, std::vector<position> letters) {
    const std::lock_guard lock{mutex_};
    again_.clear();
    for (const slot& s : slots_) {
      if (s.live) again_.push_back(s.what);
    }
    std::sort(again_.begin(), again_.end(), [](const kept_row& a, const kept_row& b) { return a.at < b.at; });
    letters_ = std::move(letters);
    resumed_ = cursor;
    return again_.empty() || again_[0].at > cursor ? cursor : again_[0].at;
  }
  [[nodiscard]] bool has_letter(position at) const noexcept {
    return std::binary_search(letters_.begin(), letters_.end(), at);
  }
  /// Of those that have to be kept again, the first from there on; null: there is no_row any more.
  [[nodiscard]] const kept_row* next(position from) const noexcept {
    const auto found =
        std::lower_bound(again_.begin(), again_.end(), from, [](const kept_row& r, position p) { return r.at < p; });
    return found != again_.end() ? &*found : nullptr;
  }

  /// From now on runs are noted in the store as well (first_runs): what comes here is not theirs to remove any more.
  void be_careful() noexcept {
    const std::lock_guard lock{mutex_};
    careful_ = true;
  }
  [[nodiscard]] bool has_been_here(position at) const noexcept {
    return std::find(put_.begin(), put_.end(), at) != put_.end();
  }

  /// For one more. Errors: bad_alloc.
  void make_room() override {
    const std::lock_guard lock{mutex_};
    if (careful_) put_.reserve(put_.size() + 1);
    if (free_ != no_row) return;
    slots_.emplace_back().next = no_row;
    free_ = static_cast<std::uint32_t>(slots_.size() - 1);
  }
  /// There is room.
  [[nodiscard]] std::uint32_t put(position at, std::uint32_t attempts) noexcept override {
    const std::lock_guard lock{mutex_};
    const std::uint32_t i = take_free();
    slots_[i].what.at = at;
    slots_[i].what.attempts = attempts;
    slots_[i].stored = careful_;
    if (careful_) put_.push_back(at);
    touch(i);
    return i;
  }
  void change(std::uint32_t i, std::uint32_t attempts, time_point due) noexcept override {
    const std::lock_guard lock{mutex_};
    slots_[i].what.attempts = attempts;
    slots_[i].what.due = due;
    touch(i);
  }
  void end(std::uint32_t i) noexcept override {
    const std::lock_guard lock{mutex_};
    slots_[i].live = false;
    --live_;
    touch(i);
  }

  // The journal's.

  /// Nothing here, and nothing that the store has to hear of.
  [[nodiscard]] bool quiet() const noexcept {
    const std::lock_guard lock{mutex_};
    return live_ == 0 && dirty_ == no_row && taken_.empty();
  }
  [[nodiscard]] std::size_t size() const noexcept {
    const std::lock_guard lock{mutex_};
    return live_;
  }
  /// Takes what has changed. True when there is something to bring to the store. Errors: bad_alloc.
  bool take() {
    const std::lock_guard lock{mutex_};
    taken_.reserve(taken_.size() + changed_);
    while (dirty_ != no_row) {
      const std::uint32_t i = dirty_;
      slot& s = slots_[i];
      dirty_ = s.next;
      s.dirty = false;
      if (s.live || s.stored) taken_.push_back({s.live, s.what});
      s.stored = true;
      if (!s.live) {
        s = {};
        s.next = std::exchange(free_, i);
      }
    }
    changed_ = 0;
    return !taken_.empty();
  }
  void gather(std::string_view subscription, std::string_view topic, time_point now, store_batch& b) const {
    const wall_time wall = wall_now();
    for (const taken& t : taken_) {
      if (!t.live) {
        b.pending.push_back({subscription, topic, t.what.at, 0, 0});
        continue;
      }
      const std::int64_t wait = t.what.due > now ? (t.what.due - now).count() : 0;
      const wall_time due = wait > std::numeric_limits<wall_time>::max() - wall ? wait : wall + wait;
      b.pending.push_back({subscription, topic, t.what.at, t.what.attempts + 1, due > 0 ? due : 1});
    }
  }
  void forget_taken() noexcept {
    const std::lock_guard lock{mutex_};
    taken_.clear();
  }
  /// Which the store has, or will have with what was taken, in order. Errors: bad_alloc.
  [[nodiscard]] std::vector<position> stored() const {
    std::vector<position> all;
    const std::lock_guard lock{mutex_};
    for (const slot& s : slots_) {
      if (s.stored) all.push_back(s.what.at);
    }
    std::sort(all.begin(), all.end());
    return all;
  }

 private:
  struct slot {
    kept_row what{};
    std::uint32_t next = no_row;  ///< among the free, or the dirty
    bool live = false;
    bool dirty = false;
    bool stored = false;
  };
  struct taken {
    bool live;
    kept_row what;
  };

  std::uint32_t take_free() noexcept {
    const std::uint32_t i = free_;
    free_ = slots_[i].next;
    slots_[i] = {};
    slots_[i].live = true;
    slots_[i].what.slot = i;
    ++live_;
    return i;
  }
  void touch(std::uint32_t i) noexcept {
    slot& s = slots_[i];
    if (s.dirty) return;
    s.dirty = true;
    ++changed_;
    s.next = std::exchange(dirty_, i);
  }

  mutable std::mutex mutex_;
  std::vector<slot> slots_{};
  std::uint32_t free_ = no_row;
  std::uint32_t dirty_ = no_row;
  std::size_t changed_ = 0;
  std::size_t live_ = 0;
  std::vector<taken> taken_{};  ///< the journal's
  // The owner's:
  std::vector<kept_row> again_{};
  std::vector<position> letters_{};
  std::vector<position> put_{};
  bool careful_ = false;
};

}  // namespace peal::inline v0::detail
