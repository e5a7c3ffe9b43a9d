// SPDX-License-Identifier: MIT
// The contract suite notices stores that break the contract, and says which case.
#include <peal/store/memory_store.hpp>
#include <peal/testing/contract/store_contract.hpp>
#include <peal/testing/store_wrapper.hpp>

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "support/catch.hpp"

namespace {

namespace contract = peal::testing;
using peal::store_batch;
using peal::stored_event;
using peal::visitor;

/// A memory_store behind a flaw.
struct flawed : contract::store_wrapper {
  flawed() : store_wrapper{&kept} {}
  peal::memory_store kept;
};

struct keeps_cursors_of_refused_batches final : flawed {
  void commit(const store_batch& b) override {
    store_batch cursors;
    cursors.cursors = b.cursors;
    kept.commit(cursors);
    kept.commit(b);
  }
};
struct takes_any_position final : flawed {
  void commit(const store_batch& b) override {
    store_batch right = b;
    for (stored_event& e : right.events) e.position = kept.range(e.topic).next;
    if (right.events.size() == 1) return kept.commit(right);
    kept.commit(b);
  }
};
struct ignores_false final : flawed {
  std::uint64_t read(std::string_view topic, std::uint64_t from, std::size_t max,
                     visitor<stored_event> show) const override {
    return kept.read(topic, from, max, [&](const stored_event& e) { (void)show(e); });
  }
};
struct shows_one_too_many final : flawed {
  std::uint64_t read(std::string_view topic, std::uint64_t from, std::size_t max,
                     visitor<stored_event> show) const override {
    return kept.read(topic, from, max == 0 ? 0 : max - 1 + 2, show);
  }
};
struct cuts_keys_at_nul final : flawed {
  void commit(const store_batch& b) override {
    store_batch cut = b;
    for (auto& c : cut.claims) c.key = c.key.substr(0, c.key.find('\0'));
    kept.commit(cut);
  }
};
struct loses_attempts_of_zero final : flawed {
  void commit(const store_batch& b) override {
    store_batch wrong = b;
    std::erase_if(wrong.pending, [](const auto& p) { return p.attempts == 0; });
    kept.commit(wrong);
  }
};
struct forgets_what_is_claimed final : flawed {
  std::uint64_t forget_claims(std::string_view scope, peal::wall_time before) override {
    store_batch gone;
    std::vector<std::string> keys;
    kept.claims(scope, [&](const peal::stored_claim& c) {
      if (c.state == peal::claim_state::claimed && c.at < before) keys.emplace_back(c.key);
    });
    for (const auto& k : keys) gone.claims.push_back({scope, k, peal::claim_state::abandoned, 0});
    kept.commit(gone);
    return kept.forget_claims(scope, before);
  }
};
struct trims_letters_too final : flawed {
  std::uint64_t trim(std::string_view topic, std::uint64_t before) override {
    std::vector<std::uint64_t> numbers;
    kept.letters(topic, [&](const peal::stored_letter& l) { numbers.push_back(l.number); });
    store_batch gone;
    for (const auto n : numbers) gone.letters_gone.push_back({topic, n});
    kept.commit(gone);
    return kept.trim(topic, before);
  }
};
struct timers_by_id final : flawed {
  void timers(visitor<peal::stored_timer> show) const override {
    std::vector<peal::stored_timer> all;
    kept.timers([&](const peal::stored_timer& t) { all.push_back(t); });
    std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
    for (const auto& t : all) {
      if (!show(t)) return;
    }
  }
};
struct counts_no_keys final : flawed {
  peal::topic_size size(std::string_view topic) const override {
    peal::topic_size all;
    kept.read(topic, 0, ~std::size_t{0}, [&](const stored_event& e) { all += {1, e.payload.size()}; });
    return all;
  }
};
struct forgets_deadlines final : flawed {
  void commit(const store_batch& b) override {
    store_batch without = b;
    for (stored_event& e : without.events) e.deadline = 0;
    kept.commit(without);
  }
};
/// Commits a batch in two parts, so that others see the first alone.
struct shows_parts final : flawed {
  void commit(const store_batch& b) override {
    if (b.events.size() < 20) return kept.commit(b);
    store_batch first = b;
    first.events.resize(10);
    kept.commit(first);
    store_batch second;
    second.events.assign(b.events.begin() + 10, b.events.end());
    for (int i = 0; i < 100; ++i) std::this_thread::yield();
    kept.commit(second);
  }
};

template <class Store>
class place_of final : public contract::store_place {
 public:
  std::unique_ptr<peal::store> open() override { return std::make_unique<Store>(); }
};

/// The names of the cases that a store fails.
template <class Store>
std::vector<std::string> failed() {
  std::vector<std::string> names;
  for (const contract::store_case& c : contract::store_contract) {
    place_of<Store> place;
    try {
      contract::run(c, place);
    } catch (const contract::contract_violation& e) {
      names.emplace_back(c.name);
      CHECK(std::string(e.what()).size() > 60);
    }
  }
  return names;
}

template <class Store>
bool fails(std::string_view name) {
  const auto names = failed<Store>();
  CAPTURE(names);
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

TEST_CASE("store_contract: a store that breaks it is noticed by the case that names the flaw", "[store][contract]") {
  CHECK(failed<flawed>().empty());
  CHECK(fails<keeps_cursors_of_refused_batches>("a gap is refused as a conflict and its batch has no effect at all"));
  CHECK(fails<takes_any_position>("trimming removes the oldest and never uses a position again"));
  CHECK(fails<ignores_false>("a visitor that says false sees no more"));
  CHECK(fails<shows_one_too_many>("a read starts and ends where it is told"));
  CHECK(fails<cuts_keys_at_nul>("empty, binary and huge payloads and keys"));
  CHECK(fails<loses_attempts_of_zero>("pending deliveries"));
  CHECK(fails<forgets_what_is_claimed>("claims"));
  CHECK(fails<trims_letters_too>("dead letters"));
  CHECK(fails<timers_by_id>("timers"));
  CHECK(fails<counts_no_keys>("a topic's size is that of what is there"));
  CHECK(fails<forgets_deadlines>("an event's deadline comes back with it"));
  CHECK(fails<shows_parts>("threads read whole batches while another commits"));
}
