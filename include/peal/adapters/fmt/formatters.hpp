// SPDX-License-Identifier: MIT
// Makes what peal reports printable with fmt: fmt::print("{}\n", bus.drain(25s)).
#pragma once

#include <peal/adapters/fmt/detail/fmt.hpp>
#include <peal/adapters/fmt/detail/words.hpp>
#include <peal/detail/type_list.hpp>

namespace peal::inline v0::detail {

template <class T>
inline constexpr bool has_words = contains<
    T, type_list<event_id, receipt, result<receipt>, publish_errc, dead_cause, health, attempt_error, stuck_handler,
                 settle_report, drain_report, subscription_statistics, topic_statistics, bus_statistics>>;
template <class E>
inline constexpr bool has_words<dead_letter_record<E>> = true;

}  // namespace peal::inline v0::detail

/// Formats ids, receipts, refusals, letters, reports and statistics as a line of text, bus_statistics as several.
///
/// It takes the options of strings: `fmt::format("{:>40}", id)`. A letter's event itself is not printed.
/// Errors: std::bad_alloc. Thread safety: as the value's.
template <class T>
  requires peal::detail::has_words<T>
struct fmt::formatter<T, char> : fmt::formatter<fmt::string_view> {
  template <class Context>
  auto format(const T& value, Context& context) const {
    peal::detail::fmt_words words;
    words.say(value);
    return fmt::formatter<fmt::string_view>::format(words.text(), context);
  }
};
