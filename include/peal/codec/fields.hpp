// SPDX-License-Identifier: MIT
// The declared fields of a type: said once, from which its stored form, its JSON, and its fingerprint follow.
#pragma once

#include <peal/core/envelope.hpp>

#include <cstddef>
#include <string_view>
#include <tuple>
#include <type_traits>

namespace peal::inline v0 {

/// One field of a type: the name that it has outside the program, and where it is.
template <class Member>
  requires std::is_member_object_pointer_v<Member>
struct field {
  std::string_view name;
  Member at;
};
template <class Member>
field(const char*, Member) -> field<Member>;

/// The fields of a type in the order in which they are stored. A new field, another order, another type: a new version.
///
/// Example:
/// ```
/// struct order_placed {
///   std::string order_id;
///   std::int64_t cents{};
///   static constexpr peal::event_name name{"shop.order.placed", 1};
///   static constexpr auto fields =
///       peal::fields(peal::field{"order_id", &order_placed::order_id}, peal::field{"cents", &order_placed::cents});
/// };
/// ```
template <class... Members>
constexpr std::tuple<field<Members>...> fields(field<Members>... each) noexcept {
  return {each...};
}

/// Fields of a foreign type, whose definition cannot be touched: specialise it with a static `value`.
template <class T>
struct fields_of {};

template <>
struct fields_of<event_id> {
  static constexpr auto value = fields(field{"high", &event_id::high}, field{"low", &event_id::low});
};

namespace detail {

template <class T>
concept lists_fields = requires {
  std::tuple_size<std::remove_cvref_t<decltype(T::fields)>>::value;
};
template <class T>
concept listed_by_trait = requires {
  std::tuple_size<std::remove_cvref_t<decltype(fields_of<T>::value)>>::value;
};

}  // namespace detail

/// A type whose fields were declared.
template <class T>
concept described = detail::lists_fields<T> || detail::listed_by_trait<T>;

namespace detail {

template <described T>
constexpr const auto& field_list() noexcept {
  if constexpr (lists_fields<T>) {
    return T::fields;
  } else {
    return fields_of<T>::value;
  }
}
/// Names stand in schemas and queries as they are: letters, digits, _ and -, and none of them twice.
template <described T>
constexpr bool good_names() noexcept {
  return std::apply(
      [](const auto&... each) {
        const std::string_view names[] = {each.name..., "-"};
        for (std::size_t i = 0; i < sizeof...(each); ++i) {
          if (names[i].empty()) return false;
          for (const char c : names[i]) {
            const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
            if (!letter && c != '_' && c != '-') return false;
          }
          for (std::size_t k = 0; k < i; ++k) {
            if (names[k] == names[i]) return false;
          }
        }
        return true;
      },
      field_list<T>());
}
template <described T>
inline constexpr std::size_t field_count = std::tuple_size_v<std::remove_cvref_t<decltype(field_list<T>())>>;

/// Calls `f(name, member)` for each field in order, until it says false.
template <described T, class Object, class F>
constexpr bool each_field(Object& object, F&& f) {
  return std::apply([&](const auto&... each) { return (f(each.name, object.*(each.at)) && ...); }, field_list<T>());
}

}  // namespace detail
}  // namespace peal::inline v0
