// SPDX-License-Identifier: MIT
// Histograms of times: many threads count into them while others read, and nobody waits.
#pragma once

#include <peal/detail/own_ptr.hpp>
#include <peal/detail/time.hpp>

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace peal::inline v0 {

/// What a histogram held when it was read.
struct histogram_values {
  struct bucket {
    std::chrono::nanoseconds upper{0};  ///< no value in it is greater
    std::uint64_t count = 0;
  };

  std::uint64_t count = 0;
  std::chrono::nanoseconds sum{0};
  std::chrono::nanoseconds max{0};  ///< exact
  std::vector<bucket> buckets;      ///< ascending; those without a value left out

  /// The least time that this share of the values does not exceed, at most 1/32 too high; 0 without values.
  [[nodiscard]] std::chrono::nanoseconds percentile(double percent) const noexcept {
    const double wanted = static_cast<double>(count) * percent / 100;
    std::uint64_t seen = 0;
    for (const bucket& b : buckets) {
      seen += b.count;
      if (static_cast<double>(seen) >= wanted) return b.upper < max ? b.upper : max;
    }
    return max;
  }
  [[nodiscard]] std::chrono::nanoseconds p50() const noexcept { return percentile(50); }
  [[nodiscard]] std::chrono::nanoseconds p99() const noexcept { return percentile(99); }
  [[nodiscard]] std::chrono::nanoseconds p999() const noexcept { return percentile(99.9); }
  [[nodiscard]] std::chrono::nanoseconds mean() const noexcept {
    return count != 0 ? sum / static_cast<std::int64_t>(count) : std::chrono::nanoseconds{0};
  }
  /// How many values are at most this. Exact where `limit` is a power of two nanoseconds.
  [[nodiscard]] std::uint64_t up_to(std::chrono::nanoseconds limit) const noexcept {
    std::uint64_t seen = 0;
    for (const bucket& b : buckets) {
      if (b.upper > limit) break;
      seen += b.count;
    }
    return seen;
  }
};

/// Counts times in buckets that are linear within each power of two and so at most 1/32 wide.
///
/// Source: HdrHistogram (Gil Tene), its layout of buckets; sharded so that threads need not share a line.
/// Capacity: 0 to 2^40 ns (18 minutes), what is longer counts as that; 9 KB a shard, allocated when it is made.
/// Thread safety: everything from any thread; values() reads while others record and sees each value at most once.
/// Memory order: relaxed; it counts and orders nothing.
/// Complexity: two or three read-modify-writes on lines of the shard; no allocation.
/// Example: `peal::histogram times; times.record(end - start); show(times.values().p99());`
class histogram {
 public:
  explicit histogram(std::size_t shards = 1) : shards_{shards != 0 ? shards : 1}, all_(shards_) {}

  /// `where` chooses the shard; the same for the same thread, if there are several.
  void record(std::chrono::nanoseconds time, std::size_t where = 0) noexcept {
    const auto value = static_cast<std::uint64_t>(time.count() > 0 ? time.count() : 0);
    shard& mine = all_[where % shards_];
    mine.counts[place_of(value)].fetch_add(1, std::memory_order_relaxed);
    mine.sum.fetch_add(value, std::memory_order_relaxed);
    std::uint64_t most = mine.max.load(std::memory_order_relaxed);
    while (value > most && !mine.max.compare_exchange_weak(most, value, std::memory_order_relaxed)) {
    }
  }

  /// Errors: bad_alloc.
  [[nodiscard]] histogram_values values() const {
    histogram_values v;
    for (std::size_t s = 0; s != shards_; ++s) {
      v.sum += std::chrono::nanoseconds{static_cast<std::int64_t>(all_[s].sum.load(std::memory_order_relaxed))};
      const std::chrono::nanoseconds most{static_cast<std::int64_t>(all_[s].max.load(std::memory_order_relaxed))};
      if (most > v.max) v.max = most;
    }
    for (std::size_t i = 0; i != places; ++i) {
      std::uint64_t n = 0;
      for (std::size_t s = 0; s != shards_; ++s) n += all_[s].counts[i].load(std::memory_order_relaxed);
      if (n == 0) continue;
      v.buckets.push_back({std::chrono::nanoseconds{static_cast<std::int64_t>(upper_of(i))}, n});
      v.count += n;
    }
    return v;
  }

 private:
  static constexpr unsigned fine_bits = 5;  // 32 buckets to each power of two
  static constexpr unsigned most_bits = 40;
  static constexpr std::uint64_t fine = std::uint64_t{1} << fine_bits;
  static constexpr std::uint64_t most_value = (std::uint64_t{1} << most_bits) - 1;
  static constexpr std::size_t places = (most_bits - fine_bits + 1) * fine;

  struct alignas(64) shard {
    std::atomic<std::uint64_t> sum{0};
    std::atomic<std::uint64_t> max{0};
    std::atomic<std::uint64_t> counts[places]{};
  };

  // A bucket ends at its upper value: 2^k belongs to the bucket below, so that powers of two are limits.
  static constexpr std::size_t place_of(std::uint64_t value) noexcept {
    std::uint64_t v = value != 0 ? value - 1 : 0;
    if (v > most_value) v = most_value;
    if (v < fine) return static_cast<std::size_t>(v);
    const unsigned shift = static_cast<unsigned>(std::bit_width(v)) - fine_bits - 1;
    return static_cast<std::size_t>((shift + 1) * fine + ((v >> shift) - fine));
  }
  static constexpr std::uint64_t upper_of(std::size_t place) noexcept {
    if (place < fine) return place + 1;
    const std::uint64_t shift = place / fine - 1;
    return ((place % fine + fine + 1) << shift);
  }

  std::size_t shards_;
  detail::own_array<shard> all_;
};

}  // namespace peal::inline v0
