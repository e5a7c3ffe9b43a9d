// SPDX-License-Identifier: MIT
// Older versions of an event: read as what they were, then brought up to date one version at a time.
#pragma once

#include <peal/codec/codec.hpp>

#include <concepts>
#include <cstdint>
#include <type_traits>
#include <utility>

namespace peal::inline v0 {

/// The version before this one, where the type itself cannot say it: specialise it with `using type = order_v1;` and
/// `static order_v2 upcast(order_v1&&)`.
///
/// A type says it by itself with `using previous = order_v1;` and `static order_v2 upcast(order_v1&&)`.
template <class E>
struct previous_of {};

namespace detail {

template <class E>
concept has_previous = requires {
  typename E::previous;
}
|| requires { typename previous_of<E>::type; };

template <class E>
struct previous_version {};
template <class E>
  requires requires { typename previous_of<E>::type; }
struct previous_version<E> {
  using type = typename previous_of<E>::type;
  static E upcast(type&& old) { return previous_of<E>::upcast(std::move(old)); }
};
template <class E>
  requires(
      requires { typename E::previous; } && !requires { typename previous_of<E>::type; })
struct previous_version<E> {
  using type = typename E::previous;
  static E upcast(type&& old) { return E::upcast(std::move(old)); }
};

template <class E>
constexpr std::uint32_t declared_oldest() noexcept {
  if constexpr (requires { E::oldest_version; }) {
    return E::oldest_version;
  } else {
    return 1;
  }
}

/// The chain below an event has no gap, or the event says where it ends.
template <class E>
constexpr bool check_chain() noexcept {
  check_encodable<E>();
  if constexpr (named_event<E>) {
    constexpr event_name mine = name_of<E>();
    if constexpr (has_previous<E>) {
      using before = typename previous_version<E>::type;
      static_assert(named_event<before>, "peal: the previous version of an event needs its name and version, too");
      if constexpr (named_event<before>) {
        constexpr event_name its = name_of<before>();
        static_assert(mine.name == its.name, "peal: the previous version of an event has another name");
        static_assert(mine.version == its.version + 1,
                      "peal: a gap in the versions of an event: `previous` must be the version right before this one");
        return mine.name == its.name && mine.version == its.version + 1 && check_chain<before>();
      }
      return false;
    } else {
      constexpr bool whole = mine.version <= declared_oldest<E>();
      static_assert(
          whole,
          "peal: a gap in the versions of an event: its older versions cannot be read; say `using previous = …;` "
          "and `static E upcast(previous&&)`, or `static constexpr std::uint32_t oldest_version = …;` where "
          "none of them is stored any more");
      return whole;
    }
  }
  return false;
}

template <class E>
E decode_at(std::uint32_t version, std::span<const std::byte> in, const decode_limits& limits) {
  constexpr std::uint32_t mine = name_of<E>().version;
  if (version == mine) return decode<E>(in, limits);
  if constexpr (has_previous<E>) {
    if (version < mine) {
      using before = typename previous_version<E>::type;
      return previous_version<E>::upcast(decode_at<before>(version, in, limits));
    }
  }
  std::string what = "it is of version " + std::to_string(version) + ", this program knows ";
  what += version > mine ? "none above " : "none below ";
  throw decode_error(display_name<E>(), {}, 0, what + std::to_string(mine));
}

}  // namespace detail

/// The oldest version of an event that can still be read.
template <encodable E>
constexpr std::uint32_t oldest_readable() noexcept {
  if constexpr (detail::has_previous<E>) {
    return oldest_readable<typename detail::previous_version<E>::type>();
  } else {
    return name_of<E>().version;
  }
}

/// Reads an event that was stored as any of its versions; older ones go through `upcast`, one version after the other.
///
/// A chain with a gap does not compile. Errors: decode_error; what an upcast throws.
template <class E>
E decode_version(std::uint32_t version, std::span<const std::byte> in, const decode_limits& limits = {}) {
  static_assert(detail::check_chain<E>());
  return detail::decode_at<E>(version, in, limits);
}

}  // namespace peal::inline v0
