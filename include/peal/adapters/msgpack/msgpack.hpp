// SPDX-License-Identifier: MIT
// A codec for events that msgpack-cxx can convert already (MSGPACK_DEFINE and its like).
#pragma once

#include <peal/adapters/msgpack/detail/msgpack.hpp>
#include <peal/codec/check_wire.hpp>
#include <peal/codec/codec.hpp>

#include <cstddef>
#include <span>

namespace peal::inline v0::msgpack {

/// Example: `template <> struct peal::codec_of<legacy> : peal::msgpack::codec<legacy> {};`
template <class E>
struct codec {
  static void encode(const E& event, byte_buffer& out) {
    struct appender {
      byte_buffer& out;
      void write(const char* from, std::size_t n) {
        const auto all = std::as_bytes(std::span{from, n});
        out.insert(out.end(), all.begin(), all.end());
      }
    } to{out};
    ::msgpack::pack(to, event);
  }
  static void decode(std::span<const std::byte> in, const decode_limits& limits, E& event) {
    check_wire(display_name<E>(), in, limits);
    try {
      ::msgpack::unpack(reinterpret_cast<const char*>(in.data()), in.size()).get().convert(event);
    } catch (const std::exception& e) {
      throw decode_error(display_name<E>(), {}, 0, e.what());
    }
  }
};

}  // namespace peal::inline v0::msgpack
