// SPDX-License-Identifier: MIT
// Moments as people write and read them: ISO 8601, in UTC.
#pragma once

#include <peal/core/event.hpp>
#include <peal/store/records.hpp>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>

namespace peal_tool {

/// 2026-11-21T09:33:00.123456Z; nothing for the epoch itself, which means "not known".
inline std::string moment(peal::wall_time t) {
  namespace c = std::chrono;
  if (t == 0) return "-";
  const c::sys_time<c::nanoseconds> at{c::nanoseconds{t}};
  const auto day = c::floor<c::days>(at);
  const c::year_month_day date{day};
  const c::hh_mm_ss<c::nanoseconds> clock{at - day};
  char text[64];
  std::snprintf(text, sizeof text, "%04d-%02u-%02uT%02d:%02d:%02d.%06dZ", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
                static_cast<int>(clock.seconds().count()), static_cast<int>(clock.subseconds().count() / 1000));
  return text;
}

namespace detail {

/// Takes so many digits and the sign behind them, which may be missing at the end.
inline std::optional<int> digits(std::string_view& text, std::size_t count, char behind) {
  if (text.size() < count) return std::nullopt;
  int n = 0;
  for (std::size_t i = 0; i < count; ++i) {
    if (text[i] < '0' || text[i] > '9') return std::nullopt;
    n = 10 * n + (text[i] - '0');
  }
  text.remove_prefix(count);
  if (!text.empty() && text.front() == behind) text.remove_prefix(1);
  return n;
}

}  // namespace detail

/// What moment() writes, and every beginning of it from the day on: 2026-11-21, 2026-11-21T09:33; nothing: it is no moment.
inline std::optional<peal::wall_time> moment_in(std::string_view text) {
  namespace c = std::chrono;
  if (text.size() < 10 || text[4] != '-' || text[7] != '-') return std::nullopt;
  if (text.back() == 'Z') text.remove_suffix(1);
  const auto year = detail::digits(text, 4, '-');
  const auto month = detail::digits(text, 2, '-');
  const auto day = detail::digits(text, 2, 'T');
  if (!year || !month || !day) return std::nullopt;
  const c::year_month_day date{c::year{*year}, c::month{static_cast<unsigned>(*month)},
                               c::day{static_cast<unsigned>(*day)}};
  if (!date.ok()) return std::nullopt;
  int clock[3]{};
  for (int i = 0; i < 3 && !text.empty(); ++i) {
    const auto n = detail::digits(text, 2, i < 2 ? ':' : '.');
    if (!n || *n > (i == 0 ? 23 : 59)) return std::nullopt;
    clock[i] = *n;
  }
  std::int64_t part = 0;
  for (std::int64_t unit = 100'000'000; !text.empty() && unit != 0; unit /= 10) {
    const auto n = detail::digits(text, 1, '\0');
    if (!n) return std::nullopt;
    part += *n * unit;
  }
  if (!text.empty()) return std::nullopt;
  const auto at = c::sys_days{date} + c::hours{clock[0]} + c::minutes{clock[1]} + c::seconds{clock[2]};
  return c::duration_cast<c::nanoseconds>(at.time_since_epoch()).count() + part;
}

}  // namespace peal_tool
