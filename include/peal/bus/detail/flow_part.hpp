// SPDX-License-Identifier: MIT
// The flow of a subscription from its policies: breaker, rate, and rules that pause; and their wiring errors.
#pragma once

#include <peal/bus/detail/flow.hpp>
#include <peal/bus/placement.hpp>
#include <peal/detail/own_ptr.hpp>
#include <peal/policy/breaker.hpp>
#include <peal/policy/rate.hpp>
#include <peal/policy/retry.hpp>

#include <cstddef>
#include <type_traits>

namespace peal::inline v0::detail {

/// Runs `f`; `hit` tells whether it threw one of the types that a breaker counts.
template <class... Failures>
struct counted_failures {
  static constexpr bool any = false;
};
template <class First, class... Rest>
struct counted_failures<First, Rest...> {
  static constexpr bool any = true;
  template <class F>
  static void run(bool& hit, F&& f) {
    try {
      if constexpr (sizeof...(Rest) == 0) {
        f();
      } else {
        counted_failures<Rest...>::run(hit, f);
      }
    } catch (const First&) {
      hit = true;
      throw;
    }
  }
};

template <class P>
inline constexpr bool is_breaker = std::is_same_v<P, breaker>;
template <class... Failures>
inline constexpr bool is_breaker<breaker_counting<Failures...>> = true;

/// What the breaker among the policies counts.
template <class... Ps>
struct failures_of_breaker : std::type_identity<counted_failures<>> {};
template <class... Failures, class... Ps>
struct failures_of_breaker<breaker_counting<Failures...>, Ps...> : std::type_identity<counted_failures<Failures...>> {};
template <class P, class... Ps>
struct failures_of_breaker<P, Ps...> : failures_of_breaker<Ps...> {};

constexpr const breaker& limits_of(const breaker& b) noexcept { return b; }
template <class... Failures>
constexpr const breaker& limits_of(const breaker_counting<Failures...>& b) noexcept {
  return b.limits;
}

template <class P>
inline constexpr bool is_rate = std::is_same_v<P, rate>;

/// Wiring errors of breaker and rate, each as a sentence.
template <class... Ps>
struct flow_checks {
  static constexpr std::size_t breakers = (std::size_t{is_breaker<Ps>} + ... + 0);
  static constexpr std::size_t rates = (std::size_t{is_rate<Ps>} + ... + 0);
  static constexpr bool here = (std::is_same_v<Ps, on_publisher_thread_t> || ... || false);
  static_assert(breakers <= 1, "peal: a subscription has two breaker policies; keep one");
  static_assert(rates <= 1, "peal: a subscription has two rate policies; keep one");
  static_assert(breakers == 0 || !here,
                "peal: breaker does not go with on_publisher_thread: the publisher would have to wait; let the handler "
                "run on the bus's workers");
  static_assert(
      rates == 0 || !here,
      "peal: rate does not go with on_publisher_thread: the publisher would have to wait; let the handler run "
      "on the bus's workers");
  static constexpr bool permits = breakers + rates != 0;  ///< each run takes one
  static constexpr bool ok = true;
};

struct flow_parts {
  const breaker* guard = nullptr;
  const rate* pace = nullptr;
  bool pauses = false;

  template <class P>
  void look_at(const P& policy) noexcept {
    if constexpr (is_breaker<P>) guard = &limits_of(policy);
    if constexpr (is_rate<P>) pace = &policy;
    if constexpr (is_on_rule<P> || is_otherwise<P>) pauses = pauses || has_pause(erased(policy.action));
  }
};

/// Null when nothing of it is there. Errors: bad_option, bad_alloc.
template <class... Ps>
own_ptr<flow> flow_in(const Ps&... policies) {
  flow_parts found;
  (found.look_at(policies), ...);
  if (found.guard == nullptr && found.pace == nullptr && !found.pauses) return nullptr;
  return own_ptr<flow>{new flow(found.guard, found.pace)};
}

}  // namespace peal::inline v0::detail
