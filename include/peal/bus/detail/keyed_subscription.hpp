// SPDX-License-Identifier: MIT
// A subscription with its handler and policies, and what the parts of it that know no types ask about keys.
#pragma once

#include <peal/bus/detail/handler_parts.hpp>
#include <peal/bus/detail/handler_traits.hpp>
#include <peal/bus/detail/subscription_base.hpp>
#include <peal/codec/codec.hpp>
#include <peal/detail/own_ptr.hpp>

#include <array>
#include <cstdint>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>

namespace peal::inline v0::detail {

/// Whether a store can keep which keys an idempotent subscription has handled; true of others.
template <class Policy, class... Es>
inline constexpr bool can_keep_keys = (... &&
                                       (can_be_field<typename Policy::template key_type<Es>>() &&
                                        std::is_default_constructible_v<typename Policy::template key_type<Es>>));
template <class... Es>
inline constexpr bool can_keep_keys<no_idempotent, Es...> = true;

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
  template <class E>
  using key_of = typename idempotent_policy::template key_type<E>;
  /// A store can keep which keys were handled.
  static constexpr bool keeps_keys = dedups && can_keep_keys<idempotent_policy, Es...>;
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
    if constexpr (dedups) remembers = {true, keeps_keys, std::get<idempotent_policy>(parts_.policies).limits().window};
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
              (commit_one<Es>(*static_cast<entry_of<Es>*>(claim), type), true)) ||
             ...);
    }
  }
  void abandon_claim(void* claim, std::uint8_t type) noexcept override {
    if constexpr (dedups) {
      (void)((type == types_[index_of<Es, type_list<Es...>>] &&
              (abandon_one<Es>(*static_cast<entry_of<Es>*>(claim), type), true)) ||
             ...);
    }
  }
  void remember_key([[maybe_unused]] std::uint8_t type, [[maybe_unused]] wire_reader& from,
                    [[maybe_unused]] time_point handled) override {
    if constexpr (keeps_keys) {
      (void)((type == types_[index_of<Es, type_list<Es...>>] && (remember_one<Es>(type, from, handled), true)) || ...);
    }
  }
  void remember_event([[maybe_unused]] std::uint8_t type, [[maybe_unused]] const void* event) override {
    if constexpr (keeps_keys) {
      (void)((type == types_[index_of<Es, type_list<Es...>>] &&
              (remember_one(type, *static_cast<const Es*>(event)), true)) ||
             ...);
    }
  }

  /// False: another delivery has the key, or has had it.
  /// Errors: as handler_parts::claim; limit_reached for a key that the store has no place for.
  template <class E>
  bool claim(const E& event, std::uint8_t type, attempt_end& end) {
    if (!parts_.claim(event, type, batch_now_, end)) return false;
    if (claims_ != nullptr) [[unlikely]]
      expect_word<E>(type, end.claim);
    return true;
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

  template <class Key>
  static written_key writer_of(const Key& key) noexcept {
    return {&key, [](wire_writer& w, const void* k) { detail::write_value(w, *static_cast<const Key*>(k)); }};
  }
  template <class E>
  [[gnu::noinline]] void expect_word(std::uint8_t type, void*& claim) {
    if constexpr (keeps_keys) {
      auto& mine = *static_cast<entry_of<E>*>(claim);
      struct undo {
        keyed_subscription* from;
        entry_of<E>& entry;
        void*& claim;
        ~undo() {
          if (from == nullptr) return;
          from->parts_.template table<E>().abandon(entry);
          claim = nullptr;
        }
      } guard{this, mine, claim};
      claims_->expect(type, writer_of(mine.key()));
      guard.from = nullptr;
    }
  }
  template <class E>
  void commit_one(entry_of<E>& mine, std::uint8_t type) noexcept {
    if constexpr (keeps_keys) {
      if (claims_ != nullptr) claims_->handled(type, batch_now_, writer_of(mine.key()));
    }
    parts_.template table<E>().commit(mine, batch_now_);
    if constexpr (keeps_keys) {
      if (claims_ != nullptr) claims_->oldest = parts_.keys.oldest();
    }
  }
  template <class E>
  void abandon_one(entry_of<E>& mine, [[maybe_unused]] std::uint8_t type) noexcept {
    if constexpr (keeps_keys) {
      if (claims_ != nullptr) claims_->expect_no_more(type, writer_of(mine.key()));
    }
    parts_.template table<E>().abandon(mine);
  }
  template <class E>
  void remember_one(std::uint8_t type, wire_reader& from, time_point handled) {
    key_of<E> key{};
    value_reader values{from};
    if (!values.read(key) || !from.at_end()) return;  // of another type then: no event of this program has it
    auto& table = parts_.template table<E>();
    const auto claimed = table.claim(key, type, handled);
    if (claimed.status == key_status::claimed) table.commit(*claimed.entry, handled);
  }
  template <class E>
  void remember_one(std::uint8_t type, const E& event) {
    attempt_end end;
    batch_now_ = now();
    if (!claim(event, type, end)) return;
    parts_.template table<E>().commit(*static_cast<entry_of<E>*>(end.claim), batch_now_);
    claims_->oldest = parts_.keys.oldest();
    claims_->tell_at_once(batch_now_);
  }

  bool has_parts_ = true;
};

}  // namespace peal::inline v0::detail
