// SPDX-License-Identifier: MIT
// An open-addressed index from 32-bit hash marks to node numbers: eight bytes a cell, eight cells a cache line.
#pragma once

#include <peal/detail/list.hpp>

#include <cstddef>
#include <cstdint>
#include <limits>

namespace peal::inline v0::detail {

/// 32 bits of a hash, mixed: std::hash of integers is the identity, and runs of ids would fill runs of cells.
inline std::uint32_t scattered(std::uint64_t h) noexcept {
  h ^= h >> 33U;  // the finaliser of MurmurHash3 (A. Appleby)
  h *= 0xff51'afd7'ed55'8ccdU;
  h ^= h >> 33U;
  h *= 0xc4ce'b9fe'1a85'ec53U;
  return static_cast<std::uint32_t>(h >> 32U);
}

/// Linear probing with deletion by shifting back (D. Knuth, TAOCP 6.4, algorithm R), so that there are no tombstones and
/// no clean-ups; doubled when three quarters are full.
/// Thread safety: none. Errors: reserve_one may throw std::bad_alloc and has then changed nothing.
class key_index {
 public:
  static constexpr std::uint32_t none = std::numeric_limits<std::uint32_t>::max();

  /// The node that carries `mark` and of which `same(node)` is true, or `none`.
  template <class Same>
  [[nodiscard]] std::uint32_t find(std::uint32_t mark, Same same) const {
    if (used_ == 0) return none;
    for (std::size_t i = mark & mask_; cells_[i].node != none; i = (i + 1) & mask_) {
      if (cells_[i].mark == mark && same(cells_[i].node)) return cells_[i].node;
    }
    return none;
  }

  /// Makes room for one insert.
  void reserve_one() {
    if (cells_.empty() || (used_ + 1) * 4 > (mask_ + 1) * 3) grow();
  }

  void insert(std::uint32_t mark, std::uint32_t node) noexcept {
    std::size_t i = mark & mask_;
    while (cells_[i].node != none) i = (i + 1) & mask_;
    cells_[i] = {mark, node};
    ++used_;
  }

  /// `node` must be in the index.
  void erase(std::uint32_t mark, std::uint32_t node) noexcept {
    std::size_t hole = mark & mask_;
    while (cells_[hole].node != node) hole = (hole + 1) & mask_;
    for (std::size_t i = (hole + 1) & mask_; cells_[i].node != none; i = (i + 1) & mask_) {
      const std::size_t from_home = (i - cells_[i].mark) & mask_;
      if (from_home >= ((i - hole) & mask_)) {
        cells_[hole] = cells_[i];
        hole = i;
      }
    }
    cells_[hole].node = none;
    --used_;
  }

  /// Calls `visit(node)` for every node, in no order.
  template <class Visit>
  void for_each(Visit visit) const {
    for (std::size_t i = 0; i <= mask_ && !cells_.empty(); ++i) {
      if (cells_[i].node != none) visit(cells_[i].node);
    }
  }

  void prefetch(std::uint32_t mark) const noexcept {
#if defined(__GNUC__) || defined(__clang__)
    __builtin_prefetch(cells_.begin() + (mark & mask_), 1);
#else
    static_cast<void>(mark);
#endif
  }

  [[nodiscard]] std::size_t footprint() const noexcept { return cells_.empty() ? 0 : (mask_ + 1) * sizeof(cell); }

 private:
  struct cell {
    std::uint32_t mark = 0;
    std::uint32_t node = none;
  };

  void grow() {
    const std::size_t count = cells_.empty() ? 64 : (mask_ + 1) * 2;
    list<cell> old{count};
    old.swap(cells_);
    const std::size_t old_count = old.size();
    mask_ = count - 1;
    used_ = 0;
    for (std::size_t i = 0; i < old_count; ++i) {
      if (old[i].node != none) insert(old[i].mark, old[i].node);
    }
  }

  list<cell> cells_{};
  std::size_t mask_ = 0;
  std::size_t used_ = 0;
};

}  // namespace peal::inline v0::detail
