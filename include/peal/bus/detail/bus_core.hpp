// SPDX-License-Identifier: MIT
// What a bus is made of, shared with its threads and outliving it where it must.
#pragma once

#include <peal/bus/detail/drawing.hpp>
#include <peal/bus/detail/joining.hpp>
#include <peal/bus/detail/letter_events.hpp>
#include <peal/bus/detail/rest.hpp>
#include <peal/bus/detail/schedule.hpp>
#include <peal/bus/detail/typed_topic.hpp>
#include <peal/bus/letters.hpp>
#include <peal/bus/options.hpp>
#include <peal/bus/publisher.hpp>
#include <peal/bus/subscriber.hpp>
#include <peal/detail/shared.hpp>

#include <atomic>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace peal::inline v0 {
class store;
}

namespace peal::inline v0::detail {

/// What brings the durable topics of a bus to its store, if it has any; <peal/bus/durable.hpp> has the other half.
template <bool AnyDurable>
struct journal_of {
  explicit journal_of(store*) noexcept {}
};

/// Topic number I of a bus.
template <std::size_t I, class Runtime, class Topic>
struct numbered_topic {
  numbered_topic(bus_base& bus, typename Runtime::executor& runner, const bus_options& o)
      : core{bus, runner, static_cast<std::uint8_t>(I), o} {
    bus.topics.push_back(&core);
  }
  typed_topic<Runtime, Topic> core;
};

template <class Runtime, class Indices, class... Topics>
struct topic_set;
template <class Runtime, std::size_t... I, class... Topics>
struct topic_set<Runtime, std::index_sequence<I...>, Topics...> : numbered_topic<I, Runtime, Topics>... {
  topic_set(bus_base& bus, typename Runtime::executor& runner, const bus_options& o)
      : numbered_topic<I, Runtime, Topics>(bus, runner, o)... {}
};

template <class Runtime, class... Topics>
class bus_core {
  using every_event = concat_t<typename topic_traits<Topics>::events...>;
  static_assert(sizeof...(Topics) != 0, "peal: a bus carries no event; name at least one");
  static_assert(sizeof...(Topics) <= 256, "peal: a bus has at most 256 topics");
  static_assert(all_distinct<every_event>, "peal: an event is named in two topics of one bus; keep it in one");

  template <class E>
  static constexpr std::size_t topic_number() noexcept {
    std::size_t i = 0;
    (void)((contains<E, typename topic_traits<Topics>::events> || (++i, false)) || ...);
    return i;
  }
  template <class E>
  using topic_type = nth_t<topic_number<E>(), type_list<Topics...>>;

  template <class List>
  struct all_carried;
  template <class... Es>
  struct all_carried<type_list<Es...>> {
    static constexpr bool value = (contains<Es, every_event> && ...);
  };
  template <class E, class... Es>
  static constexpr bool share_a_topic() noexcept {
    return ((topic_number<E>() == topic_number<Es>()) && ...);
  }

 public:
  template <class E>
  static constexpr bool carries = contains<E, every_event>;
  template <class List>
  static constexpr bool carries_all = all_carried<List>::value;
  template <class E>
  static constexpr bool is_single = topic_traits<topic_type<E>>::single;
  template <class... Es>
  static constexpr bool is_timed = (topic_traits<topic_type<Es>>::is_timed && ...);
  template <class... Es>
  static constexpr bool one_topic = share_a_topic<Es...>();
  template <class E>
  static constexpr std::uint8_t type_number =
      static_cast<std::uint8_t>(index_of<E, typename topic_traits<topic_type<E>>::events>);

  static constexpr bool any_durable = (topic_traits<Topics>::is_durable || ...);
  template <class... Es>
  static constexpr bool is_durable = (topic_traits<topic_type<Es>>::is_durable && ...);

  static shared<bus_core> make(const bus_options& o, store* kept) {
    o.check();
    shared<bus_core> core{new bus_core(o, kept)};
    core->self_ = core;
    core->runner.start(core->base, core);
    return core;
  }

