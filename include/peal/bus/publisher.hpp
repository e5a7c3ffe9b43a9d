// SPDX-License-Identifier: MIT
// Handles that components take: each knows the events it publishes, not the bus.
#pragma once

#include <peal/bus/detail/port.hpp>
#include <peal/core/error.hpp>
#include <peal/detail/shared.hpp>

#include <atomic>
#include <concepts>
#include <type_traits>
#include <utility>

namespace peal::inline v0 {

namespace detail {

/// An E, or a reference to one.
template <class U, class E>
concept value_of = std::is_same_v<std::remove_cvref_t<U>, E>;

/// The publish forms, written once for the bus and its handles; `way` moves from the event when it accepts it.
template <class E, class Way>
result<receipt> publish_by(const Way& way, E& event, const publish_options& o, patience wait, nanoseconds time) {
  const publish_call call{&o == &no_options ? nullptr : &o, wait, time};
  return way(event, call);
}

/// An lvalue is copied before anything is claimed, so that a copy that throws leaves no hole.
template <class E, class U, class Way>
result<receipt> publish_value(const Way& way, U&& value, const publish_options& o, patience wait, nanoseconds time) {
  if constexpr (std::is_same_v<U&&, E&&>) {
    return publish_by<E>(way, value, o, wait, time);
  } else {
    static_assert(std::is_copy_constructible_v<E>, "peal: this event cannot be copied; publish it with std::move");
    E copy(value);
    return publish_by<E>(way, copy, o, wait, time);
  }
}

template <class E>
receipt accepted_or_throw(const result<receipt>& r) {
  if (!r) throw publish_refused(r.error(), display_name<E>());
  return *r;
}

}  // namespace detail

/// Publishes events of one type.
///
/// Thread safety: any thread, any number at once. Lifetime: must not outlive its bus. Cheap to copy.
/// Example: `peal::publisher<order_placed> out = bus; out.publish(order_placed{"o-1"});`
template <event E>
class publisher {
 public:
  /// From a bus, or from anything that says where events of type E go in.
  template <class Bus>
    requires requires(Bus& bus) {
      { bus.template way_in<E>() } -> std::same_as<detail::port<E>>;
    }
  publisher(Bus& bus) noexcept
      : way_{bus.template way_in<E>()} {}  // NOLINT: a bus is a publisher of each of its events

  /// Waits for room. Inside a handler it does not wait but may be refused as `overloaded`.
  /// Errors: publish_refused; the event is then left with the caller.
  template <detail::value_of<E> U = E>
  receipt publish(U&& value, const publish_options& o = detail::no_options) const {
    return detail::accepted_or_throw<E>(
        detail::publish_value<E>(way_, std::forward<U>(value), o, detail::patience::waiting, {}));
  }

  /// Never waits; the event is kept by the caller when it is refused. Throws only what copying an lvalue throws.
  template <detail::value_of<E> U = E>
  result<receipt> try_publish(U&& value, const publish_options& o = detail::no_options) const {
    return detail::publish_value<E>(way_, std::forward<U>(value), o, detail::patience::none, {});
  }

  /// Waits at most so long.
  template <detail::value_of<E> U = E>
  result<receipt> try_publish_for(U&& value, nanoseconds time, const publish_options& o = detail::no_options) const {
    return detail::publish_value<E>(way_, std::forward<U>(value), o, detail::patience::until, time);
  }

  /// Publishes `count` events in a row, moving from each that is accepted; waits for room. Returns how many were
  /// accepted, from the front: fewer only when refused (closing, closed; inside a handler overloaded).
  std::size_t publish_range(E* events, std::size_t count, const publish_options& o = detail::no_options) const {
    return way_.many(events, count,
                     {&o == &detail::no_options ? nullptr : &o, detail::patience::waiting, nanoseconds{0}});
  }
  /// The same without waiting: as many as there is room for.
  [[nodiscard]] std::size_t try_publish_range(E* events, std::size_t count,
                                              const publish_options& o = detail::no_options) const {
    return way_.many(events, count, {&o == &detail::no_options ? nullptr : &o, detail::patience::none, nanoseconds{0}});
  }

  /// For the bus: the way itself.
  [[nodiscard]] const detail::port<E>& way() const noexcept { return way_; }

 private:
  detail::port<E> way_;
};

/// The only publisher of a topic with the option peal::single_producer; move-only.
///
/// A bus's own type of it (`auto out = bus.sole_publisher<E>()`) publishes without an indirect call; as
/// `sole_publisher<E>` a component can take it without knowing the bus.
///
/// Thread safety: one thread at a time. Lifetime: must not outlive its bus; gives the topic back when it dies.
template <event E, class Way = detail::port<E>>
class sole_publisher {
 public:
  /// From a bus.
  /// Errors: name_in_use while there is another.
  template <class Bus>
    requires requires(Bus& bus) {
      { bus.template sole_publisher<E>() } -> std::convertible_to<sole_publisher>;
    }
  explicit sole_publisher(Bus& bus) : sole_publisher{bus.template sole_publisher<E>()} {}
  sole_publisher(Way way, detail::shared<std::atomic<bool>> taken) noexcept : way_{way}, taken_{std::move(taken)} {}
  /// From a bus's own type of it.
  template <class Other>
    requires(!std::is_same_v<Other, Way> && std::is_same_v<Way, detail::port<E>>)
  sole_publisher(sole_publisher<E, Other>&& other)
  noexcept  // NOLINT: the same publisher, knowing less
      : way_{other.way_.erased()}, taken_{std::move(other.taken_)} {}
  sole_publisher(sole_publisher&&) noexcept = default;
  sole_publisher& operator=(sole_publisher&& other) noexcept {
    if (this != &other) {
      give_back();
      way_ = other.way_;
      taken_ = std::move(other.taken_);
    }
    return *this;
  }
  ~sole_publisher() { give_back(); }

  template <detail::value_of<E> U = E>
  receipt publish(U&& value, const publish_options& o = detail::no_options) {
    return detail::accepted_or_throw<E>(
        detail::publish_value<E>(way_, std::forward<U>(value), o, detail::patience::waiting, {}));
  }
  template <detail::value_of<E> U = E>
  result<receipt> try_publish(U&& value, const publish_options& o = detail::no_options) {
    return detail::publish_value<E>(way_, std::forward<U>(value), o, detail::patience::none, {});
  }
  template <detail::value_of<E> U = E>
  result<receipt> try_publish_for(U&& value, nanoseconds time, const publish_options& o = detail::no_options) {
    return detail::publish_value<E>(way_, std::forward<U>(value), o, detail::patience::until, time);
  }

  /// As publisher::publish_range.
  std::size_t publish_range(E* events, std::size_t count, const publish_options& o = detail::no_options) {
    return way_.many(events, count,
                     {&o == &detail::no_options ? nullptr : &o, detail::patience::waiting, nanoseconds{0}});
  }

 private:
  template <event, class>
  friend class sole_publisher;

  void give_back() noexcept {
    if (taken_ != nullptr) taken_->store(false, std::memory_order_release);
    taken_.reset();
  }

  Way way_;
  detail::shared<std::atomic<bool>> taken_;
};

}  // namespace peal::inline v0
