// SPDX-License-Identifier: MIT
// A machine for one thread that writes down every atomic access of a ring: what it was, its order, where.
#pragma once

#include <peal/ring/atomics.hpp>

#include <atomic>
#include <cstdint>
#include <string>
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
  /// The values stored, in order.
  static std::vector<std::uint64_t>& stores() {
    static std::vector<std::uint64_t> s;
    return s;
  }

 private:
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
      record::add("load", order);
      return value_;
    }
    void store(Value v, std::memory_order order) {
      record::add("store", order);
      record::stores().push_back(static_cast<std::uint64_t>(v));
      value_ = v;
    }
    Value exchange(Value v, std::memory_order order) { return update("exchange", order, v); }
    Value fetch_add(Value v, std::memory_order order) { return update("add", order, static_cast<Value>(value_ + v)); }
    Value fetch_sub(Value v, std::memory_order order) { return update("sub", order, static_cast<Value>(value_ - v)); }
    Value fetch_or(Value v, std::memory_order order) { return update("or", order, static_cast<Value>(value_ | v)); }
    bool compare_exchange_strong(Value& expected, Value v, std::memory_order order, std::memory_order) {
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
      record::add("sleep");
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
