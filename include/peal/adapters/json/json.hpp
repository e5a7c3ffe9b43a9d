// SPDX-License-Identifier: MIT
// JSON to events, by nlohmann-json: text that people write, and events that have its to_json and from_json.
#pragma once

#include <peal/adapters/json/detail/nlohmann.hpp>
#include <peal/codec/check_wire.hpp>
#include <peal/codec/codec.hpp>
#include <peal/codec/schema_tree.hpp>

#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace peal::inline v0::json {
namespace detail {

using value = nlohmann::json;

/// From JSON to MessagePack, along a schema; the way to what does not fit it goes into the message.
class wire_maker {
 public:
  explicit wire_maker(byte_buffer& out) noexcept : out_{out} {}

  void write(const value& v, const schema_node& type, const std::string& path) {
    using kind = schema_node::kind;
    if (type.optional && v.is_null()) return out_.nil();
    switch (type.what) {
      case kind::boolean: return expect(v.is_boolean(), path, "true or false"), out_.boolean(v.get<bool>());
      case kind::integer: return integer(v, type, path);
      case kind::floating: return floating(v, type, path);
      case kind::string: return expect(v.is_string(), path, "a string"), out_.string(v.get_ref<const std::string&>());
      case kind::bytes: return bytes(v, path);
      case kind::record: return record(v, type, path);
      case kind::list: return list(v, type, path);
      case kind::map: return map(v, type, path);
    }
  }

 private:
  [[noreturn]] static void refuse(const std::string& path, const std::string& what) {
    throw decode_error("JSON", path, 0, what);
  }
  static void expect(bool good, const std::string& path, const char* what) {
    if (!good) refuse(path, std::string("expected ") + what);
  }
  static std::string step(const std::string& path, const std::string& name) {
    return path.empty() ? name : path + '.' + name;
  }

  void integer(const value& v, const schema_node& type, const std::string& path) {
    expect(v.is_number_integer(), path, "an integer");
    const unsigned spare = 64 - type.bits;
    if (type.is_signed) {
      const std::int64_t most = std::numeric_limits<std::int64_t>::max() >> spare;
      const bool fits = v.is_number_unsigned() ? v.get<std::uint64_t>() <= static_cast<std::uint64_t>(most)
                                               : v.get<std::int64_t>() <= most && v.get<std::int64_t>() >= -most - 1;
      expect(fits, path, "a number that fits");
      return out_.signed_integer(v.get<std::int64_t>());
    }
    const bool fits =
        v.is_number_unsigned() && v.get<std::uint64_t>() <= std::numeric_limits<std::uint64_t>::max() >> spare;
    expect(fits, path, "a number that fits");
    out_.unsigned_integer(v.get<std::uint64_t>());
  }
  void floating(const value& v, const schema_node& type, const std::string& path) {
    double d = 0;
    if (v == "nan") {
      d = std::numeric_limits<double>::quiet_NaN();
    } else if (v == "inf" || v == "-inf") {
      d = v == "inf" ? std::numeric_limits<double>::infinity() : -std::numeric_limits<double>::infinity();
    } else {
      expect(v.is_number(), path, "a number");
      d = v.get<double>();
    }
    type.bits == 32 ? out_.float32(static_cast<float>(d)) : out_.float64(d);
  }
  void bytes(const value& v, const std::string& path) {
    expect(v.is_string(), path, "bytes as base64");
    const auto& text = v.get_ref<const std::string&>();
    std::vector<std::byte> all;
    std::uint32_t bits = 0;
    unsigned have = 0;
    const std::size_t end = text.find_last_not_of('=') + 1;
    for (const char c : std::string_view{text}.substr(0, end)) {
      constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
      const std::size_t digit = digits.find(c);
      expect(digit != std::string_view::npos, path, "bytes as base64");
      bits = bits << 6U | static_cast<std::uint32_t>(digit);
      have += 6;
      if (have < 8) continue;
      have -= 8;
      all.push_back(static_cast<std::byte>((bits >> have) & 0xffU));
    }
    expect(text.size() % 4 == 0 && text.size() - end <= 2, path, "bytes as base64");
    out_.bytes(all);
  }
  void record(const value& v, const schema_node& type, const std::string& path) {
    expect(v.is_object(), path, "an object");
    out_.list(type.inside.size());
    for (std::size_t i = 0; i < type.inside.size(); ++i) {
      const auto found = v.find(type.names[i]);
      const std::string inner = step(path, type.names[i]);
      if (found == v.end() && !type.inside[i].optional) refuse(inner, "is missing");
      found == v.end() ? out_.nil() : write(*found, type.inside[i], inner);
    }
    for (const auto& [name, ignored] : v.items()) {
      bool known = false;
      for (const std::string& n : type.names) known = known || n == name;
      if (!known) refuse(step(path, name), "is not a field");
    }
  }
  void list(const value& v, const schema_node& type, const std::string& path) {
    expect(v.is_array() && (type.fixed == 0 || v.size() == type.fixed), path, "a list of the right length");
    out_.list(v.size());
    for (std::size_t i = 0; i < v.size(); ++i) write(v[i], type.inside[0], path + '[' + std::to_string(i) + ']');
  }
  void map(const value& v, const schema_node& type, const std::string& path) {
    if (type.inside[0].what == schema_node::kind::string) {
      expect(v.is_object(), path, "an object");
      out_.map(v.size());
      for (const auto& [key, each] : v.items()) {
        out_.string(key);
        write(each, type.inside[1], path + '[' + key + ']');
      }
      return;
    }
    expect(v.is_array(), path, "a list of pairs");
    out_.map(v.size());
    for (std::size_t i = 0; i < v.size(); ++i) {
      const std::string inner = path + '[' + std::to_string(i) + ']';
      expect(v[i].is_array() && v[i].size() == 2, inner, "a pair");
      write(v[i][0], type.inside[0], inner);
      write(v[i][1], type.inside[1], inner);
    }
  }

