// SPDX-License-Identifier: MIT
// Positions of a ring: 56-bit sequence numbers in 64-bit words, compared by signed difference.
#pragma once

#include <cstdint>

namespace peal::inline v0 {

/// The place of an event in its ring's order.
/// Units: events since the ring's first position, modulo 2^56; the upper eight bits are zero, so that a word has room for
/// a position and a few flags.
using position = std::uint64_t;

inline constexpr unsigned position_bits = 56;
inline constexpr std::uint64_t position_mask = (std::uint64_t{1} << position_bits) - 1;

/// How far `a` lies ahead of `b`, negative when it lies behind; right while the two are less than 2^55 apart.
[[nodiscard]] constexpr std::int64_t distance(position a, position b) noexcept {
  constexpr unsigned spare = 64 - position_bits;
  return static_cast<std::int64_t>((a - b) << spare) >> spare;
}

/// The position `n` places behind `p` in the order, wrapping at 2^56.
[[nodiscard]] constexpr position advance(position p, std::uint64_t n) noexcept { return (p + n) & position_mask; }

/// The position `n` places before `p` in the order, wrapping at 2^56.
[[nodiscard]] constexpr position retreat(position p, std::uint64_t n) noexcept { return (p - n) & position_mask; }

}  // namespace peal::inline v0
