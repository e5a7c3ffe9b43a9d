// SPDX-License-Identifier: MIT
// Topics: which events share one order, and how much room they have.
#pragma once

#include <peal/bus/publish_through.hpp>
#include <peal/core/event.hpp>
#include <peal/detail/type_list.hpp>

#include <cstddef>
#include <tuple>
#include <type_traits>

namespace peal::inline v0 {

/// Option of a topic: slots of its ring; rounded up to a power of two, at least 2.
template <std::size_t Slots>
struct capacity {
  static_assert(Slots >= 1, "peal: a topic needs capacity for at least one event");
};

/// Option of a topic: the moment of each publish is recorded, and delivery::published_at tells it. Costs a clock read.
struct timed {};

/// Option of a topic: only the holder of its peal::sole_publisher publishes, without a read-modify-write.
struct single_producer {};

/// Events that keep one order among themselves, and the options of their ring, in any order.
///
/// Example: `peal::topic<order_placed, order_cancelled, peal::capacity<65536>, peal::timed>`
template <class... EventsAndOptions>
struct topic {};

namespace detail {

/// What the options of a topic that survives the process are made of; see <peal/bus/durable.hpp>.
struct durable_option {};
template <class T>
inline constexpr bool is_durable_option = std::is_base_of_v<durable_option, T>;

template <class T>
inline constexpr std::size_t capacity_of = 0;
template <std::size_t N>
inline constexpr std::size_t capacity_of<capacity<N>> = N;
template <class T>
inline constexpr bool is_topic_option =
    capacity_of<T> != 0 || std::is_same_v<T, timed> || std::is_same_v<T, single_producer> || is_publish_through<T> ||
    is_durable_option<T>;
template <class T>
inline constexpr bool is_topic = false;
template <class... Ts>
inline constexpr bool is_topic<topic<Ts...>> = true;

template <class T>
struct topic_traits : topic_traits<topic<T>> {};
template <class... Ts>
struct topic_traits<topic<Ts...>> {
  using events = concat_t<std::conditional_t<is_topic_option<Ts>, type_list<>, type_list<Ts>>...>;
  static constexpr std::size_t slots = (capacity_of<Ts> + ... + 0);  // 0: the bus's default
  static constexpr bool is_timed = (std::is_same_v<Ts, timed> || ... || false);
  static constexpr bool is_durable = (is_durable_option<Ts> || ... || false);
  using durable_options = concat_t<std::conditional_t<is_durable_option<Ts>, type_list<Ts>, type_list<>>...>;
  using publish_middleware = decltype(std::tuple_cat(typename publish_chain<Ts>::type{}...));
  static constexpr bool has_middleware = std::tuple_size_v<publish_middleware> != 0;
  static_assert((std::size_t{is_publish_through<Ts>} + ... + 0) <= 1,
                "peal: a topic has two publish_through options; name all middleware in one, the outermost first");
  static constexpr bool single = (std::is_same_v<Ts, single_producer> || ... || false);
  static_assert((std::size_t{capacity_of<Ts> != 0} + ... + 0) <= 1, "peal: a topic has two capacities; keep one");
  static_assert(durable_options::size <= 1, "peal: a topic is durable twice; keep one of durable and durable_as<…>");
  static_assert(events::size != 0, "peal: a topic carries no event; name at least one");
  static_assert(events::size <= 16,
                "peal: a topic carries at most 16 event types; give the others a topic of their own");
  static_assert((std::is_same_v<Ts, std::remove_cvref_t<Ts>> && ...),
                "peal: events are named as plain values, without const or &");
  static_assert(
      ((is_topic_option<Ts> || event<Ts>)&&...),
      "peal: an event must move and be destroyed without throwing (noexcept): it is moved into its slot after "
      "the slot was claimed");
};

}  // namespace detail
}  // namespace peal::inline v0
