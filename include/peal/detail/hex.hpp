// SPDX-License-Identifier: MIT
// Numbers out of hexadecimal text that the library itself has written.
#pragma once

#include <cstdint>
#include <string_view>

namespace peal::inline v0::detail {

/// `digits`: 0-9 and a-f alone; of more than 16 the last ones count.
[[nodiscard]] constexpr std::uint64_t from_hex(std::string_view digits) noexcept {
  std::uint64_t n = 0;
  for (const char digit : digits)
    n = n << 4U | static_cast<std::uint64_t>(digit <= '9' ? digit - '0' : digit - 'a' + 10);
  return n;
}

}  // namespace peal::inline v0::detail
