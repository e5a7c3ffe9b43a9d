// SPDX-License-Identifier: MIT
// Everything the ring needs of the machine, as one parameter, and the two ways of ordering a store before a load.
#pragma once

#include <atomic>
#include <cstdint>
#include <peal/detail/time.hpp>

#if defined(__linux__)
#include <sched.h>

#include <peal/ring/detail/linux_parking.hpp>
#else
#include <thread>

#include <peal/ring/detail/portable_parking.hpp>
#endif

namespace peal::inline v0 {

/// How a sleeper and its waker are kept from missing each other.
enum class barrier_mode : std::uint8_t {
  sequential,  ///< both sides use sequentially consistent accesses; works everywhere
  asymmetric,  ///< the frequent side pays a compiler barrier, the side about to sleep a system call (membarrier)
};

/// The machine as it is: standard atomics, the futex, the process-wide barrier.
/// A test may put another type in its place that watches or reorders what the rings do.
/// Thread safety: no state; everything may be called from any thread.
struct native_atomics {
  template <class Value>
  using atomic = std::atomic<Value>;

#if defined(__linux__)
  using parking = detail::linux_parking;
#else
  using parking = detail::portable_parking;
#endif

  /// The faster mode this process may use; registers for it.
  [[nodiscard]] static barrier_mode best_mode() noexcept {
#if defined(__linux__)
    return detail::register_membarrier() ? barrier_mode::asymmetric : barrier_mode::sequential;
#else
    return barrier_mode::sequential;
#endif
  }

  /// The system call of the asymmetric mode; called only after best_mode() said asymmetric.
  static void heavy() noexcept {
#if defined(__linux__)
    detail::membarrier();
#endif
  }

  /// Its counterpart in the frequent path: keeps the compiler from exchanging a store and a later load, nothing else.
  static void light() noexcept { std::atomic_signal_fence(std::memory_order_seq_cst); }

  /// One step of a spin loop.
  static void pause() noexcept {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    asm volatile("yield");
#endif
  }

  /// Gives the rest of the time slice away.
  static void yield() noexcept {
#if defined(__linux__)
    ::sched_yield();
#else
    std::this_thread::yield();
#endif
  }

  /// Fetches the line at `address` for writing, if the machine can.
  static void prefetch_write([[maybe_unused]] const void* address) noexcept {
#if defined(__x86_64__) && defined(__GNUC__)
    // The builtin falls back to a read prefetch on the baseline target; processors that lack the instruction ignore it.
    asm volatile("prefetchw %0" : : "m"(*static_cast<const char*>(address)));
#elif defined(__GNUC__)
    __builtin_prefetch(address, 1, 3);
#endif
  }
};

/// What a type must offer to stand in for native_atomics.
template <class A>
concept atomics_policy = requires(typename A::template atomic<std::uint64_t>& word, const void* address) {
  typename A::template atomic<std::uint32_t>;
  typename A::parking;
  { A::best_mode() }
  noexcept;
  { A::heavy() }
  noexcept;
  { A::light() }
  noexcept;
  { A::pause() }
  noexcept;
  { A::yield() }
  noexcept;
  { A::prefetch_write(address) }
  noexcept;
  {word.load(std::memory_order_acquire)};
};

/// Which side of a sleep-and-wake handshake a condition is made true on.
enum class side : std::uint8_t {
  frequent,  ///< by barrier::publish, on every event
  rare,      ///< by a seq_cst access (close, leave, stop): seldom, and therefore sequentially consistent in both modes
};

/// The orders of a store-load handshake in both modes, fixed when it is made.
/// Someone about to sleep says so, then looks at the condition again; someone making the condition true stores it, then
/// looks whether anybody sleeps. One of the two must see the other:
///
/// | access                         | call         | sequential   | asymmetric                |
/// |--------------------------------|--------------|--------------|---------------------------|
/// | the condition becomes true     | publish()    | seq_cst      | release, compiler barrier |
/// | … where nothing hangs on it    | mark()       | seq_cst      | relaxed, compiler barrier |
/// | is anybody asleep?             | observe()    | seq_cst      | relaxed                   |
/// | going to sleep                 | announce()   | seq_cst      | seq_cst                   |
/// | between that and the next line | settle()     | nothing      | membarrier                |
/// | the condition once more        | recheck()    | seq_cst      | acquire                   |
///
/// Why it holds in the asymmetric mode: membarrier puts a full barrier into the waker's program either behind its store,
/// then the sleeper's second look sees the store, or before its load, then the load sees the announcement.
/// Thread safety: immutable; copies are equal.
template <atomics_policy Atomics = native_atomics>
class barrier {
 public:
  /// The wanted mode, or sequential where the machine has no asymmetric one.
  explicit barrier(barrier_mode wanted) noexcept
      : asymmetric_{wanted == barrier_mode::asymmetric && Atomics::best_mode() == barrier_mode::asymmetric} {}

  /// The best mode there is.
  barrier() noexcept : barrier{barrier_mode::asymmetric} {}

  [[nodiscard]] barrier_mode mode() const noexcept {
    return asymmetric_ ? barrier_mode::asymmetric : barrier_mode::sequential;
  }

  // Each is an access or two on somebody's hot path; g++ 12 at -O3 would make calls of them.
  template <class Atom, class Value>
  [[gnu::always_inline]] void publish(Atom& atom, Value value) const noexcept {
    if (asymmetric_) {
      atom.store(value, std::memory_order_release);  // the caller names the label and its partner
      Atomics::light();
    } else {
      atom.store(value, std::memory_order_seq_cst);
    }
  }

  template <class Atom, class Value>
  [[gnu::always_inline]] void mark(Atom& atom, Value value) const noexcept {
    if (asymmetric_) {
      atom.store(value, std::memory_order_relaxed);
      Atomics::light();
    } else {
      atom.store(value, std::memory_order_seq_cst);
    }
  }

  template <class Atom>
  [[nodiscard, gnu::always_inline]] auto observe(const Atom& atom) const noexcept {
    return asymmetric_ ? atom.load(std::memory_order_relaxed) : atom.load(std::memory_order_seq_cst);
  }

  template <class Atom, class Value>
  void announce(Atom& atom, Value value) const noexcept {
    atom.store(value, std::memory_order_seq_cst);
  }

  /// After every announcement and before the first second look; one call serves any number of announcements.
  void settle() const noexcept {
    if (asymmetric_) Atomics::heavy();
  }

  template <class Atom>
  [[nodiscard]] auto recheck(const Atom& atom) const noexcept {
    return asymmetric_ ? atom.load(std::memory_order_acquire) : atom.load(std::memory_order_seq_cst);
  }

  /// For a condition made true by a read-modify-write of the caller's own instead of publish(): seq_cst there in the
  /// sequential mode, release and this call in the asymmetric one.
  void light() const noexcept {
    if (asymmetric_) Atomics::light();
  }

 private:
  bool asymmetric_;
};

}  // namespace peal::inline v0
