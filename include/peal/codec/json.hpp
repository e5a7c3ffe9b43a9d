// SPDX-License-Identifier: MIT
// Encoded events as JSON, for people to read: with their fields' names where the schema is known.
#pragma once

#include <peal/codec/codec.hpp>
#include <peal/codec/schema_tree.hpp>

#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace peal::inline v0 {
namespace detail {

/// Text as a JSON string (RFC 8259); what is no UTF-8 becomes U+FFFD.
inline void write_json_string(std::string& out, std::string_view text) {
  constexpr char digits[] = "0123456789abcdef";
  out += '"';
  for (std::size_t i = 0; i < text.size();) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += static_cast<char>(c);
      ++i;
    } else if (c == '\n') {
      out += "\\n";
      ++i;
    } else if (c < 0x20 || c == 0x7f) {
      out.append("\\u00");
      out += digits[c >> 4U];
      out += digits[c & 15U];
      ++i;
    } else if (c < 0x80) {
      out += static_cast<char>(c);
      ++i;
    } else {
      // RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF.
      const std::size_t n = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : 2;
      std::uint32_t code = n == 4 ? c & 7U : n == 3 ? c & 15U : c & 31U;
      bool good = c >= 0xc2 && c <= 0xf4 && i + n <= text.size();
      for (std::size_t k = 1; good && k < n; ++k) {
        const auto next = static_cast<unsigned char>(text[i + k]);
        good = (next & 0xc0U) == 0x80;
        code = code << 6U | (next & 0x3fU);
      }
      if (good && n == 3) good = code >= 0x800 && (code < 0xd800 || code > 0xdfff);
      if (good && n == 4) good = code >= 0x10000 && code <= 0x10ffff;
      good ? out.append(text.substr(i, n)) : out.append("\\ufffd");
      i += good ? n : 1;
    }
  }
  out += '"';
}

/// Bytes as base64 (RFC 4648, section 4).
inline void write_base64(std::string& out, std::span<const std::byte> in) {
  constexpr char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  out += '"';
  for (std::size_t i = 0; i < in.size(); i += 3) {
    const std::size_t n = in.size() - i < 3 ? in.size() - i : 3;
    std::uint32_t three = 0;
    for (std::size_t k = 0; k < 3; ++k) three = three << 8U | (k < n ? std::to_integer<std::uint32_t>(in[i + k]) : 0U);
    for (std::size_t k = 0; k < 4; ++k) out += k <= n ? digits[(three >> (18 - 6 * k)) & 63U] : '=';
  }
  out += '"';
}

template <class Number>
void write_number_text(std::string& out, Number n) {
  char text[32];
  const auto end = std::to_chars(text, text + sizeof text, n);
  out.append(text, static_cast<std::size_t>(end.ptr - text));
}
inline void write_json_float(std::string& out, double d) {
  if (std::isnan(d)) {
    out += "\"nan\"";  // JSON has no word for these
  } else if (std::isinf(d)) {
    out += d < 0 ? "\"-inf\"" : "\"inf\"";
  } else {
    write_number_text(out, d);
  }
}

/// From MessagePack to JSON, along a schema or, without one, as it stands.
class json_writer {
 public:
  json_writer(wire_reader& in, std::string& out) noexcept : in_{in}, out_{out} {}

  bool value(const schema_node* type) {
    if (type != nullptr && type->optional && in_.next() == wire_kind::nil) type = nullptr;
    if (type != nullptr && !fits(*type)) return in_.fail("not what the schema says");
    switch (in_.next()) {
      case wire_kind::nil: return out_ += "null", in_.nil();
      case wire_kind::boolean: return boolean();
      case wire_kind::integer: return integer();
      case wire_kind::floating: return floating();
      case wire_kind::string: return string();
      case wire_kind::bytes: return bytes();
      case wire_kind::list: return list(type);
      case wire_kind::map: return map(type);
      case wire_kind::unknown: break;
    }
    return in_.fail(in_.at_end() ? "cut off" : "a kind of value that events do not have");
  }

