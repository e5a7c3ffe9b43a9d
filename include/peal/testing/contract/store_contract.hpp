// SPDX-License-Identifier: MIT
// What every store must do, as cases that any test framework can run: for the stores of this library and for yours.
#pragma once

#include <peal/store/store.hpp>
#include <peal/testing/contract/detail/store_durability.hpp>
#include <peal/testing/contract/detail/store_events.hpp>
#include <peal/testing/contract/detail/store_model.hpp>
#include <peal/testing/contract/detail/store_progress.hpp>
#include <peal/testing/contract/detail/store_retention.hpp>
#include <peal/testing/contract/store_place.hpp>

#include <cstddef>
#include <string_view>

namespace peal::inline v0::testing {

/// One thing that a store must do.
struct store_case {
  std::string_view name;
  /// Errors: contract_violation, with what was expected and what was there.
  void (*run)(store_place&);
  /// Whether it says anything about a store that can do this; null: about every store.
  bool (*concerns)(const store_features&) = nullptr;
};

namespace detail {

inline bool that_survives(const store_features& f) { return f.survives_process; }
inline bool with_one_writer(const store_features& f) { return f.one_writer; }
inline bool with_readers(const store_features& f) { return f.reads_beside; }

}  // namespace detail

/// The cases, each for a fresh place. A store that can be killed is also put to kill_test, in a header of its own.
///
/// Example:
/// ```
/// for (const peal::testing::store_case& c : peal::testing::store_contract) {
///   my_place place;                                         // a store_place: knows how to open your store
///   if (peal::testing::run(c, place)) std::printf("ok %s\n", c.name.data());
/// }
/// ```
inline constexpr store_case store_contract[] = {
    {"a new store is empty", detail::new_is_empty},
    {"an event comes back as it was", detail::event_comes_back},
    {"a read starts and ends where it is told", detail::read_in_parts},
    {"positions go on from zero, each topic for itself", detail::positions_go_on},
    {"a gap is refused as a conflict and its batch has no effect at all", detail::gap_is_refused},
    {"a stream version that is not the next is refused and its batch has no effect at all", detail::version_is_refused},
    {"a visitor that says false sees no more", detail::visitor_stops},
    {"a visitor may call the store", detail::visitor_calls},
    {"a visitor's exception passes through and leaves the store usable", detail::visitor_throws},
    {"empty, binary and huge payloads and keys", detail::odd_sizes},
    {"many topics", detail::many_topics},
    {"trimming removes the oldest and never uses a position again", detail::trims},
    {"compaction keeps the newest of each key", detail::compacts},
    {"streams", detail::streams},
    {"cursors", detail::cursors},
    {"pending deliveries", detail::pending},
    {"claims", detail::claims},
    {"dead letters", detail::letters},
    {"timers", detail::timers},
    {"types are described once", detail::types},
    {"a subscription is forgotten with all that is its own", detail::forgets_subscription},
    {"a batch with everything in it happens once and in one piece", detail::all_at_once},
    {"an empty batch is no effect", detail::empty_batch},
    {"names that are too long are refused, the longest are not", detail::long_names},
    {"random batches leave what they leave in a simple model", detail::like_the_model},
    {"threads read whole batches while another commits", detail::threads_read},
    {"threads commit to topics of their own", detail::threads_commit},
    {"opened again, everything is there", detail::reopened, detail::that_survives},
    {"opened again and again, random batches leave what they leave in a simple model", detail::reopened_like_the_model,
     detail::that_survives},
    {"a second writer is refused and the first goes on", detail::second_writer, detail::with_one_writer},
    {"one that was closed may be opened", detail::closed_and_opened, detail::that_survives},
    {"a reader in another process sees what is committed and may not write", detail::reader_beside,
     detail::with_readers},
};

/// Runs a case in a place that nothing else uses; false: it says nothing about this store and was not run.
/// Errors: contract_violation.
inline bool run(const store_case& c, store_place& place) {
  if (c.concerns != nullptr) {
    const store_features can = place.open()->features();
    if (!c.concerns(can)) return false;
  }
  c.run(place);
  return true;
}

}  // namespace peal::inline v0::testing
