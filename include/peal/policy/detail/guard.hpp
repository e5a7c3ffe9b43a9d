// SPDX-License-Identifier: MIT
// The generated catch clauses: one try block a rule, the first rule innermost; a rule whose predicate says no throws on.
#pragma once

#include <peal/detail/maybe.hpp>
#include <peal/detail/type_name.hpp>

#include <cstddef>
#include <exception>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>

#if defined(__cpp_exceptions) && defined(__GLIBCXX__)
#include <cxxabi.h>
#endif

namespace peal::inline v0::detail {

#if defined(__cpp_exceptions)

template <class Exception>
concept has_what = std::is_convertible_v<const Exception*, const std::exception*>;

template <class Exception>
std::string_view text_of(const Exception& e) noexcept {
  if constexpr (has_what<Exception>) {
    const char* const text = static_cast<const std::exception&>(e).what();
    return text != nullptr ? std::string_view{text} : std::string_view{};
  } else {
    return type_name<Exception>();
  }
}

/// Of the exception that is being handled, whatever its clause calls it.
inline std::error_code code_of_current() noexcept {
  try {
    throw;
  } catch (const std::system_error& e) {
    return e.code();
  } catch (...) {
    return {};
  }
}

template <class Exception>
std::error_code code_of(const Exception& e) noexcept {
  if constexpr (std::is_convertible_v<const Exception*, const std::system_error*>) {
    return e.code();
  } else if constexpr (std::is_convertible_v<const std::system_error*, const Exception*>) {
    return code_of_current();
  } else {
    return {};
  }
}

// Called inside a catch clause; a text for which there is no memory is left empty.
template <class Failure, class Action>
void record(maybe<Failure>& failed, Action action, std::string_view text, std::error_code code) noexcept {
  failed.emplace();
  failed->action = action;
  failed->code = code;
  try {
    failed->error_text.assign(text);
  } catch (const std::exception&) {
    failed->error_text.clear();
  }
}

/// Calls `f` inside the clauses of the first `Count` rules.
template <std::size_t Count, class Set, class F, class Failure>
void guard_typed(const Set& rules, F& f, maybe<Failure>& failed) {
  if constexpr (Count == 0) {
    static_cast<void>(f());
  } else {
    using exception = typename Set::template exception_at<Count - 1>;
    try {
      guard_typed<Count - 1>(rules, f, failed);
    } catch (const exception& e) {
      if (!rules.template takes<Count - 1>(e)) throw;
      record(failed, rules.template action<Count - 1>(), text_of(e), code_of(e));
    }
  }
}

/// The same of the exception that is being handled and that no rule names: looked at here, once for all handlers.
template <class Failure, class Action>
[[gnu::cold]] void record_unnamed(maybe<Failure>& failed, Action fallback) noexcept {
  try {
    throw;
  } catch (const std::system_error& e) {
    record(failed, fallback, text_of(e), e.code());
  } catch (const std::exception& e) {
    record(failed, fallback, text_of(e), {});
  } catch (...) {
    record(failed, fallback, "unknown exception", {});
  }
}

template <std::size_t Count, class Set, class F, class Failure>
void guard(const Set& rules, F& f, maybe<Failure>& failed) {
  try {
    guard_typed<Count>(rules, f, failed);
#if defined(__GLIBCXX__)
  } catch (const abi::__forced_unwind&) {
    throw;  // a thread being cancelled: swallowing this would end the process
#endif
  } catch (...) {
    record_unnamed(failed, rules.fallback());
  }
}

#else

template <std::size_t, class Set, class F, class Failure>
void guard(const Set&, F& f, maybe<Failure>&) {
  static_cast<void>(f());
}

#endif

}  // namespace peal::inline v0::detail
