// SPDX-License-Identifier: MIT
// A topic with the types of its events: what is left to compile for each of them.
#pragma once

#include <peal/bus/detail/topic_core.hpp>

namespace peal::inline v0::detail {

template <class Runtime, class Topic>
class typed_topic final : public topic_core<Runtime, kind_of<Topic>> {
  using base = topic_core<Runtime, kind_of<Topic>>;
  using events = typename topic_traits<Topic>::events;

 public:
  typed_topic(bus_base& owner, typename Runtime::executor& runner, std::uint8_t number, const bus_options& o)
      : base{owner, runner, number, o, event_set_from<events>::value, topic_traits<Topic>::slots} {}

  template <class E>
  static constexpr std::uint8_t type_of = static_cast<std::uint8_t>(index_of<E, events>);

  template <class E>
  result<receipt> publish(E& event, const publish_call& call) noexcept {
    return this->template publish_as<type_of<E>>(event, call);
  }
  template <class E>
  std::size_t publish_range(E* from, std::size_t count, const publish_call& call) noexcept {
    return this->template publish_range_as<type_of<E>>(from, count, call);
  }
  template <class E>
  port<E> way_in() noexcept {
    return {this, &publish_erased<E>, &publish_range_erased<E>, type_of<E>};
  }

 private:
  template <class E>
  static std::size_t publish_range_erased(topic_base& t, E* from, std::size_t n, const publish_call& call) noexcept {
    return static_cast<typed_topic&>(t).publish_range(from, n, call);
  }
  template <class E>
  static result<receipt> publish_erased(topic_base& t, E& event, const publish_call& call) noexcept {
    return static_cast<typed_topic&>(t).publish(event, call);
  }
};

}  // namespace peal::inline v0::detail
