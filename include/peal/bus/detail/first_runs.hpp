// SPDX-License-Identifier: MIT
// Runs that are in the store before they begin: so an event that ends the process is found out.
#pragma once

#include <peal/bus/detail/journal.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace peal::inline v0::detail {

/// After a life that was cut off: what stood in the store then, and has not been run to its end for this subscription,
/// may be what cut it off. Its runs are noted before they begin, many together; whatever was noted when a life ended runs
/// alone in the next one, one at a time in the whole bus, so that what is innocent is not counted twice.
/// Thread safety: the owner of the seat's `running`.
class first_runs {
 public:
  first_runs(durable_topic& t, const subscription_base& s) : topic_{t}, subscription_{s} {
    if (s.rows != nullptr) rows_of(s)->be_careful();
    t.log.stored_in().pending(s.name(), t.name, [&](const stored_pending& p) {
      if (p.attempts != 0 && p.due == 0) noted_.push_back({p.position, p.attempts, false});
    });
    std::sort(noted_.begin(), noted_.end(), [](const noted& a, const noted& b) { return a.at < b.at; });
  }
  first_runs(const first_runs&) = delete;
  first_runs& operator=(const first_runs&) = delete;
  ~first_runs() {
    if (alone_) topic_.log.suspect_gone();
    (void)rule_set<>{}.run([this] { forget(begun_); });  // without it the next life is more careful than it need be
  }

  /// How many lives have ended while it ran.
  [[nodiscard]] std::uint32_t died(position p) const noexcept {
    for (const noted& n : noted_) {
      if (n.at == p && !n.here) return n.runs;
    }
    return 0;
  }

  /// Up to where events from `from` on may be run now; `passed`: everything before it has come to its end.
  /// What is empty there is not run. Errors: store_error, bad_alloc.
  template <class Empty>
  position begin(position from, position last, position passed, const Empty& empty) {
    if (distance(topic_.opened_at, from) <= 0) return last;
    if (distance(begun_, from) > 0) return distance(begun_, last) < 0 ? begun_ : last;
    if (alone_ && !is_cleared(passed)) return from;
    const bool suspect = died(from) != 0;
    if (suspect && (passed != from || !(alone_ = topic_.log.take_suspect()))) return from;
    position end = advance(from, suspect ? 1 : most_together);
    if (distance(end, last) > 0) end = last;
    if (distance(end, topic_.opened_at) > 0) end = topic_.opened_at;
    for (position p = advance(from, 1); distance(end, p) > 0; p = advance(p, 1)) {
      if (died(p) != 0) end = p;
    }
    note(from, end, passed, empty);
    begun_ = end;
    alone_since_ = subscription_.now();
    return end;
  }

  /// Nothing is noted any more but what may run again. Errors: store_error, bad_alloc.
  void forget(position passed) {
    if (noted_.empty()) return;
    store_batch b;
    drop_ended(b, passed);
    if (b.pending.empty()) return;
    topic_.log.stored_in().commit(b);
    erase_ended();
  }

 private:
  static constexpr std::uint64_t most_together = 64;
  static constexpr nanoseconds longest_alone = std::chrono::seconds{1};
  struct noted {
    position at;
    std::uint32_t runs;
    bool here;  ///< begun in this life: its end has not been seen to be the process's
    bool over = false;
  };

  /// What ran alone has come to its end, or waits for another run for so long that others may be run meanwhile.
  bool is_cleared(position passed) {
    position safe = passed;
    const bool ended = subscription_.safe_position(safe) && distance(safe, begun_) >= 0;
    if (distance(passed, begun_) < 0 || (!ended && subscription_.now() - alone_since_ < longest_alone)) return false;
    forget(passed);  // before others run, which may end the process
    topic_.log.suspect_gone();
    alone_ = false;
    return true;
  }

  template <class Empty>
  void note(position from, position end, position passed, const Empty& empty) {
    store_batch b;
    drop_ended(b, passed);
    for (position p = from; p != end; p = advance(p, 1)) {
      if (!empty(p)) b.pending.push_back({subscription_.name(), topic_.name, p, died(p) + 1, 0});
    }
    noted_.reserve(noted_.size() + b.pending.size());
    if (!b.empty()) topic_.log.stored_in().commit(b);
    for (position p = from; p != end; p = advance(p, 1)) {
      if (empty(p)) continue;
      const std::uint32_t runs = died(p) + 1;
      std::erase_if(noted_, [&](const noted& n) { return n.at == p; });
      noted_.push_back({p, runs, true});
    }
    erase_ended();
  }
  /// What a delivery that waits for another run may still end is kept.
  void drop_ended(store_batch& b, position passed) {
    position safe = passed;
    if (!subscription_.safe_position(safe)) return;
    if (distance(passed, safe) < 0) safe = passed;
    for (noted& n : noted_) {
      n.over = distance(safe, n.at) > 0;
      if (n.over && (subscription_.rows == nullptr || !rows_of(subscription_)->has_been_here(n.at)))
        b.pending.push_back({subscription_.name(), topic_.name, n.at, 0, 0});
    }
  }
  void erase_ended() noexcept {
    std::erase_if(noted_, [](const noted& n) { return n.over; });
  }

  durable_topic& topic_;
  const subscription_base& subscription_;
  std::vector<noted> noted_;
  position begun_ = 0;
  bool alone_ = false;
  time_point alone_since_{};
};

}  // namespace peal::inline v0::detail
