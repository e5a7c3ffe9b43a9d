// SPDX-License-Identifier: MIT
// A circuit breaker: a subscription whose handler fails too often waits instead of trying.
#pragma once

#include <peal/core/clock.hpp>
#include <peal/core/error.hpp>

#include <cstdint>
#include <peal/detail/time.hpp>
#include <string>
#include <type_traits>

namespace peal::inline v0 {

/// How far a breaker looks back: at the last `runs`, none of them older than `time`.
struct breaker_window {
  std::uint32_t runs = 100;               ///< 1 … 65,536
  nanoseconds time = nanoseconds::max();  ///< above 0
};

template <class... Failures>
struct breaker_counting;

/// Policy: when too many runs of the handler fail, the whole subscription waits, then lets a few probes through.
///
/// Closed, it counts. When `failure_ratio` of the runs in the window have failed it opens: nothing is run for
/// `open_for`, no attempt is spent, nothing is lost. Then it is half-open: `probes` runs go through; when all of them
/// succeed it closes with an empty window, when one fails it opens again.
/// A run fails when its handler throws or asks for another run, unless the rule for it is peal::discard: that, and an
/// answer peal::discard or peal::reject(…), is about the event and not about what the handler depends on.
/// Capacity: while it is open events wait in the ring, where publishers feel it once the ring is full, unless the
/// subscription says behind{…}. Order: unchanged. Errors: bad_option.
/// Source: M. Nygard, "Release It!", chapter "Stability Patterns".
/// Example: `peal::breaker{.failure_ratio = 0.5, .window = {.runs = 50, .time = 10s}, .open_for = 5s}`
struct breaker {
  double failure_ratio = 0.5;                      ///< of the runs in the window; above 0, at most 1
  breaker_window window{};                         ///< which runs count
  std::uint32_t minimum = 10;                      ///< with fewer runs in the window it stays closed; 1 … window.runs
  nanoseconds open_for = std::chrono::seconds{5};  ///< how long nothing is tried; above 0
  std::uint32_t probes = 1;                        ///< runs that must succeed before it closes; from 1

  /// The same, of which only exceptions of these types and types derived from them are failures; every other run counts
  /// as a success. Example: `peal::breaker{.open_for = 1s}.counting<gateway_down>()`
  template <class... Failures>
  [[nodiscard]] constexpr breaker_counting<Failures...> counting() const noexcept;

  /// Errors: bad_option, naming the field.
  void check() const {
    const auto must = [](bool fits, const char* field, const char* what) {
      if (!fits) throw bad_option(std::string("peal: breaker.") + field + " must be " + what);
    };
    must(failure_ratio > 0 && failure_ratio <= 1, "failure_ratio", "above 0 and at most 1");
    must(window.runs >= 1 && window.runs <= 65'536, "window.runs", "1 to 65536");
    must(window.time > nanoseconds{0}, "window.time", "above 0");
    must(minimum >= 1 && minimum <= window.runs, "minimum", "1 to window.runs");
    must(open_for > nanoseconds{0}, "open_for", "above 0");
    must(probes >= 1, "probes", "from 1");
  }
};

/// A breaker that is told what a failure is; made by `breaker::counting`.
template <class... Failures>
struct breaker_counting {
  static_assert(sizeof...(Failures) != 0, "peal: breaker{…}.counting<…>() names at least one exception");
  static_assert((std::is_same_v<Failures, std::remove_cvref_t<Failures>> && ...),
                "peal: breaker{…}.counting<…>() names the exceptions' types themselves, without const or &");
  breaker limits;
};

template <class... Failures>
constexpr breaker_counting<Failures...> breaker::counting() const noexcept {
  return {*this};
}

}  // namespace peal::inline v0
