// SPDX-License-Identifier: MIT
// Functions around each publication into a topic: stamping, checking, counting, refusing.
#pragma once

#include <peal/core/delivery.hpp>
#include <peal/core/envelope.hpp>
#include <peal/core/receipt.hpp>
#include <peal/core/result.hpp>

#include <cstddef>
#include <tuple>
#include <type_traits>

namespace peal::inline v0 {

/// Option of a topic: each publication goes through these function objects, `M(E&, publication&, next)`, the first one
/// outermost, however it comes: by the bus, a handle, a handler's output or a timer. As peal::middleware around handlers.
///
/// `next()` runs the rest and answers as try_publish does; a middleware returns that answer, or a publish_errc of its own
/// without having called `next()`: then the event is refused, as publish_errc::vetoed by convention, and an output or a
/// timer's event is dropped; both are counted (`topic_statistics::vetoed`). It may change the event and the options. What
/// finds no room and is tried again goes through it again. Events that it cannot take pass it by.
/// Errors: none may leave it: M is noexcept. Thread safety: called by all publishers at once.
/// Lifetime: one M a topic, default-made; `bus.publish_middleware<E, M>()` is the one of E's topic.
/// Example: `peal::topic<order_placed, peal::publish_through<stamp_tenant>>`
template <class... Ms>
struct publish_through {};

/// One publication on its way in.
struct publication {
  publish_options options{};           ///< what the publisher said; may be changed
  const delivery* handling = nullptr;  ///< what the publishing handler has in hand; null outside handlers
};

namespace detail {

template <class T>
struct publish_chain {
  using type = std::tuple<>;
};
template <class... Ms>
struct publish_chain<publish_through<Ms...>> {
  using type = std::tuple<Ms...>;
};
template <class T>
inline constexpr bool is_publish_through = false;
template <class... Ms>
inline constexpr bool is_publish_through<publish_through<Ms...>> = true;

/// The middleware from the I-th on, then `accept()`.
template <std::size_t I, class Chain, class E, class Accept>
result<receipt> run_publish_chain(Chain& all, E& event, publication& p, Accept& accept) noexcept {
  if constexpr (I == std::tuple_size_v<Chain>) {
    return accept();
  } else {
    using M = std::tuple_element_t<I, Chain>;
    auto next = [&]() noexcept -> result<receipt> { return detail::run_publish_chain<I + 1>(all, event, p, accept); };
    if constexpr (std::is_invocable_v<M&, E&, publication&, decltype(next)&>) {
      static_assert(std::is_nothrow_invocable_v<M&, E&, publication&, decltype(next)&>,
                    "peal: a publish middleware must be noexcept: outputs and timers publish as well, where nobody "
                    "could catch what it throws");
      static_assert(std::is_convertible_v<std::invoke_result_t<M&, E&, publication&, decltype(next)&>, result<receipt>>,
                    "peal: a publish middleware returns what next() returned, or a publish_errc");
      return std::get<I>(all)(event, p, next);
    } else {
      return next();
    }
  }
}

}  // namespace detail
}  // namespace peal::inline v0
