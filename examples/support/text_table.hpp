// SPDX-License-Identifier: MIT
// Tables and numbers as people like to read them.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

namespace example {

/// 1234567 as 1,234,567.
inline std::string grouped(std::uint64_t number) {
  auto digits = std::to_string(number);
  for (auto at = static_cast<std::ptrdiff_t>(digits.size()) - 3; at > 0; at -= 3) {
    digits.insert(static_cast<std::size_t>(at), 1, ',');
  }
  return digits;
}

/// -123456 cents as -1,234.56.
inline std::string money(std::int64_t cents) {
  const auto magnitude = cents < 0 ? 0 - static_cast<std::uint64_t>(cents) : static_cast<std::uint64_t>(cents);
  const auto rest = std::to_string(magnitude % 100);
  return (cents < 0 ? "-" : "") + grouped(magnitude / 100) + (rest.size() == 1 ? ".0" : ".") + rest;
}

/// With three digits and the unit that fits: 870 ns, 12.3 us, 4.56 ms, 1.20 s.
inline std::string duration_text(std::chrono::nanoseconds duration) {
  auto value = static_cast<double>(duration.count());
  const char* unit = "ns";
  for (const auto* larger : {"us", "ms", "s"}) {
    if (value < 1000) break;
    value /= 1000;
    unit = larger;
  }
  char text[32];
  const int decimals = value < 10 && *unit != 'n' ? 2 : value < 100 && *unit != 'n' ? 1 : 0;
  std::snprintf(text, sizeof text, "%.*f %s", decimals, value, unit);
  return text;
}

/// Columns as wide as they need to be: the first to the left, the others to the right.
class text_table {
 public:
  void add(std::vector<std::string> cells) {
    widths_.resize(std::max(widths_.size(), cells.size()));
    for (std::size_t i = 0; i < cells.size(); ++i) widths_[i] = std::max(widths_[i], columns_of(cells[i]));
    rows_.push_back(std::move(cells));
  }

  std::string text() const {
    std::string result;
    for (const auto& cells : rows_) {
      result += "  ";
      for (std::size_t i = 0; i < cells.size(); ++i) {
        const std::string blanks(widths_[i] - columns_of(cells[i]), ' ');
        result += i == 0 ? cells[i] + blanks : "   " + blanks + cells[i];
      }
      result.erase(result.find_last_not_of(' ') + 1);
      result += '\n';
    }
    return result;
  }

 private:
  // Bytes that go on with a UTF-8 character take no column.
  static std::size_t columns_of(const std::string& cell) {
    return static_cast<std::size_t>(std::count_if(
        cell.begin(), cell.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0u) != 0x80u; }));
  }

  std::vector<std::vector<std::string>> rows_;
  std::vector<std::size_t> widths_;
};

}  // namespace example
