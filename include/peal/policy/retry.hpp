// SPDX-License-Identifier: MIT
// Rules for failed runs: on<Exception>(action) and otherwise(action), compiled into one set of nested catch clauses.
#pragma once

#include <peal/detail/maybe.hpp>
#include <peal/policy/actions.hpp>
#include <peal/policy/backoff_chain.hpp>
#include <peal/policy/detail/guard.hpp>
#include <peal/policy/detail/rule_checks.hpp>
#include <peal/policy/pause.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <system_error>
#include <tuple>
#include <type_traits>
#include <utility>

namespace peal::inline v0 {

/// What a rule may do with a failed run.
template <class T>
concept retry_action = detail::runs_again<T> || std::same_as<T, discard_t> || std::same_as<T, dead_letter_t>;

/// What `on` and `otherwise` take: a pause is kept as the back-off that it is.
template <class T>
concept rule_action = retry_action<T> || std::same_as<T, pause>;

/// "When the handler throws an `Exception`, do this."
template <class Exception, retry_action Action>
struct rule {
  using exception_type = Exception;
  using action_type = Action;
  Action action;
};

/// "When it throws an `Exception` of which `Predicate` says yes, do this."
template <class Exception, class Predicate, retry_action Action>
struct rule_if {
  using exception_type = Exception;
  using action_type = Action;
  Action action;
  Predicate predicate;
};

/// "When it throws anything that no rule before names, do this."
template <retry_action Action>
struct otherwise_rule {
  using action_type = Action;
  Action action;
};

/// Says what happens when the handler throws an `Exception` or a type derived from it. The first matching rule wins.
/// Example: `peal::on<card_declined>(peal::discard)`
template <class Exception, rule_action Action>
[[nodiscard]] constexpr auto on(Action action) noexcept {
  static_assert(std::is_same_v<Exception, std::remove_cvref_t<Exception>>,
                "peal: on<Exception> names the exception's type itself, without const or &");
  return rule<Exception, decltype(detail::as_kept(action))>{detail::as_kept(action)};
}

/// The same for those exceptions of which `predicate(const Exception&)` says yes; of others the rules behind it decide.
/// A predicate that throws makes that exception the failed run's.
/// Example: `peal::on<http_error>([](const http_error& e) { return e.status == 503; }, peal::backoff{.attempts = 5})`
template <class Exception, class Predicate, rule_action Action>
  requires std::predicate<const Predicate&, const Exception&>
[[nodiscard]] constexpr auto on(Predicate predicate, Action action) {
  static_assert(std::is_same_v<Exception, std::remove_cvref_t<Exception>>,
                "peal: on<Exception> names the exception's type itself, without const or &");
  return rule_if<Exception, Predicate, decltype(detail::as_kept(action))>{detail::as_kept(action),
                                                                          std::move(predicate)};
}

template <class Exception, class Other>
  requires(!rule_action<Other>)
constexpr void on(const Other&) noexcept {
  static_assert(detail::never<Other>,
                "peal: the action of on<Exception>(action) is peal::backoff{…}, peal::pause{…}, peal::discard or "
                "peal::dead_letter");
}
template <class Exception, class Predicate, class Action>
  requires(!std::predicate<const Predicate&, const Exception&>)
constexpr void on(const Predicate&, const Action&) noexcept {
  static_assert(detail::never<Predicate>,
                "peal: the predicate of on<Exception>(predicate, action) takes (const Exception&) and returns bool");
}

/// Says what happens when no rule before matches; without it, a dead letter after one run. Written last.
/// Example: `peal::otherwise(peal::dead_letter)`
template <rule_action Action>
[[nodiscard]] constexpr auto otherwise(Action action) noexcept {
  return otherwise_rule<decltype(detail::as_kept(action))>{detail::as_kept(action)};
}
template <class Other>
  requires(!rule_action<Other>)
constexpr void otherwise(const Other&) noexcept {
  static_assert(detail::never<Other>,
                "peal: the action of otherwise(action) is peal::backoff{…}, peal::pause{…}, peal::discard or "
                "peal::dead_letter");
}

/// What a policy must be to stand in a `rule_set`.
template <class T>
concept retry_rule = detail::is_on_rule<T> || detail::is_otherwise<T>;

/// The actions by name; the tags `discard` and `dead_letter` keep those words for themselves.
enum class action_kind : std::uint8_t { letter, discarded, again };

/// A rule's action with its type forgotten.
/// Lifetime: `plan` points into the rule set and is null unless the kind is `again`.
struct applied_action {
  action_kind kind = action_kind::letter;
  const backoff* plan = nullptr;  ///< the first of `plans`, one after the other
  std::size_t plans = 1;
  action_kind at_end = action_kind::letter;  ///< when their runs are used up
};

namespace detail {

/// Whether one of its back-offs makes the whole subscription wait.
[[nodiscard]] constexpr bool has_pause(const applied_action& action) noexcept {
  for (std::size_t i = 0; action.plan != nullptr && i != action.plans; ++i) {
    if (action.plan[i].pauses) return true;
  }
  return false;
}

constexpr applied_action erased(const backoff& plan) noexcept { return {action_kind::again, &plan}; }
constexpr applied_action erased(discard_t) noexcept { return {action_kind::discarded}; }
constexpr applied_action erased(dead_letter_t) noexcept { return {}; }
template <std::size_t N>
constexpr applied_action erased(const backoff_chain<N>& chain) noexcept {
  return {action_kind::again, chain.plans.data(), N};
}
template <std::size_t N, class End>
constexpr applied_action erased(const ended_backoffs<N, End>& chain) noexcept {
  return {action_kind::again, chain.plans.data(), N, erased(End{}).kind};
}

}  // namespace detail

/// A run that threw: what the rules say about it, and what the exception said.
struct failure {
  applied_action action;
  std::string error_text;  ///< what(), or the exception's type name where it has no what(), or "unknown exception"
  std::error_code code;    ///< of a std::system_error
};

/// The rules of one subscription, in the order written.
///
/// Order: the first rule whose exception is the thrown type or a base of it and whose predicate, if it has one, says yes;
/// `otherwise` after all; else a dead letter.
/// Errors: what a run throws never leaves `run`, except the forced unwinding of a thread
/// that is cancelled (`abi::__forced_unwind`), which passes through. Without exceptions (-fno-exceptions) `run` is
/// a call; the bus itself needs them.
/// Thread safety: `run` may be called at once from any number of threads.
template <class... Rules>
class rule_set {
  static_assert((retry_rule<Rules> && ...),
                "peal: a rule is made by peal::on<Exception>(action) or peal::otherwise(action)");
  static_assert((std::size_t{detail::is_otherwise<Rules>} + ... + 0) <= 1,
                "peal: a subscription has more than one otherwise(…); keep one, written after every on<…>");
  static_assert((std::size_t{detail::is_otherwise<Rules>} + ... + 0) > 1 || detail::otherwise_is_last<Rules...>,
                "peal: a rule written after otherwise(…) can never match; write otherwise(…) last");
  static_assert(detail::all_reachable<Rules...>,
                "peal: a rule can never match because an on<Base> before it catches the same exception; write the "
                "derived exception first");

