// SPDX-License-Identifier: MIT
// What a handler may know of the delivery it is given, beside the event itself.
#pragma once

#include <peal/core/envelope.hpp>

#include <atomic>
#include <cstdint>
#include <optional>
#include <string_view>

namespace peal::inline v0 {

namespace detail {
struct delivery_access;
}

/// Tells a long-running handler that its subscription is being stopped or its bus drained past the deadline.
///
/// Thread safety: may be copied to and asked from any thread.
/// Lifetime: must not outlive the attempt that it was taken in.
class cancellation_token {
 public:
  cancellation_token() noexcept = default;
  cancellation_token(const std::atomic<std::uint32_t>* word, std::uint32_t bits) noexcept : word_{word}, bits_{bits} {}

  [[nodiscard]] bool stop_requested() const noexcept {
    return word_ != nullptr && (word_->load(std::memory_order_relaxed) & bits_) != 0;
  }

 private:
  const std::atomic<std::uint32_t>* word_ = nullptr;
  std::uint32_t bits_ = 0;
};

/// One event on its way through one subscription.
///
/// Thread safety: belongs to the thread that runs the handler. Lifetime: the attempt.
class delivery {
 public:
  delivery(const delivery&) = delete;
  delivery& operator=(const delivery&) = delete;

  [[nodiscard]] event_id id() const noexcept { return {epoch_, topic_bits_ | position_}; }

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

  /// When the event expires, if its publisher gave it a time to live.
  [[nodiscard]] std::optional<time_point> deadline() const noexcept {
    if (envelope_ == nullptr || envelope_->deadline == time_point::max()) return std::nullopt;
    return envelope_->deadline;
  }

  /// True for the last event that is at hand now: a moment to flush what the handler gathered.
  [[nodiscard]] bool end_of_batch() const noexcept { return end_of_batch_; }

  /// True when the event comes back from the dead letters.
  [[nodiscard]] bool redriven() const noexcept { return redriven_; }

  [[nodiscard]] cancellation_token cancellation() const noexcept { return cancellation_; }

 private:
  friend struct detail::delivery_access;
  delivery() noexcept = default;

  std::uint64_t epoch_ = 0;
  std::uint64_t topic_bits_ = 0;
  std::uint64_t position_ = 0;
  const detail::envelope* envelope_ = nullptr;
  std::uint32_t attempt_ = 1;
  bool end_of_batch_ = false;
  bool redriven_ = false;
  std::string_view subscription_;
  cancellation_token cancellation_;
};

namespace detail {

/// The bus's way into a delivery.
struct delivery_access {
  static delivery make() noexcept { return delivery{}; }
  static void belongs(delivery& d, std::uint64_t epoch, unsigned topic, std::string_view subscription,
                      cancellation_token token) noexcept {
    d.epoch_ = epoch;
    d.topic_bits_ = std::uint64_t{topic} << 56;
    d.subscription_ = subscription;
    d.cancellation_ = token;
  }
  static void named(delivery& d, std::string_view subscription) noexcept { d.subscription_ = subscription; }
  static void at(delivery& d, std::uint64_t position, const envelope* e, bool last) noexcept {
    d.position_ = position;
    d.envelope_ = e;
    d.end_of_batch_ = last;
  }
  static void run(delivery& d, std::uint32_t attempt, bool redriven) noexcept {
    d.attempt_ = attempt;
    d.redriven_ = redriven;
  }
  static const envelope* envelope_of(const delivery& d) noexcept { return d.envelope_; }
};

}  // namespace detail
}  // namespace peal::inline v0
