// SPDX-License-Identifier: MIT
// A decimal number read from text and turned into an integer exactly: money never passes through a double.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

namespace order_flow {

/// The text without the blanks around it.
inline std::string_view trimmed(std::string_view text) {
  constexpr std::string_view blanks = " \t\r\n";
  const auto first = text.find_first_not_of(blanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

/// A number as it was written: `6`, `+6`, ` 6 `, `6.0`, `-.5`, `1e3` are numbers; an empty text, `nan`, `1,5`, `0x6`
/// and `12 pcs` are not.
class decimal {
 public:
  static std::optional<decimal> parse(std::string_view text);

  bool positive() const { return !negative_ && !digits_.empty(); }

  /// The number itself, if it is a whole one (`6.0` is) and fits.
  std::optional<std::int64_t> whole() const {
    const auto [magnitude, rest] = split(0);
    return magnitude && rest == fraction::none ? std::optional{negative_ ? -*magnitude : *magnitude} : std::nullopt;
  }

  /// The number times 100, halves towards plus infinity (2.555 is 256, -2.555 is -255), if it fits.
  std::optional<std::int64_t> cents() const {
    const auto [magnitude, rest] = split(2);
    const bool away = rest == fraction::above_half || (rest == fraction::half && !negative_);
    if (!magnitude || *magnitude == std::numeric_limits<std::int64_t>::max()) return std::nullopt;
    const auto rounded = *magnitude + (away ? 1 : 0);
    return negative_ ? -rounded : rounded;
  }

 private:
  enum class fraction { none, below_half, half, above_half };
  struct parts {
    std::optional<std::int64_t> magnitude;  // none: too large
    fraction rest;
  };

  parts split(int places) const;

  bool negative_ = false;
  std::string digits_;  // without leading zeros; empty is zero
  int point_ = 0;       // how many of the digits stand behind the decimal point; negative: so many zeros follow them
};

inline std::optional<decimal> decimal::parse(std::string_view text) {
  text = trimmed(text);
  const auto digit = [&] { return !text.empty() && text.front() >= '0' && text.front() <= '9'; };
  const auto take = [&](std::string_view any_of) {
    const bool found = !text.empty() && any_of.find(text.front()) != std::string_view::npos;
    if (found) text.remove_prefix(1);
    return found;
  };

  decimal number;
  bool any = false;
  const auto mantissa = [&](int places_each) {
    for (; digit(); text.remove_prefix(1), any = true) {
      if (!number.digits_.empty() || text.front() != '0') number.digits_ += text.front();
      number.point_ += places_each;
    }
  };
  number.negative_ = !text.empty() && text.front() == '-';
  take("+-");
  mantissa(0);
  if (take(".")) mantissa(1);
  if (!any) return std::nullopt;

  if (take("eE")) {
    constexpr int huge = 100'000;  // beyond any text that is still a price: stop counting
    const bool minus = !text.empty() && text.front() == '-';
    take("+-");
    if (!digit()) return std::nullopt;
    int exponent = 0;
    for (; digit(); text.remove_prefix(1)) exponent = std::min(huge, exponent * 10 + (text.front() - '0'));
    number.point_ -= minus ? -exponent : exponent;
  }
  if (!text.empty()) return std::nullopt;
  return number;
}

inline decimal::parts decimal::split(int places) const {
  if (digits_.empty()) return {0, fraction::none};
  const auto written = static_cast<std::int64_t>(digits_.size());
  const auto whole_digits = written + places - point_;
  if (whole_digits > 19) return {std::nullopt, fraction::none};
  if (whole_digits < 0) return {0, fraction::below_half};

  std::int64_t magnitude = 0;
  for (std::int64_t i = 0; i < whole_digits; ++i) {
    const std::int64_t next = i < written ? digits_[static_cast<std::size_t>(i)] - '0' : 0;
    if (magnitude > (std::numeric_limits<std::int64_t>::max() - next) / 10) return {std::nullopt, fraction::none};
    magnitude = magnitude * 10 + next;
  }
  if (whole_digits >= written) return {magnitude, fraction::none};

  const auto behind = std::string_view{digits_}.substr(static_cast<std::size_t>(whole_digits));
  const bool tail = behind.find_first_not_of('0', 1) != std::string_view::npos;
  if (behind.front() == '0' && !tail) return {magnitude, fraction::none};
  if (behind.front() != '5') return {magnitude, behind.front() < '5' ? fraction::below_half : fraction::above_half};
  return {magnitude, tail ? fraction::above_half : fraction::half};
}

}  // namespace order_flow
