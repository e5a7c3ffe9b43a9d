// SPDX-License-Identifier: MIT
// Letters that were marked while no bus had the store open go back. Included by journal.hpp only.
#pragma once

#include <peal/bus/detail/journal.hpp>
#include <peal/bus/detail/letter_desk.hpp>
#include <peal/bus/redrive_marks.hpp>

namespace peal::inline v0::detail {

/// Marks of letters that are there no more are gone as well: their numbers may come again. Errors: store_error, bad_alloc.
inline void journal::take_redrives(std::vector<std::string>& stale) {
  for (durable_topic* t : topics_) {
    std::vector<std::uint64_t> marked;
    store_.claims(redrive_scope, [&](const stored_claim& c) {
      std::uint64_t number = 0;
      if (place_in_key(c.key, t->name, number)) marked.push_back(number);
    });
    if (marked.empty()) continue;
    std::sort(marked.begin(), marked.end());
    std::vector<std::uint64_t> there;
    store_.letters(t->name, [&](const stored_letter& l) { there.push_back(l.number); });
    for (const std::uint64_t number : marked) {
      if (std::binary_search(there.begin(), there.end(), number)) {
        redrives_.push_back({t, number});
      } else {
        stale.push_back(place_key(t->name, number));
      }
    }
  }
}

/// A subscription stands. A mark that cannot be taken back is there again in the next life.
inline void journal::redrive_marked(durable_topic& t, const subscription_base& s) noexcept {
  const auto failed = rule_set<>{}.run([&] {
    std::vector<std::string> keys;
    std::vector<std::uint64_t> numbers;
    {
      const std::lock_guard lock{cursors_mutex_};
      for (const letter_mark& m : redrives_) {
        if (m.topic == &t) numbers.push_back(m.number);
      }
    }
    for (const std::uint64_t number : numbers) {
      const letter_ptr l = t.topic.letters.get(number);
      if (l == nullptr || l->subscription != s.name()) continue;
      letter_desk desk{bus_, t.topic, l->type};
      list<std::uint64_t> before_it;
      if (l->cause != dead_cause::overloaded && desk.judge(*l, {}, before_it) == redrive_errc::none) {
        (void)desk.bring_back(number, nullptr);
      }
      keys.push_back(place_key(t.name, number));
      const std::lock_guard lock{cursors_mutex_};
      std::erase_if(redrives_, [&](const letter_mark& m) { return m.topic == &t && m.number == number; });
    }
    if (keys.empty()) return;
    store_batch b;
    for (const std::string& k : keys) b.claims.push_back({redrive_scope, k, claim_state::abandoned, 0});
    const std::lock_guard lock{mutex_};
    store_.commit(b);
  });
  if (failed) note_failure(failed->error_text);
}

inline void durable_topic::stands(const subscription_base& s) noexcept { log.redrive_marked(*this, s); }

}  // namespace peal::inline v0::detail
