// SPDX-License-Identifier: MIT
// How long the handler of a subscription takes, and how old its events are when they are handled.
#pragma once

#include <cstdint>

namespace peal::inline v0 {

/// Policy: times runs of the handler, with its middleware, and in `timed` topics the way from publish to handled; both are
/// histograms in `subscription_statistics` and in prometheus_text.
///
/// A read of the clock costs 12 to 29 ns, so one run in `one_in` on average is timed, at random distances, and the
/// histograms count those: their percentiles are of a sample, their `max` may have missed a greater one, a rate is told by
/// the counters, and each time contains one read of the clock. `one_in = 1` times all. Run times are of failed runs as
/// well; the way from publish to handled contains back-offs, and is of the runs that succeeded.
/// Complexity: 4 ns for each delivery and 60 for one that is timed, 6 together (g++ 12 -O3, AMD EPYC, 2026, one thread;
/// benchmarks/policy_overhead.cpp); nothing without the policy.
/// Example: `bus.subscribe<order_placed>("billing", charge, peal::measured{});`
struct measured {
  std::uint32_t one_in = 32;  ///< from 1 (all) to 2^20
};

}  // namespace peal::inline v0
