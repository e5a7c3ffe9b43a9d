// SPDX-License-Identifier: MIT
// What the code of a topic depends on: not on its events, so that most topics of a program share it.
#pragma once

#include <peal/bus/detail/event_storage.hpp>
#include <peal/bus/topic.hpp>
#include <peal/detail/type_list.hpp>

#include <tuple>
#include <type_traits>

namespace peal::inline v0::detail {

/// Topics that nothing is around: alike but for these.
template <bool Reclaims, bool Timed, bool Single>
struct topic_kind {
  using events = type_list<>;
  using publish_middleware = std::tuple<>;
  using durable_options = type_list<>;
  static constexpr bool needs_reclaim = Reclaims;
  static constexpr bool is_timed = Timed;
  static constexpr bool single = Single;
  static constexpr bool has_middleware = false;
  static constexpr bool is_durable = false;
};
/// A topic of its own kind.
template <class Topic>
struct own_kind : topic_traits<Topic> {
  static constexpr bool needs_reclaim = event_set_from<typename topic_traits<Topic>::events>::needs_reclaim;
};

template <class Topic, class Traits = topic_traits<Topic>>
using kind_of = std::conditional_t<Traits::has_middleware || Traits::is_durable, own_kind<Topic>,
                                   topic_kind<own_kind<Topic>::needs_reclaim, Traits::is_timed, Traits::single>>;

}  // namespace peal::inline v0::detail