 public:
  /// True when no failed event is ever kept aside, so that a move-only event can be handled.
  static constexpr bool only_discards =
      (detail::is_otherwise<Rules> || ...) && (std::same_as<typename Rules::action_type, discard_t> && ...);

  constexpr explicit rule_set(Rules... rules) noexcept : rules_{std::move(rules)...} {}

  /// Calls `f()`; nothing when it returned, the failure when it threw.
  template <std::invocable F>
  [[nodiscard]] detail::maybe<failure> run(F&& f) const {
    detail::maybe<failure> failed;
    detail::guard<typed_count>(*this, f, failed);
    return failed;
  }

  /// The action of `otherwise`, or the dead letter that stands in for it.
  [[nodiscard]] constexpr applied_action fallback() const noexcept {
    if constexpr (typed_count < sizeof...(Rules)) return detail::erased(std::get<typed_count>(rules_).action);
    return {};
  }

  template <class Exception>
  static constexpr bool names = (detail::is_rule_for<Rules, Exception> || ...);

  /// The action of the rule written for exactly this exception; nothing without one, or where its predicate says no.
  template <class Exception>
  [[nodiscard]] detail::maybe<applied_action> named(const Exception& e) const {
    return named_from<0>(e);
  }

  /// The action of the rule at `Index`. // called by the catch clauses of detail::guard
  template <std::size_t Index>
  [[nodiscard]] constexpr applied_action action() const noexcept {
    return detail::erased(std::get<Index>(rules_).action);
  }
  /// Whether the rule at `Index` takes this exception of its type.
  template <std::size_t Index>
  [[nodiscard]] constexpr bool takes(const auto& exception) const {
    if constexpr (detail::is_conditional<std::tuple_element_t<Index, std::tuple<Rules...>>>) {
      return std::get<Index>(rules_).predicate(exception);
    } else {
      return true;
    }
  }
  template <std::size_t Index>
  using exception_at = typename std::tuple_element_t<Index, std::tuple<Rules...>>::exception_type;

 private:
  template <std::size_t I, class Exception>
  [[nodiscard]] detail::maybe<applied_action> named_from([[maybe_unused]] const Exception& e) const {
    if constexpr (I == typed_count) {
      return {};
    } else {
      if constexpr (std::is_same_v<exception_at<I>, Exception>) {
        if (takes<I>(e)) return action<I>();
      }
      return named_from<I + 1>(e);
    }
  }

  static constexpr std::size_t typed_count = (std::size_t{detail::is_on_rule<Rules>} + ... + 0);

  std::tuple<Rules...> rules_;
};

namespace detail {

inline void catch_from(void (*call)(void*), void* f, maybe<failure>& failed) {
  auto once = [call, f] { call(f); };
  guard<0>(rule_set<>{}, once, failed);
}
template <class F>
void call_as(void* f) {
  static_cast<void>((*static_cast<F*>(f))());
}
/// What `rule_set<>` does, with one catch clause for all who ask: for where no nanoseconds count.
template <class F>
[[nodiscard]] maybe<failure> caught(F&& f) {
  maybe<failure> failed;
  catch_from(&call_as<std::remove_reference_t<F>>, &f, failed);
  return failed;
}

}  // namespace detail

}  // namespace peal::inline v0
