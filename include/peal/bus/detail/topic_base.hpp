// SPDX-License-Identifier: MIT
// A topic as its subscriptions and the bus see it, whatever its events are.
#pragma once

#include <peal/bus/detail/counters.hpp>
#include <peal/bus/detail/executor.hpp>
#include <peal/bus/detail/frames.hpp>
#include <peal/bus/detail/letter_box.hpp>
#include <peal/bus/detail/retry_tokens.hpp>
#include <peal/bus/detail/seat.hpp>
#include <peal/bus/detail/timer_word.hpp>
#include <peal/core/envelope.hpp>
#include <peal/core/event.hpp>
#include <peal/detail/list.hpp>
#include <peal/detail/shared.hpp>
#include <peal/observe/observer.hpp>
#include <peal/observe/statistics.hpp>
#include <peal/ring/event_count.hpp>
#include <peal/ring/sequence.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string_view>
#include <vector>

namespace peal::inline v0::detail {

/// A slot's tag: the event's type and what stands beside it.
struct slot_tag {
  static constexpr std::uint8_t type_mask = 0x0f;
  static constexpr std::uint8_t enveloped = 0x10;  ///< its envelope is written
  static constexpr std::uint8_t empty = 0x20;      ///< no event: handled before anyone could subscribe to it
};

/// A run of slots of the ring, for a loop that does no atomics.
struct batch {
  std::byte* slots;
  std::size_t stride;
  std::size_t offset;  ///< of the event in its slot
  std::uint64_t mask;
  const envelope* envelopes;
  position first;
  position last;

  [[nodiscard]] std::byte* slot(position p) const noexcept { return slots + (p & mask) * stride; }
  [[nodiscard]] std::byte* event(position p) const noexcept { return slot(p) + offset; }
  [[nodiscard]] std::uint8_t tag(position p) const noexcept {
    // Published long ago for this reader: `last` was found by an acquire load of this very word.
    return static_cast<std::uint8_t>(
        reinterpret_cast<const std::atomic<std::uint64_t>*>(slot(p))->load(std::memory_order_relaxed));
  }
  [[nodiscard]] const envelope* around(position p, std::uint8_t tag) const noexcept {
    return (tag & slot_tag::enveloped) != 0 ? &envelopes[p & mask] : nullptr;
  }
};

/// What came of an event whose time had come.
enum class arrival : std::uint8_t { accepted, no_room, closed };

class subscription_base;
struct hand;
struct event_at;
using here_function = void (*)(subscription_base&, const void* event, const event_at&, delivery&) noexcept;

/// Counts a publisher in while it may wait; the last thing it does in the bus is to count itself out.
class visit {
 public:
  explicit visit(std::atomic<std::uint32_t>& visitors) noexcept : visitors_{visitors} {
    visitors_.fetch_add(1, std::memory_order_relaxed);
  }
  visit(const visit&) = delete;
  visit& operator=(const visit&) = delete;
  ~visit() { visitors_.fetch_sub(1, std::memory_order_release); }  // [visit-over]

 private:
  std::atomic<std::uint32_t>& visitors_;
};

constexpr std::uint32_t no_row = ~std::uint32_t{0};

/// A delivery that is kept for later, as the store knows it.
struct kept_row {
  std::uint32_t slot = no_row;
  position at = 0;
  std::uint32_t attempts = 0;  ///< runs that have begun
  std::uint32_t died = 0;      ///< lives that have ended in such a run
  time_point due{};
};

/// What a subscription tells of the deliveries that it keeps for later; see pending_rows.
class row_book {
 public:
  /// For one more. Errors: bad_alloc.
  virtual void make_room() = 0;
  /// There is room.
  [[nodiscard]] virtual std::uint32_t put(position at, std::uint32_t attempts) noexcept = 0;
  virtual void change(std::uint32_t slot, std::uint32_t attempts, time_point due) noexcept = 0;
  virtual void end(std::uint32_t slot) noexcept = 0;
  /// What is before it is here, or has ended.
  [[nodiscard]] position resumed() const noexcept { return resumed_; }

