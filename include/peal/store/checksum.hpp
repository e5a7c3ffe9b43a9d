// SPDX-License-Identifier: MIT
// A sum over a stored event, for stores whose files have none: a disk's silent damage is found when it is read.
#pragma once

#include <peal/store/records.hpp>

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace peal::inline v0 {

/// Sums bytes and numbers; the same on every machine. Every single word that changes changes the 64-bit state; it is no
/// protection against who means it. Stored: never change what it computes.
class checksum {
 public:
  void add(std::uint64_t word) noexcept { state_ = mixed(state_, word); }
  /// Four lanes, so that the processor does not wait for one product before the next.
  void add(const void* data, std::size_t size) noexcept {
    const auto* p = static_cast<const unsigned char*>(data);
    add(size);
    if (size >= 32) {
      std::uint64_t lane[4] = {1, 2, 3, 4};
      for (; size >= 32; size -= 32, p += 32) {
        for (unsigned i = 0; i < 4; ++i) lane[i] = mixed(lane[i], word_at(p + 8 * i));
      }
      for (const std::uint64_t l : lane) add(l);
    }
    for (; size >= 8; size -= 8, p += 8) add(word_at(p));
    if (size != 0) add(tail_at(p, size));
  }
  void add(std::string_view text) noexcept { add(text.data(), text.size()); }
  void add(const event_id& id) noexcept {
    add(id.high);
    add(id.low);
  }

  [[nodiscard]] std::uint32_t value() const noexcept { return static_cast<std::uint32_t>(state_ ^ (state_ >> 32)); }

 private:
  static std::uint64_t mixed(std::uint64_t state, std::uint64_t word) noexcept {
    state = (state ^ word) * 0x9e3779b97f4a7c15U;
    return state ^ (state >> 29);
  }
  static std::uint64_t word_at(const unsigned char* p) noexcept {  // one load where the machine is little-endian
    return std::uint64_t{p[0]} | std::uint64_t{p[1]} << 8 | std::uint64_t{p[2]} << 16 | std::uint64_t{p[3]} << 24 |
           std::uint64_t{p[4]} << 32 | std::uint64_t{p[5]} << 40 | std::uint64_t{p[6]} << 48 |
           std::uint64_t{p[7]} << 56;
  }
  static std::uint64_t tail_at(const unsigned char* p, std::size_t size) noexcept {
    std::uint64_t word = 0;
    for (std::size_t i = 0; i < size; ++i) word |= std::uint64_t{p[i]} << (8 * i);
    return word;
  }

  std::uint64_t state_ = 0x243f6a8885a308d3U;
};

/// Of all that an event says of itself, but its topic's and its type's names.
inline std::uint32_t checksum_of(const stored_event& e) noexcept {
  checksum sum;
  sum.add(e.position);
  sum.add(e.id);
  sum.add(e.correlation);
  sum.add(e.causation);
  sum.add(static_cast<std::uint64_t>(e.published));
  sum.add(e.stream_version);
  sum.add(e.key);
  sum.add(e.payload.data(), e.payload.size());
  return sum.value();
}

}  // namespace peal::inline v0