  wire_writer out_;
};

inline value parse(std::string_view text) {
  try {
    return value::parse(text);
  } catch (const value::exception& e) {
    throw decode_error("JSON", {}, 0, e.what());
  }
}

}  // namespace detail

/// What peal::json_from_wire writes, back to an event's bytes; so that a person can edit an event whose type the program
/// does not have. Fields may stand in any order; those that are optional may be missing, others may not be there.
///
/// Errors: decode_error with the field; bad_schema.
inline void to_wire(std::string_view text, std::string_view schema, byte_buffer& out) {
  const detail::value v = detail::parse(text);
  detail::wire_maker{out}.write(v, parse_schema(schema), {});
}

/// An event from its JSON. Errors: decode_error with the field.
template <described E>
E from_json(std::string_view text) {
  byte_buffer bytes;
  to_wire(text, schema_of<E>(), bytes);
  return decode<E>(bytes);
}

/// A codec for an event that nlohmann-json can convert already: its JSON, as MessagePack.
///
/// Example: `template <> struct peal::codec_of<legacy> : peal::json::codec<legacy> {};`
template <class E>
struct codec {
  static void encode(const E& event, byte_buffer& out) {
    const detail::value v = event;
    const std::vector<std::uint8_t> bytes = detail::value::to_msgpack(v);
    const auto all = std::as_bytes(std::span{bytes});
    out.insert(out.end(), all.begin(), all.end());
  }
  static void decode(std::span<const std::byte> in, const decode_limits& limits, E& event) {
    check_wire(display_name<E>(), in, limits);  // the library has no limits of its own
    try {
      const auto* first = reinterpret_cast<const std::uint8_t*>(in.data());
      detail::value::from_msgpack(first, first + in.size()).get_to(event);
    } catch (const detail::value::exception& e) {
      throw decode_error(display_name<E>(), {}, 0, e.what());
    }
  }
};

}  // namespace peal::inline v0::json
