// SPDX-License-Identifier: MIT
// The smaller and the larger of two values, without <algorithm>, which costs each user of a header its compile time.
#pragma once

namespace peal::inline v0::detail {

template <class T>
[[nodiscard]] constexpr const T& smaller(const T& a, const T& b) noexcept {
  return b < a ? b : a;
}
template <class T>
[[nodiscard]] constexpr const T& larger(const T& a, const T& b) noexcept {
  return a < b ? b : a;
}
template <class T, class... Ts>
[[nodiscard]] constexpr T largest(T first, Ts... others) noexcept {
  ((first = larger(first, static_cast<T>(others))), ...);
  return first;
}

}  // namespace peal::inline v0::detail