 protected:
  ~row_book() = default;
  position resumed_ = 0;
};

/// What a topic that survives the process is told by those who join it and those who end deliveries; see
/// topic_base::keeper.
class topic_keeper {
 public:
  /// It is about to stand: looks up where it goes on. Errors: store_error, bad_alloc.
  virtual void recall(subscription_base& s, bool dropping) = 0;
  /// It stands, and may be run.
  virtual void stands(const subscription_base& s) noexcept = 0;
  /// It does not stand after all.
  virtual void forget(subscription_base& s) noexcept = 0;
  /// Memory for one more word about a letter. Errors: bad_alloc.
  virtual void expect_letter() = 0;
  virtual void no_letter() noexcept = 0;
  /// What was expected: it stands, under its number.
  virtual void letter(const letter_ptr& l) noexcept = 0;
  /// It has been edited.
  virtual void letter_again(const letter_ptr& l) noexcept = 0;
  /// Its delivery came back, and the subscription has stopped before it ended.
  virtual void letter_stays(const subscription_base& s, const letter_ptr& l) noexcept = 0;
  /// The life before this one was cut off: what was kept then is run with care. See first_runs.
  [[nodiscard]] virtual bool is_careful(position at) const noexcept = 0;
  /// One at a time runs what may end the process.
  [[nodiscard]] virtual bool take_suspect() noexcept = 0;
  virtual void suspect_gone() noexcept = 0;
  /// A run that begins, of what was kept. Errors: store_error, bad_alloc.
  virtual void note_run(const subscription_base& s, position at, std::uint32_t run, std::uint32_t lives) = 0;
  /// It was discarded, or its delivery has come to its end.
  virtual void letter_gone(std::uint64_t number) noexcept = 0;
  /// What the store has to know of an event that is published later. Errors: bad_alloc, what its codec throws.
  [[nodiscard]] virtual timer_word write_timer(const kept& event, const publish_options& o) const = 0;
  /// A number for a timer, and memory for two words about it. Errors: bad_alloc.
  virtual std::uint64_t expect_timer() = 0;
  virtual void no_timer() noexcept = 0;
  /// What was expected: it stands. Then once more each time that it repeats, and that it is gone.
  virtual void timer(timer_word&& w, std::uint64_t id, time_point due, nanoseconds period) noexcept = 0;
  virtual void timer_again(timer_word&& w, std::uint64_t id, time_point due, nanoseconds period) noexcept = 0;
  virtual void timer_gone(std::uint64_t id) noexcept = 0;
  /// Everything before it is in the store.
  [[nodiscard]] virtual position in_store() const noexcept = 0;

 protected:
  ~topic_keeper() = default;
};

/// What a bus with durable topics brings to its store at its end.
class bus_log {
 public:
  /// Everything that was accepted and how far everybody has come, unless the store fails.
  virtual void flush() noexcept = 0;
  /// The store has failed: what it does not have it never will.
  [[nodiscard]] virtual bool has_failed() const noexcept = 0;
  /// It takes what it is given, and shows what it has.
  [[nodiscard]] virtual bool is_well() const noexcept = 0;
  /// What was accepted and is not in the store now; of each topic the first 10,000. Errors: bad_alloc.
  [[nodiscard]] virtual std::vector<event_id> not_kept() const = 0;

 protected:
  ~bus_log() = default;
};

class journal;

/// What all topics of a bus share.
struct bus_base {
  executor* runner = nullptr;
  observer* watcher = nullptr;
  std::atomic<std::uint64_t> timers{0};       ///< events that wait for their time
  std::atomic<std::uint64_t> timers_kept{0};  ///< those of durable topics
  frame_table frames{};
  std::uint64_t epoch = 0;  ///< of the topics in memory
  nanoseconds overload_after{};
  std::size_t max_requests = 0;
  unsigned max_crashes = 0;
  retry_tokens retries{};
  event_count<> progress{
      barrier<>{}, spin_limit{0, 0}};  ///< notified when a run of a subscription has ended; settle and drain wait here
  event_count<> stops{barrier<>{}, spin_limit{0, 0}};  ///< notified when a subscription has stopped
  std::atomic<bool> resting{false};  ///< drained past its deadline, or being destroyed: no run starts any more
  std::mutex wiring;                 ///< names and seats; no user code runs under it
  list<const std::string*> joining;  ///< names on their way in, under `wiring`
  list<shared<subscription_base>> subscriptions;  ///< those that stand, under `wiring`
  list<subscription_statistics> ended;            ///< of those that a drain ended, under `wiring`
  list<topic_base*> topics;
  bool closed = false;  ///< no subscription is added any more, under `wiring`
  std::atomic<std::uint64_t> subscriptions_ever{0};
  std::atomic<std::uint32_t> with_timeout{0};  ///< how many subscriptions, ever, have one
  std::atomic<std::uint32_t> arriving{0};      ///< timers' events between a last look at `resting` and their lane
  std::atomic<std::uint32_t> visitors{0};      ///< publishers that wait, or are on their way out of waiting
  static constexpr std::uint32_t max_hands_queued = 1024;
  std::atomic<std::uint32_t> hands_queued{0};  ///< the executor's queues have room for so many
  std::atomic<std::uint32_t> stalled{0};       ///< how many subscriptions wait for something other than an event
  std::atomic<std::uint32_t> open_breakers{0};
  journal* kept = nullptr;  ///< of durable topics; <peal/bus/durable.hpp> defines it
  bus_log* log = nullptr;   ///< the same

  /// Brings every stalled subscription back to look again: a lane or a box of letters got room.
  void wake_stalled() noexcept;
  /// Takes a subscription off the list; what is returned keeps it alive.
  shared<subscription_base> forget(subscription_base& s) noexcept;
};

/// One topic without its types.
class topic_base {
 public:
  topic_base(bus_base& owner, std::uint8_t number, std::size_t max_letters) noexcept
      : bus{owner},
        watcher{owner.watcher},
        index{number},
        origin{owner.epoch, std::uint64_t{number} << 56},
        letters{max_letters} {}
  topic_base(const topic_base&) = delete;
  topic_base& operator=(const topic_base&) = delete;

