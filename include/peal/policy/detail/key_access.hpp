// SPDX-License-Identifier: MIT
// Takes a key from an event: a member pointer or a function object (std::invoke without the cost of <functional>).
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
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

}  // namespace peal::inline v0::detail
