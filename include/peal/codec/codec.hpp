// SPDX-License-Identifier: MIT
// How an event becomes bytes and comes back: by its declared fields, or by a codec of one's own.
#pragma once

#include <peal/codec/detail/values.hpp>
#include <peal/codec/schema.hpp>
#include <peal/core/event_name.hpp>
#include <peal/detail/type_list.hpp>

#include <concepts>
#include <span>
#include <string>
#include <string_view>

namespace peal::inline v0 {

/// A codec of one's own for an event: specialise it with
/// `static void encode(const E&, byte_buffer& out)`, which appends,
/// `static void decode(std::span<const std::byte>, const decode_limits&, E&)`, which throws decode_error, and, if it can
/// tell, `static std::string schema()`. It goes before declared fields.
///
/// The adapters have some ready: `template <> struct peal::codec_of<legacy> : peal::json::codec<legacy> {};`
template <class E>
struct codec_of {};

namespace detail {

template <class E>
concept has_own_codec = requires(const E& e, E& into, byte_buffer& out, std::span<const std::byte> in,
                                 const decode_limits& limits) {
  codec_of<E>::encode(e, out);
  codec_of<E>::decode(in, limits, into);
};

}  // namespace detail

/// An event that can be stored or sent: it has a declared name, and fields or a codec.
template <class E>
concept encodable = named_event<E> &&(described<E> || detail::has_own_codec<E>);

namespace detail {

template <class E>
constexpr void check_encodable() noexcept {
  static_assert(named_event<E>,
                "peal: an event that leaves the process needs a name that a person gave it: static constexpr "
                "peal::event_name name{\"shop.order.placed\", 1}; or peal::event_name_of<E> for a foreign type");
  static_assert(described<E> || has_own_codec<E>,
                "peal: an event that leaves the process needs declared fields: static constexpr auto fields = "
                "peal::fields(peal::field{\"id\", &order::id}, …); or peal::codec_of<E>");
}

}  // namespace detail

/// Appends the encoded event: MessagePack, a list of its fields in their declared order.
///
/// Errors: bad_alloc, std::length_error, what a codec of one's own throws; `out` is then as before but for room.
template <class E>
void encode(const E& event, byte_buffer& out) {
  detail::check_encodable<E>();
  if constexpr (detail::has_own_codec<E>) {
    codec_of<E>::encode(event, out);
  } else if constexpr (described<E>) {
    const std::size_t before = out.size();
    struct undo {
      byte_buffer& out;
      std::size_t to;
      ~undo() {
        if (to < out.size()) out.resize(to);
      }
    } guard{out, before};
    wire_writer w{out};
    detail::write_value(w, event);
    guard.to = out.size();
  }
}

/// Reads one event from bytes that may say anything, which must be all of it.
///
/// The fields are given values in place: an event that is default constructed first.
/// Errors: decode_error with the field and the byte; nothing larger than `limits` is allocated.
template <class E>
  requires std::default_initializable<E> E decode(std::span<const std::byte> in, const decode_limits& limits = {}) {
    detail::check_encodable<E>();
    E event{};
    if constexpr (detail::has_own_codec<E>) {
      codec_of<E>::decode(in, limits, event);
    } else if constexpr (described<E>) {
      wire_reader r{in, limits};
      detail::value_reader values{r};
      const bool good = !r.failed() && values.read(event);
      if (good && !r.at_end()) (void)r.fail("more bytes than the event has");
      if (r.failed()) throw decode_error(display_name<E>(), values.path(), r.at(), r.what());
    }
    return event;
  }

/// The schema that is stored beside an event's type: of its fields, or what its codec tells; empty when it does not.
template <class E>
std::string stored_schema() {
  if constexpr (requires { codec_of<E>::schema(); }) {
    return codec_of<E>::schema();
  } else if constexpr (!detail::has_own_codec<E> && described<E>) {
    return schema_of<E>();
  } else {
    return {};
  }
}

}  // namespace peal::inline v0