  bus_core(const bus_options& o, store* kept)
      : runner{o, sizeof...(Topics) * seats_for(o.max_subscriptions)},
        log_{kept},
        on_stuck_{o.on_stuck},
        topics_{prepare(o), runner, o} {
    (set_tellers<typename topic_traits<Topics>::events>(), ...);
    if constexpr (any_durable) log_.begin(later_);
  }

  /// The last owner outside the threads lets go.
  static void end(const shared<bus_core>& core) noexcept {
    if (!core->runner.alive()) {
      // A fork's child: the threads are the parent's, and so may be any lock. What is left is left.
      (void)new shared<bus_core>(core);
      return;
    }
    end_bus(core->base, core->runner, core->on_stuck_);
    core->runner.shut_down();
    // Publishers whose handlers have ended on their thread are on their way out; a handler that we are in ends after us.
    while (core->base.frames.current() == nullptr && core->base.frames.anybody()) native_atomics::yield();
    if constexpr (any_durable) core->log_.close();
  }

  template <class E>
  auto& topic_of() noexcept {
    return static_cast<numbered_topic<topic_number<E>(), Runtime, topic_type<E>>&>(topics_).core;
  }

  template <class E, class... Es>
  wiring_point wiring() noexcept {
    return {this, &topic_of<E>(), &attach};
  }

  template <class E>
  using straight = straight_way<typed_topic<Runtime, topic_type<E>>, E>;
  template <class E>
  sole_publisher<E, straight<E>> sole() {
    static_assert(is_single<E>, "peal: only a topic with the option peal::single_producer has a sole publisher");
    auto& taken = sole_[topic_number<E>()];
    const std::lock_guard lock{base.wiring};
    if (taken == nullptr) taken = shared<std::atomic<bool>>{new std::atomic<bool>{false}};
    if (taken->exchange(true, std::memory_order_acq_rel)) throw name_in_use("the sole publisher of its topic");
    return {straight<E>{&topic_of<E>()}, taken};
  }

  template <class E>
  letter_desk desk() noexcept {
    return {base, topic_of<E>(), type_number<E>};
  }

  template <class E>
  std::vector<dead_letter_record<E>> letters(const dead_letter_query& q, const letter_test& where) {
    std::vector<dead_letter_record<E>> found;
    if (!runner.alive()) return found;
    for (const letter_ptr& l : desk<E>().find(q, where)) found.push_back(record_of<E>(*l));
    return found;
  }
  template <class E>
  redrive_report redrive(const dead_letter_query& q, const letter_arguments<E>& how) {
    if (!runner.alive()) return {};
    return desk<E>().redrive(q, how.options, how.where, how.edit, &publish_again<E>);
  }
  template <class E, class... Args>
  redriving start_redrive(const dead_letter_query& q, std::tuple<Args...> args) {
    const redrive_options o = std::apply([](auto&... arg) { return letter_arguments<E>{arg...}.options; }, args);
    o.check_rate();
    if (!runner.alive()) return {};
    redrive_order order{q, o, &publish_again<E>,
                        [](topic_base& t) noexcept { return core_of<E>(t).state() == claim_status::claimed; }};
    const shared<redrive_job> job{new typed_redrive<E, Args...>(base, topic_of<E>(), type_number<E>, std::move(order),
                                                                redrives_, std::move(args))};
    redrives_.add(job);
    job->start();
    return {job, link()};
  }
  template <class E>
  redrive_errc edit_letter(std::uint64_t number, const letter_edit& edit) {
    return runner.alive() ? desk<E>().edit_one(number, edit) : redrive_errc::gone;
  }
  template <class E>
  std::size_t discard(const dead_letter_query& q, const letter_test& where) {
    return runner.alive() ? desk<E>().discard(q, where) : 0;
  }

