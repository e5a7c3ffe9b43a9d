// SPDX-License-Identifier: MIT
// A sum over a stored event, for stores whose files have none: a disk's silent damage is found when it is read.
#pragma once

#include <peal/store/records.hpp>

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace peal::inline v0 {

namespace detail {

/// Both halves of the product of two numbers, folded into one.
inline std::uint64_t folded_product(std::uint64_t a, std::uint64_t b) noexcept {
#ifdef __SIZEOF_INT128__
  __extension__ using wide = unsigned __int128;
  const wide product = wide{a} * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
#else
  const std::uint64_t low = 0xffffffffU;
  const std::uint64_t ll = (a & low) * (b & low);
  const std::uint64_t lh = (a & low) * (b >> 32);
  const std::uint64_t hl = (a >> 32) * (b & low);
  const std::uint64_t middle = (ll >> 32) + (lh & low) + (hl & low);
  return (ll & low) ^ (middle << 32) ^ ((a >> 32) * (b >> 32) + (lh >> 32) + (hl >> 32) + (middle >> 32));
#endif
}

}  // namespace detail

/// Sums bytes and numbers, sixteen bytes a product; the same on every machine. It finds what a disk does by itself; it is no
/// protection against who means it. Stored: never change what it computes.
/// Source: the folded product is the step of wyhash by Wang Yi.
class checksum {
 public:
  void add(std::uint64_t a, std::uint64_t b) noexcept {
    state_ = peal::detail::folded_product(state_ ^ a, b ^ odd_[0]);
  }
  /// Two lanes, so that the processor does not wait for one product before the next.
  void add(const void* data, std::size_t size) noexcept {
    const auto* p = static_cast<const unsigned char*>(data);
    const bool has_a_word = size >= 8;
    std::uint64_t other = size;
    for (; size >= 32; size -= 32, p += 32) {
      add(word_at(p), word_at(p + 8));
      other = peal::detail::folded_product(other ^ word_at(p + 16), word_at(p + 24) ^ odd_[1]);
    }
    if (size >= 16) {
      add(word_at(p), word_at(p + 8));
      size -= 16;
      p += 16;
    }
    add(tail_at(p, size, has_a_word), size > 8 ? tail_at(p + 8, size - 8, true) : 0);
    add(other, odd_[1]);
  }
  void add(std::string_view text) noexcept { add(text.data(), text.size()); }
  void add(const event_id& id) noexcept { add(id.high, id.low); }

  [[nodiscard]] std::uint32_t value() const noexcept { return static_cast<std::uint32_t>(state_ ^ (state_ >> 32)); }

 private:
  static std::uint64_t word_at(const unsigned char* p) noexcept {  // one load where the machine is little-endian
    return std::uint64_t{p[0]} | std::uint64_t{p[1]} << 8 | std::uint64_t{p[2]} << 16 | std::uint64_t{p[3]} << 24 |
           std::uint64_t{p[4]} << 32 | std::uint64_t{p[5]} << 40 | std::uint64_t{p[6]} << 48 |
           std::uint64_t{p[7]} << 56;
  }
  /// Up to eight bytes. Behind a word they are the end of one that overlaps it: a load and a shift instead of a loop.
  static std::uint64_t tail_at(const unsigned char* p, std::size_t size, bool behind_a_word) noexcept {
    if (size >= 8) return word_at(p);
    if (size == 0) return 0;
    if (behind_a_word) return word_at(p + size - 8) >> (8 * (8 - size));
    std::uint64_t word = 0;
    for (std::size_t i = 0; i < size; ++i) word |= std::uint64_t{p[i]} << (8 * i);
    return word;
  }

  static constexpr std::uint64_t odd_[2] = {0x9e3779b97f4a7c15U, 0xc2b2ae3d27d4eb4fU};
  std::uint64_t state_ = 0x243f6a8885a308d3U;
};

/// Of all that an event says of itself, but its topic's and its type's names.
inline std::uint32_t checksum_of(const stored_event& e) noexcept {
  checksum sum;
  sum.add(e.id);
  if (!(e.correlation == e.id)) sum.add(e.correlation);
  if (e.causation) sum.add(e.causation);
  sum.add(e.position, static_cast<std::uint64_t>(e.published));
  sum.add(e.stream_version, e.key.size());
  if (!e.key.empty()) sum.add(e.key);
  sum.add(e.payload.data(), e.payload.size());
  return sum.value();
}

}  // namespace peal::inline v0
