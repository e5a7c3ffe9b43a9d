// SPDX-License-Identifier: MIT
// A topic of a bus: the ring, the lane, the seats, and the way of an event that finds room at once.
#pragma once

#include <peal/bus/detail/inline_board.hpp>
#include <peal/bus/detail/lane.hpp>
#include <peal/bus/detail/port.hpp>
#include <peal/bus/detail/subscription_base.hpp>
#include <peal/bus/detail/topic_kind.hpp>
#include <peal/bus/options.hpp>
#include <peal/detail/maybe.hpp>
#include <peal/detail/own_ptr.hpp>
#include <peal/detail/shared.hpp>
#include <peal/ring/multicast_core.hpp>

#include <array>
#include <atomic>
#include <new>
#include <string>
#include <utility>

namespace peal::inline v0::detail {

/// What a topic with the option peal::durable has beside its ring; <peal/bus/durable.hpp> defines it.
template <class Core, class Options>
class durable_part;
struct in_memory {
  explicit in_memory(topic_base&) noexcept {}
};
template <class Core, class Options>
struct durability {
  using type = durable_part<Core, Options>;
};
template <class Core>
struct durability<Core, type_list<>> {
  using type = in_memory;
};

/// A topic without the types of its events, so that those of a kind (see topic_kind) share their code; typed_topic has the
/// rest. `Topic` is the kind.
/// Thread safety: publish, seats and statistics from any thread.
template <class Runtime, class Topic>
class topic_core : public topic_base {
  using traits = Topic;
  using slots = slot_kind<traits::needs_reclaim>;
  using ring = multicast_core<slots, typename Runtime::atomics>;
  using executor_type = typename Runtime::executor;
  using durable_type = typename durability<topic_core, typename traits::durable_options>::type;
  friend durable_type;

 public:
  topic_core(bus_base& owner, executor_type& runner, std::uint8_t number, const bus_options& o, const event_set& events,
             std::size_t capacity)
      : topic_base{owner, number, o.max_dead_letters},
        runner_{runner},
        durable_{*this},
        ring_{multicast_options{.capacity = capacity != 0 ? capacity : o.capacity,
                                .max_cursors = o.max_subscriptions + (traits::is_durable ? 1 : 0),
                                .max_holds = max_holds,
                                .first = first_position(),
                                .single_producer = traits::single},
              slots{events.size, events.align, events.ops}},
        // Uninitialised on purpose: memory that no envelope is written to costs nothing.
        envelopes_{static_cast<envelope*>(::operator new(ring_.capacity() * sizeof(envelope)))},
        lane_{o.lane_capacity, events.size, events.align},
        here_{owner},
        seats_(seats_for(o.max_subscriptions)),
        max_seats_{seats_for(o.max_subscriptions)},
        max_subscriptions_{o.max_subscriptions} {
    types = events.ops;
    type_count = events.count;
    timed = traits::is_timed;
    free_seats_.reserve(max_seats_);
    for (std::size_t i = 0; i < max_seats_; ++i) seats_[i].topic = this;
    lane_timer_.owner = this;
  }
  ~topic_core() {
    while (auto* c = lane_.front()) {
      types[c->type]->destroy(c->event());
      lane_.pop(*c);
    }
    ::operator delete(envelopes_);
  }

  // ---- publishing ----

  /// Accepts the event and moves it in, or says why not and leaves it.
  template <std::uint8_t Type, class E>
  [[gnu::always_inline]] inline result<receipt> publish_as(E& event, const publish_call& call) noexcept {
    if constexpr (traits::has_middleware) {
      return publish_by_middleware<Type>(event, call);
    } else {
      return accept<Type>(event, call);
    }
  }
  template <std::uint8_t Type, class E>
  result<receipt> accept(E& event, const publish_call& call) noexcept {
    if (!runner_.alive()) return publish_errc::forked;
    if (frame* const inside = bus.frames.current(); inside != nullptr) [[unlikely]] {
      return publish_inside(&event, Type, call, inside);
    }
    {
      hold_place place{holds_, needs_hold(Type, nullptr)};
      if (lane_.empty() && place.ready()) [[likely]] {
        const claim_result c = claim(1, caller::outsider);
        if (c.status == claim_status::claimed) [[likely]] {
          return finish(c.first, &event, Type, call.options, nullptr, place,
                        [&event](void* to) { ::new (to) E(std::move(event)); });
        }
        if (c.status != claim_status::full) return refused(c.status);
      }
    }
    return publish_later(&event, Type, call);
  }

