// SPDX-License-Identifier: MIT
// What is looked up in a subscription's policies when it is made: its rules, its window of keys, its side store.
#pragma once

#include <peal/bus/detail/handler_traits.hpp>
#include <peal/bus/detail/subscription_base.hpp>
#include <peal/policy/backoff.hpp>
#include <peal/policy/idempotency.hpp>
#include <peal/policy/overflow.hpp>

#include <cstdint>
#include <tuple>

namespace peal::inline v0::detail {

template <class P>
bool side_store_in(const P& policy, side_store& found) noexcept {
  if constexpr (is_side_store<P>) found = policy;
  return is_side_store<P>;
}
/// How many events may be kept aside: what a side_store says, else its default.
template <class... Ps>
std::uint32_t side_capacity_in(const Ps&... policies) noexcept {
  side_store found;
  (void)((detail::side_store_in(policies, found)) || ...);
  return found.capacity;
}

template <class P>
auto rule_as_tuple(const P& policy) {
  if constexpr (is_rule<P>) {
    return std::tuple<P>{policy};
  } else {
    return std::tuple<>{};
  }
}
/// The rules, in the order written.
template <class... Ps>
rules_of<Ps...> rules_in(const std::tuple<Ps...>& policies) {
  return std::apply(
      [](const auto&... policy) {
        return std::apply([](auto... rule) { return rules_of<Ps...>{rule...}; },
                          std::tuple_cat(detail::rule_as_tuple(policy)...));
      },
      policies);
}

template <class P>
bool window_in_policy(const P& policy, idempotency_window& window) {
  if constexpr (is_idempotent<P>) window = policy.limits();
  return is_idempotent<P>;
}
/// The limits of the idempotent policy; those of none do not matter.
template <class... Ps>
idempotency_window window_in(const std::tuple<Ps...>& policies) {
  idempotency_window window{};
  std::apply([&](const auto&... policy) { (void)((detail::window_in_policy(policy, window)) || ...); }, policies);
  return window;
}

template <class P>
void take_limit(const P& policy, time_limits& found) noexcept {
  if constexpr (is_timeout<P>) found.attempt = policy.after;
  if constexpr (is_expires<P>) found.age = policy.after;
  if constexpr (is_expired_letters<P>) found.letters = true;
}
template <class... Ps>
time_limits limits_in(const Ps&... policies) noexcept {
  time_limits found;
  (detail::take_limit(policies, found), ...);
  return found;
}

template <class P>
bool backoff_in(const P& policy, applied_action& found) noexcept {
  if constexpr (backs_off<P>) found = erased(policy.action);
  return found.plan != nullptr;
}
/// The first rule's back-off, which bounds the runs that a handler asks for; without a plan where no rule has one.
template <class... Ps>
applied_action first_backoff_in(const std::tuple<Ps...>& policies) noexcept {
  applied_action found{action_kind::again};
  std::apply([&](const auto&... policy) { (void)((detail::backoff_in(policy, found)) || ...); }, policies);
  return found;
}

}  // namespace peal::inline v0::detail