 private:
  [[nodiscard]] bool fits(const schema_node& type) const noexcept {
    using kind = schema_node::kind;
    switch (in_.next()) {
      case wire_kind::boolean: return type.what == kind::boolean;
      case wire_kind::integer: return type.what == kind::integer;
      case wire_kind::floating: return type.what == kind::floating;
      case wire_kind::string: return type.what == kind::string;
      case wire_kind::bytes: return type.what == kind::bytes;
      case wire_kind::list: return type.what == kind::list || type.what == kind::record;
      case wire_kind::map: return type.what == kind::map;
      default: return true;  // value() says what is wrong
    }
  }
  bool boolean() {
    bool b = false;
    if (!in_.boolean(b)) return false;
    out_ += b ? "true" : "false";
    return true;
  }
  bool integer() {
    std::uint64_t bits = 0;
    bool negative = false;
    if (!in_.integer(bits, negative)) return false;
    negative ? write_number_text(out_, static_cast<std::int64_t>(bits)) : write_number_text(out_, bits);
    return true;
  }
  bool floating() {
    double d = 0;
    float f = 0;
    if (in_.is_float32()) {
      if (!in_.float32(f)) return false;
      std::isfinite(f) ? write_number_text(out_, f) : write_json_float(out_, static_cast<double>(f));
      return true;
    }
    if (!in_.float64(d)) return false;
    write_json_float(out_, d);
    return true;
  }
  bool string() {
    std::string_view text;
    if (!in_.string(text)) return false;
    write_json_string(out_, text);
    return true;
  }
  bool bytes() {
    std::span<const std::byte> all;
    if (!in_.bytes(all)) return false;
    write_base64(out_, all);
    return true;
  }
  bool list(const schema_node* type) {
    const bool record = type != nullptr && type->what == schema_node::kind::record;
    std::size_t n = 0;
    if (!in_.enter_list(n)) return false;
    if (record && n != type->inside.size()) return in_.fail("another number of fields than the schema says");
    out_ += record ? '{' : '[';
    for (std::size_t i = 0; i < n; ++i) {
      if (i != 0) out_ += ',';
      if (record) {
        write_json_string(out_, type->names[i]);
        out_ += ':';
      }
      if (!value(type == nullptr ? nullptr : record ? &type->inside[i] : &type->inside[0])) return false;
    }
    out_ += record ? '}' : ']';
    in_.leave();
    return true;
  }
  /// An object where the keys are strings, else a list of pairs.
  bool map(const schema_node* type) {
    std::size_t n = 0;
    if (!in_.enter_map(n)) return false;
    const bool object =
        type != nullptr ? type->inside[0].what == schema_node::kind::string : n == 0 || in_.next() == wire_kind::string;
    out_ += object ? '{' : '[';
    for (std::size_t i = 0; i < n; ++i) {
      if (i != 0) out_ += ',';
      if (!object) out_ += '[';
      if (object && in_.next() != wire_kind::string) return in_.fail("keys of several kinds");
      if (!value(type != nullptr ? &type->inside[0] : nullptr)) return false;
      out_ += object ? ':' : ',';
      if (!value(type != nullptr ? &type->inside[1] : nullptr)) return false;
      if (!object) out_ += ']';
    }
    out_ += object ? '}' : ']';
    in_.leave();
    return true;
  }

  wire_reader& in_;
  std::string& out_;
};

}  // namespace detail

/// An encoded event as JSON on one line. With a schema its fields have their names; without one they are a list.
///
/// Integers stand with all their digits, bytes as base64, durations as their count, maps as objects where the keys are
/// strings. Errors: decode_error when the bytes are not whole or not what the schema says; bad_schema.
inline std::string json_from_wire(std::span<const std::byte> in, std::string_view schema = {},
                                  const decode_limits& limits = {}) {
  schema_node type;
  if (!schema.empty()) type = parse_schema(schema);
  std::string out;
  wire_reader r{in, limits};
  const bool good = !r.failed() && detail::json_writer{r, out}.value(schema.empty() ? nullptr : &type);
  if (good && !r.at_end()) (void)r.fail("more bytes than the event has");
  if (r.failed()) throw decode_error("an event", {}, r.at(), r.what());
  return out;
}

/// Text as a JSON string, with its quotes; what is no UTF-8 becomes U+FFFD.
inline std::string json_string(std::string_view text) {
  std::string out;
  detail::write_json_string(out, text);
  return out;
}

/// An event as JSON on one line.
template <described E>
std::string to_json(const E& event) {
  byte_buffer bytes;
  wire_writer w{bytes};
  detail::write_value(w, event);
  return json_from_wire(bytes, schema_of<E>());
}

}  // namespace peal::inline v0
