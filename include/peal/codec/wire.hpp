// SPDX-License-Identifier: MIT
// The stored form of values: MessagePack, written and read one value at a time.
#pragma once

#include <peal/codec/decode_error.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <span>
#include <stdexcept>
#include <string_view>
#include <vector>

namespace peal::inline v0 {

using byte_buffer = std::vector<std::byte>;

/// Appends values to a buffer, each in MessagePack's shortest form (github.com/msgpack/msgpack/blob/master/spec.md).
///
/// Errors: bad_alloc; std::length_error for a string or list of 2^32 elements and more. Thread safety: one thread.
class wire_writer {
 public:
  explicit wire_writer(byte_buffer& out) noexcept : out_{out} {}

  void nil() { put(0xc0); }
  void boolean(bool b) { put(b ? 0xc3 : 0xc2); }
  void unsigned_integer(std::uint64_t n) {
    if (n < 0x80) {
      put(static_cast<std::uint8_t>(n));
    } else if (n <= 0xff) {
      number<std::uint8_t>(0xcc, n);
    } else if (n <= 0xffff) {
      number<std::uint16_t>(0xcd, n);
    } else if (n <= 0xffff'ffff) {
      number<std::uint32_t>(0xce, n);
    } else {
      number<std::uint64_t>(0xcf, n);
    }
  }
  void signed_integer(std::int64_t n) {
    if (n >= 0) return unsigned_integer(static_cast<std::uint64_t>(n));
    const auto bits = static_cast<std::uint64_t>(n);
    if (n >= -32) {
      put(static_cast<std::uint8_t>(bits & 0xff));
    } else if (n >= std::numeric_limits<std::int8_t>::min()) {
      number<std::uint8_t>(0xd0, bits);
    } else if (n >= std::numeric_limits<std::int16_t>::min()) {
      number<std::uint16_t>(0xd1, bits);
    } else if (n >= std::numeric_limits<std::int32_t>::min()) {
      number<std::uint32_t>(0xd2, bits);
    } else {
      number<std::uint64_t>(0xd3, bits);
    }
  }
  void float32(float f) { number<std::uint32_t>(0xca, std::bit_cast<std::uint32_t>(f)); }
  void float64(double d) { number<std::uint64_t>(0xcb, std::bit_cast<std::uint64_t>(d)); }
  void string(std::string_view s) {
    if (s.size() < 32) {
      put(static_cast<std::uint8_t>(0xa0 | s.size()));
    } else {
      length(s.size(), 0xd9, 0xda, 0xdb);
    }
    raw(s.data(), s.size());
  }
  void bytes(std::span<const std::byte> b) {
    length(b.size(), 0xc4, 0xc5, 0xc6);
    raw(b.data(), b.size());
  }
  void list(std::size_t n) {
    if (n < 16) return put(static_cast<std::uint8_t>(0x90 | n));
    length(n, 0, 0xdc, 0xdd);
  }
  void map(std::size_t n) {
    if (n < 16) return put(static_cast<std::uint8_t>(0x80 | n));
    length(n, 0, 0xde, 0xdf);
  }

 private:
  void put(unsigned b) { out_.push_back(static_cast<std::byte>(b)); }
  void raw(const void* from, std::size_t n) {
    if (n == 0) return;
    const std::size_t at = out_.size();
    out_.resize(at + n);
    std::memcpy(out_.data() + at, from, n);
  }
  template <class U>
  void number(unsigned tag, std::uint64_t n) {
    std::byte all[1 + sizeof(U)];
    all[0] = static_cast<std::byte>(tag);
    for (std::size_t i = 0; i < sizeof(U); ++i) {
      all[1 + i] = static_cast<std::byte>((n >> (8 * (sizeof(U) - 1 - i))) & 0xff);
    }
    raw(all, sizeof all);
  }
  /// A length of 8, 16 or 32 bits; without `small` of 16 or 32.
  void length(std::size_t n, unsigned small, unsigned middle, unsigned large) {
    if (small != 0 && n <= 0xff) return number<std::uint8_t>(small, n);
    if (n <= 0xffff) return number<std::uint16_t>(middle, n);
    if (n > 0xffff'ffff) throw std::length_error("peal: more than 2^32 - 1 elements cannot be encoded");
    number<std::uint32_t>(large, n);
  }

  byte_buffer& out_;
};

/// Kinds of values as they stand in the bytes.
enum class wire_kind : std::uint8_t { nil, boolean, integer, floating, string, bytes, list, map, unknown };

/// Takes values off the front of bytes that may say anything.
///
/// Every call that takes something returns false when it is not there, and then `what()` and `at()` tell why and where.
/// Nothing that bytes say is believed before it was compared with what is left and with the limits.
/// Thread safety: one thread. Lifetime: of the bytes.
class wire_reader {
 public:
  explicit wire_reader(std::span<const std::byte> in, const decode_limits& limits = {}) noexcept
      : in_{in}, depth_left_{limits.max_depth}, items_left_{limits.max_items} {
    if (in.size() > limits.max_bytes) (void)fail("longer than max_bytes allows");
  }

