// SPDX-License-Identifier: MIT
// Which threads are in the bus's user code now: how a publish knows that it comes from inside a handler.
#pragma once

#include <peal/core/delivery.hpp>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#if defined(__unix__) || defined(__APPLE__)
#include <pthread.h>
#else
#include <thread>
#endif

namespace peal::inline v0::detail {

class subscription_base;

/// A value that no two living threads share and that does not depend on the shared library that asks; even, not 0.
inline std::uintptr_t thread_key() noexcept {
#if defined(__GLIBC__) && defined(__x86_64__) && defined(__LP64__)
  std::uintptr_t self;  // pthread_self() without the call: each publish asks
  asm("movq %%fs:16, %0" : "=r"(self));
  return self;
#elif defined(__unix__) || defined(__APPLE__)
  return reinterpret_cast<std::uintptr_t>(::pthread_self());
#else
  return (static_cast<std::uintptr_t>(std::hash<std::thread::id>{}(std::this_thread::get_id())) | 1U) << 1U;
#endif
}

/// How many buses' user code this thread is in. Asked only when a publisher is about to wait, so that two buses that
/// publish to each other cannot wait for each other; where a shared library has a copy of its own, only that is lost.
#if defined(__GNUC__)
[[gnu::visibility("default")]]
#endif
inline constinit thread_local unsigned user_code_depth = 0;

/// One entry into user code, on the stack of the thread that runs it.
struct frame {
  subscription_base* subscription = nullptr;  ///< whose handler runs; null while only a destructor does
  const delivery* current = nullptr;          ///< what it handles; null between deliveries
  frame* outer = nullptr;
  const void* holding = nullptr;  ///< the topic in whose ring this frame holds a slot, and with it all later ones
  std::uint32_t cell = 0;
};

/// The threads in user code, found by thread_key.
///
/// A thread that leaves user code keeps its cell, marked as idle, until another thread needs one, so that it finds it
/// at once when it comes back.
/// Capacity: 224 threads at once; a further one waits for a place. Memory order: a cell's frames are touched by the
/// thread that owns the cell alone; owners change hands by acquire and release.
class frame_table {
 public:
  static constexpr std::uint32_t ways = 7;  // with the bits of those in use, one line a group
  static constexpr std::uint32_t stride = 8;
  static constexpr std::uint32_t groups = 32;
  static constexpr std::uint32_t cells = stride * groups;  ///< numbers of cells; each eighth is not used
  static constexpr std::uint32_t none = ~std::uint32_t{0};

  /// The cell of the calling thread, or none.
  [[nodiscard, gnu::always_inline]] inline std::uint32_t find(std::uintptr_t key) const noexcept {
    const group& mine = groups_[group_of(key)];
    // A thread sees what it wrote itself; entries of other threads are never the answer.
    if (!mine.ever_used.load(std::memory_order_relaxed)) return find_overflowed(key);
    for (std::uint32_t way = 0; way < ways; ++way) {
      const std::uintptr_t owner = mine.owner[way].load(std::memory_order_relaxed);
      if ((owner & ~idle) == key) return owner == key ? group_of(key) * stride + way : none;
    }
    return find_overflowed(key);
  }

  /// The innermost frame of the calling thread, or null when it is outside.
  [[nodiscard]] frame* current() const noexcept {
    const std::uint32_t cell = find(thread_key());
    return cell == none ? nullptr : tops_[cell].top;
  }

  /// The caller's cell, taken if it has none; `taken` says so and then `give_back` is owed.
  std::uint32_t take(bool& taken) noexcept {
    const std::uintptr_t key = thread_key();
    taken = true;
    group& mine = groups_[group_of(key)];
    for (std::uint32_t way = 0; way < ways; ++way) {
      const std::uintptr_t owner = mine.owner[way].load(std::memory_order_relaxed);
      if ((owner & ~idle) != key) continue;
      taken = owner != key;
      if (!taken || claim(mine, way, owner, key)) return group_of(key) * stride + way;
    }
    return take_anew(key, taken);
  }
  void give_back(std::uint32_t cell) noexcept {
    std::atomic<std::uintptr_t>& mine = owner(cell);
    mine.store(mine.load(std::memory_order_relaxed) | idle, std::memory_order_release);  // [cell-free]
  }

