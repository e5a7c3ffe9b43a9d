// SPDX-License-Identifier: MIT
// Why bytes are not the event they should be, and where.
#pragma once

#include <peal/core/error.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace peal::inline v0 {

/// What decoding may cost, whatever the bytes say. Checked before anything is allocated.
struct decode_limits {
  std::size_t max_bytes = std::size_t{16} << 20U;  ///< of the whole encoded event
  std::size_t max_depth = 32;                      ///< of lists, maps and structures in each other
  std::size_t max_items = std::size_t{1} << 20U;   ///< elements of all lists and maps together
};

/// Bytes that are not what they should be. The text says what, in which field, at which byte.
class decode_error : public error {
 public:
  decode_error(std::string_view event, std::string_view path, std::size_t offset, std::string_view what)
      : error(text(event, path, offset, what)), offset_{offset} {}

  /// Of the byte at which it was noticed.
  [[nodiscard]] std::size_t offset() const noexcept { return offset_; }

 private:
  static std::string text(std::string_view event, std::string_view path, std::size_t offset, std::string_view what) {
    std::string t = "peal: ";
    t.append(event).append(" cannot be decoded: ");
    if (!path.empty()) t.append("field ").append(path).append(": ");
    t.append(what).append(", at byte ").append(std::to_string(offset));
    return t;
  }

  std::size_t offset_;
};

}  // namespace peal::inline v0
