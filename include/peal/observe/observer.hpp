// SPDX-License-Identifier: MIT
// Somebody who is told what happens in a bus, as it happens: for logs, traces and metrics of other systems.
#pragma once

#include <peal/core/dead_cause.hpp>
#include <peal/core/envelope.hpp>

#include <cstdint>
#include <string_view>
#include <system_error>
#include <tuple>

namespace peal::inline v0 {

/// Given to a bus as `bus_options::observer`; what is not overridden costs a call, and no observer a branch.
///
/// Order: of one event accepted comes at any time after publication, also after its first delivery; the others in the order
/// in which they happen in a subscription. Views last as long as the call.
/// Errors: none may leave it. Thread safety: called by many threads at once, under no lock; a slow one slows publishers and
/// handlers. It may publish, but not from `accepted`, which would follow itself.
/// Lifetime: outlives the bus.
/// Example: `struct trace : peal::observer { void failed(const failed_run& r) noexcept override { … } };`
class observer {
 public:
  struct accepted_event {
    std::string_view event;  ///< the name of its type
    event_id id;
  };
  struct handled_events {
    std::string_view subscription;
    std::uint64_t count = 1;  ///< of a batch together; for each event by itself use a middleware
  };
  struct failed_run {
    std::string_view subscription;
    event_id id;
    std::uint32_t attempt = 1;  ///< which run of the handler it was
    std::string_view error;
    std::error_code code{};
  };
  struct coming_run {
    std::string_view subscription;
    event_id id;
    std::uint32_t attempt = 2;  ///< which one it will be
    nanoseconds delay{0};
  };
  struct dead_event {
    std::string_view subscription;  ///< of one that found no room: who published it
    std::string_view event;
    event_id id;  ///< false when it never got a position
    dead_cause cause = dead_cause::failed;
    std::uint32_t attempts = 0;
    std::uint64_t letter = 0;  ///< its number
  };

  observer() = default;
  observer(const observer&) = delete;
  observer& operator=(const observer&) = delete;
  virtual ~observer() = default;

  virtual void accepted(const accepted_event&) noexcept {}
  virtual void handled(const handled_events&) noexcept {}
  virtual void failed(const failed_run&) noexcept {}
  virtual void retried(const coming_run&) noexcept {}
  virtual void dead(const dead_event&) noexcept {}
};

/// Several observers as one, in the order given, called directly.
///
/// Lifetime: they outlive it. Example: `peal::observers both{log, metrics}; shop bus{{.observer = &both}};`
template <class... Observers>
class observers final : public observer {
 public:
  explicit observers(Observers&... all) noexcept : all_{all...} {}

  void accepted(const accepted_event& e) noexcept override {
    std::apply([&](auto&... each) { (each.accepted(e), ...); }, all_);
  }
  void handled(const handled_events& e) noexcept override {
    std::apply([&](auto&... each) { (each.handled(e), ...); }, all_);
  }
  void failed(const failed_run& e) noexcept override {
    std::apply([&](auto&... each) { (each.failed(e), ...); }, all_);
  }
  void retried(const coming_run& e) noexcept override {
    std::apply([&](auto&... each) { (each.retried(e), ...); }, all_);
  }
  void dead(const dead_event& e) noexcept override {
    std::apply([&](auto&... each) { (each.dead(e), ...); }, all_);
  }

 private:
  std::tuple<Observers&...> all_;
};

}  // namespace peal::inline v0