  [[nodiscard]] wire_kind next() const noexcept;
  [[nodiscard]] bool is_float32() const noexcept { return !failed() && at_ != in_.size() && tag() == 0xca; }

  bool nil() noexcept { return take_tag(0xc0) || fail("no nil"); }
  bool boolean(bool& b) noexcept {
    if (take_tag(0xc3)) return b = true, true;
    if (take_tag(0xc2)) return b = false, true;
    return fail("no boolean");
  }
  /// Whatever integer stands there, as its 64 bits and whether it is below zero.
  bool integer(std::uint64_t& bits, bool& negative) noexcept;
  bool float32(float& f) noexcept {
    std::uint64_t bits = 0;
    if (!take_tag(0xca)) return fail("no 32 bit floating point number");
    if (!big_endian(4, bits)) return false;
    f = std::bit_cast<float>(static_cast<std::uint32_t>(bits));
    return true;
  }
  bool float64(double& d) noexcept {
    std::uint64_t bits = 0;
    if (!take_tag(0xcb)) return fail("no 64 bit floating point number");
    if (!big_endian(8, bits)) return false;
    d = std::bit_cast<double>(bits);
    return true;
  }
  /// Views into the bytes that are read.
  bool string(std::string_view& s) noexcept {
    std::size_t n = 0;
    if (!sized(n, 0xa0, 0xe0, 0xd9, "no string")) return false;
    s = {reinterpret_cast<const char*>(in_.data() + at_), n};
    at_ += n;
    return true;
  }
  bool bytes(std::span<const std::byte>& b) noexcept {
    std::size_t n = 0;
    if (!sized(n, 0, 0, 0xc4, "no bytes")) return false;
    b = in_.subspan(at_, n);
    at_ += n;
    return true;
  }
  /// The head of a list of n values; `leave` after them.
  bool enter_list(std::size_t& n) noexcept { return enter(n, 0x90, 0xdc, 1, "no list"); }
  /// The head of a map of n pairs; `leave` after them.
  bool enter_map(std::size_t& n) noexcept { return enter(n, 0x80, 0xde, 2, "no map"); }
  void leave() noexcept { ++depth_left_; }

  [[nodiscard]] bool at_end() const noexcept { return at_ == in_.size(); }
  [[nodiscard]] bool failed() const noexcept { return what_ != nullptr; }
  [[nodiscard]] const char* what() const noexcept { return what_; }
  /// The byte where the value stands that was not right.
  [[nodiscard]] std::size_t at() const noexcept { return failed() ? failed_at_ : at_; }
  /// The first reason stays. `reason` must be a literal.
  bool fail(const char* reason) noexcept {
    if (what_ == nullptr) {
      what_ = reason;
      failed_at_ = at_;
    }
    return false;
  }

