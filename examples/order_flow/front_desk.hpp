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

class front_desk {
 public:
  front_desk(peal::publisher<order_placed> placed, peal::publisher<order_cancelled> cancelled, const trouble& troubles,
             std::uint64_t orders_per_second)
      : placed_(placed), cancelled_(cancelled), troubles_(troubles), rate_(orders_per_second) {}

  /// Publishes order after order while `go_on()`.
  template <std::predicate GoOn>
  void take(std::vector<any_order> orders, GoOn go_on) {
    std::vector<any_order> again_later;
    for (auto& next : orders) {
      if (!go_on()) break;
      keep_pace();
      ++(std::holds_alternative<order_placed>(next) ? orders_placed_ : orders_cancelled_);
      if (!troubles_.duplicates(id_of(next))) {
        publish(std::move(next));
        continue;
      }
      publish(next);
      if (++duplicates_ % 2 == 0) {
        again_later.push_back(std::move(next));  // comes again when the first is long done
      } else {
        publish(std::move(next));  // while the first is still being handled
      }
    }
    for (auto& next : again_later) publish(std::move(next));
  }

  std::int64_t orders_placed() const { return orders_placed_; }
  std::int64_t orders_cancelled() const { return orders_cancelled_; }
  std::uint64_t orders_taken() const { return static_cast<std::uint64_t>(orders_placed_ + orders_cancelled_); }
  std::uint64_t duplicates_published() const { return duplicates_; }

 private:
  static const std::string& id_of(const any_order& one) {
    return std::visit([](const auto& event) -> const std::string& { return event.order_id; }, one);
  }

  void publish(any_order one) {
    if (auto* placed = std::get_if<order_placed>(&one)) {
      placed_.publish(std::move(*placed));
    } else {
      cancelled_.publish(std::get<order_cancelled>(std::move(one)));
    }
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
  std::int64_t orders_placed_ = 0;
  std::int64_t orders_cancelled_ = 0;
  std::uint64_t duplicates_ = 0;
  std::chrono::steady_clock::time_point next_ = std::chrono::steady_clock::now();
};

}  // namespace order_flow
