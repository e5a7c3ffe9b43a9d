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

/// Policy: the subscription does not hold publishers back.
///
/// Delivery: events that it did not read in time are counted as dropped. It copies a few at a time out of the ring, so
/// its events must be copyable, and a publisher may wait for those few copies.
/// Example: `peal::behind{peal::drop_oldest}`, `peal::behind{peal::conflate{&price::symbol}}`
template <class Choice>
class behind {
  static_assert(std::is_same_v<Choice, drop_oldest_t> || detail::is_conflate<Choice>,
                "peal: behind{…} takes peal::drop_oldest or peal::conflate{key}");

 public:
  constexpr explicit behind(Choice choice) noexcept(std::is_nothrow_move_constructible_v<Choice>)
      : choice_{std::move(choice)} {}
  [[nodiscard]] constexpr const Choice& choice() const noexcept { return choice_; }

 private:
  Choice choice_;
};

}  // namespace peal::inline v0
