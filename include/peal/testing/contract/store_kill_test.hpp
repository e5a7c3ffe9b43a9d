// SPDX-License-Identifier: MIT
// Does a store keep its word when its process is killed? A child commits, the parent kills it, and looks. POSIX.
#pragma once

#include <peal/testing/contract/detail/child.hpp>
#include <peal/testing/contract/detail/store_probe.hpp>
#include <peal/testing/contract/store_place.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

namespace peal::inline v0::testing {

struct kill_options {
  std::uint64_t seed = 1;
  unsigned kills = 100;            ///< how often; count
  unsigned acknowledged_max = 30;  ///< batches that a child may commit before its time has come; count
};

struct kill_report {
  std::uint64_t seed = 0;
  std::uint64_t kills = 0;
  std::uint64_t acknowledged = 0;    ///< batches whose commit had returned
  std::uint64_t unacknowledged = 0;  ///< batches that are there although nobody heard of it: allowed, whole
  std::uint64_t events = 0;
  std::uint64_t lost = 0;  ///< acknowledged batches that are not there
  std::uint64_t torn = 0;  ///< batches of which a part is there
};

inline std::string to_string(const kill_report& r) {
  return "seed " + std::to_string(r.seed) + ", kills " + std::to_string(r.kills) + ", acknowledged " +
         std::to_string(r.acknowledged) + ", unacknowledged kept " + std::to_string(r.unacknowledged) + ", events " +
         std::to_string(r.events) + ", lost=" + std::to_string(r.lost) + ", torn=" + std::to_string(r.torn);
}

namespace contract_cases {

/// Batches that follow from a seed and their number alone, so that who checks knows what must be there.
class numbered_batches {
 public:
  static constexpr std::array<std::string_view, 2> topics{"shop.orders", "shop.refunds"};
  static constexpr std::uint64_t slots = 16;  // keys, letters, timers: the newest batch of each is there

  numbered_batches(std::uint64_t seed, std::array<std::uint64_t, 2> next) : seed_{seed}, next_{next} {}

