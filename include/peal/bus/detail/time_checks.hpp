// SPDX-License-Identifier: MIT
// Wiring errors of timeouts and expiry, each as a sentence, and their numbers without the policies' types.
#pragma once

#include <peal/bus/placement.hpp>
#include <peal/core/error.hpp>
#include <peal/detail/type_list.hpp>
#include <peal/policy/expiry.hpp>
#include <peal/policy/timeout.hpp>

#include <cstddef>
#include <string>
#include <type_traits>

namespace peal::inline v0::detail {

template <class P>
inline constexpr bool is_timeout = std::is_same_v<P, timeout>;
template <class P>
inline constexpr bool is_expires = std::is_same_v<P, expires>;
template <class P>
inline constexpr bool is_expired_letters = std::is_same_v<P, expired_letters>;
template <class P>
inline constexpr bool is_time_policy = is_timeout<P> || is_expires<P> || is_expired_letters<P>;

/// Errors: bad_option.
template <class P>
void check_time(const P& policy, bool timed) {
  if constexpr (is_timeout<P> || is_expires<P>) {
    const char* const name = is_timeout<P> ? "timeout" : "expires";
    if (policy.after.count() <= 0) {
      throw bad_option(std::string("peal: ") + name + " of " + std::to_string(policy.after.count()) +
                       " ns: from 1 ns on");
    }
    if (is_expires<P> && !timed) {
      throw bad_option(
          "peal: expires needs to know when an event was published; give its topic the option peal::timed");
    }
  }
}

template <class Events, class... Ps>
struct time_checks;
template <class... Es, class... Ps>
struct time_checks<type_list<Es...>, Ps...> {
  static constexpr bool here = (std::is_same_v<Ps, on_publisher_thread_t> || ... || false);
  static constexpr bool limits = (is_timeout<Ps> || ... || false);
  static constexpr bool ages = (is_expires<Ps> || ... || false);
  static constexpr bool letters = (is_expired_letters<Ps> || ... || false);
  static_assert((std::size_t{is_timeout<Ps>} + ... + 0) <= 1,
                "peal: a subscription has two timeout policies; keep one");
  static_assert((std::size_t{is_expires<Ps>} + ... + 0) <= 1,
                "peal: a subscription has two expires policies; keep one");
  static_assert((std::size_t{is_expired_letters<Ps>} + ... + 0) <= 1,
                "peal: a subscription says on_expiry twice; keep one");
  static_assert(!limits || !here,
                "peal: timeout does not go with on_publisher_thread, where the publisher waits for the handler however "
                "long it takes; let it run on the bus's workers");
  static_assert(!ages || !here,
                "peal: expires does not go with on_publisher_thread, where an event is handled before publish returns; "
                "let it run on the bus's workers");
  static_assert(!letters || (std::is_copy_constructible_v<Es> && ...),
                "peal: on_expiry(dead_letter) keeps events aside, which needs them copyable");
  static constexpr bool ok = true;
};

}  // namespace peal::inline v0::detail
