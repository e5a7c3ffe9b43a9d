// SPDX-License-Identifier: MIT
// Lists of types at compile time: membership, index, uniqueness.
#pragma once

#include <cstddef>
#include <type_traits>

namespace peal::inline v0::detail {

template <class... Ts>
struct type_list {
  static constexpr std::size_t size = sizeof...(Ts);
};

template <class T, class List>
inline constexpr bool contains = false;
template <class T, class... Ts>
inline constexpr bool contains<T, type_list<Ts...>> = (std::is_same_v<T, Ts> || ...);

/// Index of T in the list; the list's size when it is not there.
template <class T, class... Ts>
constexpr std::size_t index_in() noexcept {
  std::size_t index = 0;
  (void)((std::is_same_v<T, Ts> || (++index, false)) || ...);
  return index;
}
template <class T, class List>
inline constexpr std::size_t index_of = 0;
template <class T, class... Ts>
inline constexpr std::size_t index_of<T, type_list<Ts...>> = index_in<T, Ts...>();

template <class List>
inline constexpr bool all_distinct = true;
template <class T, class... Ts>
inline constexpr bool all_distinct<type_list<T, Ts...>> =
    !contains<T, type_list<Ts...>> && all_distinct<type_list<Ts...>>;

template <class... Lists>
struct concat {
  using type = type_list<>;
};
template <class... Ts>
struct concat<type_list<Ts...>> {
  using type = type_list<Ts...>;
};
template <class... As, class... Bs, class... Rest>
struct concat<type_list<As...>, type_list<Bs...>, Rest...> {
  using type = typename concat<type_list<As..., Bs...>, Rest...>::type;
};
template <class... Lists>
using concat_t = typename concat<Lists...>::type;

template <std::size_t I, class List>
struct nth;
template <class T, class... Ts>
struct nth<0, type_list<T, Ts...>> {
  using type = T;
};
template <std::size_t I, class T, class... Ts>
struct nth<I, type_list<T, Ts...>> : nth<I - 1, type_list<Ts...>> {};
template <std::size_t I, class List>
using nth_t = typename nth<I, List>::type;

/// False, but only once T is known: for `static_assert` in a branch that must not be taken.
template <class...>
inline constexpr bool never = false;

template <auto...>
inline constexpr bool never_value = false;

}  // namespace peal::inline v0::detail
