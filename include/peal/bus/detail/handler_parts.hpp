// SPDX-License-Identifier: MIT
// A handler with its policies, as long as it may be called: filters, middleware, rules, remembered and busy keys.
#pragma once

#include <peal/bus/detail/handler_traits.hpp>
#include <peal/bus/detail/idempotency_tables.hpp>
#include <peal/bus/detail/ordered_part.hpp>
#include <peal/bus/detail/policies_in.hpp>

#include <cstdint>
#include <new>
#include <tuple>
#include <type_traits>
#include <utility>

namespace peal::inline v0::detail {

template <class Events, class Handler, class... Ps>
struct handler_parts;
template <class... Es, class Handler, class... Ps>
struct handler_parts<type_list<Es...>, Handler, Ps...> {
  using idempotent_policy = typename idempotent_in<Ps...>::type;
  using ordered_policy = typename ordered_in<Ps...>::type;

  explicit handler_parts(Handler&& h, Ps&&... ps)
      : handler{std::move(h)},
        policies{std::move(ps)...},
        rules{detail::rules_in(policies)},
        keys{detail::window_in(policies)} {}

  template <class E>
  key_table<typename idempotent_policy::template key_type<E>>& table() noexcept {
    return keys;
  }

  /// Fetches the place of an event's key.
  template <class E>
  void fetch_key(const void* at, std::uint8_t type) {
    const E& event = *std::launder(static_cast<const E*>(at));
    const auto& policy = std::get<idempotent_policy>(policies);
    // Only a key that stands in the event: a function of the user's is called once.
    if constexpr (std::is_lvalue_reference_v<decltype(policy.key(event))> && idempotent_policy::members_only) {
      (void)rule_set<>{}.run([&] { (void)table<E>().prepare(policy.key(event), type); });
    }
  }

  template <class E>
  bool passes(const E& event) {
    return std::apply([&](const auto&... policy) { return (passes_one(policy, event) && ...); }, policies);
  }

  /// The middleware from the I-th policy on, then the handler.
  template <std::size_t I, class E, class Next>
  auto around(const E& event, delivery& d, Next&& next) -> decltype(next()) {
    if constexpr (I == sizeof...(Ps)) {
      return next();
    } else {
      using P = std::tuple_element_t<I, std::tuple<Ps...>>;
      if constexpr (is_middleware<P>) {
        return std::get<I>(policies)(
            event, d, [&]() -> decltype(next()) { return this->template around<I + 1>(event, d, next); });
      } else {
        return this->template around<I + 1>(event, d, next);
      }
    }
  }

  template <class E>
  decltype(auto) call(const E& event, delivery& d) {
    if constexpr (takes_delivery<Handler, E>) {
      return handler(event, d);
    } else {
      return handler(event);
    }
  }

  Handler handler;
  std::tuple<Ps...> policies;
  rules_of<Ps...> rules;
  typename tables_for<idempotent_policy, Es...>::type keys;
  [[no_unique_address]] ordered_part<ordered_policy, nth_t<0, type_list<Es...>>> busy{};

 private:
  template <class P, class E>
  static bool passes_one(const P& policy, const E& event) {
    if constexpr (is_filter<P>) {
      return policy(event);
    } else {
      return true;
    }
  }
};

}  // namespace peal::inline v0::detail
