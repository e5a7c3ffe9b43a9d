// SPDX-License-Identifier: MIT
// How long deliveries took: a histogram of fixed size, exact to 3 per cent.
#pragma once

#include <array>
#include <bit>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>

namespace order_flow {

/// Counts durations in buckets, 32 to each power of two nanoseconds.
/// Thread safety: one thread at a time.
class latency_histogram {
 public:
  void add(std::chrono::nanoseconds took) {
    const auto value = static_cast<std::uint64_t>(took.count() < 0 ? 0 : took.count());
    ++buckets_[bucket_of(value)];
    ++count_;
  }

  void add(const latency_histogram& other) {
    for (std::size_t i = 0; i < buckets_.size(); ++i) buckets_[i] += other.buckets_[i];
    count_ += other.count_;
  }

  std::uint64_t count() const { return count_; }

  /// The duration that a share of all did not exceed: 0.5 is the median. Nothing counted: 0.
  std::chrono::nanoseconds quantile(double share) const {
    const auto wanted = static_cast<std::uint64_t>(std::ceil(share * static_cast<double>(count_)));
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < buckets_.size(); ++i) {
      seen += buckets_[i];
      if (seen != 0 && seen >= wanted) return std::chrono::nanoseconds{static_cast<std::int64_t>(largest_in(i))};
    }
    return {};
  }

 private:
  static constexpr int fine_bits = 5;
  static constexpr std::size_t fine = std::size_t{1} << fine_bits;

  // Small values have a bucket each; others are known by their highest bit and the five bits below it.
  static std::size_t bucket_of(std::uint64_t value) {
    if (value < fine) return value;
    const auto shift = static_cast<std::size_t>(std::bit_width(value) - 1 - fine_bits);
    return (shift + 1) * fine + (value >> shift) - fine;
  }

  static std::uint64_t largest_in(std::size_t bucket) {
    if (bucket < fine) return bucket;
    const auto shift = bucket / fine - 1;
    return ((bucket % fine + fine + 1) << shift) - 1;
  }

  std::array<std::uint64_t, fine*(64 - fine_bits)> buckets_{};
  std::uint64_t count_ = 0;
};

}  // namespace order_flow
