// SPDX-License-Identifier: MIT
// What a durable topic has beside its ring: the journal's place in it, the gate, and those who still read its past.
#pragma once

#include <peal/bus/bus.hpp>
#include <peal/bus/detail/past_reader.hpp>
#include <peal/codec/event_key.hpp>
#include <peal/codec/upcast.hpp>

#include <array>
#include <concepts>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace peal::inline v0::detail {

template <class E>
struct stored_event_ops {
  static_assert(check_chain<E>());
  static_assert(std::default_initializable<E>,
                "peal: an event of a durable topic is read back into a default constructed one; give it a default "
                "constructor");
  static void encode(const void* event, byte_buffer& out) { peal::encode(*static_cast<const E*>(event), out); }
  static void decode(std::uint32_t version, byte_view in, void* to) { ::new (to) E(decode_version<E>(version, in)); }
  static constexpr auto key_writer() noexcept -> void (*)(const void*, byte_buffer&) {
    if constexpr (keyed_event<E>) {
      return [](const void* event, byte_buffer& out) { write_key_of(*static_cast<const E*>(event), out); };
    } else {
      return nullptr;
    }
  }
  static constexpr stored_ops ops{name_of<E>().name, name_of<E>().version, &encode, key_writer(),
                                  &decode,           &stored_schema<E>};
};
template <class List>
struct all_stored_ops;
template <class... Es>
struct all_stored_ops<type_list<Es...>> {
  static constexpr bool any_key = (keyed_event<Es> || ...);
  static constexpr std::array<stored_ops, sizeof...(Es)> all{stored_event_ops<Es>::ops...};
};

/// Memory order: see durable_topic.
template <class Core, class Option>
class durable_part<Core, type_list<Option>> final : public durable_topic {
  using events = typename Core::traits::events;

 public:
  explicit durable_part(Core& core)
      : durable_topic{core, *core.bus.kept, Option::template stored_name<nth_t<0, events>>(),
                      all_stored_ops<events>::all.data()},
        core_{core} {}

  [[nodiscard]] position next() const noexcept { return durable_to(); }
  [[nodiscard]] bool has_failed() const noexcept { return log.has_failed(); }

  void begin() override {
    readers_.resize(core_.max_seats_);
    seat_ = core_.take_seat();
    seat_->is_journal = true;
    seat_->polled = core_.runner_.only_polls();
    const auto cursor = core_.ring_.join();
    seat_->cursor_index.store(*cursor, std::memory_order_relaxed);
    core_.declare_idle(*seat_);
    bring_letters();
  }

  // ---- the journal's ----

  run_state run_journal() noexcept {
    seat_->signal.fetch_and(~(seat::work | seat::kick), std::memory_order_seq_cst);
    seat_->last_runs.store(0, std::memory_order_relaxed);
    return log.work() ? run_state::more : run_state::idle;
  }
  void rouse_journal() noexcept override {
    seat_->signal.fetch_or(seat::work, std::memory_order_seq_cst);
    core_.rouse(*seat_);
  }
  /// Behind a publication: the journal has something to do. Subscriptions hear of it once it is in the store.
  void published() noexcept {
    if (core_.ring_.order().observe(seat_->ready) != 0 || log.rests()) return;  // one that rests has set its alarm
    if (core_.take_back(*seat_)) core_.runner_.enqueue(*seat_);
  }
  [[nodiscard]] position head() const noexcept override { return core_.ring_.claim_position(); }
  [[nodiscard]] position published_run(position from, std::size_t most) const noexcept override {
    return core_.ring_.available_from(from, most);
  }
  [[nodiscard]] batch slots(position first, position last) const noexcept override { return core_.view(first, last); }
  void open_to(position to) noexcept override {
    gate_.store(to, std::memory_order_seq_cst);  // [gate]
    core_.ring_.advance(seat_->cursor(), to);
    core_.wake_idle();
  }
  void refuse() noexcept override { core_.ring_.close(claim_status::closed); }

  // ---- subscriptions' ----

