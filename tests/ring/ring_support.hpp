// SPDX-License-Identifier: MIT
// What the tests of the rings share: a watchdog, counted instances, both barrier modes, a start line for threads.
#pragma once

#include <peal/ring/atomics.hpp>
#include <peal/ring/sequence.hpp>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace ring_test {

/// Ends the process with a message if it still stands after so long: a lost wake-up hangs, it does not fail.
class watchdog {
 public:
  explicit watchdog(const char* what, std::chrono::seconds limit = std::chrono::seconds{240}) {
    thread_ = std::thread{[this, what, limit] {
      std::unique_lock lock{mutex_};
      if (!over_.wait_for(lock, limit, [this] { return done_; })) {
        std::fprintf(stderr, "watchdog: %s hangs\n", what);
        std::abort();
      }
    }};
  }
  ~watchdog() {
    {
      const std::lock_guard lock{mutex_};
      done_ = true;
    }
    over_.notify_all();
    thread_.join();
  }
  watchdog(const watchdog&) = delete;
  watchdog& operator=(const watchdog&) = delete;

 private:
  std::mutex mutex_;
  std::condition_variable over_;
  bool done_ = false;
  std::thread thread_;
};

/// A movable value whose living instances are counted, and whose destruction is counted once for each value.
class counted {
 public:
  explicit counted(int value = 0) noexcept : value_{value} { alive_().fetch_add(1, std::memory_order_relaxed); }
  counted(counted&& other) noexcept : value_{std::exchange(other.value_, -1)} {
    alive_().fetch_add(1, std::memory_order_relaxed);
  }
  counted& operator=(counted&& other) noexcept {
    value_ = std::exchange(other.value_, -1);
    return *this;
  }
  ~counted() {
    alive_().fetch_sub(1, std::memory_order_relaxed);
    if (value_ == destroyed_value) destroyed_twice_().fetch_add(1, std::memory_order_relaxed);
    if (value_ >= 0) ended_().fetch_add(1, std::memory_order_relaxed);
    value_ = destroyed_value;
  }
  [[nodiscard]] int value() const noexcept { return value_; }

  /// Instances that live now.
  static int alive() noexcept { return alive_().load(std::memory_order_relaxed); }
  /// Values (not moved-from shells) whose life has ended since reset().
  static int ended() noexcept { return ended_().load(std::memory_order_relaxed); }
  static int destroyed_twice() noexcept { return destroyed_twice_().load(std::memory_order_relaxed); }
  static void reset() noexcept {
    alive_().store(0);
    ended_().store(0);
    destroyed_twice_().store(0);
  }

 private:
  static constexpr int destroyed_value = -2;
  static std::atomic<int>& alive_() noexcept {
    static std::atomic<int> n{0};
    return n;
  }
  static std::atomic<int>& ended_() noexcept {
    static std::atomic<int> n{0};
    return n;
  }
  static std::atomic<int>& destroyed_twice_() noexcept {
    static std::atomic<int> n{0};
    return n;
  }
  int value_;
};

/// Threads that start together and are joined at the end of the scope.
class crowd {
 public:
  template <class F>
  void add(F f) {
    threads_.emplace_back([this, f = std::move(f)]() mutable {
      while (!go_.load(std::memory_order_acquire)) std::this_thread::yield();
      f();
    });
  }
  void start() noexcept { go_.store(true, std::memory_order_release); }
  void join() {
    start();
    for (auto& t : threads_) t.join();
    threads_.clear();
  }
  ~crowd() { join(); }

 private:
  std::atomic<bool> go_{false};
  std::vector<std::thread> threads_;
};

/// A small generator of its own, the same everywhere: xorshift64*.
class random_numbers {
 public:
  explicit random_numbers(std::uint64_t seed) noexcept : state_{seed * 0x9E3779B97F4A7C15u + 1} {}
  std::uint64_t operator()() noexcept {
    state_ ^= state_ >> 12;
    state_ ^= state_ << 25;
    state_ ^= state_ >> 27;
    return state_ * 0x2545F4914F6CDD1Du;
  }
  std::uint64_t below(std::uint64_t n) noexcept { return (*this)() % n; }

 private:
  std::uint64_t state_;
};

/// First positions worth starting from: zero, the end of 32 bits, the end of the word.
inline constexpr peal::position firsts[] = {0, (peal::position{1} << 32) - 3, peal::position_mask - 2,
                                            peal::position_mask - 9};

[[nodiscard]] inline const char* name_of(peal::barrier_mode mode) noexcept {
  return mode == peal::barrier_mode::sequential ? "sequential" : "asymmetric";
}

}  // namespace ring_test

#define RING_BOTH_MODES GENERATE(peal::barrier_mode::sequential, peal::barrier_mode::asymmetric)
