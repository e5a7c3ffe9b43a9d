// SPDX-License-Identifier: MIT
// What may be published: plain values that move and die without throwing.
#pragma once

#include <cstddef>
#include <new>
#include <string_view>
#include <type_traits>
#include <utility>

#include <peal/core/event_name.hpp>

namespace peal::inline v0 {

/// A value that a bus can carry.
///
/// It is moved into its slot after the slot was claimed, where an exception would leave a hole that stops the topic;
/// so moving and destroying must be `noexcept`.
template <class E>
concept event = std::is_object_v<E> && std::is_same_v<E, std::remove_cvref_t<E>> && !std::is_array_v<E> &&
                std::is_nothrow_move_constructible_v<E> && std::is_nothrow_destructible_v<E>;

namespace detail {

/// How code that does not know an event's type keeps a copy of it.
struct event_ops {
  std::size_t size;
  std::size_t align;
  std::string_view (*name)() noexcept;
  void (*copy)(void* to, const void* from);     ///< may throw what the copy constructor throws; null: no copies
  void (*move)(void* to, void* from) noexcept;  ///< constructs at `to`; `from` stays to be destroyed
  void (*destroy)(void* at) noexcept;
  bool trivial;  ///< destroying does nothing
  void (*let_go)(void* at) noexcept =
      nullptr;  ///< it becomes a letter: nobody waits for it any more; null: nobody ever did
};

template <class E>
void copy_event(void* to, const void* from) {
  ::new (to) E(*static_cast<const E*>(from));
}
template <class E>
void move_event(void* to, void* from) noexcept {
  ::new (to) E(std::move(*static_cast<E*>(from)));
}
template <class E>
void destroy_event(void* at) noexcept {
  static_cast<E*>(at)->~E();
}

/// Somebody may wait for what becomes of it.
template <class E>
concept awaited_event = requires(E& e) {
  { e.let_go() }
  noexcept;
  typename E::awaited_by;
};
template <class E>
void let_event_go(void* at) noexcept {
  static_cast<E*>(at)->let_go();
}

template <class E>
constexpr event_ops make_event_ops() noexcept {
  event_ops ops{sizeof(E),
                alignof(E),
                &display_name<E>,
                nullptr,
                &move_event<E>,
                &destroy_event<E>,
                std::is_trivially_destructible_v<E>};
  if constexpr (std::is_copy_constructible_v<E>) {
    ops.copy = &copy_event<E>;
  }
  if constexpr (awaited_event<E>) ops.let_go = &let_event_go<E>;
  return ops;
}

/// One table a type. Its address differs between shared libraries: call through it, never compare it.
template <class E>
inline constexpr event_ops ops_of = make_event_ops<E>();

}  // namespace detail
}  // namespace peal::inline v0