  [[nodiscard]] bool has_next(const seat& s) const noexcept {
    if (s.is_journal) return !log.rests() && core_.ring_.has_next(s.cursor());
    return behind(s, gate_.load(std::memory_order_acquire));
  }
  [[nodiscard]] bool recheck_next(const seat& s) const noexcept {
    if (s.is_journal) return !log.rests() && core_.ring_.recheck_next(s.cursor());
    return behind(s, gate_.load(std::memory_order_seq_cst));  // pairs with [gate]
  }
  /// Before it stands, under the bus's wiring.
  void sit(seat& s, subscription_base& sub) noexcept {
    const position live = core_.ring_.cursor(s.cursor());
    position at = live;
    if (keeps(sub, s) && sub.begins.known && distance(sub.begins.at, live) < 0) {
      at = sub.begins.at;
    }
    s.dozes.store(false, std::memory_order_relaxed);
    s.store_end.store(live, std::memory_order_relaxed);
    s.store_at.store(at, std::memory_order_relaxed);
    s.from_store.store(at != live || s.reads_store.load(std::memory_order_relaxed), std::memory_order_release);
    log.sits(sub, at, keeps(sub, s));
    if (at != live) rouse_journal();  // it looks after what is recovered, whether or not anything is published
  }
  /// Before its cursor leaves the ring.
  void leave(seat& s, subscription_base& sub) noexcept {
    log.leaves(sub);
    log.trouble_over(&s);
    sub.rows.reset();  // what it keeps is kept again when it stands another time
    reader_of(s).reset();
    s.from_store.store(false, std::memory_order_release);
    rouse_journal();
  }
  [[nodiscard]] position read_from(const seat& s) const noexcept {
    if (s.from_store.load(std::memory_order_relaxed)) return s.store_at.load(std::memory_order_relaxed);
    return core_.ring_.cursor(s.cursor());
  }
  [[nodiscard]] position passed(const seat& s) const noexcept {
    if (s.from_store.load(std::memory_order_acquire)) return s.store_at.load(std::memory_order_acquire);
    return core_.ring_.passed(s.cursor());
  }
  [[nodiscard]] position readable(seat& s, position from, std::size_t most) noexcept {
    const position gate = gate_.load(std::memory_order_acquire);
    if (s.from_store.load(std::memory_order_relaxed)) return readable_in_store(s, from, most, gate);
    const position last = core_.ring_.available_from(from, most);
    if (distance(last, gate) <= 0) return last;
    return distance(gate, from) > 0 ? gate : from;
  }
  [[nodiscard]] batch view_of(seat& s, position first, position last) noexcept {
    if (past_reader* const r = reader_of(s).get(); r != nullptr) return r->view(first, last);
    return core_.view(first, last);
  }
  void pass(seat& s, position to) noexcept {
    if (!s.from_store.load(std::memory_order_relaxed)) return core_.ring_.advance(s.cursor(), to);
    if (past_reader* const r = reader_of(s).get(); r != nullptr) r->pass(to);
    s.store_at.store(to, std::memory_order_release);
    if (s.reads_store.load(std::memory_order_relaxed)) return;
    if (distance(to, s.store_end.load(std::memory_order_relaxed)) < 0) return;
    s.from_store.store(false, std::memory_order_release);
    reader_of(s).reset();
  }
  [[nodiscard]] std::size_t pinnable(const seat& s, std::size_t most) const noexcept {
    const std::int64_t there = distance(gate_.load(std::memory_order_acquire), core_.ring_.cursor(s.cursor()));
    return there <= 0 ? 0 : smaller(most, static_cast<std::size_t>(there));
  }

