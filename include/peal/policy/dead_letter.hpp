// SPDX-License-Identifier: MIT
// Dead letters: what is kept of a delivery that will not be tried again, and how to ask for it.
#pragma once

#include <peal/core/dead_cause.hpp>
#include <peal/core/envelope.hpp>
#include <peal/detail/key_access.hpp>
#include <peal/detail/list.hpp>
#include <peal/policy/actions.hpp>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <utility>
#include <vector>

namespace peal::inline v0 {

/// One failed run.
struct attempt_error {
  std::uint32_t attempt = 0;  ///< 1 for the first run
  time_point at{};            ///< when it had failed
  std::string what;           ///< the exception's text, or the reason of a reject
  std::error_code code{};     ///< of a std::system_error, or what the handler's outcome carried
};

/// The failed runs of one delivery: the first 2 and the last 6, and how many there were.
///
/// Capacity: 8 entries; what is between is counted only.
class error_history {
 public:
  static constexpr std::size_t first_kept = 2;
  static constexpr std::size_t last_kept = 6;

  void add(attempt_error e) {
    if (entries_.size() == first_kept + last_kept) {
      for (std::size_t i = first_kept; i + 1 < entries_.size(); ++i) entries_[i] = std::move(entries_[i + 1]);
      entries_.back() = std::move(e);
    } else {
      entries_.push_back(std::move(e));
    }
    ++count_;
  }

  [[nodiscard]] const detail::list<attempt_error>& entries() const noexcept { return entries_; }
  [[nodiscard]] std::uint64_t count() const noexcept { return count_; }

 private:
  detail::list<attempt_error> entries_;
  std::uint64_t count_ = 0;
};

/// A dead letter as data: the event and all that is known of its end.
///
/// A bus that names it among its topics publishes each new letter of E there, once: `peal::bus<order_placed,
/// peal::dead_letter_record<order_placed>>`, and `bus.subscribe<peal::dead_letter_record<order_placed>>("alert", …)` hears
/// of them. Correlation is the event's, causation the event itself.
/// Capacity: of that topic and its lane, and never more: who fails is not held back by who listens. Without room there the
/// letter is not told of but counted (`topic_statistics::untold`); it stands among the letters all the same.
/// Order: that of their numbers, of one subscription. Letters of such subscriptions are told to nobody: there is no circle.
template <class E>
struct dead_letter_record {
  E event;
  std::uint64_t number = 0;  ///< names this letter in its topic; never reused
  event_id id{};             ///< the event's identity; false when it never got a position (`overloaded`)
  event_id correlation{};
  event_id causation{};
  std::string subscription;  ///< whose delivery it was; for `overloaded` the one that published the event
  dead_cause cause = dead_cause::failed;
  std::uint32_t attempts = 0;         ///< runs of the handler, of the last cycle
  std::uint32_t cycles = 0;           ///< how often it was redriven before
  time_point died_at{};               ///< when it became a letter
  std::vector<attempt_error> errors;  ///< the first 2 and the last 6
  std::uint64_t blocked_by = 0;       ///< the letter that holds its key (`blocked_by`); 0: none
};

/// Which letters; every field left alone matches all.
///
/// Example: `bus.dead_letters<order_placed>({.subscription = "billing", .cause = peal::dead_cause::failed})`
struct dead_letter_query {
  std::string subscription{};  ///< exact name
  std::optional<dead_cause> cause{};
  std::optional<std::uint64_t> number{};                        ///< one letter
  std::uint64_t after = 0;                                      ///< only greater numbers: the next page
  std::optional<event_id> event{};                              ///< of one event: what receipt and delivery call its id
  std::string error{};                                          ///< part of the text of an error that is kept
  std::optional<std::error_code> code{};                        ///< an error with this code is kept
  time_point from{};                                            ///< died at or after
  time_point to = time_point::max();                            ///< died before
  std::size_t limit = std::numeric_limits<std::size_t>::max();  ///< at most so many, oldest first
};

/// Beside a query: letters whose event the predicate is true for.
///
/// Thread safety: called on the thread that asks, under no lock. Errors: what it throws comes back to that caller.
/// Example: `bus.redrive<order_placed>({}, peal::letters_where{[](const order_placed& o) { return o.cents > 0; }})`
template <class Predicate>
class letters_where {
 public:
  using letter_test = void;

  constexpr explicit letters_where(Predicate predicate) : predicate_{std::move(predicate)} {}

  template <class E>
  static constexpr bool takes = std::is_invocable_r_v<bool, const Predicate&, const E&>;
  template <class E>
  [[nodiscard]] constexpr bool operator()(const E& event) const {
    return static_cast<bool>(predicate_(event));
  }

 private:
  Predicate predicate_;
};

/// Beside a query: letters whose event has this key. The key is given as to ordered_by.
///
/// Example: `bus.dead_letters<order_placed>({}, peal::letters_with_key{&order_placed::customer, "ann"})`
template <class Key, class Value>
class letters_with_key {
 public:
  using letter_test = void;

  constexpr letters_with_key(Key key, Value value) : key_{std::move(key)}, value_{std::move(value)} {}

  template <class E>
  static constexpr bool takes = detail::key_function_of<Key, E>;
  template <class E>
  [[nodiscard]] constexpr bool operator()(const E& event) const {
    return detail::key_from(key_, event) == value_;
  }

 private:
  Key key_;
  Value value_;
};

}  // namespace peal::inline v0
