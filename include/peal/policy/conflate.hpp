// SPDX-License-Identifier: MIT
// Of what waits, only the newest event of each key is worth handling.
#pragma once

#include <peal/detail/key_access.hpp>
#include <peal/policy/ordering.hpp>

#include <cstddef>
#include <tuple>
#include <type_traits>
#include <utility>

namespace peal::inline v0 {

/// Choice of `behind`: an event that is still waiting when a newer one of its key comes gives it its place.
///
/// One key for each event type of the subscription; events of different types never replace each other. The newer event
/// takes over place and wait, also of one that is in a back-off, and starts with no attempt. What was replaced is counted
/// as dropped. Of a key that is a std::optional, one without a value means that the event is never replaced. An event that
/// the subscription's filter does not let pass replaces nothing; filters are asked before and once more when it is run.
/// Capacity: one waiting event a key, at most `side_store{…}` of them; when there are more keys than that, the event that
/// would run next is dropped and counted. Between two runs of the handler it takes everything out of the ring; what more
/// than the topic has room for is published during one run, the ring drops, the oldest first and whatever its key.
/// Order: by when a key's waiting began. Errors: an event whose key throws is not replaced.
/// Example: `peal::behind{peal::conflate{&price::symbol}}`
template <class... Keys>
class conflate {
  template <class Key, class... Es>
  static constexpr bool takes_one = (detail::key_function_of<Key, Es> || ... || false);
  static_assert(sizeof...(Keys) >= 1,
                "peal: conflate{key…} takes a key, a member pointer or a function of the event, for each event");

 public:
  constexpr explicit conflate(Keys... keys) : keys_{std::move(keys)...} {}

  /// How many of the keys take events of type `E`.
  template <class E>
  static constexpr std::size_t takers = detail::key_takers<E, Keys...>;
  /// Whether each key takes one of these events.
  template <class... Es>
  static constexpr bool all_used = (takes_one<Keys, Es...> && ...);

  /// The key of `event`: a reference to what a table would keep, or that itself; an optional where it may be missing.
  template <class E>
  [[nodiscard]] constexpr decltype(auto) key(const E& event) const {
    static_assert(takers<E> != 0,
                  "peal: conflate{…} has no key for an event of this subscription; add a member pointer or a function "
                  "that takes it");
    static_assert(takers<E> <= 1,
                  "peal: conflate{…} has more than one key for the same event; keep the one that names it exactly");
    if constexpr (takers<E> == 1) return detail::key_of(keys_, event);
  }

  /// The type in which a table keeps the keys of `E`.
  template <class E, class Self = conflate>
  using key_type = typename detail::without_optional<
      std::remove_cvref_t<decltype(std::declval<const Self&>().key(std::declval<const E&>()))>>::type;

 private:
  std::tuple<Keys...> keys_;
};

namespace detail {

template <class T>
inline constexpr bool is_conflate = false;
template <class... Keys>
inline constexpr bool is_conflate<conflate<Keys...>> = true;

}  // namespace detail

}  // namespace peal::inline v0
