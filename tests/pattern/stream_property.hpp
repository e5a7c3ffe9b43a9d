// SPDX-License-Identifier: MIT
// Whatever store keeps the streams: a state as of any position is the fold of the events up to there.
#pragma once

#include <peal/pattern/aggregates.hpp>
#include <peal/pattern/replay.hpp>

#include <cstdint>
#include <cstdio>
#include <map>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "pattern/bank.hpp"
#include "support/catch.hpp"
#include "support/stress_options.hpp"

namespace bank {

using balances = peal::aggregates<balance, accounts>;

/// Appends at random to five streams, by decisions and by appends that look at nothing.
inline void write_at_random(peal::store& kept, std::uint64_t seed, std::uint64_t times) {
  std::mt19937_64 draw{seed};
  accounts streams{kept, "bank.accounts"};
  balances all{streams, {.snapshot_every = 1 + draw() % 20}};
  for (std::uint64_t i = 0; i < times; ++i) {
    const std::string key(1, static_cast<char>('a' + draw() % 5));
    const auto cents = static_cast<std::int64_t>(draw() % 1'000);
    switch (draw() % 4) {
      case 0: all.update(key, [&](const balance&) { return opened{key + std::to_string(cents)}; }); break;
      case 1: streams.append(key, peal::any_version, deposited{cents}, withdrawn{cents / 2}); break;
      default: all.update(key, [&](const balance& b) { return withdrawn{b.cents / 3 - cents}; });
    }
  }
}

/// Three writers at once, and then every state at random positions, with snapshots and without.
inline void states_are_folds_of_prefixes(peal::store& kept, std::uint64_t times) {
  std::mt19937_64 random{peal_test::seed()};
  std::vector<std::thread> writers;
  for (int t = 0; t < 3; ++t) {
    writers.emplace_back([&kept, times, seed = random()] { write_at_random(kept, seed, times); });
  }
  for (std::thread& w : writers) w.join();

  accounts streams{kept, "bank.accounts"};
  balances all{streams};
  const std::uint64_t end = kept.range("bank.accounts").next;
  std::map<std::string, peal::rebuilt<balance>> model;
  std::uint64_t checked = 0;
  std::uint64_t wrong = 0;
  const auto check = [&](const std::string& key, const peal::rebuilt<balance>& then, std::uint64_t position) {
    const auto fast = all.load(key, {.position = position});
    const auto slow = peal::rebuild<balance>(streams, key, {.position = position});
    const bool same = fast.state == then.state && slow.state == then.state && fast.version == then.version &&
                      slow.version == then.version;
    ++(same ? checked : wrong);
  };
  const auto step = [&](const auto& event, const peal::replayed_event& about) {
    auto& known = model[std::string(about.key())];
    known.state.apply(event);
    wrong += about.stream_version() == ++known.version ? 0U : 1U;
    if (about.position() + 1 != end && random() % 16 != 0) return;
    for (const auto& [key, then] : model) check(key, then, about.position());
  };
  const auto report = peal::replay<opened, deposited, withdrawn>(kept, "bank.accounts", {}, step);
  const auto snapshots = kept.range(all.snapshot_topic());
  std::printf("aggregates: seed=%llu events=%llu snapshots=%llu states right=%llu wrong=%llu\n",
              static_cast<unsigned long long>(peal_test::seed()), static_cast<unsigned long long>(end),
              static_cast<unsigned long long>(snapshots.next), static_cast<unsigned long long>(checked),
              static_cast<unsigned long long>(wrong));
  CHECK(report.handled == end);
  CHECK(snapshots.next > 0);
  CHECK(checked > 0);
  CHECK(wrong == 0);
}

}  // namespace bank
