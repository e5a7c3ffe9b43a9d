// SPDX-License-Identifier: MIT
// Each key is handled once: the policy that names an event's key and says how long handled keys are remembered.
#pragma once

#include <peal/detail/key_access.hpp>
#include <peal/policy/detail/key_table.hpp>

#include <cstddef>
#include <peal/detail/time.hpp>
#include <tuple>
#include <type_traits>
#include <utility>

namespace peal::inline v0 {

/// How long and how many handled keys are remembered; a duplicate that comes later runs again.
struct idempotency_window {
  std::chrono::nanoseconds window = std::chrono::hours{24};  ///< age at which a handled key is forgotten; from 0
  std::size_t capacity = 1'000'000;                          ///< most handled keys remembered; 1 to 2^31
};

/// Policy: of the events with one key only the first is handled; the others are counted as deduplicated.
///
/// A key is claimed before the handler runs, stays claimed through its back-offs, and is committed by success; a dead
/// letter or a discard abandons it, and the next event with the key runs. Events of different types never share a key.
/// Capacity: `idempotency_window`; keys whose events are still being handled are kept beyond it.
/// On a durable topic handled keys outlive the process: see peal::durable. Their types must be ones that can be a field
/// (<peal/codec/fields.hpp>), and their encoded form, with the names of topic and event, no longer than the store takes.
/// Example: `peal::idempotent{&order_placed::order_id, {.window = 24h, .capacity = 1'000'000}}`
template <class... Keys>
class idempotent {
  static_assert(sizeof...(Keys) >= 1 && sizeof...(Keys) <= 4,
                "peal: idempotent{key…} takes one to four keys, each a member pointer or a function of the event");

 public:
  constexpr explicit idempotent(Keys... keys, idempotency_window limits = {})
      : keys_{std::move(keys)...}, limits_{limits} {}

  [[nodiscard]] constexpr const idempotency_window& limits() const noexcept { return limits_; }

  /// Every key is a data member: taking one runs no code of the user's.
  static constexpr bool members_only = (std::is_member_object_pointer_v<Keys> && ...);

  /// How many of the key functions take events of type `E`.
  template <class E>
  static constexpr std::size_t takers = detail::key_takers<E, Keys...>;

  /// The key of `event`, by the one key function that takes it: a reference to what a table would keep, or that itself.
  template <class E>
  [[nodiscard]] constexpr decltype(auto) key(const E& event) const {
    static_assert(
        takers<E> != 0,
        "peal: idempotent{…} has no key for an event of this subscription; add a member pointer or a function "
        "that takes it");
    static_assert(takers<E> <= 1,
                  "peal: idempotent{…} has more than one key for the same event; keep the one that names it exactly");
    if constexpr (takers<E> == 1) return detail::key_of(keys_, event);
  }

  /// The type in which a table keeps the keys of `E`.
  template <class E, class Self = idempotent>
  using key_type = std::remove_cvref_t<decltype(std::declval<const Self&>().key(std::declval<const E&>()))>;

 private:
  std::tuple<Keys...> keys_;
  idempotency_window limits_;
};

// A braced window cannot be deduced: each count of keys has its guide. The first is for too many, to say so.
template <class A, class B, class C, class D, class E, class... More>
idempotent(A, B, C, D, E, More...) -> idempotent<A, B, C, D, E, More...>;
template <class A>
idempotent(A) -> idempotent<A>;
template <class A>
idempotent(A, idempotency_window) -> idempotent<A>;
template <class A, class B>
idempotent(A, B) -> idempotent<A, B>;
template <class A, class B>
idempotent(A, B, idempotency_window) -> idempotent<A, B>;
template <class A, class B, class C>
idempotent(A, B, C) -> idempotent<A, B, C>;
template <class A, class B, class C>
idempotent(A, B, C, idempotency_window) -> idempotent<A, B, C>;
template <class A, class B, class C, class D>
idempotent(A, B, C, D) -> idempotent<A, B, C, D>;
template <class A, class B, class C, class D>
idempotent(A, B, C, D, idempotency_window) -> idempotent<A, B, C, D>;

}  // namespace peal::inline v0
