// SPDX-License-Identifier: MIT
// What the journal tells of itself: how far the store has come, and what it said no to. Included by journal.hpp only.
#pragma once

#include <peal/bus/detail/journal.hpp>

namespace peal::inline v0::detail {

/// Empty: all is well again.
inline void journal::note_failure(std::string_view what) noexcept {
  const std::lock_guard lock{cursors_mutex_};
  (void)rule_set<>{}.run([&] { failure_ = what; });
  unwell_.store(!what.empty() || !troubles_.empty(), std::memory_order_relaxed);
}

/// `of`: whose trouble it is, until trouble_over says the same; `who`: a subscription, if it is one's.
inline void journal::note_trouble(const void* of, std::string_view who, std::string_view what) noexcept {
  const std::lock_guard lock{cursors_mutex_};
  unwell_.store(true, std::memory_order_relaxed);
  (void)rule_set<>{}.run([&] {
    std::string text;
    if (!who.empty()) text.append("peal: subscription \"").append(who).append("\": ");
    text.append(what);
    for (trouble& t : troubles_) {
      if (t.of == of) return void(t.what = std::move(text));
    }
    troubles_.push_back({of, std::move(text)});
  });
}
inline void journal::trouble_over(const void* of) noexcept {
  const std::lock_guard lock{cursors_mutex_};
  std::erase_if(troubles_, [of](const trouble& t) { return t.of == of; });
  unwell_.store(!failure_.empty() || !troubles_.empty(), std::memory_order_relaxed);
}

inline std::vector<event_id> journal::not_kept() const {
  constexpr std::size_t most = 10'000;
  std::vector<event_id> ids;
  for (const durable_topic* t : topics_) {
    const position head = t->head();
    std::size_t of_it = 0;
    for (position p = t->durable_to(); distance(head, p) > 0 && of_it != most; p = advance(p, 1), ++of_it) {
      ids.push_back(t->topic.id_at(p));
    }
  }
  return ids;
}

inline durability_report journal::report() const {
  durability_report r;
  r.failed = has_failed();
  r.failure = failure();
  const auto ask = [&](auto question) {
    const auto refused = rule_set<>{}.run(question);  // what it cannot say now must not hide the rest
    if (refused && r.failure.empty()) r.failure = refused->error_text;
  };
  for (const durable_topic* t : topics_) {
    topic_durability& mine = r.topics.emplace_back(topic_durability{t->name, t->head(), t->durable_to()});
    ask([&] { mine.oldest = store_.range(t->name).first; });
  }
  if (r.failed) r.not_durable = not_kept();
  const auto head_of = [&](std::string_view topic) {
    for (const topic_durability& t : r.topics) {
      if (t.name == topic) return t.accepted;
    }
    return std::uint64_t{0};
  };
  const auto add = [&](std::string_view name, std::string_view topic, std::uint64_t at, bool orphaned) {
    const std::uint64_t head = head_of(topic);
    r.subscriptions.push_back({std::string(name), std::string(topic), at, head > at ? head - at : 0, orphaned});
  };
  {
    const std::lock_guard lock{cursors_mutex_};
    for (const kept_cursor& c : cursors_) {
      if (c.durable) add(c.name, c.topic->name, c.known ? c.stored : c.wanted, c.sits == nullptr);
    }
  }
  const std::size_t own = r.subscriptions.size();
  ask([&] {
    store_.cursors([&](const stored_cursor& c) {
      for (std::size_t i = 0; i != own; ++i) {
        if (r.subscriptions[i].name == c.subscription && r.subscriptions[i].topic == c.topic) return;
      }
      add(c.subscription, c.topic, c.position, true);
    });
  });
  return r;
}

}  // namespace peal::inline v0::detail
