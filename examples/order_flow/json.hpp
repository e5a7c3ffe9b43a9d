// SPDX-License-Identifier: MIT
// As much JSON as a report needs.
#pragma once

#include <cstddef>
#include <cstdio>
#include <string>
#include <string_view>

namespace order_flow {

/// How many bytes at the front of a text that is not empty are one UTF-8 character; 0: none is (RFC 3629, section 4).
inline std::size_t utf8_length(std::string_view text) {
  const auto byte = [&](std::size_t at) { return at < text.size() ? static_cast<unsigned char>(text[at]) : 0u; };
  const auto follows = [&](std::size_t at, unsigned least = 0x80, unsigned most = 0xBF) {
    return least <= byte(at) && byte(at) <= most;
  };
  const auto lead = byte(0);
  if (lead < 0x80) return 1;
  if (0xC2 <= lead && lead <= 0xDF) return follows(1) ? 2 : 0;
  if (0xE0 <= lead && lead <= 0xEF) {
    return follows(1, lead == 0xE0 ? 0xA0 : 0x80, lead == 0xED ? 0x9F : 0xBF) && follows(2) ? 3 : 0;
  }
  if (0xF0 <= lead && lead <= 0xF4) {
    return follows(1, lead == 0xF0 ? 0x90 : 0x80, lead == 0xF4 ? 0x8F : 0xBF) && follows(2) && follows(3) ? 4 : 0;
  }
  return 0;
}

/// A text as a JSON string. A byte that is no UTF-8 is taken as Latin-1, so that the result is always valid.
inline std::string json_string(std::string_view text) {
  std::string result{'"'};
  while (!text.empty()) {
    const auto length = utf8_length(text);
    const auto byte = static_cast<unsigned char>(text.front());
    if (length == 0 || byte < 0x20 || byte == 0x7F) {
      char code[8];
      std::snprintf(code, sizeof code, "\\u%04x", static_cast<unsigned>(byte));
      result += code;
    } else {
      if (byte == '"' || byte == '\\') result += '\\';
      result += text.substr(0, length);
    }
    text.remove_prefix(length == 0 ? 1 : length);
  }
  return result + '"';
}

/// An object; values are given as JSON.
class json_object {
 public:
  json_object& add(std::string_view key, std::string_view value) {
    members_ += (members_.empty() ? "" : ",") + json_string(key) + ":" + std::string{value};
    return *this;
  }

  std::string text() const { return "{" + members_ + "}"; }

 private:
  std::string members_;
};

}  // namespace order_flow