 private:
  std::unique_ptr<past_reader>& reader_of(const seat& s) noexcept {
    return readers_[static_cast<std::size_t>(&s - core_.seats_.get())];
  }
  [[nodiscard]] bool behind(const seat& s, position gate) const noexcept {
    if (s.dozes.load(std::memory_order_relaxed)) return false;
    const bool hands = s.concurrent.load(std::memory_order_relaxed);
    const bool past = s.from_store.load(std::memory_order_relaxed);
    if (past && !s.reads_store.load(std::memory_order_relaxed) &&
        distance(gate, s.store_end.load(std::memory_order_relaxed)) > 0) {
      gate = s.store_end.load(std::memory_order_relaxed);
    }
    const position at = hands  ? Core::reads_at(s)
                        : past ? s.store_at.load(std::memory_order_relaxed)
                               : core_.ring_.cursor(s.cursor());
    return distance(gate, at) > 0;
  }
  position readable_in_store(seat& s, position from, std::size_t most, position gate) noexcept {
    if (const past_reader* const r = reader_of(s).get(); r != nullptr && r->rests_for().count() > 0) {
      s.subscription->look_again(r->rests_for());
      return from;
    }
    position last = from;
    bool later = false;
    const auto failed = rule_set<>{}.run([&] {
      std::unique_ptr<past_reader>& r = reader_of(s);
      if (r == nullptr) {
        constexpr event_set set = event_set_from<events>::value;
        constexpr std::size_t offset = larger(set.align, sizeof(std::uint64_t));
        constexpr std::size_t stride = (offset + set.size + offset - 1) / offset * offset;
        r = std::make_unique<past_reader>(*this, *s.subscription, stride, offset, from);
      }
      position end = s.store_end.load(std::memory_order_relaxed);
      if (distance(gate, end) < 0) end = gate;
      last = r->filled();
      if (distance(last, from) <= 0) {
        last = s.reads_store.load(std::memory_order_relaxed) ? fill_both(*r, s, gate) : r->fill(end);
      }
      if (const position limit = peal::advance(from, most); distance(last, limit) > 0) last = limit;
      last = r->keep_again(from, last);
      if (log.was_cut_off() && last != from && keeps(*s.subscription, s)) last = r->begin_runs(from, last);
      // Another one's turn, or the store does not show what must be there.
      later =
          last == from && most != 0 && distance(s.reads_store.load(std::memory_order_relaxed) ? gate : end, from) > 0;
    });
    if (failed) {
      log.note_trouble(&s, s.subscription->name(), failed->error_text);
    } else if (s.dozes.load(std::memory_order_relaxed)) {
      log.trouble_over(&s);
    }
    s.dozes.store(failed || later, std::memory_order_relaxed);
    past_reader* const r = reader_of(s).get();
    const nanoseconds patience = r != nullptr ? r->patience(failed.has_value()) : past_reader::shortest;
    if (failed || later) s.subscription->look_again(patience);
    return failed ? from : last;
  }
  /// From the store what publishers have taken from its cursor in the ring, then copies of what stands there.
  /// Errors: as readable_in_store's; what copying an event throws.
  position fill_both(past_reader& r, const seat& s, position gate) {
    const position in_ring = core_.ring_.cursor(s.cursor());  // what is before it is in the store: the journal gates
    if (distance(in_ring, r.filled()) > 0) return r.fill(distance(gate, in_ring) < 0 ? gate : in_ring);
    const std::int64_t there = distance(gate, r.filled());
    const std::size_t room = r.room();
    if (there <= 0 || room == 0) return r.filled();
    const position_run pinned =
        core_.ring_.pin(s.cursor(), smaller(room, smaller(static_cast<std::size_t>(there), core_.ring_.max_pin())));
    struct pin {
      Core& core;
      const seat& s;
      past_reader& r;
      position to;
      ~pin() { core.ring_.unpin(s.cursor(), to); }
    };
    if (pinned.size() == 0) return r.filled();
    if (pinned.first != r.filled()) {  // moved on in between: that is in the store by now
      core_.ring_.unpin(s.cursor(), pinned.first);
      return r.filled();
    }
    pin until_copied{core_, s, r, pinned.first};
    const batch b = core_.view(pinned.first, pinned.last);
    for (position p = b.first; p != b.last; p = peal::advance(p, 1)) {
      r.copy(b, p);
      until_copied.to = peal::advance(p, 1);
    }
    return r.filled();
  }
  static bool keeps(const subscription_base& sub, const seat& s) noexcept {
    return !s.dropping && !sub.begins.transient;
  }

