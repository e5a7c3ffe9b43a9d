// SPDX-License-Identifier: MIT
// The slots of a multicast ring: a word that says which position is published there, and room for one payload.
#pragma once

#include <peal/ring/atomics.hpp>
#include <peal/ring/detail/line.hpp>
#include <peal/ring/sequence.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <new>
#include <type_traits>

namespace peal::inline v0::detail {

/// A payload of which the type says only how it ends: its `size` and `align` are members of a value that the ring is given;
/// of that a `reclaiming{value}` is made for each run of payloads, and called with each payload and its tag.
template <class T>
concept sized_at_run_time = requires {
  typename T::sized_at_run_time;
};
struct sized_by_type {};
/// What one prefetch brings.
inline constexpr std::size_t fetched_bytes = 64;

/// How many slots an array has that is asked for so many. Errors: bad_array_new_length.
inline std::size_t checked_slots(std::size_t capacity, std::size_t stride) {
  if (capacity > max_capacity || rounded_capacity(capacity) > max_capacity / stride) {
    throw std::bad_array_new_length{};
  }
  return rounded_capacity(capacity);
}

/// Fixed slots {word, payload}; the word is `(position + 1) << 8 | tag`, so that the slot of a lap that has not been
/// published yet still names the lap before.
/// Thread safety: the words are shared, a payload belongs to whoever the protocols of the ring give it to.
template <class T, class Atomics>
class slot_array {
 public:
  using word_type = typename Atomics::template atomic<std::uint64_t>;

  struct slot {
    word_type word;
    alignas(T) std::byte payload[sizeof(T)];
    explicit slot(std::uint64_t w) noexcept : word{w} {}
  };

  using payload_kind = sized_by_type;
  static constexpr std::size_t stride = sizeof(slot);
  static constexpr std::size_t slots_a_fetch = stride >= fetched_bytes ? 1 : fetched_bytes / stride;
  static constexpr std::size_t payload_offset = (sizeof(word_type) + alignof(T) - 1) / alignof(T) * alignof(T);

  slot_array(std::size_t capacity, position first, sized_by_type = {})
      : mask_{checked_slots(capacity, stride) - 1}, slots_{allocate(mask_ + 1)} {
    for (std::size_t i = 0; i <= mask_; ++i) {
      const position p = advance(first, i);
      ::new (static_cast<void*>(&at(p))) slot{word_of(retreat(p, mask_ + 1), 0)};
    }
  }
  ~slot_array() { ::operator delete (static_cast<void*>(slots_), std::align_val_t{alignment}); }
  slot_array(const slot_array&) = delete;
  slot_array& operator=(const slot_array&) = delete;

  [[nodiscard]] static constexpr std::uint64_t word_of(position p, std::uint8_t tag) noexcept {
    return advance(p, 1) << 8 | tag;
  }
  /// Whether `word` says that exactly `p` is published.
  [[nodiscard]] static constexpr bool is(std::uint64_t word, position p) noexcept { return word >> 8 == advance(p, 1); }
  /// The same, where a later lap counts as well.
  [[nodiscard]] static constexpr bool reached(std::uint64_t word, position p) noexcept {
    return distance(word >> 8, advance(p, 1)) >= 0;
  }

  [[nodiscard]] std::size_t capacity() const noexcept { return mask_ + 1; }
  [[nodiscard]] std::size_t mask() const noexcept { return mask_; }
  [[nodiscard]] slot& at(position p) const noexcept { return slots_[static_cast<std::size_t>(p) & mask_]; }
  [[nodiscard]] word_type& word(position p) const noexcept { return at(p).word; }
  [[nodiscard]] T* storage(position p) const noexcept {
    return reinterpret_cast<T*>(static_cast<std::byte*>(at(p).payload));
  }
  [[nodiscard]] T* payload(position p) const noexcept { return std::launder(storage(p)); }
  [[nodiscard]] std::byte* base() const noexcept { return reinterpret_cast<std::byte*>(slots_); }
  [[nodiscard]] std::size_t bytes() const noexcept { return (mask_ + 1) * stride; }
  /// The payloads before `to`, which are published and needed no more.
  void destroy(position from, position to) const noexcept {
    for (position p = from; p != to; p = advance(p, 1)) {
      if constexpr (requires { payload(p)->reclaim(std::uint8_t{}); }) {
        payload(p)->reclaim(static_cast<std::uint8_t>(word(p).load(std::memory_order_relaxed)));
      } else {
        payload(p)->~T();
      }
    }
  }

 private:
  static constexpr std::size_t alignment = alignof(slot) > line_size ? alignof(slot) : line_size;

  static slot* allocate(std::size_t n) {
    return static_cast<slot*>(::operator new (n * sizeof(slot), std::align_val_t{alignment}));
  }

  std::size_t mask_;
  slot* slots_;
};

/// A payload that knows how to destroy itself from its tag.
template <class T>
concept self_reclaiming = requires(T& payload, std::uint8_t tag) {
  { T::needs_reclaim } -> std::convertible_to<bool>;
  { payload.reclaim(tag) }
  noexcept;
};

/// Whether slots of this payload have to be destroyed once everybody has read them.
template <class T>
[[nodiscard]] constexpr bool needs_reclaim() noexcept {
  if constexpr (requires { T::needs_reclaim; }) {
    static_assert(!T::needs_reclaim || self_reclaiming<T> || sized_at_run_time<T>,
                  "peal: a payload with needs_reclaim also needs `void reclaim(std::uint8_t tag) noexcept`");
    return T::needs_reclaim;
  } else {
    static_assert(std::is_nothrow_destructible_v<T>, "peal: a payload must be destructible without throwing");
    return !std::is_trivially_destructible_v<T>;
  }
}

}  // namespace peal::inline v0::detail
