// SPDX-License-Identifier: MIT
// The handle a component subscribes with: it knows its events and what its handlers may return, not the bus.
#pragma once

#include <peal/bus/detail/typed_subscription.hpp>
#include <peal/bus/publisher.hpp>
#include <peal/bus/subscription.hpp>
#include <peal/detail/shared.hpp>

#include <array>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>

namespace peal::inline v0 {

/// The events that handlers of a peal::subscriber may publish by returning them.
template <class... Es>
struct publishes {};

namespace detail {

template <class P>
void set_beginning([[maybe_unused]] const P& policy, [[maybe_unused]] beginning& to) noexcept {
  if constexpr (std::is_same_v<P, start_at>) to.from = policy;
  if constexpr (std::is_same_v<P, transient_t>) to.transient = true;
  if constexpr (std::is_same_v<P, behind<read_store_t>>) to.reads_store = true;
}

/// What only the store of a durable topic can do. Errors: bad_option.
inline void check_durable(const topic_base& topic, const std::string& name, const char* policy) {
  if (topic.keeper != nullptr) return;
  throw bad_option("peal: subscription \"" + name + "\": " + policy + " goes with a durable topic, and the topic of " +
                   std::string(topic.types[0]->name()) + " is in memory; add peal::durable to its options");
}

/// How a subscription is put into its topic.
struct attachment {
  bool dropping = false;
  bool polled = false;
  const std::uint8_t* types = nullptr;
  const here_function* here = nullptr;  ///< null: it gets a seat
  std::size_t count = 0;
};

/// The bus without its types, as seen by whoever subscribes.
struct wiring_point {
  void* core = nullptr;
  topic_base* topic = nullptr;
  bus_link (*attach)(void* core, topic_base& topic, const shared<subscription_base>& s,
                     const attachment& how) = nullptr;
};

template <class... Es, class Ports, class Handler, class... Ps>
subscription subscribe_with(const wiring_point& at, const std::array<std::uint8_t, sizeof...(Es)>& types,
                            const Ports& outputs, std::string name, Handler handler, Ps... policies) {
  using checks = wiring<Handler, type_list<Es...>, Ps...>;
  using typed = typed_subscription<type_list<Es...>, Handler, Ps...>;
  (detail::check_hands(policies), ...);
  (detail::check_time(policies, at.topic->timed), ...);
  (detail::check_measured(policies), ...);
  // Not std::make_shared, whose control block is compiled anew for each handler.
  const shared<subscription_base> s{static_cast<subscription_base*>(
      new typed(std::move(name), *at.topic, types, outputs, std::move(handler), std::move(policies)...))};
  (detail::set_beginning(policies, s->begins), ...);
  attachment how;
  if constexpr (checks::reads_store) check_durable(*at.topic, s->name(), "behind{read_store}");
  how.dropping = checks::dropping && !checks::reads_store;
  how.polled = (std::is_same_v<Ps, on_poll_t> || ... || false);
  how.types = types.data();
  how.count = types.size();
  if constexpr (checks::inline_handler) how.here = typed::here_functions.data();
  return subscription{s, at.attach(at.core, *at.topic, s, how)};
}

template <class From, class List>
struct ports_of;
template <class From, class... Os>
struct ports_of<From, type_list<Os...>> {
  static std::tuple<port<Os>...> get([[maybe_unused]] From& from) { return {from.template way_in<Os>()...}; }
};

}  // namespace detail

/// Subscribes handlers to the events `Es…`, which share a topic; `publishes<F…>` last, if they return events.
///
/// Thread safety: any thread. Lifetime: must not outlive its bus. Cheap to copy.
/// Example: `void wire(peal::subscriber<order_placed, peal::publishes<payment_taken>> in);`
template <class... EsAndPublishes>
class subscriber {
  template <class T>
  struct split {
    using events = detail::type_list<T>;
    using outputs = detail::type_list<>;
  };
  template <class... Fs>
  struct split<publishes<Fs...>> {
    using events = detail::type_list<>;
    using outputs = detail::type_list<Fs...>;
  };
  using events = detail::concat_t<typename split<EsAndPublishes>::events...>;
  using outputs = detail::concat_t<typename split<EsAndPublishes>::outputs...>;
  static_assert(events::size != 0,
                "peal: a subscriber names the events it subscribes to: peal::subscriber<order_placed>");
  using all_ports = decltype(detail::ports_of<subscriber, outputs>::get(std::declval<subscriber&>()));

 public:
  /// From a bus that carries all of them. What is missing does not compile, and the compiler names it.
  template <class Bus>
    requires requires(Bus& bus) { bus.template wiring_for<int>(events{}); }
  subscriber(Bus& bus)  // NOLINT: a bus is a subscriber of each of its events
      : at_{bus.template wiring_for<int>(events{})},
        types_{bus.type_numbers(events{})},
        ports_{detail::ports_of<Bus, outputs>::get(bus)} {}

  /// As `bus.subscribe<Es…>`.
  /// Errors: name_in_use, limit_reached, bus_closed.
  template <class Handler, class... Ps>
  subscription subscribe(std::string name, Handler handler, Ps... policies) const {
    return wire(events{}, std::move(name), std::move(handler), std::move(policies)...);
  }

  /// For the bus: the way of an output. Not for others.
  template <class F>
  detail::port<F> way_in() const noexcept {
    static_assert(detail::contains<F, outputs>,
                  "peal: the handler returns an event that its subscriber may not publish; name it in publishes<…>");
    if constexpr (detail::contains<F, outputs>) {
      return std::get<detail::port<F>>(ports_);
    } else {
      return {};
    }
  }

 private:
  template <class... Es, class Handler, class... Ps>
  subscription wire(detail::type_list<Es...>, std::string name, Handler handler, Ps... policies) const {
    return detail::subscribe_with<Es...>(
        at_, types_, detail::ports_of<const subscriber, detail::all_outputs<Handler, Es...>>::get(*this),
        std::move(name), std::move(handler), std::move(policies)...);
  }

  detail::wiring_point at_;
  std::array<std::uint8_t, events::size> types_;
  all_ports ports_;
};

}  // namespace peal::inline v0
