// SPDX-License-Identifier: MIT
// Whose cursors the journal keeps. Included by journal.hpp only.
#pragma once

#include <peal/bus/detail/journal.hpp>
#include <peal/bus/detail/shape.hpp>
#include <peal/bus/redrive_marks.hpp>
#include <peal/detail/hex.hpp>

namespace peal::inline v0::detail {

inline journal::journal(store& kept, bus_base& bus) : store_{kept}, bus_{bus} {
  alarm_.owner = trim_alarm_.owner = this;
  alarm_.fire = trim_alarm_.fire = [](timer_node& node) noexcept {
    static_cast<alarm&>(node).owner->topics_.front()->rouse_journal();
  };
  // Drawn once and kept: who has one goes on in a store that a bus was in.
  constexpr std::string_view prefix = "epoch ";
  store_.claims(scope, [&](const stored_claim& c) {
    ended_well_ = ended_well_ || c.key == end_mark;
    if (c.key.substr(0, prefix.size()) != prefix) return;
    epoch_ = from_hex(c.key.substr(prefix.size()));
  });
  cut_off_ = epoch_ != 0 && !ended_well_;
}

/// One commit says that a life begins, unless there is nothing to say. Errors: store_error, bad_alloc.
inline void journal::begin_life() {
  std::vector<std::string> keys;
  if (epoch_ == 0) {
    epoch_ = bus_.runner->random_bits() | 1U;
    keys.push_back("epoch " + to_string(event_id{epoch_, 0}).substr(0, 16));
  }
  give_origins(keys);
  std::vector<std::string> stale;
  take_redrives(stale);
  store_batch b;
  if (ended_well_) b.claims.push_back({scope, end_mark, claim_state::abandoned, 0});
  for (const std::string& k : stale) b.claims.push_back({redrive_scope, k, claim_state::abandoned, 0});
  for (const std::string& k : keys) b.claims.push_back({scope, k, claim_state::committed, wall_now()});
  if (!b.empty()) store_.commit(b);
}

inline void journal::close() noexcept {
  flush();
  if (has_failed()) return;
  (void)rule_set<>{}.run([&] {  // without it the next life is only more careful
    store_batch b;
    b.claims.push_back({scope, end_mark, claim_state::committed, wall_now()});
    store_.commit(b);
  });
}

/// Where it was, by this life of the bus, which is newer than the store, or by the store.
inline void journal::look_up(durable_topic& t, kept_cursor& mine, beginning& b) {
  {
    const std::lock_guard lock{cursors_mutex_};
    for (const kept_cursor& c : cursors_) {
      if (c.topic != &t || !c.durable || c.name != mine.name) continue;
      b.known = true;
      b.at = c.wanted;
      mine.replay_end = c.replay_end;
    }
  }
  if (b.known) return;
  store_.cursors([&](const stored_cursor& c) {
    if (c.subscription != mine.name || c.topic != t.name) return;
    b.known = mine.known = true;
    b.at = mine.stored = c.position & position_mask;
  });
  if (!b.known) return;
  if (const position end = t.durable_to(); distance(b.at, end) > 0) {
    throw store_error(
        store_errc::corrupt, store_.place(), "go on with subscription \"" + mine.name + "\"",
        "its cursor in " + t.name + " says " + std::to_string(b.at) + ", and the topic ends at " + std::to_string(end));
  }
  mine.replay_end = replay_end(store_, mine.name, t.name);
}

/// Looks its name up and gives it a place among the cursors, without a seat yet.
inline void journal::recall(durable_topic& t, subscription_base& s, bool dropping) {
  beginning& b = s.begins;
  kept_cursor mine{s.name(), &t, &s, nullptr, !b.transient && !dropping};
  if (mine.durable) {
    look_up(t, mine, b);
    if (b.known) {
      if (const position first = store_.range(t.name).first; b.at < first) b.at = first;
      mine.wanted = b.at;
    } else if (b.from) {
      begin_in_past(t, mine, *b.from);
      b.known = true;
      b.at = mine.wanted;
    }
    s.replay_end = mine.replay_end;
    s.effects = &marks_of(t, mine.name);
    s.effects->hold(true);
    s.effects->publishes = s.looks != nullptr && s.looks->output_count != 0;
  }
  const bool kept_here = mine.durable;
  {
    const std::lock_guard lock{cursors_mutex_};
    bool stood = false;
    for (kept_cursor& c : cursors_) {
      stood = stood || (c.topic == &t && c.durable && mine.durable && c.name == mine.name);
    }
    if (!stood) cursors_.push_back(std::move(mine));
  }
  if (!kept_here) return;
  recall_rows(t, s);
  recall_claims(t, s);
  recall_effects(t, s);
}

/// A name that never stood leaves nothing behind.
inline void journal::forget(const subscription_base& s) noexcept {
  const std::lock_guard lock{cursors_mutex_};
  std::erase_if(cursors_, [&](const kept_cursor& c) { return c.recalled_for == &s; });
}

inline void journal::sits(const subscription_base& s, position at, bool durable) noexcept {
  const std::lock_guard lock{cursors_mutex_};
  for (kept_cursor& c : cursors_) {
    if (c.sits != nullptr || c.durable != durable || c.name != s.name() || &c.topic->topic != &s.topic()) continue;
    c.sits = &s;
    c.recalled_for = nullptr;
    c.wanted = c.began = s.rows != nullptr && distance(s.rows->resumed(), at) > 0 ? s.rows->resumed() : at;
    return;
  }
}

/// It is ending: where it goes on another time is where it could go on now.
inline void journal::leaves(const subscription_base& s) noexcept {
  const std::lock_guard lock{cursors_mutex_};
  for (auto c = cursors_.begin(); c != cursors_.end(); ++c) {
    if (c->sits != &s) continue;
    position at = 0;
    if (c->durable ? s.stored_position(at) : s.safe_position(at)) c->wanted = at;
    c->sits = nullptr;
    if (!c->durable) cursors_.erase(c);
    return;
  }
}

inline void journal::bury_undecodable(durable_topic& t, std::string_view subscription, const stored_event& e,
                                      std::string_view why) {
  bool there = false;
  store_.letters(t.name, [&](const stored_letter& l) {
    there = there ||
            (l.cause == dead_cause::undecodable && l.subscription == subscription && l.event.position == e.position);
  });
  if (there) return;
  byte_buffer errors;
  wire_writer w{errors};
  w.list(1);
  w.string(why);
  store_batch b;
  stored_letter& l = b.letters.emplace_back();
  l.subscription = subscription;
  l.number = t.topic.letters.take_number();
  l.event = e;
  l.cause = dead_cause::undecodable;
  l.died = wall_now();
  l.errors = errors;
  const std::lock_guard lock{mutex_};
  store_.commit(b);
}

inline durable_topic::durable_topic(topic_base& t, journal& j, std::string_view stored_as, const stored_ops* by_type)
    : topic{t}, log{j}, name{stored_as}, ops{by_type} {
  t.keeper = this;
  opened_at = j.stored_in().range(name).next;
  gate_.store(opened_at, std::memory_order_relaxed);
  j.add(*this);
}
inline void durable_topic::recall(subscription_base& s, bool dropping) { log.recall(*this, s, dropping); }
inline void durable_topic::forget(subscription_base& s) noexcept { log.forget(s); }

}  // namespace peal::inline v0::detail
