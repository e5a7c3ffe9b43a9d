// SPDX-License-Identifier: MIT
// The bus's counters in Prometheus's text format, for the handler behind /metrics.
#pragma once

#include <peal/observe/statistics.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace peal::inline v0 {

namespace detail {

/// Writes one family of metrics after the other.
class prometheus_writer {
 public:
  explicit prometheus_writer(std::string& to) noexcept : to_{to} {}

  void family(const char* name, const char* type, const char* help) {
    name_ = name;
    to_.append("# HELP ").append(name).append(" ").append(help).append("\n# TYPE ").append(name).append(" ");
    to_.append(type).append("\n");
  }
  void sample(const char* label, std::string_view value, std::uint64_t n) {
    open(label, value);
    close(n);
  }
  void sample(const char* label, std::string_view value, const char* label_2, std::string_view value_2,
              std::uint64_t n) {
    open(label, value);
    to_.append(",");
    pair(label_2, value_2);
    close(n);
  }

  void seconds(const char* label, std::string_view value, std::chrono::nanoseconds time) {
    open(label, value);
    to_.append("} ").append(in_seconds(time)).append("\n");
  }
  /// Limits are powers of two nanoseconds, from a microsecond to 17 s: the histogram's own, so that counts are exact.
  void histogram(const char* label, std::string_view value, const histogram_values& h) {
    for (int bits = 10; bits <= 34; ++bits) {
      const std::chrono::nanoseconds limit{std::int64_t{1} << bits};
      open(label, value, "_bucket");
      to_.append(",le=\"").append(in_seconds(limit)).append("\"");
      close(h.up_to(limit));
    }
    open(label, value, "_bucket");
    to_.append(",le=\"+Inf\"");
    close(h.count);
    open(label, value, "_sum");
    to_.append("} ").append(in_seconds(h.sum)).append("\n");
    open(label, value, "_count");
    close(h.count);
  }

 private:
  static std::string in_seconds(std::chrono::nanoseconds time) {
    constexpr std::int64_t second = 1'000'000'000;
    const std::string fraction = std::to_string(second + time.count() % second);
    std::string text = std::to_string(time.count() / second) + "." + fraction.substr(1);
    while (text.back() == '0') text.pop_back();
    if (text.back() == '.') text.pop_back();
    return text;
  }
  void open(const char* label, std::string_view value, const char* part = "") {
    to_.append(name_).append(part).append("{");
    pair(label, value);
  }
  void pair(const char* label, std::string_view value) {
    to_.append(label).append("=\"");
    for (const char c : value) {
      if (c == '\n') {
        to_.append("\\n");
        continue;
      }
      if (c == '\\' || c == '"') to_.push_back('\\');
      to_.push_back(c);
    }
    to_.append("\"");
  }
  void close(std::uint64_t n) { to_.append("} ").append(std::to_string(n)).append("\n"); }

