// SPDX-License-Identifier: MIT
// How the contract suite looks at a store: everything in it as lines of text, which are easy to compare and to read.
#pragma once

#include <peal/store/store.hpp>
#include <peal/testing/contract/store_place.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace peal::inline v0::testing::contract_cases {

using lines = std::vector<std::string>;

inline byte_view bytes_of(std::string_view text) {
  return std::as_bytes(std::span<const char>(text.data(), text.size()));
}

/// Short texts as they are, what cannot be printed escaped; long ones by length and hash.
inline std::string shown(std::string_view text) {
  if (text.size() > 64) {
    std::uint64_t hash = 14695981039346656037U;
    for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211U;
    return "(" + std::to_string(text.size()) + " bytes, hash " + std::to_string(hash) + ")";
  }
  std::string s = "\"";
  for (const char c : text) {
    const auto u = static_cast<unsigned char>(c);
    if (u >= 32 && u < 127) {
      s += c;
    } else {
      s.append("\\").append(std::to_string(u)).append(";");
    }
  }
  return s += '"';
}

inline std::string shown(byte_view bytes) {
  return shown(std::string_view{reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

inline std::string shown(const stored_event& e) {
  std::string s =
      shown(e.topic) + " " + std::to_string(e.position) + " " + shown(e.name) + " v" + std::to_string(e.version);
  s += " id " + to_string(e.id) + " of " + to_string(e.correlation) + " by " + to_string(e.causation);
  s += " at " + std::to_string(e.published) + " key " + shown(e.key) + " stream " + std::to_string(e.stream_version);
  if (e.deadline != 0) s += " until " + std::to_string(e.deadline);
  return s += " payload " + shown(e.payload);
}

inline std::string shown(const stored_letter& l) {
  return "letter " + shown(l.subscription) + " " + std::to_string(l.number) + " cause " +
         std::string(to_string(l.cause)) + " attempts " + std::to_string(l.attempts) + " cycles " +
         std::to_string(l.cycles) + " died " + std::to_string(l.died) + " blocked_by " + std::to_string(l.blocked_by) +
         " errors " + shown(l.errors) + " event " + shown(l.event);
}

inline std::string shown(const stored_timer& t) {
  return "timer " + std::to_string(t.id) + " due " + std::to_string(t.due) + " period " + std::to_string(t.period) +
         " event " + shown(t.event);
}

inline std::string shown(const stored_claim& c) {
  const char* state = c.state == claim_state::claimed     ? " claimed"
                      : c.state == claim_state::committed ? " committed"
                                                          : " ?";
  return "claim " + shown(c.scope) + " " + shown(c.key) + state + " at " + std::to_string(c.at);
}

inline std::string shown(const stored_pending& p) {
  return "pending " + shown(p.subscription) + " " + shown(p.topic) + " " + std::to_string(p.position) + " attempts " +
         std::to_string(p.attempts) + " due " + std::to_string(p.due);
}

inline std::string shown(const stored_cursor& c) {
  return "cursor " + shown(c.subscription) + " " + shown(c.topic) + " " + std::to_string(c.position);
}

inline std::string shown(const stored_type& t) {
  return "type " + shown(t.name) + " v" + std::to_string(t.version) + " " + shown(t.schema);
}

inline std::string shown(const topic_range& r) {
  return "[" + std::to_string(r.first) + ", " + std::to_string(r.next) + ")";
}

inline std::string shown(const stored_topic& t) { return "topic " + shown(t.name) + " " + shown(t.range); }

inline std::string shown(std::uint64_t n) { return std::to_string(n); }

inline std::string shown(const lines& all) {
  std::string s = std::to_string(all.size()) + " lines";
  const std::size_t most = 12;
  for (std::size_t i = 0; i < all.size() && i < most; ++i) s += "\n    " + all[i];
  return all.size() > most ? s + "\n    ..." : s;
}

[[noreturn]] inline void violated(std::string_view what) {
  throw contract_violation(std::string("the store's contract is violated: ").append(what));
}

inline void require(bool holds, std::string_view what) {
  if (!holds) violated(what);
}

template <class T>
void expect(std::string_view what, const T& seen, const T& expected) {
  if (seen == expected) return;
  violated(std::string(what) + "\n  expected " + shown(expected) + "\n  there is " + shown(seen));
}

/// Two long lists: the first line that differs is shown.
inline void expect(std::string_view what, const lines& seen, const lines& expected) {
  if (seen == expected) return;
  std::size_t i = 0;
  while (i < seen.size() && i < expected.size() && seen[i] == expected[i]) ++i;
  const auto line = [i](const lines& l) { return i < l.size() ? l[i] : std::string("(nothing)"); };
  violated(std::string(what) + ", line " + std::to_string(i) + " of " + std::to_string(expected.size()) +
           "\n  expected " + line(expected) + "\n  there is " + line(seen) + " (of " + std::to_string(seen.size()) +
           ")");
}

/// Runs `f`, which must throw a store_error of this code.
template <class F>
void refused(std::string_view what, store_errc expected, const store& s, F f) {
  try {
    f();
  } catch (const store_error& e) {
    if (e.code() != expected) violated(std::string(what) + ": refused with another code: " + e.what());
    const std::string text = e.what();
    require(text.find(s.place()) != std::string::npos, "an error's text does not name the place: " + text);
    return;
  }
  violated(std::string(what) + ": was not refused");
}

inline lines events_of(const store& s, std::string_view topic, std::uint64_t from = 0,
                       std::size_t max = static_cast<std::size_t>(-1)) {
  lines all;
  s.read(topic, from, max, [&](const stored_event& e) { all.push_back(shown(e)); });
  return all;
}

inline lines stream_of(const store& s, std::string_view topic, std::string_view key, std::uint64_t from = 1,
                       std::size_t max = static_cast<std::size_t>(-1)) {
  lines all;
  s.read_stream(topic, key, from, max, [&](const stored_event& e) { all.push_back(shown(e)); });
  return all;
}

/// Where a test looks for what can only be asked for by name.
struct names {
  std::vector<std::string> topics{"shop.orders", "shop.refunds"};
  std::vector<std::string> subscriptions{"billing", "ledger"};
  std::vector<std::string> keys{"o-1", "o-2", "o-3"};
};

/// All that is in a store. What has no order of its own is sorted.
inline lines everything(const store& s, const names& n = {}) {
  lines all;
  const auto add = [&all](const auto& record) { all.push_back(shown(record)); };
  s.topics(add);
  s.types(add);
  s.cursors(add);
  s.letters("", add);
  std::sort(all.begin(), all.end());
  for (const auto& topic : n.topics) {
    all.push_back("range of " + topic + " " + shown(s.range(topic)));
    s.read(topic, 0, static_cast<std::size_t>(-1), add);
    for (const auto& key : n.keys) {
      const std::uint64_t newest = s.read_stream(topic, key, 1, static_cast<std::size_t>(-1), [&](stored_event e) {
        e.deadline = 0;  // a topic's read tells it
        add(e);
      });
      std::string& line = all.emplace_back("stream ");
      line.append(topic).append(" ").append(key).append(" ").append(std::to_string(newest));
    }
    for (const auto& who : n.subscriptions) s.pending(who, topic, add);
  }
  for (const auto& who : n.subscriptions) s.claims(who, add);
  s.timers(add);
  return all;
}

/// How much each topic has, as the store says it, and by a look at all that is there.
inline lines sizes(const store& s, const names& n = {}) {
  lines all;
  for (const auto& topic : n.topics) {
    const topic_size said = s.size(topic);
    const topic_size seen = s.store::size(topic);
    require(said == seen, "size of " + topic + " is that of the events that are there: " + std::to_string(said.events) +
                              " with " + std::to_string(said.bytes) + " bytes, " + std::to_string(seen.events) +
                              " with " + std::to_string(seen.bytes));
    all.push_back(topic + " " + std::to_string(said.events) + " " + std::to_string(said.bytes));
  }
  return all;
}

/// An event whose every field says something.
inline stored_event event_at(std::string_view topic, std::uint64_t position, std::string_view payload = "payload",
                             std::string_view key = {}, std::uint64_t stream_version = 0) {
  stored_event e;
  e.topic = topic;
  e.position = position;
  e.name = "shop.order.placed";
  e.version = 2;
  e.id = {0x1122334455667788U, 0x0300000000000000U + position};
  e.correlation = {0xfeU, 0xffffffffffffffffU - position};
  e.causation = {position, 7};
  e.published = 1'700'000'000'000'000'000 + static_cast<wall_time>(position);
  e.key = key;
  e.stream_version = stream_version;
  e.payload = bytes_of(payload);
  return e;
}

inline void append(store& s, const stored_event& e) {
  store_batch b;
  b.events.push_back(e);
  s.commit(b);
}

inline void append(store& s, std::string_view topic, std::uint64_t from, std::uint64_t count) {
  store_batch b;
  for (std::uint64_t i = 0; i < count; ++i) b.events.push_back(event_at(topic, from + i));
  s.commit(b);
}

}  // namespace peal::inline v0::testing::contract_cases
