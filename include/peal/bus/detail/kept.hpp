// SPDX-License-Identifier: MIT
// An event kept aside: one that waits for its next run, behind a duplicate, or as a dead letter.
#pragma once

#include <peal/bus/timer_wheel.hpp>
#include <peal/core/envelope.hpp>
#include <peal/core/event.hpp>
#include <peal/detail/minmax.hpp>
#include <peal/detail/shared.hpp>
#include <peal/policy/backoff.hpp>
#include <peal/policy/dead_letter.hpp>

#include <cstddef>
#include <cstdint>
#include <new>
#include <string>

namespace peal::inline v0::detail {

class subscription_base;
struct key_chain;

/// How far a delivery has come in the back-offs of one action.
struct retry_progress {
  const backoff* plans = nullptr;  ///< whose
  std::size_t plan = 0;
  std::uint32_t before = 0;  ///< failed runs that this plan does not count
  nanoseconds waited{0};     ///< before its last run
};

/// A copy of an event with everything that its delivery has gathered so far; the event stands behind it in memory.
struct kept : timer_node {
  kept(const event_ops& event_type, std::size_t event_offset) noexcept : ops{&event_type}, offset{event_offset} {}
  kept(const kept&) = delete;
  kept& operator=(const kept&) = delete;

  [[nodiscard]] void* event() noexcept { return reinterpret_cast<std::byte*>(this) + offset; }
  [[nodiscard]] const void* event() const noexcept { return reinterpret_cast<const std::byte*>(this) + offset; }

  subscription_base* owner = nullptr;
  kept* next = nullptr;   ///< among the due ones, behind the same claim, or behind the same key
  kept* newer = nullptr;  ///< in the owner's list, in the order kept
  kept* older = nullptr;
  std::uint64_t serial = 0;
  std::uint64_t position = 0;
  bool has_position = true;
  bool linked = false;    ///< in the owner's list
  std::uint8_t type = 0;  ///< index of the event's type in its topic
  envelope around{};
  bool has_envelope = false;
  std::uint32_t attempts = 0;
  std::uint32_t cycles = 0;
  retry_progress progress{};
  error_history errors{};
  void* claim = nullptr;
  key_chain* chain = nullptr;  ///< of its key, which is busy with it or has it waiting; not as a letter
  const event_ops* ops;
  std::size_t offset;
  // As a letter:
  dead_cause cause = dead_cause::failed;
  std::uint64_t number = 0;
  std::string subscription{};
  std::uint64_t owner_number = 0;  ///< which subscription of that name; 0: none had it
  std::uint64_t blocked_by = 0;    ///< the number of the letter that holds its key
  // In a durable topic:
  std::uint32_t row = ~std::uint32_t{0};  ///< no_row: none
  std::uint32_t died = 0;                 ///< lives that have ended while it ran
  bool careful = false;                   ///< its runs are noted before they begin
  bool suspect = false;                   ///< it runs alone
  shared<const kept> came_from{};         ///< in the store it stands until the delivery has ended
  time_point died_at{};
};

/// The one owner of it.
class kept_ptr {
 public:
  kept_ptr() noexcept = default;
  kept_ptr(std::nullptr_t) noexcept {}
  explicit kept_ptr(kept* k) noexcept : kept_{k} {}
  kept_ptr(kept_ptr&& other) noexcept : kept_{other.release()} {}
  kept_ptr& operator=(kept_ptr&& other) noexcept {
    reset(other.release());
    return *this;
  }
  kept_ptr(const kept_ptr&) = delete;
  kept_ptr& operator=(const kept_ptr&) = delete;
  ~kept_ptr() { reset(); }

  void reset(kept* k = nullptr) noexcept {
    kept* const old = kept_;
    kept_ = k;
    if (old == nullptr) return;
    const std::align_val_t align{larger(alignof(kept), old->ops->align)};
    old->ops->destroy(old->event());
    old->~kept();
    ::operator delete(static_cast<void*>(old), align);
  }
  [[nodiscard]] kept* release() noexcept {
    kept* const k = kept_;
    kept_ = nullptr;
    return k;
  }
  [[nodiscard, gnu::always_inline]] kept* get() const noexcept { return kept_; }
  [[nodiscard, gnu::always_inline]] kept& operator*() const noexcept { return *kept_; }
  [[nodiscard, gnu::always_inline]] kept* operator->() const noexcept { return kept_; }
  [[nodiscard, gnu::always_inline]] bool operator==(std::nullptr_t) const noexcept { return kept_ == nullptr; }

 private:
  kept* kept_ = nullptr;
};

/// Room for a kept event that `fill(address)` then constructs.
/// Errors: bad_alloc, or what `fill` throws; then nothing is left behind.
template <class Fill>
kept_ptr make_kept(const event_ops& ops, Fill&& fill) {
  const std::size_t align = larger(alignof(kept), ops.align);
  const std::size_t offset = (sizeof(kept) + ops.align - 1) / ops.align * ops.align;
  struct memory {
    void* at;
    std::align_val_t align;
    ~memory() {
      if (at != nullptr) ::operator delete(at, align);
    }
  } room{::operator new (offset + ops.size, std::align_val_t{align}), std::align_val_t{align}};
  struct node {
    kept* at;
    ~node() {
      if (at != nullptr) at->~kept();
    }
  } made{::new (room.at) kept(ops, offset)};
  fill(made.at->event());
  kept_ptr result{made.at};
  made.at = nullptr;
  room.at = nullptr;
  return result;
}

inline kept_ptr copy_event_aside(const event_ops& ops, const void* event) {
  return make_kept(ops, [&](void* to) { ops.copy(to, event); });
}
/// What a letter is when it comes back: its event, its place and its envelope, and a new start.
inline kept_ptr copy_letter(const kept& l) {
  kept_ptr again = copy_event_aside(*l.ops, l.event());
  again->position = l.position;
  again->type = l.type;
  again->around = l.around;
  again->has_envelope = l.has_envelope;
  again->cycles = l.cycles + 1;
  again->number = l.number;
  return again;
}
/// The letter itself once more, for an edit.
inline kept_ptr copy_whole_letter(const kept& l) {
  kept_ptr same = copy_event_aside(*l.ops, l.event());
  same->position = l.position;
  same->has_position = l.has_position;
  same->type = l.type;
  same->around = l.around;
  same->has_envelope = l.has_envelope;
  same->attempts = l.attempts;
  same->cycles = l.cycles;
  same->errors = l.errors;
  same->cause = l.cause;
  same->number = l.number;
  same->subscription = l.subscription;
  same->owner_number = l.owner_number;
  same->blocked_by = l.blocked_by;
  same->died_at = l.died_at;
  return same;
}
inline kept_ptr move_event_aside(const event_ops& ops, void* event) {
  return make_kept(ops, [&](void* to) { ops.move(to, event); });
}

}  // namespace peal::inline v0::detail
