// SPDX-License-Identifier: MIT
// The compiler's name of a type, for messages only: it differs between compilers and is never stored.
#pragma once

#include <string_view>

namespace peal::inline v0::detail {

template <class T>
constexpr std::string_view type_name() noexcept {
#if defined(_MSC_VER) && !defined(__clang__)
  constexpr std::string_view whole = __FUNCSIG__;
  constexpr std::string_view before = "type_name<";
  constexpr std::string_view after = ">(void)";
  const auto first = whole.find(before) + before.size();
  return whole.substr(first, whole.rfind(after) - first);
#else
  constexpr std::string_view whole = __PRETTY_FUNCTION__;
  const auto first = whole.find("T = ") + 4;
  const auto semicolon = whole.find(';', first);  // g++ appends aliases: "[with T = x; std::string_view = …]"
  const auto last = semicolon == std::string_view::npos ? whole.rfind(']') : semicolon;
  return whole.substr(first, last - first);
#endif
}

}  // namespace peal::inline v0::detail