  std::string& to_;
  const char* name_ = "";
};

inline void write_subscriptions(prometheus_writer& out, const bus_statistics& s) {
  using stats = subscription_statistics;
  struct ending {
    const char* name;
    std::uint64_t (*get)(const stats&);
  };
  static constexpr ending endings[]{
      {"handled", [](const stats& x) { return x.handled; }},
      {"discarded", [](const stats& x) { return x.discarded; }},
      {"dead", [](const stats& x) { return x.dead + x.redriven; }},  // so that redriving takes nothing back
      {"expired", [](const stats& x) { return x.expired; }},
      {"filtered", [](const stats& x) { return x.filtered; }},
      {"deduplicated", [](const stats& x) { return x.deduplicated; }},
      {"dropped", [](const stats& x) { return x.dropped; }},
      {"abandoned", [](const stats& x) { return x.abandoned; }},
  };
  out.family("peal_deliveries_total", "counter", "Deliveries of a subscription by how they ended.");
  for (const stats& x : s.subscriptions) {
    for (const ending& e : endings) out.sample("subscription", x.name, "outcome", e.name, e.get(x));
  }
}

/// One number of each subscription.
inline void write_counts(prometheus_writer& out, const bus_statistics& s) {
  using stats = subscription_statistics;
  const auto each = [&](const char* name, const char* type, const char* help, std::uint64_t (*get)(const stats&)) {
    out.family(name, type, help);
    for (const stats& x : s.subscriptions) out.sample("subscription", x.name, get(x));
  };
  each("peal_retries_total", "counter", "Runs of a handler beyond the first of a delivery.",
       [](const stats& x) { return x.retries; });
  each("peal_failures_total", "counter", "Runs of a handler that failed.", [](const stats& x) { return x.failures; });
  each("peal_throttled_total", "counter", "Retries put off by the bus's retry budget.",
       [](const stats& x) { return x.throttled; });
  each("peal_redriven_total", "counter", "Dead letters that came back.", [](const stats& x) { return x.redriven; });
  each("peal_waiting_events", "gauge", "Events unread or kept aside.", [](const stats& x) { return x.waiting; });
  each("peal_kept_events", "gauge", "Events kept aside: in a back-off, behind a duplicate, on their way back.",
       [](const stats& x) { return x.kept; });
  each("peal_overdue_handlers", "gauge", "Handlers that run longer than their timeout now.",
       [](const stats& x) { return x.overdue; });
  each("peal_paused", "gauge", "1 while the subscription is paused.",
       [](const stats& x) -> std::uint64_t { return x.paused ? 1 : 0; });
  each("peal_pauses_total", "counter", "Failed runs that made the whole subscription wait.",
       [](const stats& x) { return x.pauses; });
  each("peal_rate_waits_total", "counter", "Waits for a permit of the subscription's rate.",
       [](const stats& x) { return x.rate_waits; });
  each("peal_stalled", "gauge", "1 while the subscription cannot go on for want of room.",
       [](const stats& x) -> std::uint64_t { return x.stalled ? 1 : 0; });
}

/// Of those subscriptions that have a breaker.
inline void write_breakers(prometheus_writer& out, const bus_statistics& s) {
  using stats = subscription_statistics;
  bool any = false;
  for (const stats& x : s.subscriptions) any = any || x.breaker != breaker_state::none;
  if (!any) return;
  const auto each = [&](auto&& write) {
    for (const stats& x : s.subscriptions) {
      if (x.breaker != breaker_state::none) write(x);
    }
  };
  out.family("peal_breaker_state", "gauge", "1 for the state in which the subscription's breaker is.");
  each([&](const stats& x) {
    out.sample("subscription", x.name, "state", "closed", x.breaker == breaker_state::closed ? 1 : 0);
    out.sample("subscription", x.name, "state", "open", x.breaker == breaker_state::open ? 1 : 0);
    out.sample("subscription", x.name, "state", "half_open", x.breaker == breaker_state::half_open ? 1 : 0);
  });
  out.family("peal_breaker_opened_total", "counter", "How often the subscription's breaker has opened.");
  each([&](const stats& x) { out.sample("subscription", x.name, x.breaker_opened); });
  out.family("peal_breaker_open_seconds_total", "counter", "How long the subscription's breaker has been open.");
  each([&](const stats& x) { out.seconds("subscription", x.name, x.breaker_open_time); });
}

/// Of measured subscriptions.
inline void write_times(prometheus_writer& out, const bus_statistics& s) {
  using stats = subscription_statistics;
  const auto each = [&](const char* name, const char* help, const histogram_values stats::*times) {
    bool any = false;
    for (const stats& x : s.subscriptions) any = any || (x.*times).count != 0;
    if (!any) return;
    out.family(name, "histogram", help);
    for (const stats& x : s.subscriptions) {
      if ((x.*times).count != 0) out.histogram("subscription", x.name, x.*times);
    }
  };
  each("peal_handler_seconds", "Times of timed runs of the handler.", &stats::handler_time);
  each("peal_latency_seconds", "Times from publish to handled, of timed runs.", &stats::latency);
}

inline void write_topics(prometheus_writer& out, const bus_statistics& s) {
  using stats = topic_statistics;
  const auto each = [&](const char* name, const char* type, const char* help, std::uint64_t (*get)(const stats&)) {
    out.family(name, type, help);
    for (const stats& x : s.topics) out.sample("topic", x.events, get(x));
  };
  each("peal_events_accepted_total", "counter", "Events accepted.", [](const stats& x) { return x.accepted; });
  each("peal_events_unheard_total", "counter", "Events accepted while nobody was subscribed.",
       [](const stats& x) { return x.unheard; });
  out.family("peal_events_refused_total", "counter", "Publications refused, by reason.");
  for (const stats& x : s.topics) {
    out.sample("topic", x.events, "reason", "full", x.refused_full);
    out.sample("topic", x.events, "reason", "closed", x.refused_closed);
    out.sample("topic", x.events, "reason", "overloaded", x.overloaded);
    out.sample("topic", x.events, "reason", "vetoed", x.vetoed);
  }
  each("peal_lane_events", "gauge", "Events published inside handlers that wait for room.",
       [](const stats& x) { return x.in_lane; });
  each("peal_unread_events", "gauge", "Events behind the slowest subscription that holds publishers back.",
       [](const stats& x) { return x.unread; });
  each("peal_capacity_events", "gauge", "Events a topic has room for.", [](const stats& x) { return x.capacity; });
  each("peal_untold_letters_total", "counter", "Dead letters whose own topic had no room to be told of them.",
       [](const stats& x) { return x.untold; });
  each("peal_dead_letters", "gauge", "Dead letters kept now.", [](const stats& x) { return x.letters; });
}

}  // namespace detail

/// The statistics in Prometheus's text exposition format 0.0.4, one label `subscription` or `topic` each.
///
/// Order: as in `s`. Errors: bad_alloc. Counters never go back while a subscription stands.
/// Example: `response.body = peal::prometheus_text(bus.statistics());`
[[nodiscard]] inline std::string prometheus_text(const bus_statistics& s) {
  std::string text;
  detail::prometheus_writer out{text};
  detail::write_subscriptions(out, s);
  detail::write_counts(out, s);
  detail::write_breakers(out, s);
  detail::write_times(out, s);
  detail::write_topics(out, s);
  return text;
}

}  // namespace peal::inline v0
