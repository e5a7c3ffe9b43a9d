// SPDX-License-Identifier: MIT
// Events of one key keep their order through every failure: the policy that names the key and bounds what waits behind it.
#pragma once

#include <peal/detail/key_access.hpp>
#include <peal/policy/detail/busy_keys.hpp>

#include <cstddef>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>

namespace peal::inline v0 {

/// How many events may be held behind keys that are in trouble; one more stalls the subscription until there is room.
struct ordering_limits {
  std::size_t per_key = 1024;  ///< events behind one key; from 1
  std::size_t total = 16'384;  ///< events behind all keys of the subscription together; from 1
};

/// What becomes of a key when one of its events is a dead letter.
class after_letter {
 public:
  constexpr explicit after_letter(bool holds) noexcept : holds_{holds} {}
  [[nodiscard]] constexpr bool holds() const noexcept { return holds_; }

 private:
  bool holds_;
};
/// The key is held: its later events follow as letters `blocked_by` until the first one is redriven or discarded, and
/// then come back behind it in the order published. The default.
inline constexpr after_letter hold_key{true};
/// The key goes on without the dead event.
inline constexpr after_letter skip_key{false};

namespace detail {

template <class T>
inline constexpr bool is_optional = false;
template <class T>
inline constexpr bool is_optional<std::optional<T>> = true;

template <class T>
struct without_optional {
  using type = T;
};
template <class T>
struct without_optional<std::optional<T>> {
  using type = T;
};

}  // namespace detail

/// Policy: the effects of the events with one key happen in the order published, through back-off, dead letter and redrive.
///
/// One key for each event type of the subscription; keys of different event types that are equal are the same key. An
/// empty key is a key like any other; of a key that is a std::optional, one without a value means that the event has no
/// order. Nothing is asked of an event while no key is in trouble.
/// Capacity: `ordering_limits`. Order: per key; a key's back-off delays no other key.
/// Errors: a key that throws fails the attempt; an event whose key cannot be told when it is kept aside has no order.
/// Example: `peal::ordered_by{&order_placed::order_id, &order_cancelled::order_id, peal::skip_key}`
template <class... Keys>
class ordered_by {
  template <class Key, class... Es>
  static constexpr bool takes_one = (detail::key_function_of<Key, Es> || ... || false);
  static_assert(sizeof...(Keys) >= 1 && sizeof...(Keys) <= 4,
                "peal: ordered_by{key…} takes one to four keys, each a member pointer or a function of the event");

 public:
  constexpr explicit ordered_by(Keys... keys, after_letter after = hold_key, ordering_limits limits = {})
      : keys_{std::move(keys)...}, after_{after}, limits_{limits} {}
  constexpr explicit ordered_by(Keys... keys, ordering_limits limits)
      : ordered_by{std::move(keys)..., hold_key, limits} {}

  [[nodiscard]] constexpr const ordering_limits& limits() const noexcept { return limits_; }
  [[nodiscard]] constexpr bool holds() const noexcept { return after_.holds(); }

  /// How many of the keys take events of type `E`.
  template <class E>
  static constexpr std::size_t takers = detail::key_takers<E, Keys...>;
  /// Whether each key takes one of these events.
  template <class... Es>
  static constexpr bool all_used = (takes_one<Keys, Es...> && ...);

  /// The key of `event`: a reference to what a table would keep, or that itself; an optional where it may be missing.
  template <class E>
  [[nodiscard]] constexpr decltype(auto) key(const E& event) const {
    static_assert(
        takers<E> != 0,
        "peal: ordered_by{…} has no key for an event of this subscription; add a member pointer or a function "
        "that takes it");
    static_assert(takers<E> <= 1,
                  "peal: ordered_by{…} has more than one key for the same event; keep the one that names it exactly");
    if constexpr (takers<E> == 1) return detail::key_of(keys_, event);
  }

  /// The type in which a table keeps the keys of `E`.
  template <class E, class Self = ordered_by>
  using key_type = typename detail::without_optional<
      std::remove_cvref_t<decltype(std::declval<const Self&>().key(std::declval<const E&>()))>>::type;

 private:
  std::tuple<Keys...> keys_;
  after_letter after_;
  ordering_limits limits_;
};

// Braced limits cannot be deduced: each count of keys has its guides. The first is for too many, to say so.
template <class A, class B, class C, class D, class E, class... More>
ordered_by(A, B, C, D, E, More...) -> ordered_by<A, B, C, D, E, More...>;
template <class A>
ordered_by(A) -> ordered_by<A>;
template <class A>
ordered_by(A, after_letter) -> ordered_by<A>;
template <class A>
ordered_by(A, ordering_limits) -> ordered_by<A>;
template <class A>
ordered_by(A, after_letter, ordering_limits) -> ordered_by<A>;
template <class A, class B>
ordered_by(A, B) -> ordered_by<A, B>;
template <class A, class B>
ordered_by(A, B, after_letter) -> ordered_by<A, B>;
template <class A, class B>
ordered_by(A, B, ordering_limits) -> ordered_by<A, B>;
template <class A, class B>
ordered_by(A, B, after_letter, ordering_limits) -> ordered_by<A, B>;
template <class A, class B, class C>
ordered_by(A, B, C) -> ordered_by<A, B, C>;
template <class A, class B, class C>
ordered_by(A, B, C, after_letter) -> ordered_by<A, B, C>;
template <class A, class B, class C>
ordered_by(A, B, C, ordering_limits) -> ordered_by<A, B, C>;
template <class A, class B, class C>
ordered_by(A, B, C, after_letter, ordering_limits) -> ordered_by<A, B, C>;
template <class A, class B, class C, class D>
ordered_by(A, B, C, D) -> ordered_by<A, B, C, D>;
template <class A, class B, class C, class D>
ordered_by(A, B, C, D, after_letter) -> ordered_by<A, B, C, D>;
template <class A, class B, class C, class D>
ordered_by(A, B, C, D, ordering_limits) -> ordered_by<A, B, C, D>;
template <class A, class B, class C, class D>
ordered_by(A, B, C, D, after_letter, ordering_limits) -> ordered_by<A, B, C, D>;

}  // namespace peal::inline v0
