// SPDX-License-Identifier: MIT
// The front desk: publishes orders as they come in, some of them twice.
#pragma once

#include <chrono>
#include <concepts>
#include <cstdint>
#include <string>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include <peal/bus/publisher.hpp>

#include "events.hpp"
#include "orders.hpp"
#include "trouble.hpp"

namespace order_flow {

/// The only publisher of orders, in the order of the input: so where it was is known from how many there are.
class front_desk {
 public:
  /// `accepted`: publications of a former life, which are not made again.
  front_desk(peal::publisher<order_placed> placed, peal::publisher<order_cancelled> cancelled, const trouble& troubles,
             std::uint64_t orders_per_second, std::uint64_t accepted = 0)
      : placed_(placed), cancelled_(cancelled), troubles_(troubles), rate_(orders_per_second), accepted_(accepted) {}

  /// Publishes order after order while `go_on()`, and says of each `published(receipt, number, order_id)`.
  template <std::predicate GoOn, class Published>
  void take(std::vector<any_order> orders, GoOn go_on, Published&& published) {
    std::vector<any_order> again_later;
    for (auto& next : orders) {
      if (!go_on()) return;
      ++(std::holds_alternative<order_placed>(next) ? orders_placed_ : orders_cancelled_);
      if (!troubles_.duplicates(id_of(next))) {
        publish(std::move(next), published);
        continue;
      }
      publish(next, published);
      if (++duplicates_ % 2 == 0) {
        again_later.push_back(std::move(next));  // comes again when the first is long done
      } else {
        publish(std::move(next), published);  // while the first is still being handled
      }
    }
    for (auto& next : again_later) {
      if (!go_on()) return;
      publish(std::move(next), published);
    }
  }

  std::int64_t orders_placed() const { return orders_placed_; }
  std::int64_t orders_cancelled() const { return orders_cancelled_; }
  std::uint64_t orders_taken() const { return static_cast<std::uint64_t>(orders_placed_ + orders_cancelled_); }
  std::uint64_t duplicates_published() const { return duplicates_; }

 private:
  static const std::string& id_of(const any_order& one) {
    return std::visit([](const auto& event) -> const std::string& { return event.order_id; }, one);
  }

  template <class Published>
  void publish(any_order one, Published& published) {
    const auto number = number_++;
    if (number < accepted_) return;
    keep_pace();
    const auto order_id = id_of(one);
    auto* const placed = std::get_if<order_placed>(&one);
    const auto receipt = placed != nullptr ? placed_.publish(std::move(*placed))
                                           : cancelled_.publish(std::get<order_cancelled>(std::move(one)));
    published(receipt, number, order_id);
  }

  void keep_pace() {
    if (rate_ == 0) return;
    next_ += std::chrono::nanoseconds{std::chrono::seconds{1}} / rate_;
    std::this_thread::sleep_until(next_);
  }

  peal::publisher<order_placed> placed_;
  peal::publisher<order_cancelled> cancelled_;
  const trouble& troubles_;
  std::uint64_t rate_;
  std::uint64_t accepted_;
  std::uint64_t number_ = 0;
  std::int64_t orders_placed_ = 0;
  std::int64_t orders_cancelled_ = 0;
  std::uint64_t duplicates_ = 0;
  std::chrono::steady_clock::time_point next_ = std::chrono::steady_clock::now();
};

}  // namespace order_flow
