// SPDX-License-Identifier: MIT
// How an outbox tells its relay that something was committed.
#pragma once

#include <peal/ring/event_count.hpp>
#include <peal/store/wall_clock.hpp>

#include <atomic>
#include <cstdint>

namespace peal::inline v0::detail {

/// Thread safety: every call from any thread.
class outbox_news {
 public:
  void tell() noexcept {
    count_.fetch_add(1, std::memory_order_seq_cst);
    changed_.notify_all(side::rare);
  }
  [[nodiscard]] std::uint64_t seen() const noexcept { return count_.load(std::memory_order_seq_cst); }
  /// Sleeps until something was told since `seen`, at most so long.
  void wait(std::uint64_t seen_before, time_point until) noexcept {
    (void)changed_.wait_until(until, [&] { return seen() != seen_before; });
  }

 private:
  std::atomic<std::uint64_t> count_{0};
  event_count<> changed_{barrier<>{}, spin_limit{0, 0}};
};

}  // namespace peal::inline v0::detail
