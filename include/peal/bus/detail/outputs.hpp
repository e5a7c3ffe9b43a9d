// SPDX-License-Identifier: MIT
// What a handler returned for publication, until it has found room.
#pragma once

#include <cstddef>
#include <optional>
#include <peal/bus/detail/handler_traits.hpp>
#include <peal/bus/detail/port.hpp>
#include <tuple>
#include <utility>

namespace peal::inline v0::detail {

template <class Events>
class outputs;

/// One place for each event that a run may return, in the order it returns them.
template <class... Os>
class outputs<type_list<Os...>> {
 public:
  using ports = std::tuple<port<Os>...>;

  explicit outputs(const ports& ways) : ways_{ways} {}

  [[nodiscard]] const ports& ways() const noexcept { return ways_; }
  [[nodiscard]] bool any() const noexcept { return any_; }

  /// What the events of this run belong to and are caused by.
  void belong(const publish_options& o) noexcept { options_ = o; }

  /// Takes a handler's result apart; the first event goes to place `At`.
  template <std::size_t At, class T>
  void store(T&& value) {
    std::get<At>(waiting_).emplace(std::forward<T>(value));
    any_ = true;
  }
  template <std::size_t At, class T>
  void store(std::optional<T>&& value) {
    if (value) store<At>(*std::move(value));
  }
  template <std::size_t At, class... Ts>
  void store(std::tuple<Ts...>&& values) {
    store_from<At, 0>(std::move(values));
  }

  /// Publishes what waits, in order; false when something found no room, and it and what follows wait on.
  /// With `kept` what a closed topic refuses waits, too: the delivery that brought it comes again in the next life.
  bool flush(bool kept = false) noexcept {
    const publish_call call{&options_, patience::none, {}};
    any_ = !flush_from<0>(call, kept);
    return !any_;
  }

  void clear() noexcept {
    std::apply([](auto&... waiting) { (waiting.reset(), ...); }, waiting_);
    any_ = false;
  }

 private:
  template <std::size_t At, std::size_t I, class... Ts>
  void store_from(std::tuple<Ts...>&& values) {
    if constexpr (I < sizeof...(Ts)) {
      store<At>(std::get<I>(std::move(values)));
      store_from<At + outputs_in<std::tuple_element_t<I, std::tuple<Ts...>>>::type::size, I + 1>(std::move(values));
    }
  }

  static bool waits(publish_errc why, bool kept) noexcept {
    if (why == publish_errc::overloaded || why == publish_errc::full) return true;
    return kept && (why == publish_errc::closing || why == publish_errc::closed || why == publish_errc::store_failed);
  }
  template <std::size_t I>
  bool flush_from(const publish_call& call, bool kept) noexcept {
    if constexpr (I == sizeof...(Os)) {
      return true;
    } else {
      auto& waiting = std::get<I>(waiting_);
      if (waiting) {
        const result<receipt> r = std::get<I>(ways_)(*waiting, call);
        if (!r && waits(r.error(), kept)) return false;
        waiting.reset();  // accepted; or the bus has ended and nobody is left to hear it
      }
      return flush_from<I + 1>(call, kept);
    }
  }

  ports ways_;
  std::tuple<std::optional<Os>...> waiting_{};
  publish_options options_{};
  bool any_ = false;
};

}  // namespace peal::inline v0::detail
