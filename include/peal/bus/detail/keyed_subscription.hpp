// SPDX-License-Identifier: MIT
// A subscription with its handler and policies, and what the parts of it that know no types ask about keys.
#pragma once

#include <peal/bus/detail/handler_parts.hpp>
#include <peal/bus/detail/handler_traits.hpp>
#include <peal/bus/detail/subscription_base.hpp>
#include <peal/detail/own_ptr.hpp>

#include <array>
#include <cstdint>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>

namespace peal::inline v0::detail {

template <class Events, class Handler, class... Ps>
class keyed_subscription;
template <class... Es, class Handler, class... Ps>
class keyed_subscription<type_list<Es...>, Handler, Ps...> : public subscription_base {
 public:
  void destroy_handler() noexcept override {
    if (!std::exchange(has_parts_, false)) return;
    while (asked_.load(std::memory_order_acquire) != 0) native_atomics::yield();  // pairs with [asked]
    conflated_.reset();
    parts_.~parts();
  }

  bool same_keys([[maybe_unused]] const void* a, [[maybe_unused]] const void* b,
                 [[maybe_unused]] std::uint8_t type) const override {
    bool same = true;
    if constexpr (dedups || ordered) {
      (void)((type == types_[index_of<Es, type_list<Es...>>] &&
              (same = parts_.same_keys(*static_cast<const Es*>(a), *static_cast<const Es*>(b)), true)) ||
             ...);
    }
    return same;
  }

 protected:
  using checks = wiring<Handler, type_list<Es...>, Ps...>;
  using idempotent_policy = typename idempotent_in<Ps...>::type;
  static constexpr bool dedups = !std::is_same_v<idempotent_policy, no_idempotent>;
  using ordered_policy = typename ordered_in<Ps...>::type;
  static constexpr bool ordered = !std::is_same_v<ordered_policy, no_order>;
  template <class E>
  using entry_of = typename key_table<typename idempotent_policy::template key_type<E>>::entry;
  using parts = handler_parts<type_list<Es...>, Handler, Ps...>;

  keyed_subscription(std::string name, topic_base& topic, const std::array<std::uint8_t, sizeof...(Es)>& types,
                     Handler&& handler, Ps&&... policies)
      : subscription_base{std::move(name),        topic,
                          mask_of(types),         detail::side_capacity_in(policies...),
                          checks::inline_handler, detail::flow_in(policies...)},
        types_{types},
        parts_{std::move(handler), std::move(policies)...} {
    if constexpr (checks::times::limits || checks::times::ages || checks::times::letters) {
      limits = std::apply([](const auto&... p) { return detail::limits_in(p...); }, parts_.policies);
      if (checks::times::limits) topic.bus.with_timeout.fetch_add(1, std::memory_order_relaxed);
    }
    if constexpr (ordered) order_ = order_in(parts_.policies);
    if constexpr (checks::measures) {
      timings_.reset(new timings(std::get<measured>(parts_.policies).one_in, checks::hands || checks::inline_handler));
    }
    if constexpr (checks::conflates) {
      using keys = typename newest_keys_of<typename checks::conflate_policy, type_list<Es...>>::type;
      conflated_.reset(new keys(std::get<behind<typename checks::conflate_policy>>(parts_.policies).choice(), types));
    }
  }
  ~keyed_subscription() override { keyed_subscription::destroy_handler(); }

  void*& waiters_of(void* claim, std::uint8_t type) noexcept override {
    void** found = nullptr;
    if constexpr (dedups) {
      (void)((type == types_[index_of<Es, type_list<Es...>>] &&
              (found = &static_cast<entry_of<Es>*>(claim)->waiters, true)) ||
             ...);
    }
    return *found;
  }
  void commit_claim(void* claim, std::uint8_t type) noexcept override {
    if constexpr (dedups) {
      (void)((type == types_[index_of<Es, type_list<Es...>>] &&
              (parts_.template table<Es>().commit(*static_cast<entry_of<Es>*>(claim), batch_now_), true)) ||
             ...);
    }
  }
  void abandon_claim(void* claim, std::uint8_t type) noexcept override {
    if constexpr (dedups) {
      (void)((type == types_[index_of<Es, type_list<Es...>>] &&
              (parts_.template table<Es>().abandon(*static_cast<entry_of<Es>*>(claim)), true)) ||
             ...);
    }
  }

  bool passes_filters([[maybe_unused]] const void* event, [[maybe_unused]] std::uint8_t type) override {
    bool passes = true;
    if constexpr (checks::conflates) {
      (void)((type == types_[index_of<Es, type_list<Es...>>] &&
              (passes = parts_.passes(*static_cast<const Es*>(event)), true)) ||
             ...);
    }
    return passes;
  }

  key_chain* find_chain([[maybe_unused]] const void* event, [[maybe_unused]] std::uint8_t type) override {
    key_chain* found = nullptr;
    if constexpr (ordered) {
      (void)((type == types_[index_of<Es, type_list<Es...>>] &&
              (found = parts_.busy.find(order_policy(), *static_cast<const Es*>(event)), true)) ||
             ...);
    }
    return found;
  }
  key_chain* make_chain([[maybe_unused]] const void* event, [[maybe_unused]] std::uint8_t type,
                        [[maybe_unused]] bool& made, [[maybe_unused]] bool& told) override {
    key_chain* found = nullptr;
    if constexpr (ordered) {
      (void)((type == types_[index_of<Es, type_list<Es...>>] &&
              (found = parts_.busy.make(order_policy(), *static_cast<const Es*>(event), made, told), true)) ||
             ...);
    }
    return found;
  }
  void free_chain([[maybe_unused]] key_chain& chain) noexcept override {
    if constexpr (ordered) parts_.busy.free(chain);
  }

  const ordered_policy& order_policy() const noexcept { return std::get<ordered_policy>(parts_.policies); }

  const std::array<std::uint8_t, sizeof...(Es)> types_;
  union {  // a std::optional costs each handler's compiler a dozen functions more
    parts parts_;
  };
  time_point batch_now_{};

 private:
  static std::uint16_t mask_of(const std::array<std::uint8_t, sizeof...(Es)>& types) noexcept {
    unsigned mask = 0;
    for (const std::uint8_t t : types) mask |= 1U << t;
    return static_cast<std::uint16_t>(mask);
  }

  bool has_parts_ = true;
};

}  // namespace peal::inline v0::detail
