// SPDX-License-Identifier: MIT
// The distance that keeps two words from sharing a cache line.
#pragma once

#include <cstddef>

namespace peal::inline v0::detail {

/// Two lines of 64 bytes, because adjacent lines are fetched in pairs; a constant of ours, since the standard's own
/// differs between compilers and warns in headers.
inline constexpr std::size_t line_size = 128;

/// `n` rounded up to a power of two, at least `least`.
[[nodiscard]] constexpr std::size_t rounded_capacity(std::size_t n, std::size_t least = 2) noexcept {
  std::size_t capacity = least;
  while (capacity < n) capacity *= 2;
  return capacity;
}

/// Above this a ring is a mistake of the caller; it also keeps every distance inside a lap far below 2^55.
inline constexpr std::size_t max_capacity = std::size_t{1} << (sizeof(std::size_t) > 4 ? 40 : 28);

}  // namespace peal::inline v0::detail
