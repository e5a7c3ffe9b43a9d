// SPDX-License-Identifier: MIT
// A subscription with its types: the loop over a batch, compiled for one handler and its policies.
#pragma once

#include <peal/bus/detail/handler_traits.hpp>
#include <peal/bus/detail/keyed_subscription.hpp>
#include <peal/bus/detail/outputs.hpp>
#include <peal/bus/detail/shape.hpp>
#include <peal/detail/list.hpp>
#include <peal/detail/maybe.hpp>

#include <array>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>

namespace peal::inline v0::detail {

/// Memory order: none of its own; everything it reads was acquired by whoever runs it.
template <class Events, class Handler, class... Ps>
class typed_subscription;
template <class... Es, class Handler, class... Ps>
class typed_subscription<type_list<Es...>, Handler, Ps...> final
    : public keyed_subscription<type_list<Es...>, Handler, Ps...> {
  using base = keyed_subscription<type_list<Es...>, Handler, Ps...>;
  using checks = wiring<Handler, type_list<Es...>, Ps...>;
  static_assert(checks::ok);
  using base::counts_, base::delivery_, base::running_position_, base::hands_wanted, base::count_lost_outputs;
  using base::dedups, base::ordered, base::order_policy, base::parts_, base::types_, base::batch_now_;
  using base::flow_, base::may_start, base::now, base::place, base::succeed, base::end_first, base::end_here,
      base::failed_here;
  using output_events = all_outputs<Handler, Es...>;
  static constexpr bool publishes = output_events::size != 0;
  static constexpr bool timed = checks::times::limits || checks::times::ages;

 public:
  using ports = typename outputs<output_events>::ports;

  typed_subscription(std::string name, topic_base& topic, const std::array<std::uint8_t, sizeof...(Es)>& types,
                     const ports& out, Handler handler, Ps... policies)
      : base{std::move(name), topic, types, std::move(handler), std::move(policies)...}, outputs_{out} {
    this->looks = &shape_of<output_events, Ps...>::value;
    if constexpr (checks::hands) {
      hands_wanted = std::get<concurrency>(parts_.policies).hands;
      while (hand_outputs_.size() != hands_wanted) hand_outputs_.push_back(outputs<output_events>{out});
    }
  }

  position run_batch(const batch& whole) override {
    const batch b = whole;  // a copy of our own, which no handler can reach: it stays in registers
    if constexpr (dedups) batch_now_ = now();
    delivery_access::run(delivery_, 1, false);
    tally sums;
    attempt_end end;
    position p = b.first;
    bool go_on = true;
    while (p != b.last && go_on && may_go_on()) {
      const std::uint8_t tag = b.tag(p);
      const position next = advance(p, 1);
      if constexpr (dedups) look_ahead(b, p);
      const std::uint8_t key = tag & (slot_tag::type_mask | slot_tag::empty);
      bool consumed = true;
      (void)(((key == types_[index_of<Es, type_list<Es...>>]) &&
              (consumed = first_attempt<Es>(b, p, tag, next == b.last, end, sums, go_on), true)) ||
             ...);
      if (!consumed) break;
      p = next;
    }
    if constexpr (checks::permits) flow_->rest();
    if constexpr (checks::times::limits) this->running_since.store(0, std::memory_order_relaxed);
    counts_.taken.add(sums.taken);
    counts_.handled.add(sums.handled);
    if (sums.handled != 0) this->note_handled(sums.handled);
    return p;
  }

  /// Runs the handler on the publisher's thread; any number of threads at once.
  template <class E>
  static void run_here(subscription_base& base, const void* event, const event_at& at, delivery& d) noexcept {
    static_cast<typed_subscription&>(base).here(*static_cast<const E*>(event), at, d);
  }
  static constexpr std::array<here_function, sizeof...(Es)> here_functions{&run_here<Es>...};

  void destroy_handler() noexcept override {
    base::destroy_handler();
    if constexpr (checks::hands) hand_outputs_.clear();
  }

  void run_in_hand([[maybe_unused]] hand& h) noexcept override {
    if constexpr (checks::hands) {
      (void)((h.at.type == types_[index_of<Es, type_list<Es...>>] &&
              (run_by_hand(*static_cast<const Es*>(h.at.event), h), true)) ||
             ...);
    }
  }

 protected:
  void attempt_kept(kept& k, attempt_end& end) override {
    if constexpr (dedups) batch_now_ = now();
    end.claim = k.claim;
    end.chain = k.chain;
    (void)((k.type == types_[index_of<Es, type_list<Es...>>] &&
            (attempt<Es>(*static_cast<const Es*>(k.event()), k.type, delivery_, end, outputs_), true)) ||
           ...);
  }

  bool flush_outputs() noexcept override {
    if constexpr (publishes) {
      if (out_->any()) return out_->flush(this->topic().keeper != nullptr);
    }
    return true;
  }
  void drop_outputs() noexcept override {
    if constexpr (publishes) out_->clear();
  }

  void prepare([[maybe_unused]] const event_at& at, [[maybe_unused]] attempt_end& end) override {
    if constexpr (checks::hands) {
      if constexpr (dedups) batch_now_ = now();
      (void)((at.type == types_[index_of<Es, type_list<Es...>>] &&
              (prepare_one(*static_cast<const Es*>(at.event), at, end), true)) ||
             ...);
    }
  }
  void use_outputs([[maybe_unused]] hand* h) noexcept override {
    if constexpr (checks::hands) out_ = &hand_outputs_[h->place];
  }

 private:
  [[nodiscard]] bool may_go_on() const noexcept {
    if constexpr (checks::permits) return flow_->may_go_on();
    return true;
  }
  struct tally {
    std::uint64_t taken = 0;
    std::uint64_t handled = 0;
  };

  /// The first run of an event of the ring. False: it stays where it is.
  template <class E>
  bool first_attempt(const batch& b, position p, std::uint8_t tag, bool last, attempt_end& end, tally& sums,
                     bool& go_on) {
    const E& event = *std::launder(reinterpret_cast<const E*>(b.event(p)));
    const envelope* const around = b.around(p, tag);
    delivery_access::at(delivery_, p, around, last);
    running_position_.store(p, std::memory_order_relaxed);
    const auto type = static_cast<std::uint8_t>(tag & slot_tag::type_mask);
    if constexpr (plain<E>) {
      if (around == nullptr) {
        attempt_plain(event, delivery_, end);
      } else {
        attempt<E>(event, type, delivery_, end, outputs_);
      }
    } else {
      attempt<E>(event, type, delivery_, end, outputs_);
    }
    if constexpr (checks::permits) flow_->ended(end);
    if (end.what != verdict::handled) [[unlikely]]
      this->look_for_effect(delivery_, end);
    if ((place().signal.load(std::memory_order_relaxed) & (seat::stop | seat::pause)) != 0) go_on = false;
    if (end.what == verdict::handled) [[likely]] {
      ++sums.taken;
      if constexpr (dedups || publishes) {
        if (!succeed(end.claim, type)) go_on = false;
        end.claim = nullptr;
      } else {
        ++sums.handled;
      }
      return true;
    }
    const bool consumed = end_first({p, type, &event, around}, end);
    go_on = go_on && may_start();
    end = {};
    if (consumed) ++sums.taken;
    return consumed;
  }

  template <class E, class Slots>
  void attempt(const E& event, std::uint8_t type, delivery& d, attempt_end& end, Slots& out) {
    maybe<failure> failed = parts_.rules.run([&] { pipeline(event, type, d, end, out); });
    if (failed) [[unlikely]] {
      take_failed(d, end, &*failed, this->running_since);
      if constexpr (publishes) out.clear();
    } else if constexpr (checks::times::limits) {
      if (end.what == verdict::failed) take_failed(d, end, nullptr, this->running_since);
    }
  }

  /// A run of it ends by returning or by throwing, if the event has no envelope: there is nothing else to look at.
  template <class E>
  static constexpr bool plain = std::is_void_v<handler_result_t<Handler, E>> && !dedups && !ordered && !timed &&
                                !checks::permits && !(is_filter<Ps> || ...);
  template <class E>
  void attempt_plain(const E& event, delivery& d, attempt_end& end) {
    maybe<failure> failed = run_plain(event, d);
    if (failed) [[unlikely]]
      take_failed(d, end, &*failed, this->running_since);
  }
  /// A run that failed: where it was late, the rule for that decides.
  [[gnu::cold]] void take_failed(const delivery& d, attempt_end& end, failure* failed, const attempt_clock& since) {
    if (!base::take_failed(d, end, failed, since)) return;
    if constexpr (rules_of<Ps...>::template names<timed_out>) {
      (void)rule_set<>{}.run([&] {  // a predicate that throws says no
        if (const auto action = parts_.rules.named(timed_out{end.error})) end.action = *action;
      });
    }
  }
  template <class E>
  maybe<failure> run_plain(const E& event, delivery& d) {
    if constexpr (checks::measures) {
      if (this->timings_->due()) [[unlikely]]
        return run_plain_timed(event, d);
    }
    return parts_.rules.run([&] { parts_.template around<0>(event, d, [&] { parts_.call(event, d); }); });
  }
  template <class E>
  [[gnu::noinline]] maybe<failure> run_plain_timed(const E& event, delivery& d) {
    return parts_.rules.run([&] {
      stopwatch watch{*this->timings_, *this->topic().bus.runner, d};
      parts_.template around<0>(event, d, [&] { parts_.call(event, d); });
      watch.handled(true);
    });
  }

  template <class E, class Slots>
  void pipeline(const E& event, std::uint8_t type, delivery& d, attempt_end& end, Slots& out) {
    if (!wanted_now(event, delivery_access::envelope_of(d), d.redriven(), end)) return;
    if (!admit(event, type, end)) return;
    if constexpr (checks::permits) flow_->start(end);
    if constexpr (timed) this->begin_attempt(d, this->running_since);
    run_handler(event, d, end, out);
  }

  /// With hands: the key is busy from here until the event has ended.
  template <class E>
  void prepare_one(const E& event, const event_at& at, attempt_end& end) {
    maybe<failure> failed = parts_.rules.run([&] {
      if (!wanted_now(event, at.around, at.returned, end)) return;
      if constexpr (ordered) {
        if (end.chain == nullptr) {
          bool made = false;
          bool told = false;
          end.chain = parts_.busy.make(order_policy(), event, made, told);
          if (end.chain != nullptr && !made) {
            end.what = verdict::behind_key;
            return;
          }
        }
      }
      if constexpr (dedups) {
        if (end.claim == nullptr) (void)this->claim(event, at.type, end);
      }
    });
    if (failed) end.fail(*failed);
  }
  template <class E>
  void run_by_hand(const E& event, hand& h) {
    auto& out = hand_outputs_[h.place];
    maybe<failure> failed = parts_.rules.run([&] {
      if (!in_time(h.at.around, h.at.returned, h.end)) return;
      if constexpr (timed) this->begin_attempt(h.current, h.since);
      run_handler(event, h.current, h.end, out);
    });
    if (failed) {
      take_failed(h.current, h.end, &*failed, h.since);
      if constexpr (publishes) out.clear();
    } else if constexpr (checks::times::limits) {
      if (h.end.what == verdict::failed) take_failed(h.current, h.end, nullptr, h.since);
    }
    if constexpr (checks::times::limits) h.since.store(0, std::memory_order_relaxed);
  }

  template <class E>
  bool admit([[maybe_unused]] const E& event, [[maybe_unused]] std::uint8_t type, [[maybe_unused]] attempt_end& end) {
    if constexpr (ordered) {
      if (end.chain == nullptr && !parts_.busy.empty()) {
        end.chain = parts_.busy.find(order_policy(), event);
        if (end.chain != nullptr) {
          end.what = verdict::behind_key;
          return false;
        }
      }
    }
    if constexpr (dedups) {
      if (end.claim == nullptr && !this->claim(event, type, end)) return false;
    }
    return true;
  }
  template <class E>
  bool wanted_now(const E& event, const envelope* around, bool returned, attempt_end& end) {
    if (parts_.passes(event)) return in_time(around, returned, end);
    end.what = verdict::filtered;
    return false;
  }
  bool in_time(const envelope* around, bool returned, attempt_end& end) const noexcept {
    if (around == nullptr || returned) return true;
    const time_point until = checks::times::ages ? this->expiry_of(*around) : around->deadline;
    if (until == time_point::max() || now() <= until) return true;
    end.what = verdict::expired;
    return false;
  }

  template <class E, class Slots>
  [[gnu::always_inline]] void run_handler(const E& event, delivery& d, attempt_end& end, Slots& out) {
    if constexpr (checks::counted::any) {
      end.counts = false;
      checks::counted::run(end.counts, [&] { run_measured(event, d, end, out); });
    } else {
      run_measured(event, d, end, out);
    }
  }
  template <class E, class Slots>
  [[gnu::always_inline]] void run_measured(const E& event, delivery& d, attempt_end& end, Slots& out) {
    if constexpr (checks::measures) {
      if (this->timings_->due()) [[unlikely]]
        return run_timed(event, d, end, out);
    }
    run_untimed(event, d, end, out);
  }
  template <class E, class Slots>
  [[gnu::noinline]] void run_timed(const E& event, delivery& d, attempt_end& end, Slots& out) {
    stopwatch watch{*this->timings_, *this->topic().bus.runner, d};
    run_untimed(event, d, end, out);
    watch.handled(end.what == verdict::handled);
  }
  template <class E, class Slots>
  void run_untimed(const E& event, delivery& d, attempt_end& end, Slots& out) {
    using R = handler_result_t<Handler, E>;
    if constexpr (std::is_void_v<R>) {
      parts_.template around<0>(event, d, [&] { parts_.call(event, d); });
    } else {
      constexpr std::size_t first = first_output<E>();
      R returned = parts_.template around<0>(event, d, [&]() -> R { return parts_.call(event, d); });
      take_result<E, first>(std::move(returned), d, end, out);
    }
  }

  /// Fetches the place of the key of the event some ahead: at a million keys that one miss is most of a claim's time.
  void look_ahead(const batch& b, position p) {
    constexpr std::uint64_t ahead = 4;
    if (distance(b.last, p) <= static_cast<std::int64_t>(ahead)) return;
    const position later = advance(p, ahead);
    const std::uint8_t key = b.tag(later) & (slot_tag::type_mask | slot_tag::empty);
    (void)((key == types_[index_of<Es, type_list<Es...>>] &&
            (parts_.template fetch_key<Es>(b.event(later), key), true)) ||
           ...);
  }
  template <class E>
  static constexpr std::size_t first_output() noexcept {
    std::size_t before = 0;
    (void)((std::is_same_v<E, Es> || (before += outputs_of<Handler, Es>::size, false)) || ...);
    return before;
  }

  template <class E, std::size_t First, class R, class Slots>
  void take_result(R&& returned, delivery& d, attempt_end& end, Slots& out) {
    using V = std::remove_cvref_t<R>;
    if constexpr (std::is_same_v<V, done_t> || std::is_same_v<V, retry_t> || std::is_same_v<V, discard_t>) {
      parts_.template take_outcome<E>(outcome{returned}, end);
    } else if constexpr (std::is_same_v<V, outcome>) {
      if (returned.what() != outcome::kind::handled) parts_.template take_outcome<E>(returned, end);
    } else {
      out.belong({d.correlation(), d.id(), {}, delivery_access::passes_on(d)});
      out.template store<First>(std::forward<R>(returned));
    }
  }
  template <class E>
  void here(const E& event, const event_at& at, delivery& d) noexcept {
    if constexpr (takes_delivery<Handler, E> || (is_middleware<Ps> || ...)) delivery_access::named(d, this->name());
    if constexpr (plain<E>) {
      if (at.around == nullptr) [[likely]] {
        maybe<failure> failed = run_plain(event, d);
        failed ? failed_here(at, *failed) : this->note_handled();
        return;
      }
    }
    here_in_full(event, at, d);
  }
  template <class E>
  [[gnu::noinline]] void here_in_full(const E& event, const event_at& at, delivery& d) noexcept {
    attempt_end end;
    if constexpr (publishes) {
      outputs<output_events> out{outputs_.ways()};
      attempt(event, at.type, d, end, out);
      if (end.what == verdict::handled && out.any() && !out.flush()) count_lost_outputs();
    } else {
      attempt(event, at.type, d, end, outputs_);
    }
    end.what != verdict::handled ? end_here(at, end) : this->note_handled();
  }

  outputs<output_events> outputs_;
  struct none {};
  [[no_unique_address]] std::conditional_t<checks::hands, list<outputs<output_events>>, none> hand_outputs_{};
  outputs<output_events>* out_ = &outputs_;  // of the run that is being seen to
};

}  // namespace peal::inline v0::detail