  /// Accepts a run of events, claimed together where there is room; returns how many, from the front.
  template <std::uint8_t Type, class E>
  std::size_t publish_range_as(E* events, std::size_t count, const publish_call& call) noexcept;

  /// Refuses outsiders, or everybody.
  arrival publish_due(kept& event, const publish_options& o) noexcept final;
  void close(bool for_all) noexcept final { ring_.close(for_all ? claim_status::closed : claim_status::closing); }
  [[nodiscard]] std::uint64_t in_lane() const noexcept final { return lane_.size(); }
  [[nodiscard]] std::uint64_t published_inside() const noexcept final { return inside_.get_before(); }
  void empty_lane() noexcept final {
    if (lane_.size() != 0) drain_lane();
  }
  [[nodiscard]] claim_status state() const noexcept { return ring_.state(); }
  [[nodiscard]] std::size_t footprint() const noexcept final {
    const std::lock_guard lock{bus.wiring};
    return all_hands_.size() * sizeof(hand) + sizeof(*this) + ring_.footprint() + ring_.capacity() * sizeof(envelope) +
           lane_.bytes() + max_seats_ * sizeof(seat);
  }

  // ---- seats ----

  run_state run(seat& s) noexcept final;
  void start_hand(hand& h) noexcept final;

  [[nodiscard]] bool has_work(const seat& s) const noexcept final {
    if constexpr (traits::is_durable) {
      return s.is_hand || s.signal.load(std::memory_order_relaxed) != 0 || durable_.has_next(s);
    }
    if (s.concurrent.load(std::memory_order_relaxed))
      return s.signal.load(std::memory_order_relaxed) != 0 || ring_.published(reads_at(s));
    return s.is_hand || s.signal.load(std::memory_order_relaxed) != 0 || ring_.has_next(s.cursor());
  }
  [[nodiscard]] bool recheck_work(const seat& s) const noexcept final {
    if constexpr (traits::is_durable) {
      return s.signal.load(std::memory_order_seq_cst) != 0 || durable_.recheck_next(s);
    }
    if (s.concurrent.load(std::memory_order_relaxed))
      return s.signal.load(std::memory_order_seq_cst) != 0 || ring_.recheck_at(reads_at(s));
    return s.signal.load(std::memory_order_seq_cst) != 0 || ring_.recheck_next(s.cursor());
  }

  void declare_idle(seat& s) noexcept final {
    idle_.fetch_add(1,
                    std::memory_order_seq_cst);  // before `ready`, so that it is never below the number of idle seats
    ring_.order().announce(s.ready, std::uint32_t{0});  // [R3] pairs with [R1], [R2]
  }
  [[nodiscard]] bool take_back(seat& s) noexcept final {
    if (s.ready.exchange(1, std::memory_order_seq_cst) != 0) return false;  // [R4] pairs with [R3]
    idle_.fetch_sub(1, std::memory_order_seq_cst);
    return true;
  }

  void rouse(seat& s) noexcept final;

  bool try_finish(seat& s) noexcept final;

