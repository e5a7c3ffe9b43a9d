// SPDX-License-Identifier: MIT
// Several back-offs one after the other: quick runs first, slow ones later, then an end that is said.
#pragma once

#include <peal/policy/actions.hpp>
#include <peal/policy/backoff.hpp>

#include <array>
#include <concepts>
#include <cstddef>

namespace peal::inline v0 {

/// Action of a rule: `N` back-offs, each with its own runs, then `End` (`discard_t` or `dead_letter_t`).
///
/// Made by `backoff::then`. The first counts the first run among its `attempts`, each further one counts from its own
/// start. Each `max_elapsed` counts from the first failed run.
template <std::size_t N, class End>
struct ended_backoffs {
  std::array<backoff, N> plans;
};

/// The same, ending as a dead letter for as long as nothing else is said.
template <std::size_t N>
struct backoff_chain {
  std::array<backoff, N> plans;

  [[nodiscard]] constexpr backoff_chain<N + 1> then(const backoff& next) const noexcept {
    backoff_chain<N + 1> longer{};
    for (std::size_t i = 0; i < N; ++i) longer.plans[i] = plans[i];
    longer.plans[N] = next;
    return longer;
  }
  [[nodiscard]] constexpr ended_backoffs<N, discard_t> then(discard_t) const noexcept { return {plans}; }
  [[nodiscard]] constexpr ended_backoffs<N, dead_letter_t> then(dead_letter_t) const noexcept { return {plans}; }
};

template <class Next>
constexpr auto backoff::then(Next next) const noexcept {
  return backoff_chain<1>{{*this}}.then(next);
}

namespace detail {

template <class T>
inline constexpr bool is_chain = false;
template <std::size_t N>
inline constexpr bool is_chain<backoff_chain<N>> = true;
template <std::size_t N, class End>
inline constexpr bool is_chain<ended_backoffs<N, End>> = true;

/// An action that may run a delivery again.
template <class T>
concept runs_again = std::same_as<T, backoff> || is_chain<T>;

}  // namespace detail

}  // namespace peal::inline v0
