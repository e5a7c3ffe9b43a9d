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

namespace contract_cases {

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
    {"a new store is empty", contract_cases::new_is_empty},
    {"an event comes back as it was", contract_cases::event_comes_back},
    {"a read starts and ends where it is told", contract_cases::read_in_parts},
    {"positions go on from zero, each topic for itself", contract_cases::positions_go_on},
    {"a gap is refused as a conflict and its batch has no effect at all", contract_cases::gap_is_refused},
    {"a stream version that is not the next is refused and its batch has no effect at all",
     contract_cases::version_is_refused},
    {"a visitor that says false sees no more", contract_cases::visitor_stops},
    {"a visitor may call the store", contract_cases::visitor_calls},
    {"a visitor's exception passes through and leaves the store usable", contract_cases::visitor_throws},
    {"empty, binary and huge payloads and keys", contract_cases::odd_sizes},
    {"many topics", contract_cases::many_topics},
    {"trimming removes the oldest and never uses a position again", contract_cases::trims},
    {"compaction keeps the newest of each key", contract_cases::compacts},
    {"a topic's size is that of what is there", contract_cases::counts},
    {"an event's deadline comes back with it", contract_cases::deadlines},
    {"streams", contract_cases::streams},
    {"cursors", contract_cases::cursors},
    {"pending deliveries", contract_cases::pending},
    {"claims", contract_cases::claims},
    {"dead letters", contract_cases::letters},
    {"timers", contract_cases::timers},
    {"types are described once", contract_cases::types},
    {"a subscription is forgotten with all that is its own", contract_cases::forgets_subscription},
    {"a batch with everything in it happens once and in one piece", contract_cases::all_at_once},
    {"an empty batch is no effect", contract_cases::empty_batch},
    {"names that are too long are refused, the longest are not", contract_cases::long_names},
    {"random batches leave what they leave in a simple model", contract_cases::like_the_model},
    {"threads read whole batches while another commits", contract_cases::threads_read},
    {"threads commit to topics of their own", contract_cases::threads_commit},
    {"opened again, everything is there", contract_cases::reopened, contract_cases::that_survives},
    {"opened again and again, random batches leave what they leave in a simple model",
     contract_cases::reopened_like_the_model, contract_cases::that_survives},
    {"a second writer is refused and the first goes on", contract_cases::second_writer,
     contract_cases::with_one_writer},
    {"one that was closed may be opened", contract_cases::closed_and_opened, contract_cases::that_survives},
    {"a reader in another process sees what is committed and may not write", contract_cases::reader_beside,
     contract_cases::with_readers},
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
