// SPDX-License-Identifier: MIT
// A subscription without its types: what happens to deliveries off the happy path.
#pragma once

#include <peal/bus/detail/claim_teller.hpp>
#include <peal/bus/detail/counters.hpp>
#include <peal/bus/detail/delivery_end.hpp>
#include <peal/bus/detail/flow.hpp>
#include <peal/bus/detail/hand.hpp>
#include <peal/bus/detail/kept.hpp>
#include <peal/bus/detail/newest_keys.hpp>
#include <peal/bus/detail/subscription_terms.hpp>
#include <peal/bus/detail/timings.hpp>
#include <peal/bus/detail/topic_base.hpp>
#include <peal/bus/placement.hpp>
#include <peal/core/delivery.hpp>
#include <peal/detail/list.hpp>
#include <peal/detail/maybe.hpp>
#include <peal/detail/own_ptr.hpp>
#include <peal/policy/backoff.hpp>
#include <peal/policy/retry.hpp>

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace peal::inline v0::detail {

struct shape;

class subscription_base {
 public:
  enum class life : std::uint32_t { running, stopped };

  subscription_base(std::string name, topic_base& topic, std::uint16_t types, std::uint32_t max_kept, bool here,
                    own_ptr<flow> waits)
      : runs_here{here},
        number{topic.bus.subscriptions_ever.fetch_add(1, std::memory_order_relaxed) + 1},
        flow_{std::move(waits)},
        name_{std::move(name)},
        topic_{topic},
        types_{types},
        max_kept_{max_kept != 0 ? max_kept : 1} {}
  subscription_base(const subscription_base&) = delete;
  subscription_base& operator=(const subscription_base&) = delete;
  virtual ~subscription_base() = default;

  /// Runs events of [b.first, b.last) in order; returns the position up to which they are done with.
  virtual position run_batch(const batch& b) = 0;

  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] topic_base& topic() const noexcept { return topic_; }
  [[nodiscard]] std::uint16_t types() const noexcept { return types_; }
  [[nodiscard]] const delivery_counters& counts() const noexcept { return counts_; }
  [[nodiscard]] bool stalled() const noexcept { return stalled_.load(std::memory_order_relaxed); }
  [[nodiscard]] std::uint64_t kept_count() const noexcept {
    return kept_count_.load(std::memory_order_acquire);  // pairs with [kept]
  }
  [[nodiscard]] std::uint64_t kept_ever() const noexcept { return kept_ever_.load(std::memory_order_acquire); }
  [[nodiscard]] std::uint64_t oldest_kept() const noexcept { return oldest_kept_.load(std::memory_order_acquire); }
  /// With a durable topic: where it would go on if the process ended now; false while what it has published is not in
  /// its topic yet. Any thread that keeps its seat from going.
  [[nodiscard]] bool safe_position(position& at) const noexcept;
  [[nodiscard]] bool stored_position(position& at) const noexcept;
  [[nodiscard]] bool outputs_waiting() const noexcept { return outputs_waiting_.load(std::memory_order_acquire); }
  [[nodiscard]] time_point now() const noexcept { return topic_.bus.runner->now(); }
  /// Null without the policy.
  [[nodiscard]] const timings* times() const noexcept { return timings_.get(); }
  [[nodiscard]] bool wants(std::uint8_t type) const noexcept { return ((types_ >> type) & 1U) != 0; }

  // What a run consists of; only the owner of the seat's `running` calls these.

  /// Binds to the seat before the first run.
  void sit(seat& s) noexcept;
  [[nodiscard]] seat& place() const noexcept { return *seat_; }
  [[nodiscard]] const delivery& current() const noexcept { return delivery_; }

  /// Runs what is due again; true when there is more of it.
  bool run_due();

  /// Tries again what the subscription stalled on. Returns how many events of the ring that ends: 0 or 1.
  std::uint64_t unstall(const batch& b);

  /// Nothing may be taken from the ring now.
  [[nodiscard]] bool blocked() const noexcept {
    return outputs_waiting_.load(std::memory_order_relaxed) || in_place_.active || homeless_ != nullptr ||
           no_room_aside_;
  }
  /// What runs out of the ring is counted when it leaves it; a dropping subscription runs all of it from aside.
  [[nodiscard]] std::uint64_t runs_so_far() const noexcept {
    return seat_->dropping ? runs_aside_ : counts_.taken.get() + counts_.retries.get();
  }
  [[nodiscard]] bool has_due() const noexcept { return run_first_ != nullptr; }
  /// After each turn: lets others see whether it waits for something that they bring.
  void note_stall() noexcept;
  void unnote_stall() noexcept;
  /// Once a stall: what it waits for may have come before it could be seen waiting.
  bool first_stall() noexcept { return !std::exchange(looked_again_, true); }

  // What the whole of it may have to wait for; nothing without pause, breaker and rate.

  [[nodiscard]] const flow* waits() const noexcept { return flow_.get(); }
  [[nodiscard]] bool may_start() const noexcept { return flow_ == nullptr || flow_->may_start(); }
  /// After a turn that has nothing more to do now: it has to wait for a moment, which is armed, or for its probes.
  bool waits_for_flow(bool anything) noexcept;
  /// What hands have not begun they need not begin now.
  [[nodiscard]] bool is_shut() const noexcept { return flow_ != nullptr && flow_->is_shut(); }

  /// Copies events out of a dropping cursor's pinned range; returns how many were done with.
  position take_aside(const batch& b);
  /// It reads on before it runs the next one.
  [[nodiscard]] bool conflates() const noexcept { return conflated_ != nullptr; }

  /// An event that has ended the process so often becomes a letter. False: not now.
  bool bury_crashed(const event_at& at, std::uint32_t runs);
  bool keep_again(const event_at& at, const kept_row& r);
  /// Its source could not be read: a little later.
  void look_again(nanoseconds in) noexcept { wake_at(wake_up_, saturating_add(now(), in)); }
  /// Remembers what a drain abandons, for its report.
  void note_left(position p) noexcept;

  /// What the end of the subscription leaves undone is counted here.
  [[nodiscard]] auto& left_over() noexcept {
    return (seat_->signal.load(std::memory_order_relaxed) & seat::abandon) != 0 ? counts_.abandoned : counts_.stopped;
  }

  /// Ends every delivery that is kept aside, each counted before it is no longer kept.
  void release_kept() noexcept;
  virtual void destroy_handler() noexcept = 0;
  /// Whether two events have the same keys to be ordered and deduplicated by; by those counted in `asked_`, on any thread.
  [[nodiscard]] virtual bool same_keys(const void* a, const void* b, std::uint8_t type) const = 0;

  /// Before it stands: a key of an event of this type, which was handled in an earlier life. Errors: of its key table.
  virtual void remember_key(std::uint8_t type, wire_reader& from, time_point handled) = 0;
  /// In a run, with `claims_`: the key of an event whose effect an earlier life has committed. Errors: of its key function
  /// and table.
  virtual void remember_event(std::uint8_t type, const void* event) = 0;

  /// A letter comes back, or a timer fired. False when the subscription has stopped.
  bool push_due(kept* k) noexcept;

  // Order by key, off the happy path.

  [[nodiscard]] bool keeps_order() const noexcept { return order_ != nullptr; }
  /// Before it stands, under no lock: keys are held by the letters that an earlier one of its name has left.
  void hold_letters();
  /// It stands, under `wiring`: letters that went in between are noted.
  void confirm_letters();
  /// Under `wiring`: a letter that may hold one of its keys is about to go. Errors: bad_alloc.
  bool tell_discarded(std::uint64_t letter);
  /// Of those, some have not been seen to.
  [[nodiscard]] bool letters_untold() const noexcept;

  // With several hands.

  void take_hands(list<hand*>&& given, std::size_t window, position start);
  [[nodiscard]] hand_set* hands() const noexcept { return hands_.get(); }
  bool work_hands(const batch& b, bool go);
  [[nodiscard]] bool waits_for_hands() const noexcept;
  bool recall_hands() noexcept;
  void end_hands() noexcept;
  /// With `running` taken and a hand that does not come back: calls `left(position)` for each delivery that nobody handles.
  template <class Left>
  void each_left(Left&& left);
  /// Middleware and handler of a hand's event, on whatever thread runs the hand.
  virtual void run_in_hand(hand& h) noexcept = 0;

  /// The limit of the next batch, so that one takes at most about 50 µs.
  [[nodiscard]] std::size_t batch_limit() const noexcept { return limit_; }
  void learn(std::size_t ran, nanoseconds took) noexcept;

  time_limits limits{};             ///< set before it stands
  beginning begins{};               ///< set before it stands
  position replay_end = 0;          ///< deliveries before it are repeated; set before it stands
  effect_marks* effects = nullptr;  ///< of a durable topic that keeps it; set before it stands
  shared<row_book> rows{};          ///< of a durable topic that keeps it; set before it stands, gone when it ends
  key_memory remembers{};           ///< set before it stands
  own_ptr<claim_teller> claims_{};  ///< of a durable topic; null: no store keeps its keys. Set before it stands
  attempt_clock running_since{0};   ///< when the handler began, with a timeout; 0: it does not run
  unsigned hands_wanted = 1;        ///< of concurrency{n}; set before it stands
  const shape* looks = nullptr;     ///< its policies and outputs by name; set before it stands
  const bool runs_here;             ///< on publishers' threads: it has no seat
  const std::uint64_t number;       ///< of all subscriptions that the bus ever had, this one's
  delivery_counters counts_{};
  std::atomic<std::uint64_t> returning_{0};  ///< redriven letters on their way back
  std::atomic<std::uint32_t> asked_{0};      ///< so many ask its policies although they do not run it
  std::atomic<bool> stop_asked_{false};
  list<event_id> left_{};  ///< what a drain has abandoned; at most max_left, read once it has stopped
  static constexpr std::size_t max_left = 10'000;
  std::atomic<life> life_{life::running};
  std::atomic<std::uint64_t> running_position_{0};  ///< what the handler has now, for reports about stuck ones

 protected:
  /// One run of filter, deduplication and handler for a kept event, which has its claim in it if it has one.
  virtual void attempt_kept(kept& k, attempt_end& end) = 0;
  /// Publishes outputs; false when there is no room yet.
  virtual bool flush_outputs() noexcept = 0;
  virtual void drop_outputs() noexcept = 0;
  virtual void*& waiters_of(void* claim, std::uint8_t type) noexcept = 0;
  virtual void commit_claim(void* claim, std::uint8_t type) noexcept = 0;
  virtual void abandon_claim(void* claim, std::uint8_t type) noexcept = 0;
  /// The busy key of an event, or null; made busy where it is free (`made`). `told`: the key itself was told, so that
  /// what is thrown then is for want of memory.
  virtual key_chain* find_chain(const void* event, std::uint8_t type) = 0;
  virtual key_chain* make_chain(const void* event, std::uint8_t type, bool& made, bool& told) = 0;
  virtual void free_chain(key_chain& chain) noexcept = 0;
  /// With conflate: whether the event would reach the handler. Errors: what a filter throws.
  virtual bool passes_filters(const void* event, std::uint8_t type) = 0;
  /// With hands: everything before middleware and handler. `handled` means: to be run.
  virtual void prepare(const event_at& at, attempt_end& end) = 0;
  /// flush_outputs and drop_outputs mean those of this hand from now on.
  virtual void use_outputs(hand* h) noexcept = 0;

  /// The handler returned: the key is committed, the outputs go out. False: stalled on the outputs.
  bool succeed(void* claim, std::uint8_t type) noexcept;
  void note_handled(std::uint64_t count = 1) const noexcept {
    if (topic_.watcher != nullptr) [[unlikely]]
      topic_.watcher->handled({name_, count});
  }

  [[gnu::cold]] void look_for_effect(const delivery& d, attempt_end& end) noexcept;
  [[nodiscard]] time_point expiry_of(const envelope& e) const noexcept;
  void begin_attempt(delivery& d, attempt_clock& since) const noexcept;
  [[gnu::cold]] bool take_failed(const delivery& d, attempt_end& end, failure* failed,
                                 const attempt_clock& since) noexcept;

  /// The same on the publisher's thread, concurrently: nothing can be kept but a letter.
  void end_here(const event_at& at, attempt_end& end) noexcept;
  [[gnu::cold]] void failed_here(const event_at& at, failure& failed) noexcept;
  void count_lost_outputs() noexcept { counts_.lost_outputs.add(); }

  /// The first run of an event did not succeed. True: the event in the slot is done with.
  bool end_first(const event_at& at, attempt_end& end);

  delivery delivery_ = delivery_access::make();

 protected:
  own_ptr<key_order> order_;          ///< null: without ordered_by
  own_ptr<flow> flow_;                ///< null: nothing but room ever holds it up
  own_ptr<timings> timings_;          ///< null: not measured
  own_ptr<newest_keys> conflated_{};  ///< null: without conflate

 private:
  enum class next_step : std::uint8_t { none, run_again, bury, wait_behind, wait_key };
  struct decision {
    next_step step = next_step::none;
    nanoseconds delay{0};
    dead_cause cause = dead_cause::failed;
    void* claim = nullptr;
    retry_progress progress{};
    key_chain* chain = nullptr;
  };
  struct in_place {
    bool active = false;
    bool behind_key = false;
    decision what{};
    error_history errors{};
  };

  /// An event of the ring that has to go aside and finds no room there.
  struct stuck_event {
    event_at at;
    decision what;
    error_history errors;
  };

  decision decide(attempt_end& end, std::uint32_t attempts, error_history& errors, const retry_progress& before,
                  position where);
  void note_failed(position where, std::uint32_t attempt, std::string_view error, std::error_code code) const noexcept {
    if (topic_.watcher != nullptr) topic_.watcher->failed({name_, topic_.id_at(where), attempt, error, code});
  }
  decision decide_expired(const attempt_end& end) noexcept;
  bool next_run(const applied_action& action, std::uint32_t attempts, nanoseconds elapsed,
                retry_progress& progress) noexcept;
  bool carry_out(const decision& what, kept_ptr& k) noexcept;
  void arm_again(kept& event, nanoseconds delay) noexcept;
  void arm_at(kept& event, time_point due) noexcept;
  bool put_off(kept& k) noexcept;
  bool bury(const decision& what, kept_ptr& k) noexcept;
  std::uint64_t put_letter(const decision& what, kept_ptr& k, key_chain* holding, letter_ptr& placed) noexcept;
  void wait_behind(void* claim, kept& event) noexcept;
  bool put_aside(const decision& what, const event_at& at, error_history& errors);
  kept_ptr copy_aside(const event_at& at) noexcept;
  bool take_newest(const event_at& at) noexcept;
  bool drop_next() noexcept;
  void end_kept(kept* k, attempt_end& end);
  bool wait_again(kept* k, attempt_end& end);
  void bury_here(const event_at& at, attempt_end& end, letter_ptr& placed);
  void committed(void* claim, std::uint8_t type) noexcept;
  void abandoned(void* claim, std::uint8_t type) noexcept;
  void link(kept& k) noexcept;
  void detach(kept& k) noexcept;    // out of the list, unnoticed by others
  void reattach(kept& k) noexcept;  // back to its place; nothing has happened to the list since detach
  void note_detached() noexcept;
  void find_lowest() noexcept;
  void unlink(kept& k) noexcept {
    detach(k);
    note_detached();
  }
  /// The same for one that has come to its end; if it came from the letters, the letter has as well.
  void unlink_ended(kept& k) noexcept;
  void see_to_ended();
  void end_hand(hand& h);
  void end_slot(const event_at& at, attempt_end& end);
  [[nodiscard]] bool can_read() const noexcept;
  void slot_ended(position p) noexcept;
  void start(hand& h) noexcept;
  bool start_again();
  bool start_kept();
  bool read_ahead(const batch& b);
  bool read_one(const event_at& at);
  void intake() noexcept;
  void gather() noexcept;
  void leave_arrived(kept* k) noexcept;
  void note_wait(const kept& k, time_point due) noexcept;
  bool may_run(kept& k) noexcept;
  void cleared(kept& k) noexcept;
  void letter_stays(letter_ptr&& l) noexcept;
  void wait_in(key_chain& c, kept& k) noexcept;
  kept* next_of(key_chain& c) noexcept;
  void pass_on(key_chain& c) noexcept;
  bool take_key(const decision& what, kept& k, bool& waits) noexcept;
  maybe<bool> place_by_key(const decision& what, kept_ptr& k) noexcept;
  bool hold_back(key_chain& c, const event_at& at);
  void join_chain(key_chain& c, kept_ptr k) noexcept;
  void expect_letter(key_chain& c, dead_cause cause);
  void no_letter(key_chain& c, dead_cause cause) noexcept;
  void letter_put(key_chain& c, dead_cause cause, std::uint64_t number) noexcept;
  void spill(key_chain& c) noexcept;
  bool bring_back(key_chain& c) noexcept;
  bool lead_back(kept& k) noexcept;
  bool waits_again(kept& k) noexcept;
  void hear_discarded() noexcept;
  void let_go() noexcept;
  [[nodiscard]] std::uint64_t aside_count() const noexcept;  // without those that wait behind a key
  void wake_later() noexcept;
  void queue(kept& k) noexcept;

  struct wake_up : timer_node {
    subscription_base* owner = nullptr;
  };
  void wake_at(wake_up& timer, time_point due) noexcept;

  const std::string name_;
  topic_base& topic_;
  const std::uint16_t types_;
  const std::uint32_t max_kept_;
  seat* seat_ = nullptr;
  std::size_t limit_ = 16;
  kept* run_first_ = nullptr;  // due now, in order
  kept* run_last_ = nullptr;
  kept* newest_ = nullptr;  // every kept event, in the order kept
  kept* oldest_ = nullptr;
  std::uint64_t last_serial_ = 0;
  std::uint64_t runs_aside_ = 0;
  in_place in_place_{};
  bool no_room_aside_ = false;  // a dropping subscription could not copy what it pinned
  bool looked_again_ = false;
  bool lowest_left_ = false;
  std::uint32_t row_left_ = no_row;  // of what is detached
  std::uint32_t row_over_ = no_row;  // of the delivery whose outputs wait
  letter_ptr letter_over_{};         // that the delivery came from whose outputs wait
  kept_ptr homeless_{};              // a letter that found no room
  decision homeless_what_{};
  own_ptr<hand_set> hands_{};  // null: it runs one event at a time, by itself
  list<stuck_event> stuck_{};
  wake_up wake_up_{};
  wake_up flow_over_{};
  kept* arrived_first_ = nullptr;  // what has come through due_ and is not yet among the due, in order
  kept* arrived_last_ = nullptr;
  std::atomic<kept*> due_{nullptr};
  std::atomic<std::uint64_t> kept_count_{0};
  std::atomic<std::uint64_t> kept_ever_{0};
  std::atomic<std::uint64_t> oldest_kept_{~std::uint64_t{0}};  ///< serial; all ones: none
  static constexpr position no_position = ~position{0};
  std::atomic<position> lowest_kept_{no_position};  ///< without what came back from the letters
  std::atomic<bool> outputs_waiting_{false};
  std::atomic<bool> stalled_{false};

 public:
  /// Of a handler on publishers' threads: no new run starts. Last, beside the handler: they are read together.
  std::atomic<bool> leaving_here{false};
};

}  // namespace peal::inline v0::detail

#include <peal/bus/detail/hands.hpp>
#include <peal/bus/detail/key_order.hpp>
#include <peal/bus/detail/subscription_aside.hpp>
#include <peal/bus/detail/subscription_failures.hpp>
#include <peal/bus/detail/subscription_newest.hpp>
#include <peal/bus/detail/subscription_pending.hpp>
#include <peal/bus/detail/subscription_stalls.hpp>
#include <peal/bus/detail/subscription_time.hpp>
