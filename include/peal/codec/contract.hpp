// SPDX-License-Identifier: MIT
// The events of a program as a file in its repository: fields that change without a new version do not compile.
#pragma once

#include <peal/codec/upcast.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace peal::inline v0 {

/// One line of a contract file: what an event was when it was written down.
struct contract_entry {
  std::string_view name;
  std::uint32_t version;
  std::uint64_t fingerprint;
  std::string_view schema;
};

namespace detail {

template <class E>
void write_contract(std::string& out) {
  if constexpr (has_previous<E>) write_contract<typename previous_version<E>::type>(out);
  constexpr char digits[] = "0123456789abcdef";
  constexpr event_name named = name_of<E>();
  out.append("{\"").append(named.name).append("\", ").append(std::to_string(named.version)).append(", 0x");
  for (int shift = 60; shift >= 0; shift -= 4) out += digits[(fingerprint<E>() >> shift) & 15U];
  out.append(", \"").append(schema_of<E>()).append("\"},\n");
}

enum class kept_as : std::uint8_t { written, changed, missing };

template <class E, std::size_t N>
constexpr kept_as look_up(const contract_entry (&golden)[N]) noexcept {
  constexpr event_name mine = name_of<E>();
  for (const contract_entry& e : golden) {
    if (e.name == mine.name && e.version == mine.version) {
      return e.fingerprint == fingerprint<E>() ? kept_as::written : kept_as::changed;
    }
  }
  return kept_as::missing;
}

template <const auto& Golden, class E>
constexpr bool keeps() noexcept {
  constexpr kept_as found = look_up<E>(Golden);
  static_assert(
      found != kept_as::changed,
      "peal: the fields of this event differ from its contract; what is stored could not be read any more. Give "
      "it a new version, with the old fields as `previous`");
  static_assert(found != kept_as::missing,
                "peal: this version of the event is not in the contract yet; write it down: peal::contract_text<…>()");
  if constexpr (has_previous<E>) {
    return found == kept_as::written && keeps<Golden, typename previous_version<E>::type>();
  } else {
    return found == kept_as::written;
  }
}

}  // namespace detail

/// The lines of a contract file for these events and their older versions, as C++ that a braced list can include.
template <encodable... Es>
std::string contract_text() {
  std::string out;
  (detail::write_contract<Es>(out), ...);
  return out;
}

/// True when each event and its older versions stand in the contract with these very fields; does not compile otherwise.
///
/// With CMake, `peal_contract(shop_events HEADER events.hpp FILE events.contract EVENTS order_placed payment_taken)` does the
/// following and, in the target `shop_events_accept`, writes the file after a change that is meant.
/// Example:
/// ```
/// constexpr peal::contract_entry golden[] = {
/// #include "events.contract"
/// };
/// static_assert(peal::keeps_contract<golden, order_placed, payment_taken>());
/// ```
template <const auto& Golden, encodable... Es>
constexpr bool keeps_contract() noexcept {
  return (detail::keeps<Golden, Es>() && ...);
}

}  // namespace peal::inline v0
