// SPDX-License-Identifier: MIT
// What a slot of the bus's rings holds: the bytes of an event, and which of the ring's hold cells are in use.
#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <peal/bus/detail/frames.hpp>
#include <peal/bus/detail/topic_base.hpp>
#include <peal/core/event.hpp>
#include <peal/detail/minmax.hpp>
#include <peal/detail/type_list.hpp>

namespace peal::inline v0::detail {

/// What the slots of a topic hold: the bytes of one event of its types; the tag says which.
template <bool Reclaims>
struct slot_kind {
  using sized_at_run_time = void;
  static constexpr bool needs_reclaim = Reclaims;

  std::size_t size;
  std::size_t align;
  const event_ops* const* ops;

  /// A destructor is user code that may publish, on whatever thread moved the last cursor: it must not wait.
  class reclaiming {
   public:
    explicit reclaiming(const slot_kind& k) noexcept : ops_{k.ops} { ++user_code_depth; }
    reclaiming(const reclaiming&) = delete;
    reclaiming& operator=(const reclaiming&) = delete;
    ~reclaiming() { --user_code_depth; }

    void operator()(void* event, std::uint8_t tag) const noexcept {
      if ((tag & slot_tag::empty) == 0) ops_[tag & slot_tag::type_mask]->destroy(event);
    }

   private:
    const event_ops* const* ops_;
  };
};

/// The types of a topic's events as far as its code needs them.
struct event_set {
  const event_ops* const* ops;
  std::uint8_t count;
  std::size_t size;   ///< of the largest
  std::size_t align;  ///< of the strictest
};
template <class List>
struct event_set_from;
template <class... Es>
struct event_set_from<type_list<Es...>> {
  static constexpr bool needs_reclaim = !(std::is_trivially_destructible_v<Es> && ...);
  static constexpr std::array<const event_ops*, sizeof...(Es)> ops{&ops_of<Es>...};
  static constexpr event_set value{ops.data(), static_cast<std::uint8_t>(sizeof...(Es)), largest(sizeof(Es)...),
                                   largest(alignof(Es)...)};
};

/// Which hold cells of a ring are free.
///
/// Capacity: 16 publishers at once run handlers on their own thread beside other subscriptions; a 17th finds no room.
/// Memory order: seq_cst, because giving one back and then looking for sleepers is a store before a load.
class hold_cells {
 public:
  static constexpr std::size_t count = 16;
  static constexpr std::uint32_t none = ~std::uint32_t{0};

  std::uint32_t try_take() noexcept {
    std::uint32_t free = free_.load(std::memory_order_seq_cst);
    while (free != 0) {
      const std::uint32_t lowest = free & (~free + 1);
      if (free_.compare_exchange_weak(free, free & ~lowest, std::memory_order_seq_cst)) {  // pairs with [hold-free]
        return static_cast<std::uint32_t>(std::countr_zero(lowest));
      }
    }
    return none;
  }
  void give(std::uint32_t cell) noexcept { free_.fetch_or(1U << cell, std::memory_order_seq_cst); }  // [hold-free]
  [[nodiscard]] bool any() const noexcept { return free_.load(std::memory_order_seq_cst) != 0; }

 private:
  std::atomic<std::uint32_t> free_{(1U << count) - 1};
};

/// A hold cell taken before the claim: a claimed position must not wait for one, as it holds up the whole topic.
class hold_place {
 public:
  hold_place(hold_cells& cells, bool needed) noexcept : cells_{cells}, needed_{needed} {
    if (needed) cell_ = cells.try_take();
  }
  hold_place(const hold_place&) = delete;
  hold_place& operator=(const hold_place&) = delete;
  ~hold_place() { give(); }

  /// One may claim: a cell is there, or none is needed.
  [[nodiscard]] bool ready() const noexcept { return !needed_ || cell_ != hold_cells::none; }
  /// For one who has claimed without: whoever must wait here came when the first handler or reader did.
  std::uint32_t get(void (*yield)() noexcept) noexcept {
    while (cell_ == hold_cells::none && (cell_ = cells_.try_take()) == hold_cells::none) yield();
    return cell_;
  }
  void give() noexcept {
    if (cell_ != hold_cells::none) cells_.give(cell_);
    cell_ = hold_cells::none;
  }

 private:
  hold_cells& cells_;
  bool needed_;
  std::uint32_t cell_ = hold_cells::none;
};

}  // namespace peal::inline v0::detail
