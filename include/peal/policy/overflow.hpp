// SPDX-License-Identifier: MIT
// What happens to a subscription that falls behind: without this policy publishers wait for it.
#pragma once

#include <peal/policy/conflate.hpp>

#include <type_traits>
#include <utility>

namespace peal::inline v0 {

/// Choice of `behind`: publishers in need of room take the oldest unread events from this subscription.
struct drop_oldest_t {
  explicit drop_oldest_t() = default;
};
inline constexpr drop_oldest_t drop_oldest{};

/// Choice of `behind`, on a durable topic: what publishers have taken from the ring is read from the store, in its order;
/// nothing is lost, and there is no gap on the way back to the ring.
struct read_store_t {
  explicit read_store_t() = default;
};
inline constexpr read_store_t read_store{};

/// Policy: the subscription does not hold publishers back.
///
/// Delivery: events that it did not read in time are counted as dropped, or read from the store. It copies a few at a time
/// out of the ring, so its events must be copyable, and a publisher may wait for those few copies.
/// Example: `peal::behind{peal::drop_oldest}`, `peal::behind{peal::conflate{&price::symbol}}`,
/// `peal::behind{peal::read_store}`
template <class Choice>
class behind {
  static_assert(
      std::is_same_v<Choice, drop_oldest_t> || std::is_same_v<Choice, read_store_t> || detail::is_conflate<Choice>,
      "peal: behind{…} takes peal::drop_oldest, peal::conflate{key} or, on a durable topic, peal::read_store");

 public:
  constexpr explicit behind(Choice choice) noexcept(std::is_nothrow_move_constructible_v<Choice>)
      : choice_{std::move(choice)} {}
  [[nodiscard]] constexpr const Choice& choice() const noexcept { return choice_; }

 private:
  Choice choice_;
};

}  // namespace peal::inline v0
