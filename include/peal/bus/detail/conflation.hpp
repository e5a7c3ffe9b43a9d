// SPDX-License-Identifier: MIT
// The typed side of conflate: the policy among a subscription's policies, its tables of keys, and its wiring errors.
#pragma once

#include <peal/bus/detail/newest_keys.hpp>
#include <peal/detail/type_list.hpp>
#include <peal/policy/ordering.hpp>
#include <peal/policy/overflow.hpp>

#include <array>
#include <cstdint>
#include <tuple>
#include <type_traits>

namespace peal::inline v0::detail {

/// The conflate among the policies, or `no_conflate`.
struct no_conflate {};
template <class... Ps>
struct conflate_in {
  using type = no_conflate;
};
template <class... Keys, class... Ps>
struct conflate_in<behind<conflate<Keys...>>, Ps...> {
  using type = conflate<Keys...>;
};
template <class P, class... Ps>
struct conflate_in<P, Ps...> : conflate_in<Ps...> {};

template <class Policy, class... Es>
struct conflate_keys {
  static_assert(Policy::template all_used<Es...>,
                "peal: a key of conflate{…} takes none of this subscription's events; each key names one of them");
  // Where a key is missing, policy.key says so.
  static constexpr bool ok =
      (((Policy::template takers<Es> == 1) && sizeof(typename Policy::template key_type<Es>*) != 0) & ...);
};
template <class... Es>
struct conflate_keys<no_conflate, Es...> {
  static constexpr bool ok = true;
};

/// The waiting events of one type by their keys.
template <class Policy, class E>
struct newest_of {
  busy_keys<typename Policy::template key_type<E>, newest_chain> table;
};

template <class Policy, class... Es>
class typed_newest_keys final : public newest_keys, newest_of<Policy, Es>... {
 public:
  typed_newest_keys(const Policy& policy, const std::array<std::uint8_t, sizeof...(Es)>& types)
      : policy_{policy}, types_{types} {}

  newest_chain* of(const void* event, std::uint8_t type, bool& told) override {
    newest_chain* found = nullptr;
    (void)((type == types_[index_of<Es, type_list<Es...>>] &&
            (found = make(*static_cast<const Es*>(event), type, told), true)) ||
           ...);
    return found;
  }
  void free(newest_chain& chain) noexcept override {
    (void)((chain.type == types_[index_of<Es, type_list<Es...>>] &&
            (static_cast<newest_of<Policy, Es>&>(*this).table.free(chain), true)) ||
           ...);
  }

 private:
  template <class E>
  newest_chain* make(const E& event, std::uint8_t type, bool& told) {
    decltype(auto) key = policy_.key(event);
    told = true;
    auto& mine = static_cast<newest_of<Policy, E>&>(*this).table;
    bool made = false;
    newest_chain* chain = nullptr;
    if constexpr (is_optional<std::remove_cvref_t<decltype(key)>>) {
      if (!key.has_value()) return nullptr;
      chain = &mine.make(*key, made);
    } else {
      chain = &mine.make(key, made);
    }
    chain->type = type;
    return chain;
  }

  const Policy policy_;
  const std::array<std::uint8_t, sizeof...(Es)> types_;
};

template <class P, class Es>
struct newest_keys_of;
template <class... Keys, class... Es>
struct newest_keys_of<conflate<Keys...>, type_list<Es...>> {
  using type = typed_newest_keys<conflate<Keys...>, Es...>;
};

}  // namespace peal::inline v0::detail
