// SPDX-License-Identifier: MIT
// Where threads sleep on Linux: the futex, and the membarrier system call.
#pragma once

#include <linux/futex.h>
#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <climits>
#include <cstdint>
#include <ctime>
#include <exception>
#include <peal/detail/time.hpp>

namespace peal::inline v0::detail {

/// Puts threads to sleep until a 32-bit word has changed, by the futex of the process.
/// Thread safety: everything may be called from any thread.
class linux_parking {
 public:
  using word_type = std::atomic<std::uint32_t>;
  static_assert(sizeof(word_type) == 4 && word_type::is_always_lock_free);

  /// Sleeps while `word` holds `expected`; may return early; false when the deadline (null: none) has passed.
  bool wait(const word_type& word, std::uint32_t expected,
            const std::chrono::steady_clock::time_point* deadline) noexcept {
    if (deadline == nullptr) {
      ::syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, expected, nullptr, nullptr, 0);
      return true;
    }
    // steady_clock is CLOCK_MONOTONIC here, and the bitset form takes an absolute time of that clock.
    const auto since = std::chrono::duration_cast<std::chrono::nanoseconds>(deadline->time_since_epoch()).count();
    ::timespec at{};
    at.tv_sec = static_cast<std::time_t>((since > 0 ? since : 0) / 1'000'000'000);
    at.tv_nsec = static_cast<long>((since > 0 ? since : 0) % 1'000'000'000);
    const long result =
        ::syscall(SYS_futex, &word, FUTEX_WAIT_BITSET_PRIVATE, expected, &at, nullptr, FUTEX_BITSET_MATCH_ANY);
    return !(result == -1 && errno == ETIMEDOUT);
  }

  void wake_one(word_type& word) noexcept { ::syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0); }
  void wake_all(word_type& word) noexcept {
    ::syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, INT_MAX, nullptr, nullptr, 0);
  }
};

/// Whether this process may use the expedited barrier; asking registers it, and asking again is cheap.
inline bool register_membarrier() noexcept {
  return ::syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) == 0;
}

/// Makes every running thread of this process execute a full barrier before it returns.
inline void membarrier() noexcept {
  if (::syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0) == 0) return;
  // Registered once already; if the kernel refuses for good, going on would lose wake-ups and hang without a word.
  if (register_membarrier() && ::syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0) == 0) return;
  std::terminate();
}

}  // namespace peal::inline v0::detail
