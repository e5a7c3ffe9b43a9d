// SPDX-License-Identifier: MIT
// What a store keeps: plain records, with views into memory that belongs to whoever shows them.
#pragma once

#include <peal/core/dead_cause.hpp>
#include <peal/core/envelope.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace peal::inline v0 {

/// Nanoseconds since 1970-01-01 UTC by the wall clock: moments that outlive a process.
using wall_time = std::int64_t;

/// The encoded form of an event.
using byte_view = std::span<const std::byte>;

/// An event in its topic.
struct stored_event {
  std::string_view topic{};
  std::uint64_t position = 0;  ///< in its topic: from 0, without gaps when written
  std::string_view name{};     ///< the event type's declared name
  std::uint32_t version = 1;   ///< and version
  event_id id{};
  event_id correlation{};
  event_id causation{};
  wall_time published = 0;
  std::string_view key{};            ///< what compaction and streams go by; may be empty
  std::uint64_t stream_version = 0;  ///< its number within the stream of its key, from 1; 0: in no stream
  byte_view payload{};
  wall_time deadline = 0;  ///< of an event in a topic: past it nobody handles it any more; 0: never. `read` tells it
};

/// Which positions a topic has.
struct topic_range {
  std::uint64_t first = 0;  ///< of the oldest event that is there; `next` when there is none
  std::uint64_t next = 0;   ///< that the next event gets

  friend bool operator==(const topic_range&, const topic_range&) = default;
};

/// How much a topic has.
struct topic_size {
  std::uint64_t events = 0;
  std::uint64_t bytes = 0;  ///< of their payloads and keys; what a store writes around them is not counted

  topic_size& operator+=(const topic_size& more) noexcept {
    events += more.events;
    bytes += more.bytes;
    return *this;
  }
  topic_size& operator-=(const topic_size& gone) noexcept {
    events -= gone.events;
    bytes -= gone.bytes;
    return *this;
  }
  friend bool operator==(const topic_size&, const topic_size&) = default;
};

[[nodiscard]] inline topic_size size_of(const stored_event& e) noexcept { return {1, e.payload.size() + e.key.size()}; }

struct stored_topic {
  std::string_view name{};
  topic_range range{};
};

/// An event type as it was when its first event was stored, so that its events can be read without its program.
struct stored_type {
  std::string_view name{};
  std::uint32_t version = 1;
  std::string_view schema{};  ///< as peal::schema_of writes it; empty: its codec does not tell
};

/// How far a subscription has come in a topic.
struct stored_cursor {
  std::string_view subscription{};
  std::string_view topic{};
  std::uint64_t position = 0;  ///< the first event it has not taken in
};

/// A delivery that has not ended although its subscription has gone on: it waits for its next run. Or one whose run is
/// noted before it begins, so that an event that ends the process is found out.
struct stored_pending {
  std::string_view subscription{};
  std::string_view topic{};
  std::uint64_t position = 0;
  std::uint32_t attempts =
      1;              ///< the number of the run that comes next, or of the one that begins; 0 in a batch: it has ended
  wall_time due = 0;  ///< of the next run; 0 and less: that run begins, or has begun
};

/// What is known of an idempotency key. Stored. Never renumber.
enum class claim_state : std::uint8_t {
  claimed = 1,    ///< its event is being handled
  committed = 2,  ///< its event was handled
  abandoned = 3,  ///< in a batch only: forgotten
};

struct stored_claim {
  std::string_view scope{};  ///< the subscription's name, or one of subscription_scopes
  std::string_view key{};
  claim_state state = claim_state::claimed;
  wall_time at = 0;  ///< when it came to be so
};

namespace detail {

/// Of the deliveries whose effect was committed.
inline std::string effects_scope(std::string_view subscription) {
  return std::string("effects of ").append(subscription);
}
/// Up to where its deliveries are repeated.
inline std::string replay_scope(std::string_view subscription) {
  return std::string("replay of ").append(subscription);
}

}  // namespace detail

/// The scopes of the claims of a subscription: its name's are its idempotency keys, the others are the bus's.
struct subscription_scopes {
  explicit subscription_scopes(std::string_view subscription)
      : all{std::string(subscription), detail::effects_scope(subscription), detail::replay_scope(subscription)} {}
  [[nodiscard]] const std::string* begin() const noexcept { return all; }
  [[nodiscard]] const std::string* end() const noexcept { return all + 3; }

  std::string all[3];
};

/// A dead letter with the whole event in it, whatever becomes of its topic.
struct stored_letter {
  std::string_view subscription{};
  std::uint64_t number = 0;  ///< names it in its topic
  stored_event event{};      ///< its `topic` names the letter's, too
  dead_cause cause = dead_cause::failed;
  std::uint32_t attempts = 0;
  std::uint32_t cycles = 0;
  wall_time died = 0;
  std::uint64_t blocked_by = 0;  ///< the letter that holds its key; 0: none
  byte_view errors{};            ///< what its runs threw, encoded by the bus
};

struct letter_ref {
  std::string_view topic{};
  std::uint64_t number = 0;
};

/// An event that is to be published later.
struct stored_timer {
  std::uint64_t id = 0;
  wall_time due = 0;
  std::int64_t period = 0;  ///< nanoseconds; 0: once
  stored_event event{};     ///< its position says nothing
};

/// A function that is shown records one after the other, and says whether it wants to see more; it is not kept.
///
/// A function that returns nothing wants all.
template <class Record>
class visitor {
 public:
  template <class F>
    requires(!std::is_same_v<std::remove_cvref_t<F>, visitor> && std::is_invocable_v<F&, const Record&>)
  // NOLINTNEXTLINE(bugprone-forwarding-reference-overload): a visitor itself is excluded
  visitor(F&& f)
  noexcept
      : object_{const_cast<void*>(static_cast<const void*>(std::addressof(f)))},
        call_{&call<std::remove_reference_t<F>>} {}

  bool operator()(const Record& r) const { return call_(object_, r); }

 private:
  template <class F>
  static bool call(void* object, const Record& r) {
    F& f = *static_cast<F*>(object);
    if constexpr (std::is_void_v<std::invoke_result_t<F&, const Record&>>) {
      f(r);
      return true;
    } else {
      return static_cast<bool>(f(r));
    }
  }

  void* object_;
  bool (*call_)(void*, const Record&);
};

}  // namespace peal::inline v0
