// SPDX-License-Identifier: MIT
// Where threads sleep on a system without a futex: a mutex and a condition variable.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <peal/detail/time.hpp>

namespace peal::inline v0::detail {

/// Puts threads to sleep until a word has changed; the word is always changed before anybody is woken, and the lock taken
/// in between is what keeps the wake-up from falling between a sleeper's last look and its sleep.
/// Thread safety: everything may be called from any thread.
class portable_parking {
 public:
  /// Sleeps while `word` holds `expected`; may return early; false when the deadline (null: none) has passed.
  template <class Word>
  bool wait(const Word& word, std::uint32_t expected, const std::chrono::steady_clock::time_point* deadline) noexcept {
    std::unique_lock lock{mutex_};
    while (word.load(std::memory_order_relaxed) == expected) {
      // Never longer than a second at a time: condition variables have lost wake-ups before.
      const auto now = std::chrono::steady_clock::now();
      if (deadline != nullptr && now >= *deadline) return false;
      const auto recheck = now + std::chrono::seconds{1};
      changed_.wait_until(lock, deadline != nullptr && *deadline < recheck ? *deadline : recheck);
    }
    return true;
  }

  template <class Word>
  void wake_one(Word& word) noexcept {
    wake_all(word);
  }

  template <class Word>
  void wake_all(Word&) noexcept {
    { const std::lock_guard lock{mutex_}; }
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
};

}  // namespace peal::inline v0::detail
