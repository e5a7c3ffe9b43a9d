// SPDX-License-Identifier: MIT
// What can be known of a pack of rules at compile time: their kinds, their order, and which can never match.
#pragma once

#include <peal/detail/type_list.hpp>

#include <array>
#include <cstddef>
#include <tuple>
#include <type_traits>

namespace peal::inline v0::detail {

template <class T>
concept is_on_rule = requires {
  typename T::exception_type;
  typename T::action_type;
};
template <class T>
concept is_conditional = is_on_rule<T> && requires(const T& t) {
  t.predicate;
};
template <class T>
concept is_otherwise = !is_on_rule<T> && requires(const T& t) {
  typename T::action_type;
  t.action;
};

template <class Rule, class Exception>
inline constexpr bool is_rule_for = false;
template <is_on_rule Rule, class Exception>
inline constexpr bool is_rule_for<Rule, Exception> = std::is_same_v<typename Rule::exception_type, Exception>;

template <class... Rules>
constexpr bool otherwise_before_end() noexcept {
  if constexpr (sizeof...(Rules) < 2) {
    return false;
  } else {
    constexpr std::array<bool, sizeof...(Rules)> is{is_otherwise<Rules>...};
    for (std::size_t i = 0; i + 1 < is.size(); ++i) {
      if (is[i]) return true;
    }
    return false;
  }
}
template <class... Rules>
inline constexpr bool otherwise_is_last = !otherwise_before_end<Rules...>();

/// Whether a clause `catch (const Earlier&)` takes everything that `catch (const Later&)` would. Convertibility of
/// pointers rather than std::is_base_of: private and ambiguous bases do not catch.
template <class Earlier, class Later>
constexpr bool shadows() noexcept {
  if constexpr (std::is_class_v<Earlier> && std::is_class_v<Later>) {
    return std::is_convertible_v<const Later*, const Earlier*>;
  } else if constexpr (std::is_pointer_v<Earlier> && std::is_pointer_v<Later>) {
    return std::is_convertible_v<Later, Earlier>;
  } else {
    return std::is_same_v<Earlier, Later>;
  }
}
template <class Earlier, class Later>
constexpr bool rule_shadows() noexcept {
  if constexpr (is_on_rule<Earlier> && is_on_rule<Later> && !is_conditional<Earlier>) {
    return shadows<typename Earlier::exception_type, typename Later::exception_type>();
  } else {
    return false;
  }
}

template <class... Rules>
struct reachability {
  static constexpr bool all = true;
};
template <class First, class... Rest>
struct reachability<First, Rest...> {
  static constexpr bool all = !(rule_shadows<First, Rest>() || ...) && reachability<Rest...>::all;
};
template <class... Rules>
inline constexpr bool all_reachable = reachability<Rules...>::all;

}  // namespace peal::inline v0::detail
