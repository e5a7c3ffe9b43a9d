// SPDX-License-Identifier: MIT
// A machine for one thread that writes down every atomic access of a ring and its order, and can put something in before
// any of them, or in the place of a sleep: what another thread might have done at that moment.
#pragma once

#include <peal/ring/atomics.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace ring_test {

/// What happened since clear(), as words: `load.acquire store.seq_cst light …`.
class record {
 public:
  static void clear() {
    text().clear();
    stores().clear();
  }
  static std::string taken() {
    std::string t = text();
    clear();
    return t;
  }
  static void add(const char* what) {
    if (!text().empty()) text() += ' ';
    text() += what;
  }
  static void add(const char* what, std::memory_order order) {
    add(what);
    text() += order == std::memory_order_relaxed   ? ".relaxed"
              : order == std::memory_order_acquire ? ".acquire"
              : order == std::memory_order_release ? ".release"
              : order == std::memory_order_acq_rel ? ".acq_rel"
                                                   : ".seq_cst";
  }
  /// Runs `f` once, before the access that is `n`-th from now (0: the next one).
  static void interrupt(std::size_t n, std::function<void()> f) {
    countdown() = n;
    interruption() = std::move(f);
  }
  /// Whether the interruption has not come yet; forgets it.
  static bool uninterrupted() {
    const bool pending = static_cast<bool>(interruption());
    interruption() = nullptr;
    return pending;
  }
  static void access() {
    if (interruption() && countdown()-- == 0) std::exchange(interruption(), nullptr)();
  }
  /// What happens while somebody sleeps; the first sleep takes the last one given.
  static std::vector<std::function<void()>>& sleeps() {
    static std::vector<std::function<void()>> s;
    return s;
  }
  static void sleep() {
    add("sleep");
    if (sleeps().empty()) return;
    const auto f = std::move(sleeps().back());
    sleeps().pop_back();
    f();
  }
  /// How often `what` happened since clear().
  static std::size_t count(const std::string& what) {
    std::size_t n = 0;
    for (std::size_t at = text().find(what); at != std::string::npos; at = text().find(what, at + 1)) ++n;
    return n;
  }

  /// The values stored, in order.
  static std::vector<std::uint64_t>& stores() {
    static std::vector<std::uint64_t> s;
    return s;
  }

 private:
  static std::size_t& countdown() {
    static std::size_t n = 0;
    return n;
  }
  static std::function<void()>& interruption() {
    static std::function<void()> f;
    return f;
  }
  static std::string& text() {
    static std::string t;
    return t;
  }
};

struct recording_atomics {
  template <class Value>
  class atomic {
   public:
    atomic() = default;
    atomic(Value v) noexcept : value_{v} {}  // NOLINT(google-explicit-constructor): as std::atomic
    Value load(std::memory_order order) const {
      record::access();
      record::add("load", order);
      return value_;
    }
    void store(Value v, std::memory_order order) {
      record::access();
      record::add("store", order);
      record::stores().push_back(static_cast<std::uint64_t>(v));
      value_ = v;
    }
    Value exchange(Value v, std::memory_order order) {
      record::access();
      return update("exchange", order, v);
    }
    Value fetch_add(Value v, std::memory_order order) {
      record::access();
      return update("add", order, static_cast<Value>(value_ + v));
    }
    Value fetch_sub(Value v, std::memory_order order) {
      record::access();
      return update("sub", order, static_cast<Value>(value_ - v));
    }
    Value fetch_or(Value v, std::memory_order order) {
      record::access();
      return update("or", order, static_cast<Value>(value_ | v));
    }
    bool compare_exchange_strong(Value& expected, Value v, std::memory_order order, std::memory_order) {
      record::access();
      if (value_ != expected) {
        record::add("cas-failed");
        expected = value_;
        return false;
      }
      update("cas", order, v);
      return true;
    }
    bool compare_exchange_weak(Value& expected, Value v, std::memory_order order,
                               std::memory_order failed = std::memory_order_relaxed) {
      return compare_exchange_strong(expected, v, order, failed);
    }

   private:
    Value update(const char* what, std::memory_order order, Value v) {
      record::add(what, order);
      const Value before = value_;
      value_ = v;
      return before;
    }
    Value value_{};
  };

  struct parking {
    template <class Word>
    bool wait(const Word&, std::uint32_t, const std::chrono::steady_clock::time_point*) noexcept {
      record::sleep();
      return true;
    }
    template <class Word>
    void wake_one(Word&) noexcept {
      record::add("wake-one");
    }
    template <class Word>
    void wake_all(Word&) noexcept {
      record::add("wake-all");
    }
  };

  static peal::barrier_mode best_mode() noexcept { return peal::barrier_mode::asymmetric; }
  static void heavy() noexcept { record::add("heavy"); }
  static void light() noexcept { record::add("light"); }
  static void pause() noexcept {}
  static void yield() noexcept {}
  static void prefetch_write(const void*) noexcept {}
};

}  // namespace ring_test
