// SPDX-License-Identifier: MIT
// The fields of a type as text, and the fingerprint of that text, known to the compiler.
#pragma once

#include <peal/codec/detail/kinds.hpp>
#include <peal/core/event_name.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace peal::inline v0 {
namespace detail {

/// FNV-1a of 64 bits (Fowler, Noll, Vo; draft-eastlake-fnv).
struct fnv_sink {
  std::uint64_t hash = 0xcbf2'9ce4'8422'2325;
  constexpr void operator()(std::string_view text) noexcept {
    for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100'0000'01b3;
  }
};
struct text_sink {
  std::string text{};
  void operator()(std::string_view more) { text.append(more); }
};

template <class Sink>
constexpr void write_digits(Sink& out, std::uint64_t n) {
  char digits[20]{};
  std::size_t at = sizeof digits;
  do {
    digits[--at] = static_cast<char>('0' + n % 10);
    n /= 10;
  } while (n != 0);
  out({digits + at, sizeof digits - at});
}

template <class T, class Sink>
constexpr void write_schema(Sink& out);

template <described T, class Sink>
constexpr void write_record(Sink& out) {
  out("{");
  bool first = true;
  std::apply(
      [&](const auto&... each) {
        const auto one = [&]<class Class, class Member>(std::string_view name, Member Class::*) {
          if (!first) out(",");
          first = false;
          out(name);
          out(":");
          write_schema<Member>(out);
        };
        (one(each.name, each.at), ...);
      },
      field_list<T>());
  out("}");
}

/// Of what has values inside it.
template <class T, class Sink>
constexpr void write_compound_schema(Sink& out) {
  if constexpr (described<T>) {
    write_record<T>(out);
  } else if constexpr (time_traits<T>::is_time) {
    out(time_traits<T>::is_point ? "time " : "duration ");
    write_digits(out, time_traits<T>::period::num);
    out("/");
    write_digits(out, time_traits<T>::period::den);
  } else if constexpr (list_traits<T>::is_list) {
    out("[");
    write_schema<typename list_traits<T>::element>(out);
    if constexpr (list_traits<T>::fixed != 0) {
      out(";");
      write_digits(out, list_traits<T>::fixed);
    }
    out("]");
  } else if constexpr (optional_traits<T>::is_optional) {
    write_schema<typename optional_traits<T>::element>(out);
    out("?");
  } else if constexpr (map_like<T>) {
    out("map<");
    write_schema<typename T::key_type>(out);
    out(",");
    write_schema<typename T::mapped_type>(out);
    out(">");
  }
}

template <class T, class Sink>
constexpr void write_schema(Sink& out) {
  check_field<T>();
  if constexpr (std::is_same_v<T, bool>) {
    out("bool");
  } else if constexpr (std::is_enum_v<T>) {
    out("enum ");
    write_schema<std::underlying_type_t<T>>(out);
  } else if constexpr (plain_integer<T>) {
    out(std::is_signed_v<T> ? "i" : "u");
    write_digits(out, 8 * sizeof(T));
  } else if constexpr (plain_float<T>) {
    out(sizeof(T) == 4 ? "f32" : "f64");
  } else if constexpr (std::is_same_v<T, std::string>) {
    out("str");
  } else if constexpr (is_byte_vector<T>) {
    out("bytes");
  } else {
    write_compound_schema<T>(out);
  }
}

}  // namespace detail

/// The fields of a type as text: `{order_id:str,cents:i64,lines:[{sku:str,quantity:u32}],note:str?}`.
///
/// It is what the stored form depends on, and enough to read it without the program: names, order, types.
template <described T>
std::string schema_of() {
  detail::text_sink out;
  detail::write_schema<T>(out);
  return std::move(out.text);
}

/// A number that changes with every name, type or order of the fields; the same for every compiler and platform.
template <described T>
constexpr std::uint64_t fingerprint() noexcept {
  detail::fnv_sink out;
  detail::write_schema<T>(out);
  return out.hash;
}

/// The declared name and version of an event.
template <named_event E>
constexpr event_name name_of() noexcept {
  if constexpr (detail::names_itself<E>) {
    return E::name;
  } else {
    return event_name_of<E>::value;
  }
}

}  // namespace peal::inline v0
