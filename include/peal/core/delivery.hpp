// SPDX-License-Identifier: MIT
// What a handler may know of the delivery it is given, beside the event itself.
#pragma once

#include <peal/core/envelope.hpp>
#include <peal/core/error.hpp>

#include <atomic>
#include <cstdint>
#include <optional>
#include <string_view>

namespace peal::inline v0 {

template <class Transaction>
class effect;

namespace detail {
struct delivery_access;
class effect_marks;
}  // namespace detail

/// Tells a long-running handler when to give up: its subscription is being stopped, its bus was drained past the deadline,
/// or the time of its attempt or of its event is over.
///
/// Nothing interrupts a handler; it asks. What it then does is a failure like any other, except that a
/// std::errc::operation_canceled thrown while stop_requested() says yes is none: that delivery is left as if it had not run.
/// Thread safety: may be copied to and asked from any thread. Complexity: expired() reads the clock where there is a limit.
/// Lifetime: must not outlive the attempt that it was taken in.
/// Example: `while (!d.cancellation().cancelled()) step();`
class cancellation_token {
 public:
  cancellation_token() noexcept = default;
  cancellation_token(const std::atomic<std::uint32_t>* word, std::uint32_t bits) noexcept : word_{word}, bits_{bits} {}

  /// Any of the reasons.
  [[nodiscard]] bool cancelled() const noexcept { return stop_requested() || expired(); }
  /// The bus or its subscription is coming to its end.
  [[nodiscard]] bool stop_requested() const noexcept {
    return word_ != nullptr && (word_->load(std::memory_order_relaxed) & bits_) != 0;
  }
  /// The time is over.
  [[nodiscard]] bool expired() const noexcept { return until_ != time_point::max() && clock_->now() > until_; }
  /// Errors: peal::cancelled when cancelled().
  void throw_if_cancelled() const {
    if (cancelled()) throw peal::cancelled();
  }

 private:
  friend class delivery;
  friend struct detail::delivery_access;
  const std::atomic<std::uint32_t>* word_ = nullptr;
  std::uint32_t bits_ = 0;
  const detail::clock_source* clock_ = nullptr;
  time_point until_ = time_point::max();
};

/// One event on its way through one subscription.
///
/// Thread safety: belongs to the thread that runs the handler. Lifetime: the attempt.
class delivery {
 public:
  delivery(const delivery&) = delete;
  delivery& operator=(const delivery&) = delete;

  [[nodiscard]] event_id id() const noexcept { return {origin_.high, origin_.low | position_}; }

  /// Place of the event in its topic; positions are given in the order of acceptance, without gaps.
  [[nodiscard]] std::uint64_t position() const noexcept { return position_; }

  /// Which run of the handler this is for this event: 1 at first.
  [[nodiscard]] std::uint32_t attempt() const noexcept { return attempt_; }

  /// What the event belongs to: given by its publisher, inherited from the handled event, else the event itself.
  [[nodiscard]] event_id correlation() const noexcept {
    return envelope_ != nullptr && envelope_->correlation ? envelope_->correlation : id();
  }

  /// The event whose handler published this one; false when it came from outside.
  [[nodiscard]] event_id causation() const noexcept { return envelope_ != nullptr ? envelope_->causation : event_id{}; }

  [[nodiscard]] std::string_view subscription() const noexcept { return subscription_; }

  /// When publish was called; recorded in topics with the option `timed`.
  [[nodiscard]] std::optional<time_point> published_at() const noexcept {
    if (envelope_ == nullptr || envelope_->published == time_point{}) return std::nullopt;
    return envelope_->published;
  }

  /// When the event expires, if its publisher gave it a time to live or published it while handling one that has.
  [[nodiscard]] std::optional<time_point> deadline() const noexcept {
    if (envelope_ == nullptr || envelope_->deadline == time_point::max()) return std::nullopt;
    return envelope_->deadline;
  }

  /// True for the last event that is at hand now: a moment to flush what the handler gathered.
  [[nodiscard]] bool end_of_batch() const noexcept { return end_of_batch_; }

  /// True when the event comes back from the dead letters.
  [[nodiscard]] bool redriven() const noexcept { return redriven_; }

  /// True for an event of a durable topic that comes again, or for the first time to a name that begins in the past: one
  /// that was accepted before the subscription first stood (peal::start_at), or where it had been before peal::rewind. Also
  /// after a restart in the middle. What peal::skip_on_replay goes by.
  [[nodiscard]] bool replaying() const noexcept { return position_ < replay_end_; }

