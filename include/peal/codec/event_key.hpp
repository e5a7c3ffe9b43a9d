// SPDX-License-Identifier: MIT
// The key that an event declares: what it is about, which compaction goes by.
#pragma once

#include <peal/codec/fields.hpp>
#include <peal/detail/key_access.hpp>

#include <concepts>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace peal::inline v0 {

/// The key of a foreign event, whose definition cannot be touched: specialise it with a static `value`.
///
/// An event says itself which of its fields is its key, beside them: a member pointer, or a static function. The key is
/// text, an integer or an enum (stored as decimal digits), or an optional one of these. Empty text and an optional without a
/// value mean that the event has no key. A durable topic stores it with the event (stored_event::key): see bus.compact.
/// Example:
/// ```
/// struct price {
///   std::string symbol;
///   std::int64_t cents{};
///   static constexpr peal::event_name name{"market.price", 1};
///   static constexpr auto fields = peal::fields(peal::field{"symbol", &price::symbol}, peal::field{"cents", &price::cents});
///   static constexpr auto key = &price::symbol;
/// };
/// ```
template <class E>
struct event_key_of {};

namespace detail {

template <class E>
concept keys_itself = key_function_of<std::remove_cvref_t<decltype(E::key)>, E>;
template <class E>
concept keyed_by_trait = key_function_of<std::remove_cvref_t<decltype(event_key_of<E>::value)>, E>;

}  // namespace detail

/// An event that declares a key.
template <class E>
concept keyed_event = detail::keys_itself<E> || detail::keyed_by_trait<E>;

namespace detail {

template <class Key>
void write_key(const Key& key, std::vector<std::byte>& out) {
  if constexpr (std::is_convertible_v<const Key&, std::string_view>) {
    const std::string_view text{key};
    const auto* const from = reinterpret_cast<const std::byte*>(text.data());
    out.insert(out.end(), from, from + text.size());
  } else if constexpr (std::is_enum_v<Key>) {
    write_key(static_cast<std::underlying_type_t<Key>>(key), out);
  } else if constexpr (std::integral<Key>) {
    write_key(std::to_string(key), out);
  } else if constexpr (requires {
                         *key;
                         key.has_value();
                       }) {
    if (key.has_value()) write_key(*key, out);
  } else {
    static_assert(
        std::integral<Key>,
        "peal: the key of an event is text, an integer or an enum; for anything else give a function of the event "
        "that returns a std::string");
  }
}

/// Appends the text of the event's key. Errors: bad_alloc, what a function of the user's throws.
template <keyed_event E>
void write_key_of(const E& event, std::vector<std::byte>& out) {
  if constexpr (keys_itself<E>) {
    write_key(key_from(E::key, event), out);
  } else {
    write_key(key_from(event_key_of<E>::value, event), out);
  }
}

}  // namespace detail
}  // namespace peal::inline v0