  /// Publishes a letter to whoever subscribes to letters of its event. In user code, so that it never waits.
  template <class E>
  static void tell(void* self, const letter_ptr& l) noexcept {
    bus_core& core = *static_cast<bus_core*>(self);
    bool told = false;
    (void)caught([&] {
      dead_letter_record<E> record = core.template record_of<E>(*l);
      const publish_options o{record.correlation, record.id, {}};
      const publish_call call{&o, patience::none, {}};
      auto& topic = core.template topic_of<dead_letter_record<E>>();
      if (core.base.frames.current() != nullptr) {
        told = topic.publish(record, call).has_value();
      } else {
        const user_code inside{core.base.frames, nullptr, nullptr};
        told = topic.publish(record, call).has_value();
      }
    });
    if (!told) core.template topic_of<E>().untold.add();
  }

  bus_statistics statistics() {
    bus_statistics all;
    if (!runner.alive()) return all;
    for (const topic_base* t : base.topics) all.topics.push_back(t->statistics());
    const std::lock_guard lock{base.wiring};
    for (const auto& s : base.subscriptions) all.subscriptions.push_back(full_statistics_of(*s));
    for (const auto& s : base.subscriptions) list_overdue(*s, all.overdue);
    all.subscriptions.insert(all.subscriptions.end(), base.ended.begin(), base.ended.end());
    return all;
  }

  health health_now() noexcept {
    if (base.stalled.load(std::memory_order_relaxed) != 0 || base.open_breakers.load(std::memory_order_relaxed) != 0 ||
        any_overdue(base) || (base.log != nullptr && !base.log->is_well())) {
      return health::degraded;
    }
    for (const topic_base* t : base.topics) {
      if (t->letters.full()) return health::degraded;
    }
    return health::ok;
  }

  topology drawing() { return runner.alive() ? draw(base) : topology{}; }

  [[nodiscard]] std::size_t footprint() const noexcept {
    std::size_t bytes = sizeof(*this);
    for (const topic_base* t : base.topics) bytes += t->footprint();
    return bytes;
  }

  /// Publishes a copy of the event later, or again and again.
  template <class E>
  timer_id at(E&& event, time_point due, nanoseconds period, const publish_options& o) {
    using plain = std::remove_cvref_t<E>;
    topic_base& topic = topic_of<plain>();
    const auto refused = [&](publish_errc why) { return publish_refused(why, display_name<plain>()); };
    if (!runner.alive()) throw refused(publish_errc::forked);
    const claim_status state = topic_of<plain>().state();
    const bool inside = state == claim_status::closing && base.frames.current() != nullptr;  // counted, not a failure
    if (state != claim_status::claimed && !inside) {
      throw refused(state == claim_status::closing ? publish_errc::closing : publish_errc::closed);
    }
    const event_ops& ops = ops_of<plain>;
    kept_ptr k = make_kept(ops, [&](void* to) { ::new (to) plain(std::forward<E>(event)); });
    k->type = type_number<plain>;
    return later_.add(topic, std::move(k), due, period, o);
  }
  cancel_result cancel(timer_id id) noexcept { return runner.alive() ? later_.cancel(id) : cancel_result::unknown; }

  /// With durable topics: what brings them to the store.
  auto& log() noexcept { return log_; }
  template <class E>
  static constexpr std::size_t number_of_topic = topic_number<E>();
  template <class E>
  using events_beside = typename topic_traits<nth_t<number_of_topic<E>, type_list<Topics...>>>::events;

  bus_base base;
  typename Runtime::executor runner;

 private:
  bus_base& prepare(const bus_options& o) {
    base.runner = &runner;
    base.watcher = o.observer;
    base.epoch = runner.random_bits() | 1U;
    base.overload_after = o.overload_after;
    base.max_requests = o.max_requests;
    base.max_crashes = o.max_crashes;
    base.retries.set(o.retries, runner.now());
    base.topics.reserve(sizeof...(Topics));
    if constexpr (any_durable) log_.prepare(base);
    return base;
  }

  template <class Events>
  void set_tellers() noexcept {
    using tellers = letter_tellers<bus_core, Events>;
    if constexpr (tellers::any) {
      topic_base& topic = topic_of<nth_t<0, Events>>();
      topic.tellers = tellers::all.data();
      topic.teller = this;
    }
  }

