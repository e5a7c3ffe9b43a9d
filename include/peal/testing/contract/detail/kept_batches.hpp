// SPDX-License-Identifier: MIT
// Batches that are known before they are committed, and whether a store has them after it was interrupted.
#pragma once

#include <peal/testing/contract/detail/store_probe.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace peal::inline v0::testing {

/// What a store had after it was interrupted, summed over all interruptions.
struct kept_report {
  std::uint64_t acknowledged = 0;    ///< batches whose commit had returned
  std::uint64_t unacknowledged = 0;  ///< batches that are there although nobody heard of it: allowed, whole
  std::uint64_t events = 0;
  std::uint64_t lost = 0;  ///< acknowledged batches that are not there
  std::uint64_t torn = 0;  ///< batches of which a part is there, or that are not what was committed
};

inline std::string to_string(const kept_report& r) {
  return "acknowledged " + std::to_string(r.acknowledged) + ", unacknowledged kept " +
         std::to_string(r.unacknowledged) + ", events " + std::to_string(r.events) +
         ", lost=" + std::to_string(r.lost) + ", torn=" + std::to_string(r.torn);
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

/// Looks at a store after each interruption: every acknowledged batch whole, the one after it whole or absent.
class kept_batches {
 public:
  explicit kept_batches(std::uint64_t seed) : seed_{seed} {}

  /// `told`: the last batch that was acknowledged, ever.
  void look(const store& s, std::uint64_t told) {
    const std::uint64_t there = cursor_of(s, "batches");
    report_.acknowledged += told > there_ ? told - there_ : 0;
    if (there < told) report_.lost += told - there;
    if (there > std::max(told, there_)) report_.unacknowledged += there - std::max(told, there_);
    compare(s, there);
    there_ = there;
  }
  /// Everything since the first batch, once more.
  void look_at_all(const store& s) {
    const std::uint64_t there = std::exchange(there_, 0);
    const std::uint64_t events = report_.events;
    ends_ = {};
    compare(s, there);
    report_.events = events;
    there_ = there;
  }
  /// The last batch that is there.
  [[nodiscard]] std::uint64_t there() const noexcept { return there_; }
  [[nodiscard]] const kept_report& report() const noexcept { return report_; }
  [[nodiscard]] bool sound() const noexcept { return report_.lost == 0 && report_.torn == 0; }
  /// What was found to be wrong.
  [[nodiscard]] const std::string& problem() const noexcept { return problem_; }

 private:
  /// All of the batches up to `there`, and nothing of the next.
  void compare(const store& s, std::uint64_t there) {
    lines expected[2];
    numbered_batches batches{seed_, ends_};
    for (std::uint64_t n = there_ + 1; n <= there; ++n) {
      for (const stored_event& e : batches.make(n).events) {
        const std::size_t t = e.topic == numbered_batches::topics[0] ? 0 : 1;
        expected[t].push_back(shown(e));
        ++report_.events;
      }
    }
    try {
      for (std::size_t t = 0; t < 2; ++t) {
        expect("events since the last interruption", events_of(s, numbered_batches::topics[t], ends_[t]), expected[t]);
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
    numbered_batches batches{seed_, {}};
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

  std::uint64_t seed_;
  kept_report report_{};
  std::uint64_t there_ = 0;
  std::array<std::uint64_t, 2> ends_{};
  std::string problem_{};
};

}  // namespace contract_cases

}  // namespace peal::inline v0::testing