  /// Runs one batch of a seat whose `ready` the caller owns.
  virtual run_state run(seat& s) noexcept = 0;
  /// Whether a parked seat has something to do: a glance, and the look again before sleeping.
  [[nodiscard]] virtual bool has_work(const seat& s) const noexcept = 0;
  [[nodiscard]] virtual bool recheck_work(const seat& s) const noexcept = 0;
  /// Gives `ready` back, in two steps around the caller's barrier.
  virtual void declare_idle(seat& s) noexcept = 0;
  [[nodiscard]] virtual bool take_back(seat& s) noexcept = 0;
  /// After turning a signal bit on: whoever can must run the seat now.
  virtual void rouse(seat& s) noexcept = 0;
  /// Gives a hand's event to the executor.
  virtual void start_hand(hand& h) noexcept = 0;
  /// Calls `look(arg)` while nobody runs the subscription, and keeps others from it; false when somebody does for long.
  virtual bool look_at(seat& s, void (*look)(void*) noexcept, void* arg) noexcept = 0;
  /// The stopper's way; true when the subscription has stopped before it returns.
  virtual bool try_finish(seat& s) noexcept = 0;

  /// One of those who may touch a seat lets go of it; the last puts it back.
  virtual void free_seat(seat& s) noexcept = 0;

  /// Gives `wiring`, the lock on bus.wiring, away while it joins the ring, where destructors of events may run.
  virtual seat& attach(std::unique_lock<std::mutex>& wiring, const shared<subscription_base>& s, bool dropping,
                       bool polled) = 0;
  /// The subscription stands and may be run.
  virtual void begin(seat& s) noexcept = 0;
  /// Handlers on publishers' threads: `types` and `run` name the same `count` event types.
  virtual void attach_here(const shared<subscription_base>& s, const std::uint8_t* types, const here_function* run,
                           std::size_t count) = 0;
  virtual void detach_here(const shared<subscription_base>& s) = 0;
  virtual void sweep_here() noexcept = 0;
  [[nodiscard]] virtual std::uint64_t uses_here(const subscription_base& s) const = 0;

  [[nodiscard]] event_id id_at(position p) const noexcept { return {origin.high, origin.low | p}; }
  [[nodiscard]] bool gave(const event_id& id) const noexcept { return id_at(id.position()) == id; }
  [[nodiscard]] virtual position head() const noexcept = 0;
  [[nodiscard]] virtual position cursor_of(const seat& s) const noexcept = 0;
  [[nodiscard]] virtual std::uint8_t type_at(position p) const noexcept = 0;
  [[nodiscard]] virtual std::uint64_t dropped_by(const seat& s, std::uint16_t types) const noexcept = 0;
  [[nodiscard]] virtual std::uint64_t in_lane() const noexcept = 0;
  [[nodiscard]] virtual std::uint64_t published_inside() const noexcept = 0;
  /// Gives what stands there a place in the ring, as far as that has room.
  virtual void empty_lane() noexcept = 0;
  /// Refuses outsiders, or everybody.
  virtual void close(bool for_all) noexcept = 0;
  /// Moves an event kept aside in, through the lane; leaves it when there is no room or the bus is ending.
  virtual arrival publish_due(kept& event, const publish_options& o) noexcept = 0;
  [[nodiscard]] virtual std::size_t footprint() const noexcept = 0;
  [[nodiscard]] virtual topic_statistics statistics() const = 0;

  /// There is a new letter: whoever subscribes to letters of its event hears of it. Never waits.
  void tell(const letter_ptr& l) noexcept {
    if (watcher != nullptr) {
      watcher->dead({l->subscription, types[l->type]->name(), l->has_position ? id_at(l->position) : event_id{},
                     l->cause, l->attempts, l->number});
    }
    if (tellers != nullptr && tellers[l->type] != nullptr) tellers[l->type](teller, l);
  }

  bus_base& bus;
  observer* const watcher;  ///< null: nobody
  const std::uint8_t index;
  event_id origin;  ///< that of position 0; a durable topic gets the one that its store has, before events flow
  const event_ops* const* types = nullptr;  ///< by the type's index
  std::uint8_t type_count = 0;
  bool timed = false;           ///< envelopes say when events were published
  list<shared<void>> beside{};  ///< of patterns, by event type, under bus.wiring; outlives every event
  letter_box letters;
  using letter_teller = void (*)(void* teller, const letter_ptr&) noexcept;
  const letter_teller* tellers = nullptr;  ///< by the event's type; set before the bus runs
  void* teller = nullptr;
  shared_counter untold;                   ///< letters that nobody could be told of
  topic_keeper* keeper = nullptr;          ///< of a durable topic
  std::atomic<std::uint64_t> given_up{0};  ///< events that have left the lane without a place, as letters by then

 protected:
  ~topic_base() = default;
};

}  // namespace peal::inline v0::detail