  /// Batch `n`, from 1; valid until the next.
  const store_batch& make(std::uint64_t n) {
    std::mt19937_64 random{seed_ * 1'000'003 + n};
    b_.clear();
    payloads_.assign(1 + random() % 40, {});
    std::uint64_t k = 0;
    for (std::string& p : payloads_) {
      p = "batch " + std::to_string(n) + " event " + std::to_string(k++) + " ";
      p.append(random() % (random() % 8 == 0 ? 20'000 : 300), static_cast<char>('a' + n % 26));
      const std::size_t t = random() % 2;
      b_.events.push_back(event_at(topics[t], next_[t]++, p));
    }
    key_ = "key " + std::to_string(n % slots);
    b_.cursors = {{"batches", topics[0], n}, {"again", topics[1], n}};
    b_.pending = {{"batches", topics[0], n, 1, static_cast<wall_time>(n)}, {"batches", topics[0], n - 1, 0, 0}};
    b_.claims = {{"batches", key_, claim_state::committed, static_cast<wall_time>(n)}};
    stored_letter l;
    l.subscription = "batches";
    l.number = n % slots;
    l.event = event_at(topics[1], n, key_);
    b_.letters = {l};
    stored_timer t;
    t.id = n % slots;
    t.due = static_cast<wall_time>(n);
    t.event = event_at(topics[0], 0, key_);
    b_.timers = {t};
    return b_;
  }

 private:
  std::uint64_t seed_;
  std::array<std::uint64_t, 2> next_;
  store_batch b_{};
  std::vector<std::string> payloads_{};
  std::string key_{};
};

inline std::uint64_t cursor_of(const store& s, std::string_view who) {
  std::uint64_t n = 0;
  s.cursors([&](const stored_cursor& c) {
    if (c.subscription == who) n = c.position;
  });
  return n;
}

inline std::array<std::uint64_t, 2> ends_of(const store& s) {
  return {s.range(numbered_batches::topics[0]).next, s.range(numbered_batches::topics[1]).next};
}

/// What a child does until it is killed.
inline void commit_and_tell(store_place& place, std::uint64_t seed, channel& acknowledged) {
  const auto s = place.open();
  numbered_batches batches{seed, ends_of(*s)};
  for (std::uint64_t n = cursor_of(*s, "batches") + 1;; ++n) {
    s->commit(batches.make(n));
    if (!acknowledged.write(&n, sizeof n)) return;
  }
}

class kill_check {
 public:
  explicit kill_check(const kill_options& o) : random_{o.seed}, options_{o} { report_.seed = o.seed; }

  void once(store_place& place) {
    const std::uint64_t told = run_and_kill(place);
    const auto s = place.open();
    const std::uint64_t there = cursor_of(*s, "batches");
    report_.acknowledged += told > there_ ? told - there_ : 0;
    if (there < told) report_.lost += told - there;
    if (there > std::max(told, there_)) report_.unacknowledged += there - std::max(told, there_);
    look(*s, there);
    there_ = there;
    ++report_.kills;
    if (report_.lost != 0 || report_.torn != 0) violated("after kill -9: " + to_string(report_) + "\n  " + problem_);
  }
  [[nodiscard]] const kill_report& report() const noexcept { return report_; }

 private:
  /// The last batch that the child told of, or the last one before.
  std::uint64_t run_and_kill(store_place& place) {
    channel acknowledged;
    child writer{[&] { commit_and_tell(place, options_.seed, acknowledged); }};
    acknowledged.close_writing();
    std::uint64_t last = there_;
    for (std::uint64_t wanted = random_() % (options_.acknowledged_max + 1); wanted != 0; --wanted) {
      if (!hear(acknowledged, last)) break;
    }
    std::this_thread::sleep_for(std::chrono::microseconds(random_() % 3'000));
    writer.kill();
    if (!writer.was_killed()) writer.finish();
    while (hear(acknowledged, last)) continue;
    return last;
  }
  static bool hear(channel& from, std::uint64_t& n) {
    std::uint64_t heard = 0;
    if (from.read(&heard, sizeof heard) != sizeof heard) return false;
    n = heard;
    return true;
  }

  /// All of the batches up to `there`, and nothing of the next.
  void look(const store& s, std::uint64_t there) {
    lines expected[2];
    numbered_batches batches{options_.seed, ends_};
    for (std::uint64_t n = there_ + 1; n <= there; ++n) {
      for (const stored_event& e : batches.make(n).events) {
        const std::size_t t = e.topic == numbered_batches::topics[0] ? 0 : 1;
        expected[t].push_back(shown(e));
        ++report_.events;
      }
    }
    try {
      for (std::size_t t = 0; t < 2; ++t) {
        expect("events since the last kill", events_of(s, numbered_batches::topics[t], ends_[t]), expected[t]);
        ends_[t] += expected[t].size();
        expect("the range", s.range(numbered_batches::topics[t]), topic_range{0, ends_[t]});
      }
      expect("the other cursor of the batch", cursor_of(s, "again"), there);
      expect("keys, letters, timers", rest_of(s), rest_after(there));
    } catch (const contract_violation& e) {
      ++report_.torn;
      problem_ = e.what();
    }
  }

  static lines rest_of(const store& s) {
    lines all;
    const auto add = [&all](const auto& r) { all.push_back(shown(r)); };
    s.claims("batches", add);
    s.pending("batches", numbered_batches::topics[0], add);
    s.letters("", add);
    s.timers(add);
    return all;
  }
  lines rest_after(std::uint64_t there) const {
    lines claims;
    lines letters(numbered_batches::slots);
    lines timers;
    numbered_batches batches{options_.seed, {}};
    const std::uint64_t first = there < numbered_batches::slots ? 1 : there - numbered_batches::slots + 1;
    lines pending;
    for (std::uint64_t n = first; n <= there; ++n) {
      const store_batch& b = batches.make(n);
      claims.push_back(shown(b.claims[0]));
      letters[b.letters[0].number] = shown(b.letters[0]);
      timers.push_back(shown(b.timers[0]));
      if (n == there) pending.push_back(shown(b.pending[0]));
    }
    std::erase(letters, std::string{});
    lines all = claims;
    for (const lines& more : {pending, letters, timers}) all.insert(all.end(), more.begin(), more.end());
    return all;
  }

  std::mt19937_64 random_;
  kill_options options_;
  kill_report report_{};
  std::uint64_t there_ = 0;
  std::array<std::uint64_t, 2> ends_{};
  std::string problem_{};
};

}  // namespace detail

/// Lets child processes commit to the store, kills each at a random moment, and looks at what is there after each: every
/// acknowledged batch whole, the one after it whole or absent, positions without gaps.
/// Errors: contract_violation, with the report and what was wrong.
/// Thread safety: forks; call it while the process has no other threads.
inline kill_report kill_test(store_place& place, const kill_options& o = {}) {
  contract_cases::kill_check check{o};
  for (unsigned i = 0; i < o.kills; ++i) check.once(place);
  return check.report();
}

}  // namespace peal::inline v0::testing
