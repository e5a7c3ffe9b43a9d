// SPDX-License-Identifier: MIT
// What a subscription looks like from outside: names of its outputs and policies, made by the compiler.
#pragma once

#include <peal/bus/detail/handler_traits.hpp>
#include <peal/core/event_name.hpp>
#include <peal/detail/type_list.hpp>
#include <peal/detail/type_name.hpp>

#include <array>
#include <cstddef>
#include <string_view>
#include <type_traits>

namespace peal::inline v0::detail {

struct policy_shape {
  std::string_view kind;
  std::string_view of{};  ///< what a rule catches
};

/// Lifetime: that of the program.
struct shape {
  const std::string_view* outputs = nullptr;
  std::size_t output_count = 0;
  const policy_shape* policies = nullptr;
  std::size_t policy_count = 0;
};

template <class P>
constexpr policy_shape shape_of_policy() noexcept {
  if constexpr (is_on_rule<P>) {
    return {"on", type_name<typename P::exception_type>()};
  } else if constexpr (is_rule<P>) {
    return {"otherwise"};
  } else if constexpr (is_behind<P>) {
    return {std::is_same_v<P, behind<drop_oldest_t>>  ? "behind{drop_oldest}"
            : std::is_same_v<P, behind<read_store_t>> ? "behind{read_store}"
                                                      : "behind{conflate}"};
  } else if constexpr (is_placement<P>) {
    return {std::is_same_v<P, on_poll_t> ? "on_poll" : "on_publisher_thread"};
  } else if constexpr (is_time_policy<P>) {
    return {is_timeout<P> ? "timeout" : is_expires<P> ? "expires" : "on_expiry"};
  } else {
    return {is_filter<P>        ? "filter"
            : is_middleware<P>  ? "middleware"
            : is_idempotent<P>  ? "idempotent"
            : is_ordered<P>     ? "ordered_by"
            : is_concurrency<P> ? "concurrency"
            : is_side_store<P>  ? "side_store"
            : is_breaker<P>     ? "breaker"
            : is_rate<P>        ? "rate"
            : is_measured<P>    ? "measured"
            : is_beginning<P>   ? (std::is_same_v<P, start_at> ? "start_at" : "transient")
                                : type_name<P>()};
  }
}

template <class Outputs, class... Ps>
struct shape_of;
template <class... Os, class... Ps>
struct shape_of<type_list<Os...>, Ps...> {
  static constexpr std::array<std::string_view, sizeof...(Os) + 1> outputs{display_name<Os>()..., {}};
  static constexpr std::array<policy_shape, sizeof...(Ps) + 1> policies{detail::shape_of_policy<Ps>()..., {}};
  static constexpr shape value{outputs.data(), sizeof...(Os), policies.data(), sizeof...(Ps)};
};

}  // namespace peal::inline v0::detail
