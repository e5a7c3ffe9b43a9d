// SPDX-License-Identifier: MIT
// Whether bytes are one value of MessagePack within limits, before a library gets to see them.
#pragma once

#include <peal/codec/wire.hpp>

#include <cstddef>
#include <span>
#include <string_view>

namespace peal::inline v0 {
namespace detail {

inline bool skip_value(wire_reader& r) noexcept {
  bool b = false;
  bool negative = false;
  std::uint64_t bits = 0;
  float f = 0;
  double d = 0;
  std::string_view text;
  std::span<const std::byte> bytes;
  std::size_t n = 0;
  switch (r.next()) {
    case wire_kind::nil: return r.nil();
    case wire_kind::boolean: return r.boolean(b);
    case wire_kind::integer: return r.integer(bits, negative);
    case wire_kind::floating: return r.is_float32() ? r.float32(f) : r.float64(d);
    case wire_kind::string: return r.string(text);
    case wire_kind::bytes: return r.bytes(bytes);
    case wire_kind::list:
    case wire_kind::map: {
      const bool pairs = r.next() == wire_kind::map;
      if (!(pairs ? r.enter_map(n) : r.enter_list(n))) return false;
      for (std::size_t i = 0; i < (pairs ? 2 * n : n); ++i) {
        if (!skip_value(r)) return false;
      }
      return r.leave(), true;
    }
    case wire_kind::unknown: break;
  }
  return r.fail(r.at_end() ? "cut off" : "a kind of value that events do not have");
}

}  // namespace detail

/// Throws unless the bytes are exactly one whole value within the limits.
///
/// `event` stands in the message. Errors: decode_error. Complexity: linear; no deeper recursion than `max_depth`.
inline void check_wire(std::string_view event, std::span<const std::byte> in, const decode_limits& limits) {
  wire_reader r{in, limits};
  if (!r.failed() && detail::skip_value(r) && !r.at_end()) (void)r.fail("more bytes than the event has");
  if (r.failed()) throw decode_error(event, {}, r.at(), r.what());
}

}  // namespace peal::inline v0