  struct unlocked {
    explicit unlocked(std::unique_lock<std::mutex>& l) : lock{l} { lock.unlock(); }
    unlocked(const unlocked&) = delete;
    unlocked& operator=(const unlocked&) = delete;
    ~unlocked() { lock.lock(); }
    std::unique_lock<std::mutex>& lock;
  };

  static bus_link attach(void* self, topic_base& topic, const shared<subscription_base>& s, const attachment& how) {
    auto& core = *static_cast<bus_core*>(self);
    if (!core.runner.alive()) throw bus_closed("peal: this process was forked; the bus lives in its parent");
    bus_base& base = core.base;
    std::unique_lock lock{base.wiring};
    check_free(base, s->name());
    seat* place = nullptr;
    {
      base.joining.push_back(&s->name());
      struct joining {
        list<const std::string*>& names;
        const std::string* mine;
        ~joining() { names.remove(mine); }
      } const until_it_stands{base.joining, &s->name()};
      recalled store_knows;
      if (topic.keeper != nullptr) {
        const unlocked without{lock};
        topic.keeper->recall(*s, how.dropping);
        store_knows.by = topic.keeper;
        store_knows.what = s.get();
      }
      if (s->keeps_order()) {
        const unlocked without{lock};  // keys of letters are told by user code
        s->hold_letters();
      }
      base.subscriptions.reserve(base.subscriptions.size() + base.joining.size());
      if (how.here != nullptr) {
        topic.attach_here(s, how.types, how.here, how.count);
      } else {
        place = &topic.attach(lock, s, how.dropping, how.polled || core.runner.only_polls());
      }
      base.subscriptions.push_back(s);
      store_knows.by = nullptr;
      s->confirm_letters();
    }
    lock.unlock();
    if (place != nullptr) topic.begin(*place);
    if (topic.keeper != nullptr) topic.keeper->stands(*s);
    return core.link();
  }

  bus_link link() { return {self_, &same_process, &keep}; }
  static bool same_process(const void* self) noexcept { return static_cast<const bus_core*>(self)->runner.alive(); }
  static void keep(void*, const shared<subscription_base>&) {}  // it stands in base.subscriptions anyway

  template <class E>
  dead_letter_record<E> record_of(const kept& l) {
    const event_id id = l.has_position ? topic_of<E>().id_at(l.position) : event_id{};
    return {*static_cast<const E*>(l.event()),
            l.number,
            id,
            l.has_envelope && l.around.correlation ? l.around.correlation : id,
            l.around.causation,
            l.subscription,
            l.cause,
            l.attempts,
            l.cycles,
            l.died_at,
            {l.errors.entries().begin(), l.errors.entries().end()},
            l.blocked_by};
  }

  template <class E>
  static auto& core_of(topic_base& t) noexcept {
    return static_cast<typed_topic<Runtime, topic_type<E>>&>(t);
  }
  template <class E>
  static bool publish_again(topic_base& t, const letter_ptr& l) {
    auto& topic = core_of<E>(t);
    E copy(*static_cast<const E*>(l->event()));
    const publish_options o{l->around.correlation, l->around.causation, {}};
    const publish_call call{&o, patience::none, {}};
    if (!topic.letters.remove(l->number, l.get())) return false;
    if (topic.publish(copy, call)) {
      if (topic.keeper != nullptr) topic.keeper->letter_gone(l->number);
      return true;
    }
    topic.letters.put_back(l);
    return false;
  }

  watch_base self_{};
  [[no_unique_address]] journal_of<any_durable> log_;
  schedule later_{base, runner};
  redrive_jobs redrives_{};
  void (*on_stuck_)(const stuck_handler&);
  topic_set<Runtime, std::index_sequence_for<Topics...>, Topics...> topics_;
  std::array<shared<std::atomic<bool>>, sizeof...(Topics)> sole_{};
};

}  // namespace peal::inline v0::detail
