// SPDX-License-Identifier: MIT
// Order by key against a model: random failures, delays, redrives, discards, stops and full stores, drawn from a seed.
#pragma once

#include "bus/stepped_support.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <random>
#include <set>

namespace peal_test {

/// One event of the model, as either of two types. `key` may be missing; `id` names what duplicates have in common.
struct placed {
  std::optional<int> key;
  int seq = 0;
  int id = 0;
};
struct cancelled {
  std::optional<int> key;
  int seq = 0;
  int id = 0;
};

/// How large and how rough a run is.
struct order_options {
  int keys = 100;
  int operations = 1500;
  bool hold = true;
  unsigned hands = 0;  ///< 0: without concurrency
};

/// Runs a subscription through `operations` random operations and checks each run of its handler: it must be of the
/// oldest event of its key that has not come to its end.
class order_model {
 public:
  order_model(std::uint64_t seed, const order_options& o)
      : o_{o}, random_{seed}, fx_{options(seed)}, per_key_{1 + below(20)}, total_{per_key_ + below(200)} {}

  void run() {
    subscribe();
    for (int i = 0; i != o_.operations && wrong_.empty(); ++i) operate();
    calm_ = true;
    sub_->resume();
    for (int round = 0; round != 200 && wrong_.empty(); ++round) {
      fx_.advance(std::chrono::seconds{30});
      if (letters().empty() && fx_.bus.settle()) break;
      redrive({});
    }
    INFO(wrong_);
    CHECK(wrong_.empty());
    CHECK(letters().empty());
    CHECK(fx_.bus.settle());
    std::size_t left = 0;
    for (const auto& [key, seqs] : pending_) left += seqs.size();
    CHECK(left == 0);
  }

  std::uint64_t published = 0, runs = 0, failed = 0, dead = 0, redriven = 0, stops = 0, stalls = 0, lost = 0;

 private:
  using topic = peal::topic<placed, cancelled, peal::capacity<64>>;
  using letter = std::pair<std::optional<int>, int>;  // key and seq

  std::size_t below(std::size_t n) { return static_cast<std::size_t>(random_() % n); }
  bool chance(unsigned percent) { return random_() % 100 < percent; }

  peal::bus_options options(std::uint64_t seed) {
    return {.max_dead_letters = 1 + below(chance(50) ? 20 : 2000), .seed = seed | 1U};
  }

  void subscribe() {
    if (o_.hands != 0) {
      subscribe_with(peal::concurrency{o_.hands});
    } else {
      subscribe_with(peal::middleware{[](const auto&, peal::delivery&, auto next) { return next(); }});
    }
  }
  template <class Policy>
  void subscribe_with(Policy policy) {
    sub_ = fx_.subscribe<placed, cancelled>(
        "s", [this](const auto& e, const peal::delivery& d) { return this->handle(e, d); },
        peal::ordered_by{&placed::key,
                         &cancelled::key,
                         o_.hold ? peal::hold_key : peal::skip_key,
                         {.per_key = per_key_, .total = total_}},
        peal::idempotent{&placed::id, &cancelled::id}, policy,
        peal::side_store{static_cast<std::uint32_t>(1 + below(chance(50) ? 4 : 400))},
        peal::otherwise(peal::backoff{
            .attempts = attempts, .first = std::chrono::milliseconds{5}, .cap = std::chrono::seconds{1}}));
  }

  template <class E>
  peal::outcome handle(const E& e, const peal::delivery& d) {
    ++runs;
    check(e, d);
    const bool last = d.attempt() == attempts;
    const std::uint64_t fate = calm_ ? 99 : random_() % 100;
    if (fate < 30) {
      ++failed;
      if (last) died(e);
      throw gateway_down();
    }
    if (fate < 34) {
      died(e);
      return peal::reject("no");
    }
    if (fate < 37) {
      ended(e);
      return peal::discard;
    }
    ended(e);
    handled(e);
    return peal::done;
  }

