// SPDX-License-Identifier: MIT
// Read models: stored events folded into rows, lists and sums, with a position of their own.
#pragma once

#include <peal/pattern/detail/projection_work.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace peal::inline v0 {

struct projection_options {
  std::string name{};                 ///< its cursors' in the store; of a new meaning: a new name
  std::vector<std::string> topics{};  ///< the store's
  std::size_t batch = 256;            ///< events between two commits of the position; at least 1
  /// False for a model that is in memory alone: it begins at the beginning in every process, which is a replay.
  bool keep_position = true;
  decode_limits limits{};
};

/// What a round of a projection has done.
struct projection_report {
  std::uint64_t handled = 0;     ///< events that handlers got
  std::uint64_t unreadable = 0;  ///< those that on_unreadable got
  std::uint64_t gone = 0;        ///< positions that were trimmed or compacted before it came to them

  friend bool operator==(const projection_report&, const projection_report&) = default;
};

/// Empties a read model before it is folded anew: a function of nothing, or of the store's transaction.
///
/// Example: `peal::on_rebuild{[](peal::sqlite::store::transaction_scope& t) { run(t.handle(), "delete from totals"); }}`
template <class F>
struct on_rebuild {
  F clear;
};
template <class F>
on_rebuild(F) -> on_rebuild<F>;

namespace detail {

template <class R>
inline constexpr bool is_on_unreadable = false;
template <class F>
inline constexpr bool is_on_unreadable<on_unreadable<F>> = true;
template <class R>
inline constexpr bool is_on_rebuild = false;
template <class F>
inline constexpr bool is_on_rebuild<on_rebuild<F>> = true;

inline auto unreadable_in() { return stop_when_unreadable{}; }
template <class First, class... Rest>
auto unreadable_in(const First& first, const Rest&... rest) {
  if constexpr (is_on_unreadable<First>) {
    return first.handle;
  } else {
    return unreadable_in(rest...);
  }
}
inline auto rebuild_in() {
  return [] {};
}
template <class First, class... Rest>
auto rebuild_in(const First& first, const Rest&... rest) {
  if constexpr (is_on_rebuild<First>) {
    return first.clear;
  } else {
    return rebuild_in(rest...);
  }
}

}  // namespace detail

/// A named read model: folds the events of topics of a store as they come, and can be made again from the first one.
///
/// Handlers take `(const E&)`, `(const E&, const replayed_event&)` or, in a store that has transactions,
/// `(const E&, const replayed_event&, sqlite::store::transaction_scope&)`.
/// Delivery: of a projection whose handlers take the transaction once: what they write in it and the position are one
/// commit. Of others at least once: the position is committed after `batch` events, and in front of one whose handler
/// throws. `replaying()` is true for events that it has handled before it was rebuilt, so that peal::skip_on_replay keeps
/// what leaves the program from happening again.
/// Order: of one topic its own; events of several topics by the time of their publication.
/// Errors: event_unreadable, unless on_unreadable is given; store_error; what a handler throws: the event is the next one
/// then. bad_option of the constructor.
/// Thread safety: one thread at a time; two objects of one name whose handlers take the transaction do not repeat each other.
/// Without on_rebuild, whoever calls rebuild() has emptied the model.
/// Lifetime: of the store.
/// Example:
/// ```
/// peal::projection<order_placed, order_paid> open_orders{
///     kept, {.name = "open orders", .topics = {"shop.orders"}},
///     peal::overloaded{[](const order_placed& o, const peal::replayed_event&, auto& t) { insert(t.handle(), o); },
///                      [](const order_paid& o, const peal::replayed_event&, auto& t) { remove(t.handle(), o); }}};
/// open_orders.catch_up();
/// ```
template <encodable... Es>
class projection {
 public:
  /// `rules`: on_unreadable, on_rebuild.
  template <class Store, class Handlers, class... Rules>
  projection(Store& kept, const projection_options& o, Handlers handlers, Rules... rules)
      : batch_{o.batch == 0 ? 1 : o.batch}, course_{kept, o.name, o.topics, o.keep_position} {
    static_assert(((detail::is_on_unreadable<Rules> || detail::is_on_rebuild<Rules>)&&...),
                  "peal: behind the handlers of a projection there are on_unreadable and on_rebuild alone");
    auto refuse = detail::unreadable_in(rules...);
    auto clear = detail::rebuild_in(rules...);
    using work = detail::typed_projection_work<Store, Handlers, decltype(refuse), decltype(clear), Es...>;
    work_ = std::make_unique<work>(kept, o.limits, std::move(handlers), std::move(refuse), std::move(clear));
  }

  /// Handles what there is when it is called.
  projection_report catch_up() {
    projection_report all;
    course_.begin();
    for (bool more = true; more;) more = round(all);
    course_.forget_seen();
    return all;
  }

  /// Empties the model by on_rebuild, in the commit in which the position goes back to the beginning, and catches up.
  projection_report rebuild() {
    work_->clear(course_.rewinding());
    course_.rewound();
    return catch_up();
  }

  /// The first position of a topic that it has not handled.
  [[nodiscard]] std::uint64_t position(std::string_view topic) const noexcept { return course_.position(topic); }
  /// Events that it has not handled, with those that were compacted meanwhile.
  [[nodiscard]] std::uint64_t lag() const { return course_.lag(); }

 private:
  /// False: nothing is left.
  bool round(projection_report& all) {
    const std::vector<detail::projection_step> steps = course_.take(batch_);
    const detail::projection_tally tally = work_->run(course_, steps, steps.size() < batch_);
    if (tally.outrun) {  // by another object of this name
      course_.load();
      course_.begin();
      return true;
    }
    all.handled += tally.handled;
    all.unreadable += steps.size() - tally.handled;
    all.gone += tally.passed - steps.size();
    return steps.size() == batch_;
  }

  const std::size_t batch_;
  detail::projection_course course_;
  std::unique_ptr<detail::projection_work> work_{};
};

}  // namespace peal::inline v0