 private:
  [[nodiscard]] unsigned tag() const noexcept { return std::to_integer<unsigned>(in_[at_]); }
  bool take_tag(unsigned t) noexcept {
    if (failed() || at_ == in_.size() || tag() != t) return false;
    ++at_;
    return true;
  }
  bool big_endian(std::size_t n, std::uint64_t& value) noexcept {
    if (in_.size() - at_ < n) return fail("cut off");
    value = 0;
    for (std::size_t i = 0; i < n; ++i) value = value << 8U | std::to_integer<std::uint64_t>(in_[at_ + i]);
    at_ += n;
    return true;
  }
  bool sized(std::size_t& n, unsigned fixed, unsigned mask, unsigned first, const char* otherwise) noexcept {
    if (failed()) return false;
    if (at_ == in_.size()) return fail("cut off");
    const unsigned t = tag();
    std::uint64_t length = 0;
    if (mask != 0 && (t & mask) == fixed) {
      ++at_;
      length = t & ~mask & 0xffU;
    } else if (t >= first && t <= first + 2) {
      ++at_;
      if (!big_endian(std::size_t{1} << (t - first), length)) return false;
    } else {
      return fail(otherwise);
    }
    if (length > in_.size() - at_) return fail("longer than the bytes that are left");
    n = static_cast<std::size_t>(length);
    return true;
  }
  bool enter(std::size_t& n, unsigned fixed, unsigned first, unsigned each, const char* otherwise) noexcept;

  std::span<const std::byte> in_;
  std::size_t at_ = 0;
  std::size_t depth_left_;
  std::size_t items_left_;
  const char* what_ = nullptr;
  std::size_t failed_at_ = 0;
};

inline wire_kind wire_reader::next() const noexcept {
  if (failed() || at_ == in_.size()) return wire_kind::unknown;
  const unsigned t = tag();
  if (t < 0x80 || t >= 0xe0 || (t >= 0xcc && t <= 0xd3)) return wire_kind::integer;
  if (t < 0x90 || t == 0xde || t == 0xdf) return wire_kind::map;
  if (t < 0xa0 || t == 0xdc || t == 0xdd) return wire_kind::list;
  if (t < 0xc0 || (t >= 0xd9 && t <= 0xdb)) return wire_kind::string;
  if (t == 0xc0) return wire_kind::nil;
  if (t == 0xc2 || t == 0xc3) return wire_kind::boolean;
  if (t >= 0xc4 && t <= 0xc6) return wire_kind::bytes;
  if (t == 0xca || t == 0xcb) return wire_kind::floating;
  return wire_kind::unknown;
}

inline bool wire_reader::integer(std::uint64_t& bits, bool& negative) noexcept {
  if (next() != wire_kind::integer) return fail(at_end() ? "cut off" : "no integer");
  const unsigned t = tag();
  ++at_;
  negative = false;
  if (t < 0x80) return bits = t, true;
  if (t >= 0xe0) {
    negative = true;
    return bits = ~std::uint64_t{0xff} | t, true;
  }
  const bool is_signed = t >= 0xd0;
  const std::size_t width = std::size_t{1} << (t - (is_signed ? 0xd0U : 0xccU));
  if (!big_endian(width, bits)) return false;
  if (is_signed) {
    const std::uint64_t sign = std::uint64_t{1} << (8 * width - 1);
    negative = (bits & sign) != 0;
    if (negative && width < 8) bits |= ~((sign << 1U) - 1);
  }
  return true;
}

inline bool wire_reader::enter(std::size_t& n, unsigned fixed, unsigned first, unsigned each,
                               const char* otherwise) noexcept {
  if (failed()) return false;
  if (at_ == in_.size()) return fail("cut off");
  const unsigned t = tag();
  std::uint64_t length = 0;
  if ((t & 0xf0U) == fixed) {
    length = t & 0x0fU;
    ++at_;
  } else if (t == first || t == first + 1) {
    ++at_;
    if (!big_endian(t == first ? 2 : 4, length)) return false;
  } else {
    return fail(otherwise);
  }
  // Each value is a byte at least, so that no length makes more room than there are bytes.
  if (length > (in_.size() - at_) / each) return fail("longer than the bytes that are left");
  if (length > items_left_) return fail("more elements than max_items allows");
  if (depth_left_ == 0) return fail("deeper than max_depth allows");
  items_left_ -= static_cast<std::size_t>(length);
  --depth_left_;
  n = static_cast<std::size_t>(length);
  return true;
}

}  // namespace peal::inline v0
