// SPDX-License-Identifier: MIT
// A time in which nobody answers, and how long it took to notice that it was over.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

namespace order_flow {

/// Begins with a call in the middle of work and lasts for a given time.
/// Thread safety: none; a gateway is called by one thread at a time.
class outage {
 public:
  using clock = std::chrono::steady_clock;

  explicit outage(std::chrono::nanoseconds length) : length_(length) {}

  /// Whether this call finds nobody.
  bool meets_call() {
    constexpr std::uint64_t first_call = 20;
    if (length_.count() == 0 || ++calls_ < first_call) return false;
    const auto now = clock::now();
    if (!ends_) ends_ = now + length_;
    if (now < *ends_) return true;
    if (!recovery_) recovery_ = now - *ends_;
    return false;
  }

  /// From its end to the first call that found somebody; nothing while there was none.
  std::optional<std::chrono::nanoseconds> recovery() const { return recovery_; }

 private:
  std::chrono::nanoseconds length_;
  std::uint64_t calls_ = 0;
  std::optional<clock::time_point> ends_;
  std::optional<std::chrono::nanoseconds> recovery_;
};

}  // namespace order_flow
