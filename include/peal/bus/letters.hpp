// SPDX-License-Identifier: MIT
// The part of a bus that is about its dead letters.
#pragma once

#include <peal/bus/detail/redrive_job.hpp>
#include <peal/bus/redrive.hpp>
#include <peal/bus/redriving.hpp>

#include <cstddef>
#include <cstdint>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace peal::inline v0 {

namespace detail {

template <class T>
concept is_letter_test = requires {
  typename T::letter_test;
};
template <class T>
inline constexpr bool is_redrive_options = std::is_same_v<T, redrive_options>;
/// Takes the event by a reference that it may change it through.
template <class T, class E>
inline constexpr bool is_edit = std::is_invocable_v<T&, E&> && !std::is_invocable_v<T&, E&&>;

template <class E, class T>
constexpr bool takes_letters_of() noexcept {
  if constexpr (is_letter_test<T>) {
    return T::template takes<E>;
  } else {
    return true;
  }
}
template <class E, class T>
constexpr bool edits() noexcept {
  if constexpr (is_letter_test<T> || is_redrive_options<T>) {
    return false;
  } else {
    return is_edit<T, E>;
  }
}

/// What stands behind a query, sorted; it refers to the arguments.
template <class E>
struct letter_arguments {
  letter_test where{};
  letter_edit edit{};
  redrive_options options{};

  template <class... Args>
  explicit letter_arguments(Args&... args) {
    (take(args), ...);
  }

 private:
  template <class T>
  void take(T& one) {
    if constexpr (is_letter_test<T>) {
      where = {&one, [](const void* t, const void* event) {
                 return (*static_cast<const T*>(t))(*static_cast<const E*>(event));
               }};
    } else if constexpr (is_redrive_options<T>) {
      options = one;
    } else {
      edit = {&one, [](void* f, void* event) { (void)(*static_cast<T*>(f))(*static_cast<E*>(event)); }};
    }
  }
};

template <class E, class... Args>
struct letter_wiring {
  static constexpr bool tests_fit = (detail::takes_letters_of<E, Args>() && ...);
  static constexpr bool known = ((is_letter_test<Args> || is_redrive_options<Args> || detail::edits<E, Args>()) && ...);
  static_assert(
      tests_fit,
      "peal: a letters_where or letters_with_key takes another event than the one whose letters are asked for");
  static_assert(known,
                "peal: an argument behind the query is none of redrive_options, letters_where, letters_with_key and an "
                "edit; an edit takes the event as (E&), for by value or const it would change nothing");
  static constexpr bool one_each = (std::size_t{is_letter_test<Args>} + ... + 0) <= 1 &&
                                   (std::size_t{is_redrive_options<Args>} + ... + 0) <= 1 &&
                                   (std::size_t{detail::edits<E, Args>()} + ... + 0) <= 1;
  static_assert(one_each, "peal: two arguments behind the query are of one kind; keep one test, one options, one edit");
  static constexpr bool ok = tests_fit && known && one_each;
};

/// A redrive at a rate with its test and its edit.
template <class E, class... Args>
class typed_redrive final : public redrive_job {
 public:
  typed_redrive(bus_base& bus, topic_base& topic, std::uint8_t type, redrive_order order, redrive_jobs& all,
                std::tuple<Args...> args)
      : redrive_job{bus, topic, type, std::move(order), all},
        args_{std::move(args)},
        how_{std::apply([](auto&... arg) { return letter_arguments<E>{arg...}; }, args_)} {}

 protected:
  [[nodiscard]] letter_test where() noexcept override { return how_.where; }
  [[nodiscard]] letter_edit edit() noexcept override { return how_.edit; }

 private:
  std::tuple<Args...> args_;
  letter_arguments<E> how_;
};

/// Base of `basic_bus`: what it says of its letters.
template <class Bus>
class bus_letters {
 public:
  /// Copies of the letters of event E that match, oldest first. Behind the query: letters_where or letters_with_key.
  template <event E, class... Tests>
  [[nodiscard]] std::vector<dead_letter_record<E>> dead_letters(const dead_letter_query& q = {}, Tests... tests) const {
    check<E>();
    static_assert(std::is_copy_constructible_v<E>,
                  "peal: letters are read as copies, and this event cannot be copied; discard_letters removes them");
    if constexpr (Bus::template carries<E> && std::is_copy_constructible_v<E> && letter_wiring<E, Tests...>::ok) {
      return core().template letters<E>(q, letter_arguments<E>{tests...}.where);
    } else {
      return {};
    }
  }