  /// Errors: store_error, bad_alloc. One that this program cannot read stays where it is, for one that can.
  void bring_letters() {
    log.stored_in().letters(name, [&](const stored_letter& l) {
      core_.letters.skip_number(l.number);
      // Its effect was committed when it had come back.
      if (l.event.id && log.marks_of(*this, l.subscription).ends_letter(l.event.position, l.number)) return;
      std::uint8_t type = 0;
      while (type != core_.type_count && ops[type].name != l.event.name) ++type;
      if (type == core_.type_count) return;
      kept_ptr k = read_back(type, l.event);
      if (k == nullptr) return;
      fill_letter(*k, l, type);
      core_.letters.restore(std::move(k));
    });
  }
  void fill_letter(kept& k, const stored_letter& l, std::uint8_t type) {
    k.type = type;
    k.number = l.number;
    k.has_position = static_cast<bool>(l.event.id);
    k.position = l.event.position;
    k.has_envelope = l.event.causation || l.event.correlation != l.event.id;
    if (l.event.correlation != l.event.id) k.around.correlation = l.event.correlation;
    k.around.causation = l.event.causation;
    k.subscription = l.subscription;
    k.cause = l.cause;
    k.attempts = l.attempts;
    k.cycles = l.cycles;
    k.blocked_by = l.blocked_by;
    const time_point now = core_.runner_.now();
    k.died_at = now - nanoseconds{larger<wall_time>(wall_now() - l.died, 0)};
    wire_reader r{l.errors};
    std::size_t n = 0;
    if (!r.enter_list(n)) return;
    for (std::string_view text; n != 0 && r.string(text); --n) k.errors.add(error_of(text, k.died_at));
  }

  Core& core_;
  seat* seat_ = nullptr;
  std::vector<std::unique_ptr<past_reader>> readers_;
};

/// With at least one durable topic.
template <>
struct journal_of<true> {
  explicit journal_of(store* kept) noexcept : kept_{kept} {}

  void prepare(bus_base& bus) {
    journal_.emplace(*kept_, bus);
    bus.kept = &*journal_;
    bus.log = &*journal_;
  }
  void begin(schedule& later) {
    journal_->begin();
    journal_->bring_timers(later);
  }
  void close() noexcept { journal_->close(); }
  [[nodiscard]] durability_report report() const { return journal_->report(); }

  void retain(std::size_t topic, const retention& r) { journal_->retain(*journal_->topic_number(topic), r); }
  template <class Events>
  void compact(std::size_t topic, const compaction& c) {
    static_assert(
        all_stored_ops<Events>::any_key,
        "peal: compact keeps the newest event of each key, and no event of this topic declares one; add to it "
        "static constexpr auto key = &order_placed::order_id; or a peal::event_key_of<E>");
    journal_->compact(*journal_->topic_number(topic), c);
  }

  /// Errors: bad_option, store_error.
  void rewind(bus_base& bus, const std::string& name, const start_at& where) {
    {
      const std::lock_guard lock{bus.wiring};
      bool stands = false;
      for (const auto& s : bus.subscriptions) stands = stands || s->name() == name;
      for (const std::string* const s : bus.joining) stands = stands || *s == name;
      if (stands) throw bad_option("peal: rewind: subscription \"" + name + "\" stands; stop it first");
      bus.joining.push_back(&name);  // nobody begins to stand under it meanwhile
    }
    struct joining {
      bus_base& bus;
      const std::string* name;
      ~joining() {
        const std::lock_guard lock{bus.wiring};
        bus.joining.remove(name);
      }
    } const until_it_is_done{bus, &name};
    journal_->rewind(name, where);
  }

  template <class Executor>
  bool wait(Executor& runner, const receipt& r, time_point until) {
    const durable_topic* const t = r.in_lane() ? nullptr : journal_->topic_of(r.id());
    if (t == nullptr) {
      throw bad_option(
          r.in_lane()
              ? "peal: wait_durable: the event of this receipt was published inside a handler and stands in its "
                "topic's lane, where it has no position to wait for"
              : "peal: wait_durable: this receipt is not of a durable topic of this bus");
    }
    const position p = r.id().position();
    const auto there = [&] { return distance(t->durable_to(), p) > 0; };
    const auto over = [&] { return there() || journal_->has_failed(); };
    if (runner.only_polls()) journal_->flush();  // who waits here may be the one who polls
    while (
        !runner.wait(journal_->news(), runner.only_polls() ? journal_->next_try(runner.now(), until) : until, over)) {
      if (!runner.only_polls() || runner.now() >= until) break;
      journal_->flush();
    }
    if (there()) return true;
    if (journal_->has_failed()) throw publish_refused(publish_errc::store_failed, t->name);
    return false;
  }

 private:
  store* const kept_;
  std::optional<journal> journal_{};
};

}  // namespace peal::inline v0::detail
