// SPDX-License-Identifier: MIT
// How keys and records are laid out. Stored: never change what is here without a new major format.
#pragma once

#include <peal/store/checksum.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace peal::inline v0::lmdb::detail {

/// A key made of numbers, most significant byte first so that they sort, and of one text at its end.
///
/// Capacity: LMDB's 511 bytes; `too_long` says when that was not enough.
class key_bytes {
 public:
  static constexpr std::size_t most = 511;

  key_bytes& operator<<(std::uint32_t n) noexcept { return number(n, 4); }
  key_bytes& operator<<(std::uint64_t n) noexcept { return number(n, 8); }
  key_bytes& operator<<(char c) noexcept { return number(static_cast<unsigned char>(c), 1); }
  key_bytes& operator<<(std::string_view text) noexcept {
    const std::size_t n = std::min(text.size(), most - size_);
    too_long_ = n < text.size();
    std::copy_n(text.begin(), n, bytes_.begin() + static_cast<std::ptrdiff_t>(size_));
    size_ += n;
    return *this;
  }
  operator std::string_view() const noexcept { return {bytes_.data(), size_}; }  // NOLINT: it is nothing else
  [[nodiscard]] bool too_long() const noexcept { return too_long_; }

 private:
  key_bytes& number(std::uint64_t n, unsigned size) noexcept {
    for (unsigned i = size; i-- > 0;) bytes_[size_++] = static_cast<char>(n >> (8 * i));
    return *this;
  }
  std::array<char, most> bytes_;  // what is used is written first
  std::size_t size_ = 0;
  bool too_long_ = false;
};

/// A number of a known size, least significant byte first.
template <unsigned Size>
std::uint64_t load(const char* from) noexcept {
  std::uint64_t n = 0;
  if constexpr (std::endian::native == std::endian::little) {
    std::memcpy(&n, from, Size);
  } else {
    for (unsigned i = Size; i-- > 0;) n = n << 8 | static_cast<unsigned char>(from[i]);
  }
  return n;
}

/// Writes numbers, least significant byte first, and bytes.
class byte_writer {
 public:
  explicit byte_writer(char* to) noexcept : to_{to} {}
  byte_writer& number(std::uint64_t n, unsigned size) noexcept {
    if constexpr (std::endian::native == std::endian::little) {
      std::memcpy(to_, &n, size);
    } else {
      for (unsigned i = 0; i < size; ++i) to_[i] = static_cast<char>(n >> (8 * i));
    }
    to_ += size;
    return *this;
  }
  byte_writer& id(const event_id& i) noexcept { return number(i.high, 8).number(i.low, 8); }
  byte_writer& bytes(const void* data, std::size_t size) noexcept {
    if (size != 0) std::memcpy(to_, data, size);
    to_ += size;
    return *this;
  }

 private:
  char* to_;
};

/// Reads what byte_writer wrote; past the end it reads nothing and says so.
class byte_reader {
 public:
  explicit byte_reader(std::string_view bytes) noexcept : bytes_{bytes} {}
  std::uint64_t number(std::size_t size) noexcept {
    const std::string_view b = take(size);
    std::uint64_t n = 0;
    if constexpr (std::endian::native == std::endian::little) {
      if (!b.empty()) std::memcpy(&n, b.data(), b.size());
    } else {
      for (std::size_t i = b.size(); i-- > 0;) n = n << 8 | static_cast<unsigned char>(b[i]);
    }
    return n;
  }
  /// Of a key: most significant byte first.
  std::uint64_t sorted(std::size_t size) noexcept {
    std::uint64_t n = 0;
    for (const char c : take(size)) n = n << 8 | static_cast<unsigned char>(c);
    return n;
  }
  event_id id() noexcept {
    const std::uint64_t high = number(8);
    return {high, number(8)};
  }
  std::string_view take(std::size_t size) noexcept {
    if (size > bytes_.size()) {
      sound_ = false;
      size = bytes_.size();
    }
    const std::string_view b = bytes_.substr(0, size);
    bytes_.remove_prefix(size);
    return b;
  }
  std::string_view rest() noexcept { return take(bytes_.size()); }
  [[nodiscard]] bool sound() const noexcept { return sound_; }

 private:
  std::string_view bytes_;
  bool sound_ = true;
};

inline byte_view as_bytes(std::string_view text) noexcept {
  return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}

/// An event's record: type, checksum, what follows, moment, id; then what is there of correlation, causation, stream
/// version and key; then the payload.
struct event_record {
  static constexpr std::size_t head = 33;  // what every record has
  static constexpr std::uint64_t has_correlation = 1;
  static constexpr std::uint64_t has_causation = 2;
  static constexpr std::uint64_t has_stream = 4;
  static constexpr std::uint64_t has_key = 8;

  explicit event_record(const stored_event& event) noexcept : e{&event} {
    if (!(e->correlation == e->id)) flags |= has_correlation;  // what begins a story is its own
    if (e->causation) flags |= has_causation;
    if (e->stream_version != 0) flags |= has_stream;
    if (!e->key.empty()) flags |= has_key;
  }

  [[nodiscard]] std::size_t size() const noexcept {
    return head + ((flags & has_correlation) != 0 ? 16U : 0U) + ((flags & has_causation) != 0 ? 16U : 0U) +
           ((flags & has_stream) != 0 ? 8U : 0U) + ((flags & has_key) != 0 ? 4 + e->key.size() : 0U) +
           e->payload.size();
  }

  void write(char* to, std::uint32_t type) const noexcept {
    byte_writer w{to};
    w.number(type, 4).number(checksum_of(*e), 4).number(flags, 1);
    w.number(static_cast<std::uint64_t>(e->published), 8).id(e->id);
    if ((flags & has_correlation) != 0) w.id(e->correlation);
    if ((flags & has_causation) != 0) w.id(e->causation);
    if ((flags & has_stream) != 0) w.number(e->stream_version, 8);
    if ((flags & has_key) != 0) w.number(e->key.size(), 4).bytes(e->key.data(), e->key.size());
    w.bytes(e->payload.data(), e->payload.size());
  }

  /// Fills all but topic, position and the type's name, whose number it returns; false in `sound`: damaged.
  static std::uint32_t read(std::string_view record, stored_event& e, bool& sound) noexcept {
    sound = record.size() >= head;
    if (!sound) return 0;
    const char* const at = record.data();
    const auto type = static_cast<std::uint32_t>(load<4>(at));
    const std::uint64_t sum = load<4>(at + 4);
    const std::uint64_t flags = load<1>(at + 8);
    e.published = static_cast<wall_time>(load<8>(at + 9));
    e.id = {load<8>(at + 17), load<8>(at + 25)};
    if (flags == 0) {  // most
      e.correlation = e.id;
      e.causation = {};
      e.stream_version = 0;
      e.key = {};
      e.payload = as_bytes(record.substr(head));
      sound = sum == checksum_of(e);
      return type;
    }
    byte_reader r{record.substr(head)};
    e.correlation = (flags & has_correlation) != 0 ? r.id() : e.id;
    e.causation = (flags & has_causation) != 0 ? r.id() : event_id{};
    e.stream_version = (flags & has_stream) != 0 ? r.number(8) : 0;
    e.key = (flags & has_key) != 0 ? r.take(static_cast<std::size_t>(r.number(4))) : std::string_view{};
    e.payload = as_bytes(r.rest());
    sound = r.sound() && sum == checksum_of(e);
    return type;
  }

  const stored_event* e;
  std::uint64_t flags = 0;
};

}  // namespace peal::inline v0::lmdb::detail
