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

/// The bytes of one event of several types; its tag says which.
template <class... Es>
struct event_storage {
  static constexpr bool needs_reclaim = !(std::is_trivially_destructible_v<Es> && ...);
  alignas(Es...) std::byte bytes[largest(sizeof(Es)...)];

  void reclaim(std::uint8_t tag) noexcept {
    if ((tag & slot_tag::empty) != 0) return;
    // A destructor is user code that may publish, on whatever thread moved the last cursor: it must not wait.
    ++user_code_depth;
    constexpr void (*destroyers[])(void*) noexcept = {&destroy_event<Es>...};
    destroyers[tag & slot_tag::type_mask](bytes);
    --user_code_depth;
  }
};
template <class List>
struct storage_from;
template <class... Es>
struct storage_from<type_list<Es...>> {
  using type = event_storage<Es...>;
  static constexpr std::array<const event_ops*, sizeof...(Es)> ops{&ops_of<Es>...};
};

/// Which hold cells of a ring are free.
///
/// Capacity: 16 publishers at once run handlers on their own thread beside other subscriptions; a 17th waits.
class hold_cells {
 public:
  static constexpr std::size_t count = 16;

  std::uint32_t take(void (*yield)() noexcept) noexcept {
    for (;;) {
      std::uint32_t free = free_.load(std::memory_order_relaxed);
      while (free != 0) {
        const std::uint32_t lowest = free & (~free + 1);
        if (free_.compare_exchange_weak(free, free & ~lowest, std::memory_order_acquire)) {  // pairs with [hold-free]
          return static_cast<std::uint32_t>(std::countr_zero(lowest));
        }
      }
      yield();
    }
  }
  void give(std::uint32_t cell) noexcept { free_.fetch_or(1U << cell, std::memory_order_release); }  // [hold-free]

 private:
  std::atomic<std::uint32_t> free_{(1U << count) - 1};
};

}  // namespace peal::inline v0::detail
