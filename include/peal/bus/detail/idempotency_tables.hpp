// SPDX-License-Identifier: MIT
// Which tables of keys a subscription has: one for each type of key its idempotent policy names, none without one.
#pragma once

#include <peal/bus/detail/handler_traits.hpp>
#include <peal/detail/minmax.hpp>
#include <peal/detail/type_list.hpp>
#include <peal/policy/idempotency.hpp>

#include <type_traits>

namespace peal::inline v0::detail {

/// The key tables of a subscription, one for each type of key.
template <class... Keys>
struct key_tables : key_table<Keys>... {
  explicit key_tables(const idempotency_window& w) : key_table<Keys>(w.window, w.capacity)... {}

  [[nodiscard]] std::chrono::steady_clock::time_point oldest() noexcept {
    auto when = std::chrono::steady_clock::time_point::max();
    ((when = smaller(when, key_table<Keys>::oldest())), ...);
    return when;
  }
};
template <class List>
struct tables_from;
template <class... Keys>
struct tables_from<type_list<Keys...>> {
  using type = key_tables<Keys...>;
};
template <class Done, class... Rest>
struct distinct {
  using type = Done;
};
template <class... Done, class T, class... Rest>
struct distinct<type_list<Done...>, T, Rest...>
    : distinct<std::conditional_t<contains<T, type_list<Done...>>, type_list<Done...>, type_list<Done..., T>>,
               Rest...> {};

struct no_tables {
  explicit no_tables(const idempotency_window&) noexcept {}
};
template <class Policy, class... Es>
struct tables_for : tables_from<typename distinct<type_list<>, typename Policy::template key_type<Es>...>::type> {};

struct no_idempotent {
  template <class>
  using key_type = int;
  [[nodiscard]] idempotency_window limits() const noexcept { return {}; }
};
template <class... Es>
struct tables_for<no_idempotent, Es...> {
  using type = no_tables;
};
template <class... Ps>
struct idempotent_in {
  using type = no_idempotent;
};
template <class P, class... Ps>
struct idempotent_in<P, Ps...> : std::conditional_t<is_idempotent<P>, std::type_identity<P>, idempotent_in<Ps...>> {};

}  // namespace peal::inline v0::detail