  /// Whether any thread is in user code, or on its way out of it: giving its cell back is the last that it does here.
  [[nodiscard]] bool anybody() const noexcept {
    for (const group& g : groups_) {
      for (const std::atomic<std::uintptr_t>& one : g.owner) {
        const std::uintptr_t key = one.load(std::memory_order_acquire);  // pairs with [cell-free]
        if (key != 0 && (key & idle) == 0) return true;
      }
    }
    return false;
  }

  void push(frame& f, std::uint32_t cell) noexcept {
    f.cell = cell;
    f.outer = tops_[cell].top;
    tops_[cell].top = &f;
  }
  void pop(frame& f) noexcept { tops_[f.cell].top = f.outer; }

 private:
  struct alignas(64) group {
    std::array<std::atomic<std::uintptr_t>, ways> owner{};
    std::atomic<bool> ever_used{false};
  };
  struct alignas(64) top_of_thread {
    frame* top = nullptr;
  };

  static constexpr std::uintptr_t idle =
      1;  ///< beside a key: its thread is outside user code, others may take the cell

  static bool claim(group& g, std::uint32_t way, std::uintptr_t seen, std::uintptr_t key) noexcept {
    return g.owner[way].compare_exchange_strong(seen, key, std::memory_order_acquire,  // pairs with [cell-free]
                                                std::memory_order_relaxed);
  }
  /// By one whose group does not know it: a cell that was left for another group, or one that nobody is using.
  [[gnu::cold]] std::uint32_t take_anew(std::uintptr_t key, bool& taken) noexcept {
    if (const std::uint32_t cell = find_overflowed(key); cell != none) {
      taken = false;
      return cell;
    }
    for (std::uint32_t i = 0;; i = (i + 1) % groups) {
      group& g = groups_[(group_of(key) + i) % groups];
      if (!g.ever_used.load(std::memory_order_relaxed)) g.ever_used.store(true, std::memory_order_relaxed);
      if (i != 0) overflowed_.store(true, std::memory_order_relaxed);
      for (const bool of_others : {false, true}) {  // first those that nobody ever had
        for (std::uint32_t way = 0; way < ways; ++way) {
          const std::uintptr_t owner = g.owner[way].load(std::memory_order_relaxed);
          const bool free = of_others ? (owner & idle) != 0 : owner == 0;
          if (free && claim(g, way, owner, key)) {
            return static_cast<std::uint32_t>(&g - groups_.data()) * stride + way;
          }
        }
      }
    }
  }

  static std::uint32_t group_of(std::uintptr_t key) noexcept {
    return static_cast<std::uint32_t>((std::uint64_t{key} * 0x9e3779b97f4a7c15U) >> 59);  // 32 groups: the top 5 bits
  }
  std::atomic<std::uintptr_t>& owner(std::uint32_t cell) noexcept {
    return groups_[cell / stride].owner[cell % stride];
  }
  /// A thread whose group was full once may have its entry in any other.
  [[nodiscard]] std::uint32_t find_overflowed(std::uintptr_t key) const noexcept {
    if (!overflowed_.load(std::memory_order_relaxed)) return none;
    for (std::uint32_t g = 0; g < groups; ++g) {
      for (std::uint32_t way = 0; way < ways; ++way) {
        if (groups_[g].owner[way].load(std::memory_order_relaxed) == key) return g * stride + way;
      }
    }
    return none;
  }

  std::array<group, groups> groups_{};
  std::atomic<bool> overflowed_{false};
  std::array<top_of_thread, cells> tops_{};
};

/// Enters user code for the length of a scope.
class user_code {
 public:
  user_code(frame_table& table, subscription_base* subscription, const delivery* current) noexcept : table_{table} {
    frame_.subscription = subscription;
    frame_.current = current;
    table_.push(frame_, table_.take(taken_));
    ++user_code_depth;
  }
  user_code(const user_code&) = delete;
  user_code& operator=(const user_code&) = delete;
  ~user_code() {
    --user_code_depth;
    table_.pop(frame_);
    if (taken_) table_.give_back(frame_.cell);
  }

  [[nodiscard]] frame& top() noexcept { return frame_; }

 private:
  frame_table& table_;
  frame frame_{};
  bool taken_ = false;
};

}  // namespace peal::inline v0::detail
