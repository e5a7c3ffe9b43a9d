// SPDX-License-Identifier: MIT
// Takes a key from an event: a member pointer or a function object (std::invoke without the cost of <functional>).
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>

namespace peal::inline v0::detail {

template <class Key, class E>
constexpr decltype(auto) key_from(const Key& key,
                                  const E& event) requires std::is_member_object_pointer_v<Key> && requires {
  (event.*key);
}
{ return (event.*key); }
template <class Key, class E>
constexpr decltype(auto) key_from(const Key& key,
                                  const E& event) requires std::is_member_function_pointer_v<Key> && requires {
  (event.*key)();
}
{ return (event.*key)(); }
template <class Key, class E>
    constexpr decltype(auto) key_from(const Key& key, const E& event) requires(!std::is_member_pointer_v<Key>) &&
    requires {
  key(event);
}
{ return key(event); }

/// `Key` takes a key from events of type `E`.
template <class Key, class E>
concept key_function_of = requires(const Key& key, const E& event) {
  detail::key_from(key, event);
};

/// A key as a table keeps it: text that something else owns is copied, anything else is passed on as it is.
template <class Result>
constexpr decltype(auto) owned(Result&& key) {
  using value = std::remove_cvref_t<Result>;
  if constexpr (std::is_same_v<value, std::string_view> || std::is_convertible_v<value, const char*>) {
    return std::string{key};
  } else if constexpr (std::is_lvalue_reference_v<Result>) {
    return static_cast<const value&>(key);
  } else {
    return value{static_cast<Result&&>(key)};
  }
}

/// How many of `Keys` take events of type `E`.
template <class E, class... Keys>
inline constexpr std::size_t key_takers = (std::size_t{key_function_of<Keys, E>} + ... + 0);

/// The key of `event` by the first of `keys` that takes it, as a table keeps it.
template <class E, class... Keys>
constexpr decltype(auto) key_of(const std::tuple<Keys...>& keys, const E& event) {
  constexpr std::size_t taker = [] {
    constexpr std::array<bool, sizeof...(Keys)> takes{key_function_of<Keys, E>...};
    std::size_t i = 0;
    while (i + 1 < takes.size() && !takes[i]) ++i;
    return i;
  }();
  return detail::owned(detail::key_from(std::get<taker>(keys), event));
}

}  // namespace peal::inline v0::detail