  /// When this attempt should be over: the earliest of its timeout and of the event's expiry.
  [[nodiscard]] std::optional<time_point> attempt_ends() const noexcept {
    if (until() == time_point::max()) return std::nullopt;
    return until();
  }
  /// That moment has passed. False without a limit.
  [[nodiscard]] bool expired() const noexcept { return cancellation().expired(); }
  /// How long it is until then: not below nothing, and nanoseconds::max() without a limit.
  [[nodiscard]] nanoseconds time_left() const noexcept {
    if (until() == time_point::max()) return nanoseconds::max();
    const nanoseconds left = until() - cancellation_.clock_->now();
    return left.count() > 0 ? left : nanoseconds{0};
  }

  /// Ends a transaction of the store of this delivery's durable topic: what the handler has written in it is kept together
  /// with the mark that this delivery is done, or neither. The same as `peal::effect{d, t}.commit()`, which says more.
  /// Needs <peal/bus/durable.hpp>.
  template <class Transaction>
  void commit(Transaction& t) {
    effect<Transaction>{*this, t}.commit();
  }

  [[nodiscard]] cancellation_token cancellation() const noexcept {
    cancellation_token token = cancellation_;
    token.until_ = until();
    return token;
  }

 private:
  friend struct detail::delivery_access;
  delivery() noexcept {}  // defaulted, all of it would be cleared first: 4 ns of a publish whose handler runs here

  /// One that a person has brought back from the dead letters does not expire again.
  [[nodiscard]] time_point until() const noexcept {
    const bool ends = envelope_ != nullptr && !redriven_ && envelope_->deadline < limit_;
    return ends ? envelope_->deadline : limit_;
  }

  event_id origin_{};  // of its topic: that of position 0
  std::uint64_t position_ = 0;
  const detail::envelope* envelope_ = nullptr;
  std::uint32_t attempt_ = 1;
  bool end_of_batch_ = false;
  bool redriven_ = false;
  std::string_view subscription_;
  cancellation_token cancellation_;
  time_point limit_ = time_point::max();  // of this attempt, whatever the event says
  detail::effect_marks* effects_ = nullptr;
  std::uint64_t replay_end_ = 0;
  std::uint64_t effect_at_ = ~std::uint64_t{0};  // the last position whose effect was committed
  std::uint64_t letter_ = 0;                     // the number of the one that came back
};

namespace detail {

/// The bus's way into a delivery.
struct delivery_access {
  static delivery make() noexcept { return delivery{}; }
  static void belongs(delivery& d, const event_id& origin, std::string_view subscription, cancellation_token token,
                      const clock_source* clock) noexcept {
    d.origin_ = origin;
    d.subscription_ = subscription;
    d.cancellation_ = token;
    d.cancellation_.clock_ = clock;
  }
  static void named(delivery& d, std::string_view subscription) noexcept { d.subscription_ = subscription; }
  static void at(delivery& d, std::uint64_t position, const envelope* e, bool last) noexcept {
    d.position_ = position;
    d.envelope_ = e;
    d.end_of_batch_ = last;
  }
  static void run(delivery& d, std::uint32_t attempt, bool redriven, std::uint64_t letter = 0) noexcept {
    d.attempt_ = attempt;
    d.redriven_ = redriven;
    d.letter_ = letter;
  }
  /// Of a durable topic's subscription that the store keeps.
  static void keeps(delivery& d, effect_marks* m, std::uint64_t replay_end) noexcept {
    d.effects_ = m;
    d.replay_end_ = replay_end;
  }
  static effect_marks* marks_of(const delivery& d) noexcept { return d.effects_; }
  static std::uint64_t letter_of(const delivery& d) noexcept { return d.letter_; }
  static void effect_stands(delivery& d) noexcept { d.effect_at_ = d.position_; }
  static bool has_effect(const delivery& d) noexcept { return d.effect_at_ == d.position_; }
  /// The attempt has until then; until it is told something else, so have the next ones.
  static void ends(delivery& d, time_point limit) noexcept { d.limit_ = limit; }
  /// The deadline of what is published while this is handled.
  static time_point passes_on(const delivery& d) noexcept {
    return d.redriven_ ? time_point::max() : d.deadline().value_or(time_point::max());
  }
  /// The event is no longer there.
  static void left(delivery& d) noexcept { d.envelope_ = nullptr; }
  static const envelope* envelope_of(const delivery& d) noexcept { return d.envelope_; }
};

}  // namespace detail
}  // namespace peal::inline v0
