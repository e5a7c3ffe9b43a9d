// SPDX-License-Identifier: MIT
// The bank's side of a payment, as far away and as unreliable as they are.
#pragma once

#include <chrono>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <unordered_map>
#include <utility>

#include "../trouble.hpp"
#include "outage.hpp"

namespace order_flow {

struct gateway_timeout : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Nobody is there at all; nothing has moved.
struct gateway_down : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Moves money once for each key, however often it is asked to: the caller cannot know whether a call that timed out
/// was lost on its way there or on its way back.
class gateway {
 public:
  gateway(std::string name, const trouble& troubles, std::chrono::nanoseconds down = {})
      : name_(std::move(name)), troubles_(troubles), outage_(down) {}

  /// Errors: gateway_down; gateway_timeout: then the money may have moved all the same.
  void move_money(const std::string& key, std::int64_t cents, std::uint64_t attempt) {
    if (outage_.meets_call()) throw gateway_down(name_ + ": nobody there");
    if (troubles_.times_out(name_ + " lost", key, attempt)) throw gateway_timeout(name_ + ": no answer");
    if (moved_.emplace(key, cents).second) cents_ += cents;
    if (troubles_.times_out(name_ + " answer lost", key, attempt)) throw gateway_timeout(name_ + ": no answer");
  }

  std::int64_t cents() const { return cents_; }
  const outage& its_outage() const { return outage_; }

 private:
  std::string name_;
  const trouble& troubles_;
  outage outage_;
  std::unordered_map<std::string, std::int64_t> moved_;
  std::int64_t cents_ = 0;
};

}  // namespace order_flow
