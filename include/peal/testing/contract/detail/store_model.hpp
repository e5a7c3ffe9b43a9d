// SPDX-License-Identifier: MIT
// The contract's cases that compare a store with a simple model, the memory_store, over random batches.
#pragma once

#include <peal/store/memory_store.hpp>
#include <peal/testing/contract/detail/store_progress.hpp>
#include <peal/testing/contract/detail/store_retention.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

namespace peal::inline v0::testing::contract_cases {

/// Draws batches and other calls that make sense for what a model has, and some that must be refused.
class random_calls {
 public:
  explicit random_calls(std::uint64_t seed) : random_{seed} {}

  std::uint64_t below(std::uint64_t n) { return random_() % n; }

  /// Does the same to both; what the model refuses, the store must refuse.
  void one(store& s, store& model) {
    const std::string& topic = pick(names_.topics);
    const topic_range r = model.range(topic);
    switch (below(12)) {
      case 0: {
        const std::uint64_t before = r.first + below(4);
        return expect("removed by a trim", s.trim(topic, before), model.trim(topic, before));
      }
      case 1: {
        const std::uint64_t before = r.next - below(r.next - r.first + 1);
        return expect("removed by a compaction", s.compact(topic, before), model.compact(topic, before));
      }
      case 2: {
        const wall_time before = static_cast<wall_time>(below(now_));
        const std::string& scope = pick(names_.subscriptions);
        return expect("claims forgotten", s.forget_claims(scope, before), model.forget_claims(scope, before));
      }
      case 3:
        if (below(8) == 0) {
          const std::string& who = pick(names_.subscriptions);
          s.forget_subscription(who);
          model.forget_subscription(who);
        }
        return;
      default: return batch(s, model);
    }
  }

 private:
  const std::string& pick(const std::vector<std::string>& all) { return all[below(all.size())]; }

  void batch(store& s, store& model) {
    ++now_;
    payloads_.assign(8, {});
    store_batch b;
    draw_events(b, model);
    draw_progress(b);
    draw_letters(b);
    std::optional<store_errc> refusal;
    try {
      model.commit(b);
    } catch (const store_error& e) {
      refusal = e.code();
    }
    if (refusal.has_value()) return refused("a batch that the model refuses", *refusal, s, [&] { s.commit(b); });
    s.commit(b);
  }

  void draw_events(store_batch& b, const store& model) {
    std::uint64_t next[2] = {model.range(names_.topics[0]).next, model.range(names_.topics[1]).next};
    std::vector<std::uint64_t> versions(6);
    for (std::size_t i = below(8); i-- > 0;) {
      const std::size_t t = below(2);
      const std::size_t k = below(4);
      payloads_[i].assign(below(300), static_cast<char>(below(256)));
      const std::string_view key = k < 3 ? std::string_view{names_.keys[k]} : std::string_view{};
      std::uint64_t version = 0;
      if (k < 3 && below(2) == 0) {
        std::uint64_t& v = versions[3 * t + k];
        if (v == 0) v = model.read_stream(names_.topics[t], key, 1, 0, [](const stored_event&) {});
        version = ++v;
      }
      const std::uint64_t wrong = below(100) == 0 ? 1 : 0;
      stored_event e = event_at(names_.topics[t], next[t]++ + wrong, payloads_[i], key, version);
      if (below(3) == 0) e.correlation = e.id;
      if (below(3) == 0) e.causation = {};
      if (below(3) == 0) e.deadline = static_cast<wall_time>(below(1'000) + 1);
      e.version = static_cast<std::uint32_t>(below(3) + 1);
      b.events.push_back(e);
    }
  }

  void draw_progress(store_batch& b) {
    for (std::uint64_t i = below(3); i-- > 0;) {
      const std::string_view who = pick(names_.subscriptions);
      const std::string_view topic = pick(names_.topics);
      b.cursors.push_back({who, topic, below(1'000)});
      b.pending.push_back(
          {who, topic, below(30), static_cast<std::uint32_t>(below(3)), static_cast<wall_time>(below(9))});
      // Moments differ, so that their order says all.
      b.claims.push_back(
          {who, pick(names_.keys), static_cast<claim_state>(1 + below(3)), static_cast<wall_time>(now_ * 8 + i)});
      b.types.push_back({names_.keys[below(3)], static_cast<std::uint32_t>(below(3)), names_.keys[below(3)]});
    }
    if (below(3) == 0) b.timers.push_back(timer_at(below(10), static_cast<wall_time>(now_)));
    if (below(4) == 0) b.timers_gone.push_back(below(10));
  }

  void draw_letters(store_batch& b) {
    for (std::uint64_t i = below(3); i-- > 0;) b.letters.push_back(letter_at(pick(names_.topics), below(20)));
    for (std::uint64_t i = below(3); i-- > 0;) b.letters_gone.push_back({pick(names_.topics), below(20)});
  }

  std::mt19937_64 random_;
  const names names_{};
  std::uint64_t now_ = 1;
  std::vector<std::string> payloads_{};
};

inline std::string of_seed(const char* what, std::uint64_t seed, int call) {
  return std::string(what) + ", seed " + std::to_string(seed) + ", call " + std::to_string(call);
}

inline void like_the_model(store_place& place) {
  const auto s = place.open();
  const std::uint64_t seed = std::random_device{}();
  memory_store model{s->place()};
  random_calls calls{seed};
  for (int i = 0; i < 400; ++i) {
    try {
      calls.one(*s, model);
      if (i % 10 != 9) continue;
      expect("everything", everything(*s), everything(model));
      expect("sizes", sizes(*s), sizes(model));
    } catch (const contract_violation& e) {
      violated(of_seed(e.what(), seed, i));
    }
  }
}

inline void reopened_like_the_model(store_place& place) {
  const std::uint64_t seed = std::random_device{}();
  auto s = place.open();
  memory_store model{s->place()};
  random_calls calls{seed};
  for (int i = 0; i < 150; ++i) {
    try {
      calls.one(*s, model);
      if (calls.below(8) != 0) continue;
      s.reset();
      s = place.open();
      expect("everything after it was opened again", everything(*s), everything(model));
      expect("sizes after it was opened again", sizes(*s), sizes(model));
    } catch (const contract_violation& e) {
      violated(of_seed(e.what(), seed, i));
    }
  }
}

}  // namespace peal::inline v0::testing::contract_cases
