// SPDX-License-Identifier: MIT
// Trouble on purpose: decided by the seed, the place, the order and the attempt alone, so that a run's trouble is the
// same whatever the threads do. Only an outage goes by the clock.
#pragma once

#include <chrono>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>

#include "random.hpp"

namespace order_flow {

class trouble {
 public:
  struct options {
    double duplicate = 0;                ///< probability that an order is published twice
    double flaky = 0;                    ///< probability that a gateway call times out
    double crash = 0;                    ///< probability that a handler throws at a given place
    std::chrono::nanoseconds outage{0};  ///< how long the payment gateway is down
    std::uint64_t seed = 1;
  };

  explicit trouble(options chosen) : options_(chosen) {}

  bool duplicates(std::string_view order_id) const { return happens(options_.duplicate, word("twice", order_id, 0)); }

  bool times_out(std::string_view call, std::string_view order_id, std::uint64_t attempt) const {
    return happens(options_.flaky, word(call, order_id, attempt));
  }

  std::chrono::nanoseconds outage() const { return options_.outage; }

  /// Crashes a handler with something that nobody foresaw.
  void may_crash(std::string_view place, std::string_view order_id, std::uint64_t attempt) const {
    const auto chance = word(place, order_id, attempt);
    if (!happens(options_.crash, chance)) return;
    if (mixed(chance) % 4 == 0) throw 42;
    throw std::logic_error("crash in " + std::string{place});
  }

 private:
  std::uint64_t word(std::string_view place, std::string_view order_id, std::uint64_t attempt) const {
    return mixed(mixed(mixed(options_.seed) + hashed(place)) + mixed(hashed(order_id)) + attempt);
  }

  options options_;
};

}  // namespace order_flow
