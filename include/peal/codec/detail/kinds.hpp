// SPDX-License-Identifier: MIT
// Which types can be fields, and what they are in the stored form.
#pragma once

#include <peal/codec/fields.hpp>
#include <peal/detail/time.hpp>

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace peal::inline v0::detail {

/// Integers of a size that is the same everywhere; `long` is not, but an std::int64_t may be one.
template <class T>
concept plain_integer =
    std::integral<T> && !std::same_as<T, bool> && !std::same_as<T, char> && !std::same_as<T, wchar_t> &&
    !std::same_as<T, char8_t> && !std::same_as<T, char16_t> && !std::same_as<T, char32_t> && sizeof(T) <= 8;

template <class T>
concept plain_float = std::same_as<T, float> || std::same_as<T, double>;

template <class T>
inline constexpr bool is_byte_vector = std::is_same_v<T, std::vector<std::byte>>;

template <class T>
struct list_traits {
  static constexpr bool is_list = false;
};
template <class T, class A>
struct list_traits<std::vector<T, A>> {
  static constexpr bool is_list = !std::is_same_v<T, std::byte>;
  static constexpr std::size_t fixed = 0;
  using element = T;
};
template <class T, std::size_t N>
struct list_traits<std::array<T, N>> {
  static constexpr bool is_list = true;
  static constexpr std::size_t fixed = N;
  using element = T;
};

template <class T>
struct optional_traits {
  static constexpr bool is_optional = false;
};
template <class T>
struct optional_traits<std::optional<T>> {
  static constexpr bool is_optional = true;
  using element = T;
};

/// std::map, std::unordered_map and what behaves like them.
template <class T>
concept map_like = requires(T& m, typename T::key_type k, typename T::mapped_type v) {
  { m.emplace(std::move(k), std::move(v)).second } -> std::convertible_to<bool>;
  m.begin();
  m.size();
};

template <class T>
struct time_traits {
  static constexpr bool is_time = false;
};
template <class Rep, class Period>
struct time_traits<std::chrono::duration<Rep, Period>> {
  static constexpr bool is_time = plain_integer<Rep>;
  static constexpr bool is_point = false;
  using count_type = Rep;
  using period = Period;
  using length = std::chrono::duration<Rep, Period>;
};
template <class Length>
struct time_traits<std::chrono::time_point<std::chrono::system_clock, Length>> : time_traits<Length> {
  static constexpr bool is_point = true;
};

template <class T>
constexpr bool can_be_field() noexcept {
  if constexpr (std::is_same_v<T, bool> || plain_integer<T> || plain_float<T> || std::is_enum_v<T> ||
                std::is_same_v<T, std::string> || is_byte_vector<T> || described<T> || time_traits<T>::is_time) {
    return true;
  } else if constexpr (list_traits<T>::is_list) {
    return can_be_field<typename list_traits<T>::element>();
  } else if constexpr (optional_traits<T>::is_optional) {
    using element = typename optional_traits<T>::element;
    return !optional_traits<element>::is_optional && can_be_field<element>();
  } else if constexpr (map_like<T>) {
    return can_be_field<typename T::key_type>() && can_be_field<typename T::mapped_type>();
  } else {
    return false;
  }
}

/// What stands in the bytes for a field of a type that cannot be one.
template <class T>
constexpr void check_field() noexcept {
  static_assert(
      can_be_field<T>(),
      "peal: a declared field has a type that cannot be encoded; use bool, integers of <cstdint>, float, double, "
      "enums, std::string, std::vector, std::array, std::optional, maps, durations, or a type with declared "
      "fields");
  if constexpr (described<T>) {
    static_assert(good_names<T>(),
                  "peal: a declared field needs a name of letters, digits, _ and -, and no name may be there twice");
  }
}

}  // namespace peal::inline v0::detail
