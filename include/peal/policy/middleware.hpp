// SPDX-License-Identifier: MIT
// A function around each run of a handler: timing, logging, tracing, a transaction.
#pragma once

#include <utility>

namespace peal::inline v0 {

/// Policy: `function(const E&, delivery&, next)` runs around the handler, and `next()` runs the rest: the middleware
/// written after it, then the handler.
///
/// Order: the first one written is the outermost. A middleware that returns what `next()` returned changes nothing; one
/// that does not call `next()` has handled the event in the handler's place. One that throws, or lets an exception pass,
/// has failed the run.
/// Thread safety: called through const, by as many threads at once as the subscription has hands.
/// Example: `peal::middleware{[](const auto& event, peal::delivery& d, auto next) { trace t{d}; return next(); }}`
template <class Function>
class middleware {
 public:
  constexpr explicit middleware(Function function) : function_{std::move(function)} {}

  /// Runs the function around `next`.
  template <class E, class Delivery, class Next>
  constexpr decltype(auto) operator()(const E& event, Delivery& delivery, Next&& next) const {
    return function_(event, delivery, std::forward<Next>(next));
  }

 private:
  Function function_;
};

}  // namespace peal::inline v0
