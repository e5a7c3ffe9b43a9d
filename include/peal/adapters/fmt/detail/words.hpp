// SPDX-License-Identifier: MIT
// What each report of peal reads like: one line, counts that are zero left out.
#pragma once

#include <peal/adapters/fmt/detail/fmt.hpp>
#include <peal/bus/options.hpp>
#include <peal/bus/reports.hpp>
#include <peal/core/envelope.hpp>
#include <peal/core/error.hpp>
#include <peal/core/event_name.hpp>
#include <peal/core/receipt.hpp>
#include <peal/core/result.hpp>
#include <peal/observe/statistics.hpp>
#include <peal/policy/dead_letter.hpp>

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string_view>
#include <utility>

namespace peal::inline v0::detail {

/// Writes one value after another into fmt's buffer.
class fmt_words {
 public:
  template <class... Args>
  fmt_words& add(::fmt::format_string<Args...> form, Args&&... args) {
    ::fmt::format_to(std::back_inserter(buffer_), form, std::forward<Args>(args)...);
    return *this;
  }
  /// `name count` behind a separator, unless the count is 0.
  fmt_words& count(std::string_view before, std::string_view name, std::uint64_t n) {
    return n != 0 ? add("{}{} {}", before, name, n) : *this;
  }
  [[nodiscard]] ::fmt::string_view text() const noexcept { return {buffer_.data(), buffer_.size()}; }

  void say(const event_id& id) { add("{}", to_string(id)); }
  void say(const receipt& r) { r.in_lane() ? void(add("in the lane")) : say(r.id()); }
  void say(const result<receipt>& r) { r ? say(*r) : void(add("refused: {}", to_string(r.error()))); }
  void say(publish_errc code) { add("{}", to_string(code)); }
  void say(dead_cause cause) { add("{}", to_string(cause)); }
  void say(health h) { add("{}", h == health::ok ? "ok" : "degraded"); }
  void say(const attempt_error& e) { add("attempt {}: {}", e.attempt, e.what.empty() ? "no text" : e.what.c_str()); }
  void say(const stuck_handler& h) {
    add("{} in {} at position {}", h.subscription, h.event.empty() ? "an event" : h.event.c_str(), h.position);
  }

  void say(const settle_report& r) {
    if (r.settled) return void(add("settled"));
    add("not settled");
    const char* before = ": ";
    for (const auto& why : r.waiting_for) {
      add("{}{}", before, why);
      before = "; ";
    }
  }

  void say(const drain_report& r) {
    constexpr std::size_t most_ids = 3;
    add("{} {:.3f} s: handled {}", r.complete ? "drained in" : "not drained after", seconds(r.took), r.handled);
    count(", ", "kept", r.kept).count(", ", "abandoned", r.abandoned);
    for (std::size_t i = 0; i < r.abandoned_ids.size() && i < most_ids; ++i) {
      add("{}{}", i == 0 ? " (" : ", ", to_string(r.abandoned_ids[i]));
    }
    if (!r.abandoned_ids.empty()) add("{}", r.abandoned > most_ids ? ", ...)" : ")");
    for (const stuck_handler& h : r.stuck) {
      add(", stuck: ");
      say(h);
    }
  }

  void say(const subscription_statistics& s) {
    add("{}: accepted {} = handled {}", s.name, s.accepted, s.handled);
    count(" + ", "discarded", s.discarded).count(" + ", "dead", s.dead).count(" + ", "expired", s.expired);
    count(" + ", "filtered", s.filtered).count(" + ", "deduplicated", s.deduplicated);
    count(" + ", "dropped", s.dropped).count(" + ", "stopped", s.stopped).count(" + ", "abandoned", s.abandoned);
    count(" + ", "waiting", s.waiting).count(", ", "kept", s.kept).count(", ", "failures", s.failures);
    count(", ", "retries", s.retries).count(", ", "redriven", s.redriven);
    if (s.paused) add(", paused");
    if (s.stalled) add(", stalled");
    if (s.breaker == breaker_state::open) add(", breaker open");
    if (s.breaker == breaker_state::half_open) add(", breaker half open");
    count(", ", "breaker opened", s.breaker_opened);
  }

  void say(const topic_statistics& t) {
    add("{}: accepted {}, unread {} of {}", t.events, t.accepted, t.unread, t.capacity);
    count(", ", "unheard", t.unheard).count(", ", "refused full", t.refused_full);
    count(", ", "refused closed", t.refused_closed).count(", ", "overloaded", t.overloaded);
    count(", ", "in lane", t.in_lane).count(", ", "letters", t.letters);
  }

  /// A line each.
  void say(const bus_statistics& b) {
    const char* before = "";
    const auto line = [&](const auto& one) {
      add("{}", before);
      say(one);
      before = "\n";
    };
    for (const topic_statistics& t : b.topics) line(t);
    for (const subscription_statistics& s : b.subscriptions) line(s);
  }

  template <class E>
  void say(const dead_letter_record<E>& l) {
    add("letter {} of {}: {} after {} attempt{}", l.number, l.subscription, to_string(l.cause), l.attempts,
        l.attempts == 1 ? "" : "s");
    if (l.cycles != 0) add(" in cycle {}", l.cycles + 1);
    add(", {} {}", peal::display_name<E>(), l.id ? to_string(l.id) : "without a position");
    if (!l.errors.empty()) {
      add(", last ");
      say(l.errors.back());
    }
  }

 private:
  static double seconds(nanoseconds time) noexcept { return static_cast<double>(time.count()) / 1e9; }

  ::fmt::memory_buffer buffer_;
};

}  // namespace peal::inline v0::detail
