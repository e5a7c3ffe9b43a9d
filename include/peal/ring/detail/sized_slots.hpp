// SPDX-License-Identifier: MIT
// The slots of a ring whose payloads' size is known when it is made: one ring's code for all of them.
#pragma once

#include <peal/detail/minmax.hpp>
#include <peal/ring/detail/slot_array.hpp>

#include <cstddef>
#include <cstdint>
#include <new>

namespace peal::inline v0::detail {

/// As the other slot arrays. The payload stands right behind the word, whatever its alignment: where that is more than the
/// word's, the first word stands so much later.
/// Complexity: a position's slot is a multiplication where it is a shift elsewhere.
template <sized_at_run_time T, class Atomics>
class slot_array<T, Atomics> {
 public:
  using word_type = typename Atomics::template atomic<std::uint64_t>;
  using payload_kind = T;
  static constexpr std::size_t payload_offset = sizeof(word_type);

  const std::size_t stride;
  const std::size_t slots_a_fetch;

  slot_array(std::size_t capacity, position first, const T& kind)
      : stride{stride_for(kind)},
        slots_a_fetch{stride >= fetched_bytes ? 1 : fetched_bytes / stride},
        mask_{checked_slots(capacity, stride) - 1},
        kind_{kind} {
    base_ = static_cast<std::byte*>(::operator new (bytes(), std::align_val_t{alignment()})) + shift();
    for (std::size_t i = 0; i <= mask_; ++i) {
      const position p = advance(first, i);
      ::new (static_cast<void*>(address(p))) word_type{word_of(retreat(p, mask_ + 1), 0)};
    }
  }
  ~slot_array() { ::operator delete (static_cast<void*>(base_ - shift()), std::align_val_t{alignment()}); }
  slot_array(const slot_array&) = delete;
  slot_array& operator=(const slot_array&) = delete;

  [[nodiscard]] static constexpr std::uint64_t word_of(position p, std::uint8_t tag) noexcept {
    return advance(p, 1) << 8 | tag;
  }
  [[nodiscard]] static constexpr bool is(std::uint64_t word, position p) noexcept { return word >> 8 == advance(p, 1); }
  [[nodiscard]] static constexpr bool reached(std::uint64_t word, position p) noexcept {
    return distance(word >> 8, advance(p, 1)) >= 0;
  }

  [[nodiscard]] std::size_t capacity() const noexcept { return mask_ + 1; }
  [[nodiscard]] std::size_t mask() const noexcept { return mask_; }
  [[nodiscard]] word_type& at(position p) const noexcept { return word(p); }
  [[nodiscard]] word_type& word(position p) const noexcept { return *reinterpret_cast<word_type*>(address(p)); }
  [[nodiscard]] std::byte* storage(position p) const noexcept { return address(p) + payload_offset; }
  [[nodiscard]] std::byte* payload(position p) const noexcept { return storage(p); }
  [[nodiscard]] std::byte* base() const noexcept { return base_; }
  [[nodiscard]] std::size_t bytes() const noexcept { return (mask_ + 1) * stride + shift(); }
  void destroy(position from, position to) const noexcept {
    const typename T::reclaiming run{kind_};
    for (position p = from; p != to; p = advance(p, 1)) {
      std::byte* const slot = address(p);
      const auto& word = *reinterpret_cast<const word_type*>(slot);
      run(slot + payload_offset, static_cast<std::uint8_t>(word.load(std::memory_order_relaxed)));
    }
  }

 private:
  static std::size_t stride_for(const T& kind) noexcept {
    const std::size_t align = larger(kind.align, alignof(word_type));
    return (payload_offset + kind.size + align - 1) / align * align;
  }
  [[nodiscard]] std::size_t alignment() const noexcept { return larger(kind_.align, std::size_t{line_size}); }
  [[nodiscard]] std::size_t shift() const noexcept {
    return kind_.align > payload_offset ? kind_.align - payload_offset : 0;
  }
  [[nodiscard]] std::byte* address(position p) const noexcept {
    return base_ + (static_cast<std::size_t>(p) & mask_) * stride;
  }

  const std::size_t mask_;
  std::byte* base_;
  const T kind_;
};

}  // namespace peal::inline v0::detail
