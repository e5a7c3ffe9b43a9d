// SPDX-License-Identifier: MIT
// Wiring errors of order by key, each as a sentence.
#pragma once

#include <peal/bus/placement.hpp>
#include <peal/detail/type_list.hpp>
#include <peal/policy/concurrency.hpp>
#include <peal/policy/ordering.hpp>

#include <cstddef>
#include <type_traits>

namespace peal::inline v0::detail {

template <class P>
inline constexpr bool is_concurrency = std::is_same_v<P, concurrency>;
template <class P>
inline constexpr bool is_ordered = false;
template <class... K>
inline constexpr bool is_ordered<ordered_by<K...>> = true;

/// The ordered_by among the policies, or `no_order`.
struct no_order {};
template <class... Ps>
struct ordered_in {
  using type = no_order;
};
template <class P, class... Ps>
struct ordered_in<P, Ps...> : std::conditional_t<is_ordered<P>, std::type_identity<P>, ordered_in<Ps...>> {};

template <class Policy, class... Es>
struct key_checks {
  static constexpr bool ok = true;
};
template <class... Keys, class E, class... Es>
struct key_checks<ordered_by<Keys...>, E, Es...> {
  using policy = ordered_by<Keys...>;
  static_assert(policy::template all_used<E, Es...>,
                "peal: a key of ordered_by{…} takes none of this subscription's events; each key names one of them");
  static constexpr bool told = ((policy::template takers<E> == 1) && ... && (policy::template takers<Es> == 1));
  // Where a key is missing, policy.key says so.
  using key = typename policy::template key_type<E>;
  static constexpr bool same = (std::is_same_v<key, typename policy::template key_type<Es>> && ... && true);
  static_assert(same || !told,
                "peal: the keys of ordered_by{…} are of different types, but equal keys of different events are one "
                "key; make them one type");
  static constexpr bool ok = told;
};

template <class Events, class... Ps>
struct ordering_checks;
template <class... Es, class... Ps>
struct ordering_checks<type_list<Es...>, Ps...> {
  static constexpr std::size_t orders = (std::size_t{is_ordered<Ps>} + ... + 0);
  static constexpr bool here = (std::is_same_v<Ps, on_publisher_thread_t> || ... || false);
  static_assert(orders <= 1, "peal: a subscription has two ordered_by policies; keep one, with all its keys");
  static_assert(orders == 0 || !here,
                "peal: ordered_by does not go with on_publisher_thread, where handlers of one subscription run "
                "concurrently; let it run on the bus's workers");
  static_assert(orders == 0 || (std::is_copy_constructible_v<Es> && ...),
                "peal: ordered_by keeps events aside, which needs them copyable");
  static constexpr bool ok = key_checks<typename ordered_in<Ps...>::type, Es...>::ok;
};

}  // namespace peal::inline v0::detail
