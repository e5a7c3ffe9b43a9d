// SPDX-License-Identifier: MIT
// The typed side of order by key: the policy among a subscription's policies, and the table of its busy keys.
#pragma once

#include <peal/bus/detail/ordering_checks.hpp>
#include <peal/bus/detail/subscription_base.hpp>
#include <peal/core/error.hpp>
#include <peal/detail/own_ptr.hpp>

#include <string>
#include <tuple>
#include <type_traits>

namespace peal::inline v0::detail {

/// The busy keys of one subscription.
template <class Policy, class E>
class ordered_part {
 public:
  [[nodiscard]] bool empty() const noexcept { return busy_.empty(); }

  /// The chain that the event's key is busy with; null when it is free or there is no order.
  template <class Event>
  key_chain* find(const Policy& policy, const Event& event) {
    decltype(auto) key = policy.key(event);
    if constexpr (is_optional<std::remove_cvref_t<decltype(key)>>) {
      return key.has_value() ? busy_.find(*key) : nullptr;
    } else {
      return busy_.find(key);
    }
  }
  template <class Event>
  key_chain* make(const Policy& policy, const Event& event, bool& made, bool& told) {
    decltype(auto) key = policy.key(event);
    told = true;
    if constexpr (is_optional<std::remove_cvref_t<decltype(key)>>) {
      return key.has_value() ? &busy_.make(*key, made) : nullptr;
    } else {
      return &busy_.make(key, made);
    }
  }
  void free(key_chain& chain) noexcept { busy_.free(chain); }

 private:
  busy_keys<typename Policy::template key_type<E>, key_chain> busy_;
};
template <class E>
class ordered_part<no_order, E> {};

template <class... Ps>
own_ptr<key_order> order_in(const std::tuple<Ps...>& policies) {
  using policy = typename ordered_in<Ps...>::type;
  if constexpr (std::is_same_v<policy, no_order>) {
    return nullptr;
  } else {
    const policy& p = std::get<policy>(policies);
    return own_ptr<key_order>{new key_order(p.limits(), p.holds())};
  }
}

/// Of what concurrency{n} asks for. Errors: bad_option.
template <class P>
void check_hands(const P& policy) {
  if constexpr (is_concurrency<P>) {
    if (policy.hands == 0 || policy.hands > 256) {
      throw bad_option("peal: concurrency{" + std::to_string(policy.hands) + "}: from 1 to 256 events at once");
    }
  }
}

}  // namespace peal::inline v0::detail
