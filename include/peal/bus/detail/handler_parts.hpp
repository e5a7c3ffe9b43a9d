// SPDX-License-Identifier: MIT
// A handler with its policies, as long as it may be called: filters, middleware, rules, remembered and busy keys.
#pragma once

#include <peal/bus/detail/delivery_end.hpp>
#include <peal/bus/detail/handler_traits.hpp>
#include <peal/bus/detail/idempotency_tables.hpp>
#include <peal/bus/detail/ordered_part.hpp>
#include <peal/bus/detail/policies_in.hpp>

#include <cstdint>
#include <new>
#include <tuple>
#include <type_traits>
#include <utility>

namespace peal::inline v0::detail {

template <class Events, class Handler, class... Ps>
struct handler_parts;
template <class... Es, class Handler, class... Ps>
struct handler_parts<type_list<Es...>, Handler, Ps...> {
  using idempotent_policy = typename idempotent_in<Ps...>::type;
  using ordered_policy = typename ordered_in<Ps...>::type;

  explicit handler_parts(Handler&& h, Ps&&... ps)
      : handler{std::move(h)},
        policies{std::move(ps)...},
        rules{detail::rules_in(policies)},
        keys{detail::window_in(policies)} {}

  template <class E>
  key_table<typename idempotent_policy::template key_type<E>>& table() noexcept {
    return keys;
  }

  /// Fetches the place of an event's key.
  template <class E>
  void fetch_key(const void* at, std::uint8_t type) {
    const E& event = *std::launder(static_cast<const E*>(at));
    const auto& policy = std::get<idempotent_policy>(policies);
    // Only a key that stands in the event: a function of the user's is called once.
    if constexpr (std::is_lvalue_reference_v<decltype(policy.key(event))> && idempotent_policy::members_only) {
      (void)rule_set<>{}.run([&] { (void)table<E>().prepare(policy.key(event), type); });
    }
  }

  template <class E>
  [[nodiscard]] bool same_keys(const E& a, const E& b) const {
    return std::apply([&](const auto&... policy) { return (same_key(policy, a, b) && ...); }, policies);
  }

  template <class E>
  bool passes([[maybe_unused]] const E& event) {
    if constexpr ((is_filter<Ps> || ...)) {
      return std::apply([&](const auto&... policy) { return (passes_one(policy, event) && ...); }, policies);
    } else {
      return true;
    }
  }

  /// The middleware from the I-th policy on, then the handler.
  template <std::size_t I, class E, class Next>
  auto around(const E& event, delivery& d, Next&& next) -> decltype(next()) {
    if constexpr (I == sizeof...(Ps)) {
      return next();
    } else {
      using P = std::tuple_element_t<I, std::tuple<Ps...>>;
      if constexpr (is_middleware<P>) {
        return std::get<I>(policies)(
            event, d, [&]() -> decltype(next()) { return this->template around<I + 1>(event, d, next); });
      } else {
        return this->template around<I + 1>(event, d, next);
      }
    }
  }

  template <class E>
  decltype(auto) call(const E& event, delivery& d) {
    if constexpr (takes_delivery<Handler, E>) {
      return handler(event, d);
    } else {
      return handler(event);
    }
  }

  /// False: another delivery has the key, or has had it.
  template <class E>
  bool claim(const E& event, std::uint8_t type, time_point now, attempt_end& end) {
    const auto& policy = std::get<idempotent_policy>(policies);
    const auto claimed = table<E>().claim(policy.key(event), type, now);
    if (claimed.status == key_status::committed_before) {
      end.what = verdict::deduplicated;
      return false;
    }
    end.claim = claimed.entry;
    if (claimed.status == key_status::in_flight) {
      end.what = verdict::behind;
      return false;
    }
    return true;
  }

  /// What an answer of the handler other than "handled" means.
  template <class E>
  void take_outcome(const outcome& said, attempt_end& end) {
    if (said.what() == outcome::kind::handled) return;
    if (said.what() == outcome::kind::dropped) {
      end.what = verdict::discarded;
      return;
    }
    if constexpr (std::is_copy_constructible_v<E>) {
      take_failure(said, end);
    } else {  // it cannot be kept aside, neither for another run nor as a letter
      end.what = verdict::failed;
      end.action = {action_kind::discarded};
    }
  }
  void take_failure(const outcome& said, attempt_end& end) {
    switch (said.what()) {
      case outcome::kind::handled:
      case outcome::kind::dropped: return;
      case outcome::kind::rejected:
        end.what = verdict::rejected;
        end.error = said.reason();
        end.code = said.code();
        return;
      case outcome::kind::again:
      case outcome::kind::again_after:
        end.what = verdict::failed;
        end.action = detail::first_backoff_in(policies);
        if (said.what() == outcome::kind::again_after) end.asked_delay = said.delay();
        end.error = said.reason().empty() ? "the handler asked for another run" : said.reason();
        end.code = said.code();
        if (end.action.plan == nullptr && said.what() == outcome::kind::again) end.action = rules.fallback();
        return;
    }
  }

  Handler handler;
  std::tuple<Ps...> policies;
  rules_of<Ps...> rules;
  typename tables_for<idempotent_policy, Es...>::type keys;
  [[no_unique_address]] ordered_part<ordered_policy, nth_t<0, type_list<Es...>>> busy{};

 private:
  template <class P, class E>
  static bool same_key(const P& policy, const E& a, const E& b) {
    if constexpr (is_idempotent<P> || is_ordered<P>) {
      return static_cast<bool>(policy.key(a) == policy.key(b));
    } else {
      return true;
    }
  }
  template <class P, class E>
  static bool passes_one(const P& policy, const E& event) {
    if constexpr (is_filter<P>) {
      return policy(event);
    } else {
      return true;
    }
  }
};

}  // namespace peal::inline v0::detail
