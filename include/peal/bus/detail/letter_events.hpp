// SPDX-License-Identifier: MIT
// Letters as events: how a bus that carries peal::dead_letter_record<E> hears of each new letter of E.
#pragma once

#include <peal/bus/detail/letter_box.hpp>
#include <peal/core/event.hpp>
#include <peal/detail/type_list.hpp>
#include <peal/policy/dead_letter.hpp>

#include <array>
#include <type_traits>

namespace peal::inline v0::detail {

template <class E>
inline constexpr bool is_letter = false;
template <class E>
inline constexpr bool is_letter<dead_letter_record<E>> = true;

/// The wiring errors of letters as events. `Core` is the bus's.
template <class Core, class E>
struct letter_checks {
  static constexpr bool ok = true;
};
template <class Core, class E>
struct letter_checks<Core, dead_letter_record<E>> {
  static_assert(
      !is_letter<E>,
      "peal: a bus cannot carry the letters of letters: what hears of letters would hear of its own for ever; "
      "look at those with bus.dead_letters<…>()");
  static_assert(is_letter<E> || Core::template carries<E>,
                "peal: this bus carries the letters of an event that it does not carry; add the event to its topics");
  static_assert(std::is_copy_constructible_v<E>,
                "peal: letters are told as copies, and this event cannot be copied; look at letters with "
                "bus.dead_letters<…>()");
  static_assert(!Core::template is_single<dead_letter_record<E>>,
                "peal: letters are published by every subscription, so their topic cannot be single_producer");
  static constexpr bool ok = true;
};

/// For each event of a topic the function that tells of its letters, or null.
template <class Core, class Events>
struct letter_tellers;
template <class Core, class... Es>
struct letter_tellers<Core, type_list<Es...>> {
  static_assert((letter_checks<Core, Es>::ok && ...));
  using teller = void (*)(void* core, const letter_ptr&) noexcept;

  template <class E>
  static constexpr teller of() noexcept {
    if constexpr (Core::template carries<dead_letter_record<E>>) {
      return &Core::template tell<E>;
    } else {
      return nullptr;
    }
  }
  static constexpr bool any = (Core::template carries<dead_letter_record<Es>> || ...);
  static constexpr std::array<teller, sizeof...(Es)> all{of<Es>()...};
};

}  // namespace peal::inline v0::detail
