// SPDX-License-Identifier: MIT
// A handler whose effect must not be repeated when stored events are handled again.
#pragma once

#include <peal/core/outcome.hpp>

#include <optional>
#include <type_traits>
#include <utility>

namespace peal::inline v0 {

namespace detail {

template <class R>
struct skipped_result {
  using type = std::optional<R>;  // what a handler publishes by returning it
};
template <>
struct skipped_result<void> {
  using type = void;
};
template <>
struct skipped_result<outcome> {
  using type = outcome;
};
template <class T>
struct skipped_result<std::optional<T>> {
  using type = std::optional<T>;
};

template <class Handler, class E, class Delivery>
concept skippable = requires(const Delivery& d) {
  d.replaying();
}
&&(std::is_invocable_v<Handler&, const E&, Delivery&> || std::is_invocable_v<Handler&, const E&>);

}  // namespace detail

/// Runs its handler for events that come for the first time, and does nothing with those of a replay.
///
/// Mails, payments, calls of others go in here; what folds events into a state does not. It goes wherever a handler is
/// told of a delivery that says `replaying()`: a subscription of a durable topic, peal::replay, a projection.
/// Errors: what the handler throws. Thread safety: the handler's.
/// Example: `peal::skip_on_replay{[](const order_paid& o) { send_mail(o); }}`
template <class Handler>
class skip_on_replay {
 public:
  explicit skip_on_replay(Handler handler) : handler_{std::move(handler)} {}

  template <class E, class Delivery>
    requires detail::skippable<Handler, E, Delivery>
  auto operator()(const E& event, Delivery& d) { return run(handler_, event, d); }
  template <class E, class Delivery>
    requires detail::skippable<const Handler, E, Delivery>
  auto operator()(const E& event, Delivery& d) const { return run(handler_, event, d); }

 private:
  template <class H, class E, class Delivery>
  static auto run(H& handler, const E& event, Delivery& d) {
    using result = typename detail::skipped_result<decltype(call(handler, event, d))>::type;
    if constexpr (std::is_void_v<result>) {
      if (!d.replaying()) call(handler, event, d);
    } else {
      return d.replaying() ? result{} : result{call(handler, event, d)};
    }
  }
  template <class H, class E, class Delivery>
  static auto call(H& handler, const E& event, Delivery& d) {
    if constexpr (std::is_invocable_v<H&, const E&, Delivery&>) {
      return handler(event, d);
    } else {
      return handler(event);
    }
  }

  Handler handler_;
};

}  // namespace peal::inline v0
