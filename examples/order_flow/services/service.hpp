// SPDX-License-Identifier: MIT
// What all services have in common: how they try again, and what is watched and broken around each run of a handler.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <type_traits>
#include <utility>

#include <peal/core/delivery.hpp>
#include <peal/policy/backoff.hpp>
#include <peal/policy/middleware.hpp>
#include <peal/policy/retry.hpp>

#include "../latency.hpp"
#include "../trouble.hpp"

namespace order_flow {

/// Whatever goes wrong goes wrong again at most so often: with nine failures in ten runs an order still gets through.
inline constexpr peal::backoff try_again{
    .attempts = 200, .first = std::chrono::microseconds{200}, .cap = std::chrono::milliseconds{5}};

/// When a crash may strike a handler.
/// A service that keeps its state in memory loses it in a real crash, so there is none after its work. One whose work
/// is done elsewhere (the gateway, the mail server) can crash after it, and has to find it done at the next run.
enum class crashes { before, before_and_after };

/// Stands around each run of one service's handler.
/// Thread safety: that of its subscription, which runs one handler at a time.
class watch {
 public:
  watch(std::string name, const trouble& troubles, crashes when)
      : name_(std::move(name)), troubles_(troubles), when_(when) {}

  const std::string& name() const { return name_; }
  const latency_histogram& latency() const { return latency_; }

  /// The policy for the subscription. The watch must outlive it.
  auto middleware() {
    return peal::middleware{[this](const auto& event, peal::delivery& delivery, auto&& next) -> decltype(next()) {
      troubles_.may_crash(name_ + " before", event.order_id, delivery.attempt());
      if constexpr (std::is_void_v<decltype(next())>) {
        next();
        handled(event.order_id, delivery);
      } else {
        auto result = next();
        handled(event.order_id, delivery);
        return result;
      }
    }};
  }

 private:
  void handled(const std::string& order_id, const peal::delivery& delivery) {
    if (when_ == crashes::before_and_after) troubles_.may_crash(name_ + " after", order_id, delivery.attempt());
    if (const auto published = delivery.published_at()) latency_.add(std::chrono::steady_clock::now() - *published);
  }

  std::string name_;
  const trouble& troubles_;
  crashes when_;
  latency_histogram latency_;
};

}  // namespace order_flow
