// SPDX-License-Identifier: MIT
// Hands what an outbox has on to a bus, and remembers how far it has come when the bus is done with it.
#pragma once

#include <peal/bus/bus.hpp>
#include <peal/pattern/outbox.hpp>
#include <peal/store/owned_event.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace peal::inline v0 {

template <encodable... Es>
class event_streams;

struct outbox_relay_options {
  std::string_view name = "outbox relay";  ///< its cursor's in the store, one for each relay of an outbox
  std::size_t window = 1024;               ///< events published and not yet known to have come to their end
  nanoseconds patience = std::chrono::milliseconds{10};  ///< how long a round waits for those that are under way
  nanoseconds look_every = std::chrono::seconds{1};      ///< for what other processes commit; its own are told at once
  bool trim = true;                                      ///< events that everybody is done with leave the outbox
};

/// Publishes the events of an outbox, or of streams, in their order; those of streams stay in the store.
///
/// Delivery: at least once. The position is kept once everything that was published up to it has come to its end in the
/// bus: handled, or a dead letter there; a crash before that publishes it again. An event in a long back-off holds the
/// position, not the others, until `window` of them wait.
/// What cannot be decoded, or is of no type of this outbox, becomes a dead letter in the store (`undecodable`, with its
/// bytes), and the relay goes on.
/// Thread safety: pump() from one thread at a time; start() and stop() outside handlers.
/// Lifetime: of the outbox or the streams, and the bus; the destructor stops it.
/// Errors: of pump(): store_error, publish_refused. On a thread of its own: a store's error is kept in failure(), and it
/// tries again after `look_every`; a closed bus ends it.
template <class Bus, encodable... Es>
class outbox_relay {
 public:
  outbox_relay(outbox<Es...>& from, Bus& to, const outbox_relay_options& o = {})
      : outbox_relay{from.kept(), from.topic(), from.news(), to, o, o.trim} {}
  outbox_relay(event_streams<Es...>& from, Bus& to, const outbox_relay_options& o = {})
      : outbox_relay{from.kept(), from.topic(), from.news(), to, o, false} {}
  outbox_relay(const outbox_relay&) = delete;
  outbox_relay& operator=(const outbox_relay&) = delete;
  ~outbox_relay() { stop(); }

  /// One round: publishes what is there, waits a little for what is under way, and keeps the position where it can.
  /// Returns how many events were published.
  std::size_t pump() {
    const std::size_t n = publish_some();
    if (published_ != kept_position_ && to_.settle_for(options_.patience)) keep_position();
    return n;
  }

  /// Pumps on a thread of its own until stop().
  void start() {
    if (thread_.joinable()) return;
    stopping_.store(false, std::memory_order_seq_cst);
    thread_ = std::thread{[this] { run(); }};
  }
  void stop() noexcept {
    stopping_.store(true, std::memory_order_seq_cst);
    news_.tell();
    if (thread_.joinable()) thread_.join();
  }

  /// Up to where everything has come to its end, and this is kept.
  [[nodiscard]] std::uint64_t position() const noexcept { return kept_now_.load(std::memory_order_acquire); }
  /// What the store said last, when it said no; empty while all is well.
  [[nodiscard]] std::string failure() const {
    const std::lock_guard hold{mutex_};
    return failure_;
  }

 private:
  outbox_relay(store& kept, const std::string& topic, detail::outbox_news& news, Bus& to, const outbox_relay_options& o,
               bool trims)
      : store_{kept}, topic_{topic}, news_{news}, to_{to}, options_{o}, trims_{trims}, name_{o.name} {
    store_.cursors([&](const stored_cursor& c) {
      if (c.subscription == name_ && c.topic == topic_) kept_position_ = c.position;
    });
    const topic_range range = store_.range(topic_);
    if (kept_position_ < range.first) kept_position_ = range.first;
    published_ = kept_position_;
    kept_now_.store(kept_position_, std::memory_order_release);
  }

  std::size_t publish_some() {
    const std::uint64_t under_way = published_ - kept_position_;
    if (under_way >= options_.window) return 0;
    some_.clear();  // copied, so that nothing of the store is held while a publish waits for room
    const std::uint64_t next = store_.read(topic_, published_, options_.window - under_way,
                                           [this](const stored_event& e) { some_.emplace_back(e); });
    for (const owned_event& e : some_) {
      publish(e.view());
      published_ = e.view().position + 1;
    }
    if (next > published_) published_ = next;
    return some_.size();
  }

  void publish(const stored_event& e) {
    std::string why = "this program's outbox has no such event";
    try {
      if ((publish_as<Es>(e) || ...)) return;
    } catch (const decode_error& failed) {
      why = failed.what();
    }
    bury(e, why);
  }
  template <class E>
  bool publish_as(const stored_event& e) {
    if (name_of<E>().name != e.name) return false;
    E event = decode_version<E>(e.version, e.payload);
    to_.publish(std::move(event), {.correlation = e.correlation ? e.correlation : e.id, .causation = e.causation});
    return true;
  }
  void bury(const stored_event& e, std::string_view why) {
    byte_buffer errors;
    wire_writer w{errors};
    w.list(1);
    w.string(why);
    store_batch b;
    stored_letter& l = b.letters.emplace_back();
    l.subscription = name_;
    l.number = e.position + 1;
    l.event = e;
    l.cause = dead_cause::undecodable;
    l.died = detail::wall_now();
    l.errors = errors;
    store_.commit(b);
  }

  void keep_position() {
    store_batch b;
    b.cursors.push_back({name_, topic_, published_});
    store_.commit(b);
    const std::uint64_t done_with = published_ - kept_position_;
    kept_position_ = published_;
    kept_now_.store(kept_position_, std::memory_order_release);
    untrimmed_ += done_with;
    if (trims_ && untrimmed_ >= options_.window) {
      store_.trim(topic_, kept_position_);
      untrimmed_ = 0;
    }
  }

  void run() noexcept {
    while (!stopping_.load(std::memory_order_seq_cst)) {
      const std::uint64_t seen = news_.seen();
      bool again = false;
      std::string failed;
      try {
        again = pump() != 0 || published_ != kept_position_;
      } catch (const publish_refused&) {
        return;
      } catch (const std::exception& e) {
        failed = e.what();
      }
      {
        const std::lock_guard hold{mutex_};
        failure_.swap(failed);
      }
      if (!again && !stopping_.load(std::memory_order_seq_cst)) {
        news_.wait(seen, saturating_add(std::chrono::steady_clock::now(), options_.look_every));
      }
    }
  }

  store& store_;
  const std::string topic_;
  detail::outbox_news& news_;
  Bus& to_;
  const outbox_relay_options options_;
  const bool trims_;
  const std::string name_;
  std::uint64_t kept_position_ = 0;
  std::uint64_t published_ = 0;
  std::uint64_t untrimmed_ = 0;
  std::vector<owned_event> some_{};
  std::atomic<std::uint64_t> kept_now_{0};
  std::atomic<bool> stopping_{false};
  mutable std::mutex mutex_;
  std::string failure_{};
  std::thread thread_{};
};

}  // namespace peal::inline v0
