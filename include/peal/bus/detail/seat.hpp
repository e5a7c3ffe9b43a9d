// SPDX-License-Identifier: MIT
// A subscription's seat in its topic: who may run it now, and what it has been told.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace peal::inline v0::detail {

class subscription_base;
class topic_base;

/// What a run of a subscription leaves behind.
enum class run_state : std::uint8_t {
  more,     ///< there may be more to do: run it again
  idle,     ///< nothing at hand; the caller still owns `ready`
  held,     ///< paused or stalled: whoever ends that brings it back
  retired,  ///< stopped: the seat is free
};

/// The words through which publishers, workers and stoppers agree on a subscription.
///
/// The owner of `ready` (whoever turned it from 0 to 1) is the only one who may queue or run the subscription; `running`
/// says that user code may be on its way, and is also taken, for good, by a stopper who finds nobody in it. Seats live
/// as long as the bus, so a publisher never reads freed memory.
/// Memory order: section 6a of the protocols; everything here that is not on the path of each batch is seq_cst.
struct alignas(64) seat {
  static constexpr std::uint32_t work = 1;  ///< a delivery is due again
  static constexpr std::uint32_t kick = 2;  ///< whatever it stalled on may be over
  static constexpr std::uint32_t stop = 4;
  static constexpr std::uint32_t pause = 8;
  /// In `running`, of a subscription with hands: a stopper looks whether it can end it.
  static constexpr std::uint32_t looked_at = 2;
  static constexpr std::uint32_t abandon = 16;  ///< with stop: what is left is counted abandoned, not stopped

  std::atomic<std::uint32_t> ready{1};
  std::atomic<std::uint32_t> running{1};
  std::atomic<std::uint32_t> signal{0};
  std::atomic<std::uint32_t> held{0};
  std::atomic<std::uint32_t> leaving{0};    ///< of two who must let go of a stopped seat, the second frees it
  std::atomic<std::uint32_t> hands{1};      ///< the subscription and its stopper: the last to let go puts the seat back
  std::atomic<std::uint32_t> last_runs{0};  ///< how many deliveries the last turn ran
  std::atomic<std::uint32_t> cursor_index{0};  ///< atomic: a worker may glance at a seat that has just changed hands
  topic_base* topic = nullptr;                 ///< of the seat for good
  std::uint32_t turns = 0;                     ///< the owner of `ready` counts them
  subscription_base* subscription = nullptr;
  bool dropping = false;                    ///< its cursor does not hold publishers back
  bool polled = false;                      ///< runs in bus.poll(), not on a worker
  bool is_journal = false;                  ///< of a durable topic: the one that brings its events to the store
  bool is_hand = false;                     ///< one event's place in the queue, not a subscription's
  std::atomic<bool> concurrent{false};      ///< its subscription has hands and reads ahead of its cursor
  std::atomic<std::uint64_t> reads_at{0};   ///< then the position it reads next
  std::atomic<bool> reads_store{false};     ///< with behind{read_store}: it does so for as long as it stands
  std::atomic<bool> from_store{false};      ///< of a durable topic: it reads what the ring does not have any more
  std::atomic<bool> dozes{false};           ///< and cannot now: a timer brings it back
  std::atomic<std::uint64_t> store_at{0};   ///< then its cursor
  std::atomic<std::uint64_t> store_end{0};  ///< and the position from which on the ring has everything

  /// Its subscription has stopped, and only the owner of `ready` has still to let go of it.
  [[nodiscard]] bool retired() const noexcept { return leaving.load(std::memory_order_acquire) != 0; }
  [[nodiscard]] std::uint32_t cursor() const noexcept { return cursor_index.load(std::memory_order_relaxed); }
};

/// More than may stand at once: one that has stopped keeps its seat while that is queued, until a worker comes by.
[[nodiscard]] constexpr std::size_t seats_for(std::size_t max_subscriptions) noexcept { return 2 * max_subscriptions; }

}  // namespace peal::inline v0::detail
