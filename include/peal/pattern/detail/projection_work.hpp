// SPDX-License-Identifier: MIT
// How a batch of events and the position behind it become one commit.
#pragma once

#include <peal/pattern/detail/projection_course.hpp>
#include <peal/pattern/replayed_event.hpp>

#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>
#include <vector>

namespace peal::inline v0::detail {

template <class Store>
concept has_transactions = requires(Store& s, const store_batch& b) {
  s.transaction().commit(b);
};

template <class Store>
struct transaction_in {
  struct type {};  // nobody takes it
};
template <has_transactions Store>
struct transaction_in<Store> {
  using type = decltype(std::declval<Store&>().transaction());
};

struct projection_tally {
  std::uint64_t handled = 0;
  std::uint64_t passed = 0;  // positions
  bool outrun = false;       // somebody else has moved the position; nothing was done
};

/// What a projection does with its events, whatever their types.
class projection_work {
 public:
  virtual ~projection_work() = default;
  /// Handles these and commits where they end; `last`: where all that there is ends. When a handler throws, what is before
  /// its event is committed.
  virtual projection_tally run(projection_course& course, const std::vector<projection_step>& steps, bool last) = 0;
  /// Empties the model and commits this with it.
  virtual void clear(const store_batch& back) = 0;
};

template <class Store, class Handlers, class Refuse, class Clear, class... Es>
class typed_projection_work final : public projection_work {
  using transaction = typename transaction_in<Store>::type;
  template <class E>
  static constexpr bool in_transaction =
      has_transactions<Store>&& std::is_invocable_v<Handlers&, const E&, const replayed_event&, transaction&>;
  static constexpr bool transactional = (in_transaction<Es> || ...);
  static constexpr bool clears_in_transaction = has_transactions<Store> && std::is_invocable_v<Clear&, transaction&>;
  static_assert(clears_in_transaction || std::is_invocable_v<Clear&>,
                "peal: on_rebuild's function takes the store's transaction, or nothing");
  static_assert(((in_transaction<Es> || takes_replayed<Handlers, Es>)&&...),
                "peal: an event of the projection has no handler; a handler takes (const E&), (const E&, const "
                "peal::replayed_event&) or, in a store that has transactions, (const E&, const peal::replayed_event&, "
                "transaction&) for every event of the projection");

 public:
  typed_projection_work(Store& kept, const decode_limits& limits, Handlers handlers, Refuse refuse, Clear clear)
      : store_{kept},
        limits_{limits},
        handlers_{std::move(handlers)},
        refuse_{std::move(refuse)},
        clear_{std::move(clear)} {}

  projection_tally run(projection_course& course, const std::vector<projection_step>& steps, bool last) override {
    if constexpr (transactional) {
      std::size_t at = 0;
      try {
        return in_one(course, steps, steps.size(), last, at);
      } catch (...) {
        // What it wrote is undone; what stands before the event that it is about is done again and kept.
        std::size_t again = 0;
        if (at != 0 && at < steps.size()) (void)in_one(course, steps, at, false, again);
        throw;
      }
    } else {
      return one_by_one(course, steps, last);
    }
  }

  void clear(const store_batch& back) override {
    if constexpr (clears_in_transaction) {
      auto t = store_.transaction();
      clear_(t);
      t.commit(back);
    } else {
      clear_();
      if (!back.empty()) store_.commit(back);
    }
  }

 private:
  projection_tally in_one(projection_course& course, const std::vector<projection_step>& steps, std::size_t n,
                          bool last, std::size_t& at) {
    auto t = store_.transaction();
    projection_tally all;
    all.outrun = !course.is_current();
    if (all.outrun) return all;
    for (at = 0; at < n; ++at) all.handled += hand(steps[at], &t) ? 1U : 0U;
    const std::vector<std::uint64_t> behind = course.behind(steps, n, last);
    t.commit(course.cursors(behind));
    all.passed = course.distance_to(behind);
    course.moved(behind);
    return all;
  }

  projection_tally one_by_one(projection_course& course, const std::vector<projection_step>& steps, bool last) {
    projection_tally all;
    std::size_t at = 0;
    try {
      for (; at < steps.size(); ++at) all.handled += hand(steps[at], nullptr) ? 1U : 0U;
    } catch (...) {
      try {
        keep(course, course.behind(steps, at, false));
      } catch (const store_error&) {  // the handler's exception says more; the store's comes again with the next commit
      }
      throw;
    }
    const std::vector<std::uint64_t> behind = course.behind(steps, steps.size(), last);
    all.passed = course.distance_to(behind);
    keep(course, behind);
    return all;
  }
  /// The events were handled, whatever the store says.
  void keep(projection_course& course, const std::vector<std::uint64_t>& behind) {
    const store_batch b = course.cursors(behind);
    course.moved(behind);
    if (!b.empty()) store_.commit(b);
  }

  bool hand(const projection_step& step, [[maybe_unused]] transaction* t) {
    const replayed_event about{step.event.view(), step.replaying};
    const auto call = [&]<class E>(const E& event) {
      if constexpr (in_transaction<E>) {
        handlers_(event, about, *t);
      } else {
        call_handler(handlers_, event, about);
      }
    };
    return event_reader<Es...>::read(step.event.view(), limits_, call, refuse_);
  }

  Store& store_;
  const decode_limits limits_;
  Handlers handlers_;
  Refuse refuse_;
  Clear clear_;
};

}  // namespace peal::inline v0::detail
