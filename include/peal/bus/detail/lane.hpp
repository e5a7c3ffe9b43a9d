// SPDX-License-Identifier: MIT
// The lane of a topic: where events published inside handlers wait for room in the ring, in order.
#pragma once

#include <peal/core/envelope.hpp>
#include <peal/detail/minmax.hpp>
#include <peal/ring/atomics.hpp>

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <new>
#include <string_view>

namespace peal::inline v0::detail {

/// A bounded queue with any number of appenders and one drainer at a time (section 7 of the protocols).
///
/// Order: the order of appending is the order of claiming. It is not empty only while somebody drains it, or the ring is
/// full and the next advance will.
class lane {
 public:
  static constexpr std::size_t max_source = 47;
  /// The event stands behind it in memory.
  struct cell {
    std::atomic<std::uint64_t> sequence{0};
    std::uint8_t type = 0;
    bool enveloped = false;
    std::uint32_t offset = 0;  ///< of the event
    envelope around{};
    std::array<char, max_source + 1> source{};  ///< the subscription that published it, cut to fit

    [[nodiscard]] void* event() noexcept { return reinterpret_cast<std::byte*>(this) + offset; }
    void came_from(std::string_view name) noexcept {
      const std::size_t n = smaller(name.size(), max_source);
      name.copy(source.data(), n);
      source[n] = '\0';
    }
  };

  /// For events of that size and alignment.
  lane(std::size_t capacity, std::size_t size, std::size_t align)
      : mask_{std::bit_ceil(larger<std::size_t>(capacity, 2)) - 1},
        align_{larger(align, alignof(cell))},
        offset_{(sizeof(cell) + align_ - 1) / align_ * align_},
        stride_{(offset_ + size + align_ - 1) / align_ * align_},
        cells_{static_cast<std::byte*>(::operator new (bytes(), std::align_val_t{align_}))} {
    for (std::size_t i = 0; i <= mask_; ++i) {
      cell* const c = ::new (static_cast<void*>(cells_ + i * stride_)) cell;
      c->sequence.store(i, std::memory_order_relaxed);
      c->offset = static_cast<std::uint32_t>(offset_);
    }
  }

  lane(const lane&) = delete;
  lane& operator=(const lane&) = delete;
  ~lane() { ::operator delete (static_cast<void*>(cells_), std::align_val_t{align_}); }

  [[nodiscard]] bool empty() const noexcept { return pending_.load(std::memory_order_acquire) == 0; }  // [L2] ← [H2]
  [[nodiscard]] std::uint64_t size() const noexcept { return pending_.load(std::memory_order_seq_cst); }  // [H1]
  [[nodiscard]] std::size_t bytes() const noexcept { return (mask_ + 2) * stride_; }

  /// Appends what `fill(cell)` writes; false when full.
  template <class Fill>
  bool append(Fill&& fill) noexcept {
    std::uint64_t at = tail_.load(std::memory_order_relaxed);
    for (;;) {
      cell& c = at_place(at);
      const std::uint64_t seen = c.sequence.load(std::memory_order_seq_cst);  // pairs with [lane-free]
      if (seen == at) {
        if (tail_.compare_exchange_weak(at, at + 1, std::memory_order_relaxed)) {
          fill(c);
          c.sequence.store(at + 1, std::memory_order_release);  // [L4]
          pending_.fetch_add(1, std::memory_order_seq_cst);     // [H2]
          return true;
        }
      } else if (static_cast<std::int64_t>(seen - at) < 0) {
        return false;
      } else {
        at = tail_.load(std::memory_order_relaxed);
      }
    }
  }

  // The drainer's side; only between enter() that said true and leave() that said true.

  [[nodiscard]] bool enter() noexcept {
    if (work_.fetch_add(1, std::memory_order_acq_rel) != 0) return false;  // [W1] ↔ [W2]
    mine_ = 1;
    return true;
  }
  [[nodiscard]] bool leave() noexcept {
    const std::uint32_t mine = mine_;  // once the count is down to nothing, the next drainer writes its own
    const std::uint32_t before = work_.fetch_sub(mine, std::memory_order_acq_rel);  // [W2] ↔ [W1]
    if (before == mine) return true;
    mine_ = before - mine;
    return false;
  }

  [[nodiscard]] cell* front() noexcept {
    cell& c = at_place(head_);
    return c.sequence.load(std::memory_order_acquire) == head_ + 1 ? &c : nullptr;  // [L5] ← [L4]
  }
  void pop(cell& c) noexcept {
    c.sequence.store(head_ + mask_ + 1, std::memory_order_seq_cst);  // [lane-free]; then `stalled` is looked at
    ++head_;
    pending_.fetch_sub(1, std::memory_order_seq_cst);  // [L6] → [L2]; then waiting publishers are looked at
  }

  /// Room for one event more, the drainer's.
  [[nodiscard]] void* spare() noexcept { return cells_ + (mask_ + 1) * stride_; }

 private:
  [[nodiscard]] cell& at_place(std::uint64_t at) noexcept {
    return *std::launder(reinterpret_cast<cell*>(cells_ + (at & mask_) * stride_));
  }

  const std::size_t mask_;
  const std::size_t align_;
  const std::size_t offset_;
  const std::size_t stride_;
  std::byte* const cells_;
  alignas(64) std::atomic<std::uint64_t> tail_{0};
  alignas(64) std::atomic<std::uint64_t> pending_{0};
  std::atomic<std::uint32_t> work_{0};
  std::uint64_t head_ = 0;  // the drainer's
  std::uint32_t mine_ = 1;  // the drainer's: entries it has answered for
};

}  // namespace peal::inline v0::detail
