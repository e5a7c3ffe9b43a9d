// SPDX-License-Identifier: MIT
// What the tests of the bus share: a bus whose books are checked at the end, a watchdog, handshakes, counted events.
#pragma once

#include <peal/peal.hpp>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "support/catch.hpp"

namespace peal_test {

using namespace std::chrono_literals;

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
inline constexpr bool sanitized = true;
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer) || __has_feature(address_sanitizer)
inline constexpr bool sanitized = true;
#else
inline constexpr bool sanitized = false;
#endif
#else
inline constexpr bool sanitized = false;
#endif

/// How often something is repeated: sanitizers make a repetition about so many times dearer.
constexpr std::uint64_t repeat(std::uint64_t times, std::uint64_t dearer = 20) {
  return sanitized ? (times + dearer - 1) / dearer : times;
}

/// Ends the process, naming the test, when nothing has moved for so long: a hang does not fail by itself.
///
/// `progress` is what moves; without it the whole scope has so long.
class watchdog {
 public:
  explicit watchdog(const char* what, const std::atomic<std::uint64_t>* progress = nullptr,
                    std::chrono::seconds limit = sanitized ? 240s : 120s)
      : thread_{[this, what, progress, limit] {
          std::unique_lock lock{mutex_};
          std::uint64_t seen = 0;
          while (!over_.wait_for(lock, limit, [this] { return done_; })) {
            const std::uint64_t now = progress != nullptr ? progress->load() : 0;
            if (now == seen) {
              std::fprintf(stderr, "watchdog: %s hangs at %llu\n", what, static_cast<unsigned long long>(now));
              std::abort();
            }
            seen = now;
          }
        }} {}
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

/// A door that is opened once: handshakes instead of sleeping.
class door {
 public:
  void open() noexcept {
    open_.store(true);
    open_.notify_all();
  }
  void wait() const noexcept { open_.wait(false); }
  [[nodiscard]] bool is_open() const noexcept { return open_.load(); }

 private:
  std::atomic<bool> open_{false};
};

/// Gives the time slice away until the condition holds; for conditions that nobody announces.
template <class Condition>
void until(Condition condition) {
  while (!condition()) std::this_thread::yield();
}

/// An event that owns memory and is counted: every instance, moved-from ones included, must be destroyed once.
class counted {
 public:
  explicit counted(std::uint64_t n = 0) : value{n}, memory_{std::make_unique<std::uint64_t>(n)} { ++alive; }
  counted(const counted& other) : value{other.value}, memory_{std::make_unique<std::uint64_t>(other.value)} { ++alive; }
  counted(counted&& other) noexcept : value{other.value}, memory_{std::move(other.memory_)} { ++alive; }
  counted& operator=(const counted&) = delete;
  counted& operator=(counted&&) = delete;
  ~counted() {
    if (memory_ != nullptr && *memory_ != value) std::abort();
    --alive;
  }
  /// Whether the value is here and not moved from.
  [[nodiscard]] bool whole() const noexcept { return memory_ != nullptr && *memory_ == value; }

  std::uint64_t value;
  static inline std::atomic<std::int64_t> alive{0};

 private:
  std::unique_ptr<std::uint64_t> memory_;
};

/// Checks one subscription's books (promise P3); `at rest` is for the caller to see to.
inline void check_books(const peal::subscription_statistics& s) {
  CAPTURE(s.name, s.accepted, s.handled, s.discarded, s.dead, s.expired, s.filtered, s.deduplicated, s.dropped,
          s.stopped, s.abandoned, s.waiting, s.kept);
  CHECK(s.accounted() == s.accepted);
}

/// A bus whose books are checked when it ends: of every subscription made through the fixture, stopped or not.
template <class... Topics>
class bus_fixture {
 public:
  using bus_type = peal::bus<Topics...>;

  explicit bus_fixture(const peal::bus_options& o = {.workers = 2}) { bus_.emplace(o); }
  bus_fixture(const bus_fixture&) = delete;
  bus_fixture& operator=(const bus_fixture&) = delete;
  ~bus_fixture() { check(); }

  bus_type& operator*() noexcept { return *bus_; }
  bus_type* operator->() noexcept { return &*bus_; }

  template <class... Es, class... Args>
  [[nodiscard]] peal::subscription subscribe(std::string name, Args&&... args) {
    peal::subscription s = bus_->template subscribe<Es...>(std::move(name), std::forward<Args>(args)...);
    meters_.push_back(s.counters());
    return s;
  }

  /// The books of the subscription made last under this name, standing or stopped.
  [[nodiscard]] peal::subscription_statistics of(const std::string& name) const {
    for (auto m = meters_.rbegin(); m != meters_.rend(); ++m) {
      if (peal::subscription_statistics s = m->statistics(); s.name == name) return s;
    }
    FAIL("no subscription " << name);
    return {};
  }

  /// Waits until everything has come to its end, and says what has not.
  void settle() {
    const peal::settle_report report = bus_->settle_for(sanitized ? 200s : 100s);
    for (const std::string& why : report.waiting_for) UNSCOPED_INFO(why);
    REQUIRE(report.settled);
  }

  /// Brings the bus to rest and checks every subscription's books.
  void check() {
    (void)bus_->settle_for(60s);
    for (const auto& m : meters_) check_books(m.statistics());
  }

 private:
  std::optional<bus_type> bus_;
  std::vector<peal::subscription::meter> meters_;
};

}  // namespace peal_test