  /// Gives matching letters back to their subscriptions, with their id and envelope; says how many, and why not the others.
  ///
  /// Behind the query, in any order: redrive_options; letters_where or letters_with_key; an edit `(E&)`, which is applied to
  /// each letter that goes back, before the first one goes. An edit that changes what its subscription orders or
  /// deduplicates by is refused and the letter stays as it was: it would stand in another's place.
  /// A letter whose subscription does not stand stays, and so does one whose key another letter holds: it follows that one
  /// by itself, whatever `max_cycles` says of it.
  /// Errors: bad_option for a rate, which is for start_redrive; what the test, the edit or a copy throws: letters that have
  /// not gone by then stay.
  template <event E, class... Args>
  redrive_report redrive(const dead_letter_query& q = {}, Args... args) {
    if constexpr (redrivable<E, Args...>()) {
      const letter_arguments<E> how{args...};
      if (how.options.per_second != 0) {
        throw bad_option("peal: redrive_options.per_second: a redrive at a rate takes its time; use start_redrive");
      }
      return core().template redrive<E>(q, how);
    } else {
      return redrive_report{};
    }
  }

  /// The same at a rate: letters go back one after the other, never more than `burst` at once and `per_second` in the long
  /// run, on the thread of the timers. Redriven is what there is when it starts, oldest first; what it has not reached
  /// stays a letter, also when the bus drains.
  ///
  /// What a letter holds its key before follows it at once, counts as so many letters and is waited for. A letter whose
  /// test, edit or copy throws is refused, and it goes on; so is one whose subscription does not stand.
  /// Errors: bad_option for a rate of 0, a burst of 0, a dry run; bad_alloc.
  /// Example: `auto r = bus.start_redrive<order_placed>({}, peal::redrive_options{.per_second = 50, .max_cycles = 3});`
  template <event E, class... Args>
  [[nodiscard]] redriving start_redrive(const dead_letter_query& q, Args... args) {
    if constexpr (redrivable<E, Args...>()) {
      return core().template start_redrive<E>(q, std::tuple<Args...>{std::move(args)...});
    } else {
      return {};
    }
  }

  /// Changes the event of one letter, which keeps its number, its id and its place. `edit` takes it as (E&).
  /// Errors: redrive_errc other than `none`, the letter is as it was; what `edit` throws.
  template <event E, class Edit>
  [[nodiscard]] redrive_errc edit_letter(std::uint64_t number, Edit edit) {
    if constexpr (redrivable<E, Edit>()) {
      return core().template edit_letter<E>(number, letter_arguments<E>{edit}.edit);
    } else {
      return redrive_errc::none;
    }
  }

  /// Removes matching letters for good; returns how many. They stay counted as dead.
  template <event E, class... Tests>
  std::size_t discard_letters(const dead_letter_query& q = {}, Tests... tests) {
    check<E>();
    if constexpr (Bus::template carries<E> && letter_wiring<E, Tests...>::ok) {
      return core().template discard<E>(q, letter_arguments<E>{tests...}.where);
    } else {
      return 0;
    }
  }

 protected:
  bus_letters() = default;
  ~bus_letters() = default;

 private:
  [[nodiscard]] auto& core() const noexcept { return *static_cast<const Bus&>(*this).core_; }

  template <class E>
  static constexpr void check() noexcept {
    static_assert(Bus::template carries<E>,
                  "peal: this bus does not carry the event whose letters are asked for; add it to the bus's topics");
  }
  template <class E, class... Args>
  static constexpr bool redrivable() noexcept {
    check<E>();
    static_assert(
        std::is_copy_constructible_v<E>,
        "peal: letters are redriven as copies, and this event cannot be copied; discard_letters removes them");
    return Bus::template carries<E> && std::is_copy_constructible_v<E> && letter_wiring<E, Args...>::ok;
  }
};

}  // namespace detail
}  // namespace peal::inline v0