  template <class E>
  void check(const E& e, const peal::delivery& d) {
    if (!e.key || (!o_.hold && d.redriven())) return;
    const auto& seqs = pending_[*e.key];
    if (!seqs.empty() && *seqs.begin() < e.seq) {
      wrong_ = "key " + std::to_string(*e.key) + ": " + std::to_string(e.seq) + " ran before " +
               std::to_string(*seqs.begin());
    }
  }
  template <class E>
  void ended(const E& e) {
    if (e.key) pending_[*e.key].erase(e.seq);
  }
  template <class E>
  void died(const E& e) {
    ++dead;
    if (!o_.hold) ended(e);
  }
  /// Those with the same id will be duplicates of it, whenever they come.
  template <class E>
  void handled(const E& e) {
    constexpr bool first = std::is_same_v<E, placed>;
    for (const letter& same : by_id_[{first, e.id}]) {
      if (same.first) pending_[*same.first].erase(same.second);
    }
    by_id_.erase({first, e.id});
  }

  void operate() {
    const std::size_t what = below(1000);
    if (what < 500) {
      chance(50) ? publish<placed>() : publish<cancelled>();
    } else if (what < 850) {
      for (std::size_t n = below(6); n != 0; --n) fx_.bus.runtime().step();
    } else if (what < 940) {
      fx_.advance(std::chrono::milliseconds{below(60)});
    } else if (what < 975) {
      redrive(some());
    } else if (what < 990) {
      throw_away(some());
    } else if (what < 992) {
      restart();
    } else {
      chance(50) ? sub_->pause() : sub_->resume();
    }
    if (what % 100 == 0) fx_.check_accounts();
  }

  template <class E>
  void publish() {
    E e;
    const std::size_t keys = static_cast<std::size_t>(o_.keys);
    if (!chance(5)) e.key = static_cast<int>(chance(50) ? below(1 + keys / 20) : below(keys));
    e.seq = ++next_seq_;
    e.id = chance(5) ? 1 + static_cast<int>(below(static_cast<std::size_t>(next_seq_))) : next_seq_;
    if (!fx_.bus.try_publish(e)) return;
    ++published;
    if (e.key && e.id == e.seq) {
      pending_[*e.key].insert(e.seq);
      by_id_[{std::is_same_v<E, placed>, e.id}].push_back({e.key, e.seq});
    }
  }

  peal::dead_letter_query some() {
    peal::dead_letter_query q;
    if (chance(30)) q.limit = 1 + below(10);
    if (chance(30)) q.cause = chance(50) ? peal::dead_cause::failed : peal::dead_cause::blocked_by;
    if (chance(10)) q.number = 1 + below(200);
    return q;
  }
  void redrive(const peal::dead_letter_query& q) {
    const bool both = chance(50);
    if (both || chance(50)) redriven += fx_.bus.redrive<placed>(q);
    if (both || calm_) redriven += fx_.bus.redrive<cancelled>(q);
  }
  void throw_away(const peal::dead_letter_query& q) {
    for (const auto& l : fx_.bus.dead_letters<placed>(q)) {
      if (fx_.bus.discard_letters<placed>({.number = l.number}) == 1) ended(l.event);
    }
  }

  std::set<letter> letters() {
    std::set<letter> all;
    for (const auto& l : fx_.bus.dead_letters<placed>()) all.insert({l.event.key, l.event.seq});
    for (const auto& l : fx_.bus.dead_letters<cancelled>()) all.insert({l.event.key, l.event.seq});
    return all;
  }

  /// Everything but the letters ends with the subscription.
  void restart() {
    ++stops;
    stalls += sub_->statistics().key_stalls;
    const auto meter = sub_->counters();
    sub_.reset();
    lost += meter.statistics().stopped;
    const std::set<letter> kept = letters();
    for (auto& [key, seqs] : pending_) {
      for (auto it = seqs.begin(); it != seqs.end();) {
        it = kept.count({std::optional<int>{key}, *it}) == 0 ? seqs.erase(it) : std::next(it);
      }
    }
    subscribe();
  }

  static constexpr std::uint32_t attempts = 3;

  const order_options o_;
  std::mt19937_64 random_;
  stepped<topic> fx_;
  std::size_t per_key_;
  std::size_t total_;
  std::optional<peal::subscription> sub_{};
  bool calm_ = false;
  int next_seq_ = 0;
  std::map<int, std::set<int>> pending_{};
  std::map<std::pair<bool, int>, std::vector<letter>> by_id_{};
  std::string wrong_{};
};

}  // namespace peal_test