  bool look_at(seat& s, void (*look)(void*) noexcept, void* arg) noexcept final;
  void free_seat(seat& s) noexcept final {
    if (s.hands.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
    const std::lock_guard lock{bus.wiring};
    free_seats_.push_back(&s);
  }
  seat& attach(std::unique_lock<std::mutex>& wiring, const shared<subscription_base>& subscription, bool dropping,
               bool polled) final;
  void begin(seat& s) noexcept final {
    if (lane_.size() != 0) s.signal.fetch_or(seat::kick, std::memory_order_seq_cst);  // the join has made room
    ring_.order().settle();
    if (recheck_work(s) && take_back(s)) runner_.enqueue(s);
  }
  void attach_here(const shared<subscription_base>& s, const std::uint8_t* mine, const here_function* run,
                   std::size_t count) final {
    here_.add(s, mine, run, count);
  }
  void detach_here(const shared<subscription_base>& s) final { here_.remove(s); }
  void sweep_here() noexcept final { here_.sweep(); }
  [[nodiscard]] std::uint64_t uses_here(const subscription_base& s) const final { return here_.uses_of(s); }

  [[nodiscard]] position head() const noexcept final { return ring_.claim_position(); }
  [[nodiscard]] position cursor_of(const seat& s) const noexcept final {
    if constexpr (traits::is_durable) return durable_.passed(s);
    return ring_.passed(s.cursor());
  }
  [[nodiscard]] std::uint8_t type_at(position p) const noexcept final {
    return ring_.published(p) ? ring_.tag(p) : slot_tag::empty;
  }
  [[nodiscard]] std::uint64_t dropped_by(const seat& s, std::uint16_t wanted) const noexcept final;
  topic_statistics statistics() const final;

 private:
  static constexpr std::uint32_t turns_a_notice = 64;
  static constexpr std::size_t max_holds = hold_cells::count;
  struct lane_timer : timer_node {
    topic_core* owner = nullptr;
    std::atomic<bool> waiting{false};
    std::atomic<std::uint32_t> give_up{0};  ///< heads that may become letters now
    std::atomic<std::uint32_t> step{1};
    std::atomic<std::uint64_t> moves{0};       ///< events that left the lane for the ring
    std::atomic<std::uint64_t> moves_then{0};  ///< the same when the timer was armed
  };

  result<receipt> refused(claim_status status) noexcept {
    refused_closed_.add();
    if constexpr (traits::is_durable) {
      if (durable_.has_failed()) return publish_errc::store_failed;
    }
    return status == claim_status::closing ? publish_errc::closing : publish_errc::closed;
  }

  /// From outside, when there was no room at once.
  result<receipt> publish_later(void* event, std::uint8_t type, const publish_call& call) noexcept;

  maybe<publish_errc> wait_for_room(const publish_call& call, time_point until, std::uint8_t type) noexcept;

  /// Whether an event of this type has to be held in its slot while handlers on this thread run. Inside such a handler of
  /// this topic it has not: the slot held further out holds all later ones.
  [[nodiscard]] bool needs_hold(std::uint8_t type, const frame* inside) const noexcept {
    return here_.any(type) && ring_.present() != 0 && !holds_already(inside);
  }
  [[nodiscard]] bool holds_already(const frame* inside) const noexcept {
    while (inside != nullptr && inside->holding != this) inside = inside->outer;
    return inside != nullptr;
  }

  /// From inside user code: never waits for room; through the lane where the ring has none.
  result<receipt> publish_inside(void* event, std::uint8_t type, const publish_call& call, frame* inside) noexcept;

  /// Fills the envelope if there is anything to say.
  bool surround(envelope& e, const publish_options* o, const delivery* parent) noexcept;

  [[gnu::always_inline]] inline claim_result claim(std::size_t n, caller who) noexcept {
    if constexpr (traits::single) {
      return ring_.try_claim_single(n, who);
    } else {
      return ring_.try_claim(n, who);
    }
  }

  /// From the claim to the wake-up; `move_to(slot)` moves the event.
  template <class Move>
  [[gnu::always_inline]] inline receipt finish(position p, void* event, std::uint8_t type, const publish_options* o,
                                               const delivery* parent, hold_place& place, Move move_to) noexcept {
    std::uint8_t tag = type;
    if (surround_needed(o, parent) && surround(*::new (&envelopes_[p & ring_.mask()]) envelope, o, parent)) {
      tag |= slot_tag::enveloped;
    }
    if (here_.any(type)) [[unlikely]] {
      const receipt r{id_at(p)};
      finish_here(p, event, tag, place);
      return r;  // behind it the bus may be gone
    }
    move_to(static_cast<void*>(ring_.storage(p)));
    ring_.publish(p, tag);
    after_publish();
    if (watcher != nullptr) [[unlikely]]
      tell_accepted(type, p);
    return receipt{id_at(p)};
  }
  [[gnu::noinline]] void tell_accepted(std::uint8_t type, position first, std::size_t count = 1) noexcept {
    for (std::size_t i = 0; i != count; ++i) {
      watcher->accepted({types[type]->name(), id_at(peal::advance(first, i))});
    }
  }
  template <std::uint8_t Type, class E>
  result<receipt> publish_by_middleware(E& event, const publish_call& call) noexcept;
  template <class E>
  arrival publish_due_by_middleware(kept& event, const publish_options& o) noexcept;
  arrival append_due(kept& event, const publish_options& o) noexcept;

  static bool surround_needed(const publish_options* o, const delivery* parent) noexcept {
    return traits::is_timed || parent != nullptr || o != nullptr;
  }

  [[gnu::always_inline]] inline void after_publish(std::size_t count = 1) noexcept {
    if constexpr (traits::is_durable) return durable_.published();
    if (ring_.order().observe(idle_) != 0) wake_idle();  // [R1] pairs with [R3]
    if (ring_.present() != 0) return;
    unheard_.add(count);
    if constexpr (traits::needs_reclaim) {
      ring_.publish_done();
      if (lane_.size() != 0) drain_lane();  // a destructor may have published, and nobody else may come by
    }
  }
  position first_position() const {
    if constexpr (traits::is_durable) return durable_.next();
    return 0;
  }
  void wake_idle() noexcept;

  /// With handlers on this thread: the slot is held until they have run; without other readers it stays empty.
  void finish_here(position p, void* event, std::uint8_t tag, hold_place& place) noexcept;
  void run_here(const event_at& at, frame& f) noexcept;

  void drain_lane() noexcept;
  void claimed_from_lane(lane::cell& c, position p, hold_place& place) noexcept;
  bool give_up_head(lane::cell& c, claim_status why) noexcept;
  void watch_lane() noexcept;

  bool turn(seat& s, subscription_base& sub) noexcept;
  std::uint64_t take_some(seat& s, subscription_base& sub) noexcept;
  void take_all(seat& s, subscription_base& sub) noexcept;
  static position reads_at(const seat& s) noexcept { return s.reads_at.load(std::memory_order_relaxed); }
  bool turn_hands(seat& s, subscription_base& sub, bool go) noexcept;
  run_state run_other(seat& s) noexcept;
  run_state run_hand(hand& h) noexcept;
  bool take_running(seat& s) noexcept;
  bool take_for_end(seat& s) noexcept;
  run_state end_concurrent(seat& s) noexcept;
  void sit(std::unique_lock<std::mutex>& wiring, seat& s, subscription_base& sub, std::uint32_t cursor);
  void hire(seat& s, subscription_base& sub, position start);
  void dismiss(subscription_base& sub) noexcept;
  run_state hold(seat& s, bool paused) noexcept;
  run_state let_go(seat& s) noexcept {
    if (s.leaving.fetch_add(1, std::memory_order_acq_rel) != 0) free_seat(s);
    return run_state::retired;
  }
  run_state finish_own(seat& s) noexcept {
    finish_subscription(s);
    free_seat(s);
    return run_state::retired;
  }
  seat* take_seat() noexcept;
  void finish_subscription(seat& s) noexcept;
  void count_unread(seat& s, subscription_base& sub) noexcept;
  [[nodiscard]] batch view(position first, position last) const noexcept {
    return {ring_.slots_base(), ring_.stride(), ring::payload_offset, ring_.mask(), envelopes_, first, last};
  }

  // Where a subscription reads: in the ring, or in what stands before it there and is in the store.
  [[nodiscard]] position read_from(const seat& s) const noexcept {
    if constexpr (traits::is_durable) return durable_.read_from(s);
    return ring_.cursor(s.cursor());
  }
  [[nodiscard]] position readable(seat& s, position from, std::size_t most) noexcept {
    if constexpr (traits::is_durable) return durable_.readable(s, from, most);
    return ring_.available_from(from, most);
  }
  [[nodiscard]] batch view_of(seat& s, position first, position last) noexcept {
    if constexpr (traits::is_durable) return durable_.view_of(s, first, last);
    return view(first, last);
  }
  void pass(seat& s, position to) noexcept {
    if constexpr (traits::is_durable) return durable_.pass(s, to);
    ring_.advance(s.cursor(), to);
  }

  executor_type& runner_;
  [[no_unique_address]] durable_type durable_;
  ring ring_;
  envelope* const envelopes_;
  alignas(64) std::atomic<std::uint32_t> idle_{0};
  std::atomic<std::uint32_t> used_seats_{0};
  lane lane_;
  lane_timer lane_timer_{};
  inline_board here_;
  own_array<seat> seats_;
  const std::size_t max_seats_;
  const position first_ = ring_.claim_position();
  const std::size_t max_subscriptions_;
  list<seat*> free_seats_;
  list<own_ptr<hand>> all_hands_;  // under bus.wiring, as are the free ones
  list<hand*> free_hands_;
  hold_cells holds_;
  alignas(64) shared_counter unheard_;
  shared_counter refused_full_;
  shared_counter refused_closed_;
  shared_counter overloaded_;
  shared_counter inside_;
  shared_counter vetoed_;

 public:
  [[no_unique_address]] typename traits::publish_middleware middleware{};
};

}  // namespace peal::inline v0::detail

#include <peal/bus/detail/topic_hands.hpp>
#include <peal/bus/detail/topic_lane.hpp>
#include <peal/bus/detail/topic_publishing.hpp>
#include <peal/bus/detail/topic_runs.hpp>
