// SPDX-License-Identifier: MIT
// The declared name and version of an event, needed only where it leaves the process or is stored.
#pragma once

#include <concepts>
#include <cstdint>
#include <string_view>

#include <peal/detail/type_name.hpp>

namespace peal::inline v0 {

/// A name that stays the same across compilers, releases and languages.
///
/// Example: `struct order_placed { static constexpr peal::event_name name{"shop.order.placed", 2}; … };`
struct event_name {
  std::string_view name;      ///< dotted, chosen once, never reused for another meaning
  std::uint32_t version = 1;  ///< of the event's fields; starts at 1
};

/// Names a foreign type, whose definition cannot be touched: specialise it with a static `value`.
template <class E>
struct event_name_of {};

namespace detail {

template <class E>
concept names_itself = requires {
  { E::name } -> std::convertible_to<event_name>;
};
template <class E>
concept named_by_trait = requires {
  { event_name_of<E>::value } -> std::convertible_to<event_name>;
};

}  // namespace detail

/// An event whose name was declared by a person, so that it may be stored or sent.
template <class E>
concept named_event = detail::names_itself<E> || detail::named_by_trait<E>;

/// The declared name, else the compiler's: for messages and metrics, never for storage.
template <class E>
constexpr std::string_view display_name() noexcept {
  if constexpr (detail::names_itself<E>) {
    return event_name{E::name}.name;
  } else if constexpr (detail::named_by_trait<E>) {
    return event_name{event_name_of<E>::value}.name;
  } else {
    return detail::type_name<E>();
  }
}

}  // namespace peal::inline v0
