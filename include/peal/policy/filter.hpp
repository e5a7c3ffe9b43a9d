// SPDX-License-Identifier: MIT
// Which events of a topic a subscription wants.
#pragma once

#include <concepts>
#include <type_traits>
#include <utility>

namespace peal::inline v0 {

/// Policy: events for which the predicate is false are counted as filtered and never reach the handler.
///
/// Of several event types those that the predicate cannot take pass unasked. It runs before the event's key is taken and
/// before it is deduplicated; when it throws, the attempt has failed like one of the handler.
/// Thread safety: the predicate is called through const, by as many threads at once as the subscription has hands.
/// Example: `peal::filter{[](const order_placed& o) { return o.cents > 0; }}`
template <class Predicate>
class filter {
 public:
  constexpr explicit filter(Predicate predicate) : predicate_{std::move(predicate)} {}

  /// Whether the predicate is asked about events of type `E`.
  template <class E>
  static constexpr bool asks = std::is_invocable_v<Predicate&, const E&>;

  /// Whether `event` goes on to the handler.
  template <class E>
  [[nodiscard]] constexpr bool operator()(const E& event) const {
    if constexpr (asks<E>) {
      static_assert(std::predicate<const Predicate&, const E&>,
                    "peal: the predicate of a filter is callable through const and returns bool");
      return static_cast<bool>(predicate_(event));
    } else {
      return true;
    }
  }

 private:
  Predicate predicate_;
};

}  // namespace peal::inline v0
