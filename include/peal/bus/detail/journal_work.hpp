// SPDX-License-Identifier: MIT
// One commit of the journal. Included by journal.hpp only.
#pragma once

#include <peal/bus/detail/journal.hpp>

#include <limits>

namespace peal::inline v0::detail {

inline bool journal::work() noexcept {
  const std::lock_guard lock{mutex_};
  if (has_failed()) return false;
  bool more = false;
  try {
    take_snapshot();
    more = commit_some();
    if (rests_.exchange(false, std::memory_order_acq_rel)) note_failure({});
    if (!more && !all_done()) look_again_in(wait_);
  } catch (const store_error& e) {
    if (e.code() != store_errc::no_space) {
      fail(e.what());
    } else {  // nothing of it was kept, nothing is lost: once there is space it goes on
      rests_.store(true, std::memory_order_release);
      note_failure(e.what());
      look_again_in(late);
    }
  } catch (const std::bad_alloc&) {
    rests_.store(true, std::memory_order_release);
    note_failure("peal: no memory for a commit; it is tried again");
    look_again_in(soon);
  } catch (const std::exception& e) {
    fail(e.what());
  } catch (...) {
    fail("peal: a codec threw something that is no std::exception");
  }
  trim_some();
  return more;
}

inline void journal::flush() noexcept {
  for (int quiet = 0; quiet != 2 && !has_failed();) {  // the second time sees what the first one's commit has not
    const bool more = work();
    if (rests()) return;
    quiet = more ? 0 : quiet + 1;
  }
}

/// Where everybody is, and up to where the topics must be in the store before that may be; none while a lane has something.
inline void journal::take_snapshot() {
  if (snap_.active) return;
  bool changed = false;
  {
    const std::lock_guard lock{cursors_mutex_};
    for (kept_cursor& c : cursors_) {
      if (!c.durable) continue;
      if (c.sits != nullptr) (void)c.sits->stored_position(c.wanted);
      if (c.rows != nullptr && c.rows->take()) changed = true;  // behind its cursor: what that has passed is there
      changed = changed || !c.known || c.wanted != c.stored;
    }
    snap_.cursors.assign(cursors_.begin(), cursors_.end());
  }
  const std::uint64_t left_lanes = given_up();
  snap_.words.clear();
  for (const durable_topic* t : topics_) {
    snap_.words.push_back(t->words.count());
    changed = changed || snap_.words.back() != 0;
  }
  if (take_claims()) changed = true;
  if (timers_.take()) changed = true;
  for (const durable_topic* t : topics_) {
    if (t->topic.in_lane() != 0) return;  // it may hold what a handled event has published
  }
  if (given_up() != left_lanes) return;  // or it did, and that is a letter now whose word is not among these
  snap_.heads.clear();
  for (const durable_topic* t : topics_) snap_.heads.push_back(t->head());
  snap_.active = changed;
}

inline std::uint64_t journal::given_up() const noexcept {
  std::uint64_t sum = 0;
  for (const durable_topic* t : topics_) sum += t->topic.given_up.load(std::memory_order_seq_cst);
  return sum;
}

inline bool journal::commit_some() {
  batch_.clear();
  bytes_.clear();
  ends_.clear();
  reached_.clear();
  for (durable_topic* t : topics_) gather(*t);
  bool whole = snap_.active;
  for (std::size_t i = 0; i != topics_.size(); ++i) whole = whole && distance(reached_[i], snap_.heads[i]) >= 0;
  const bool any = !batch_.events.empty();
  gather_new_names();
  if (whole) gather_snapshot();
  if (!types_kept_ && (any || !batch_.timers.empty())) describe_types();
  if (batch_.empty()) return false;
  settle_views();
  store_.commit(batch_);
  types_kept_ = types_kept_ || !batch_.types.empty();
  for (std::size_t i = 0; i != topics_.size(); ++i) {
    if (reached_[i] != topics_[i]->durable_to()) topics_[i]->open_to(reached_[i]);
  }
  if (any) news_.notify_all(side::rare);
  new_names_known();
  if (whole) {
    committed();
    clear_claims();
  }
  wait_ = soon;
  return any || snap_.active;
}

/// Key and payload. Errors: bad_alloc; error, which names the event.
inline void journal::encode(const durable_topic& t, const stored_ops& ops, position p, const void* event) {
  try {
    if (ops.key != nullptr) ops.key(event, bytes_);
    ends_.push_back(bytes_.size());
    ops.encode(event, bytes_);
    ends_.push_back(bytes_.size());
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const std::exception& e) {
    throw error("peal: topic \"" + t.name + "\": " + std::string(ops.name) + " at " + std::to_string(p) +
                " cannot be encoded: " + e.what());
  }
}

/// Not 0, which says that there is none.
[[nodiscard]] inline wall_time wall_deadline(time_point deadline, wall_time wall, time_point steady) noexcept {
  constexpr wall_time latest = std::numeric_limits<wall_time>::max();
  const std::int64_t left = (deadline - steady).count();
  if (left > latest - wall) return latest;
  return wall + left == 0 ? 1 : wall + left;
}

/// The events of one topic that are published and not in the store.
inline void journal::gather(durable_topic& t) {
  const position first = t.durable_to();
  const std::size_t room = batch_.events.size() < most_events ? most_events - batch_.events.size() : 0;
  const position last = t.published_run(first, room);
  const batch b = t.slots(first, last);
  const wall_time now = wall_now();
  const time_point steady = bus_.runner->now();
  position p = first;
  for (; p != last && bytes_.size() < most_bytes; p = advance(p, 1)) {
    const std::uint8_t tag = b.tag(p);
    const envelope* const around = b.around(p, tag);
    const stored_ops& ops = t.ops[tag & slot_tag::type_mask];
    encode(t, ops, p, b.event(p));
    stored_event& e = batch_.events.emplace_back();
    e.topic = t.name;
    e.position = p;
    e.name = ops.name;
    e.version = ops.version;
    e.id = t.topic.id_at(p);
    e.correlation = around != nullptr && around->correlation ? around->correlation : e.id;
    e.published = now;
    if (around == nullptr) continue;
    e.causation = around->causation;
    if (around->published != time_point{}) e.published = now - (steady - around->published).count();
    if (around->deadline != time_point::max()) e.deadline = wall_deadline(around->deadline, now, steady);
  }
  reached_.push_back(p);
}

/// Behind the look at the events: who stood before one of these was published is known with it, whatever a snapshot waits
/// for. Nothing before the place where it began is its own.
inline void journal::gather_new_names() {
  {
    const std::lock_guard lock{cursors_mutex_};
    new_names_.clear();
    for (const kept_cursor& c : cursors_) {
      if (c.durable && !c.known && c.sits != nullptr) new_names_.push_back(c);
    }
  }
  for (const kept_cursor& c : new_names_) batch_.cursors.push_back({c.name, c.topic->name, c.began});
}
inline void journal::new_names_known() noexcept {
  if (new_names_.empty()) return;
  const std::lock_guard lock{cursors_mutex_};
  for (kept_cursor& c : cursors_) {
    for (const kept_cursor& n : new_names_) {
      if (n.topic != c.topic || n.name != c.name || !c.durable || c.known) continue;
      c.known = true;
      c.stored = n.began;
    }
  }
}

inline void journal::describe_types() {
  schemas_.clear();
  for (const durable_topic* t : topics_) {
    for (std::uint8_t i = 0; i != t->topic.type_count; ++i) schemas_.push_back(t->ops[i].schema());
  }
  std::size_t at = 0;
  for (const durable_topic* t : topics_) {
    for (std::uint8_t i = 0; i != t->topic.type_count; ++i) {
      batch_.types.push_back({t->ops[i].name, t->ops[i].version, schemas_[at++]});
    }
  }
}

inline void journal::gather_snapshot() {
  for (const kept_cursor& c : snap_.cursors) {
    if (c.durable && (!c.known || c.wanted != c.stored)) batch_.cursors.push_back({c.name, c.topic->name, c.wanted});
  }
  for (std::size_t i = 0; i != topics_.size(); ++i) {
    const std::vector<letter_word> words = topics_[i]->words.first(snap_.words[i]);
    for (std::size_t k = 0; k != words.size(); ++k) {
      const std::uint64_t number = words[k].letter != nullptr ? words[k].letter->number : words[k].gone;
      bool later = false;  // only the last word about a letter counts
      for (std::size_t n = k + 1; n != words.size() && !later; ++n) {
        later = (words[n].letter != nullptr ? words[n].letter->number : words[n].gone) == number;
      }
      if (later) continue;
      if (words[k].letter == nullptr) {
        batch_.letters_gone.push_back({topics_[i]->name, number});
      } else {
        write_letter(*topics_[i], *words[k].letter);
      }
    }
  }
  gather_rows();
  gather_gone_claims();
  gather_claims();
  gather_timers();
}

inline void journal::write_letter(const durable_topic& t, const kept& l) {
  const stored_ops& ops = t.ops[l.type];
  ops.encode(l.event(), bytes_);
  ends_.push_back(bytes_.size());
  wire_writer w{bytes_};
  w.list(l.errors.entries().size());
  for (const attempt_error& e : l.errors.entries()) w.string(error_text(e));
  ends_.push_back(bytes_.size());
  stored_letter& s = batch_.letters.emplace_back();
  s.subscription = l.subscription;  // the word that names it keeps it where it is until the commit is over
  s.number = l.number;
  s.event.topic = t.name;
  s.event.name = ops.name;
  s.event.version = ops.version;
  if (l.has_position) {
    s.event.position = l.position;
    s.event.id = t.topic.id_at(l.position);
    s.event.correlation = s.event.id;
  }
  if (l.has_envelope && l.around.correlation) s.event.correlation = l.around.correlation;
  if (l.has_envelope) s.event.causation = l.around.causation;
  s.cause = l.cause;
  s.attempts = l.attempts;
  s.cycles = l.cycles;
  s.died = wall_now() - (bus_.runner->now() - l.died_at).count();
  s.blocked_by = l.blocked_by;
}

/// The bytes stay where they are from now on.
inline void journal::settle_views() noexcept {
  std::size_t from = 0;
  std::size_t i = 0;
  const auto next = [&] {
    const byte_view v{bytes_.data() + from, ends_[i] - from};
    from = ends_[i++];
    return v;
  };
  for (stored_event& e : batch_.events) {
    const byte_view key = next();
    e.key = {reinterpret_cast<const char*>(key.data()), key.size()};
    e.payload = next();
  }
  for (stored_letter& l : batch_.letters) {
    l.event.payload = next();
    l.errors = next();
  }
}

/// The snapshot is in the store.
inline void journal::committed() noexcept {
  snap_.active = false;
  for (std::size_t i = 0; i != topics_.size(); ++i) topics_[i]->words.forget(snap_.words[i]);
  for (const kept_cursor& c : snap_.cursors) {
    if (c.claims != nullptr) c.claims->forget_taken();
    if (c.rows != nullptr) c.rows->forget_taken();
  }
  timers_.forget_taken();
  const std::lock_guard lock{cursors_mutex_};
  for (const auto& m : marks_) m->forget_gone();
  for (kept_cursor& c : cursors_) {
    for (const kept_cursor& s : snap_.cursors) {
      if (s.topic != c.topic || s.name != c.name || !s.durable) continue;
      c.known = true;
      c.stored = s.wanted;
      if (s.replayed) c.replay_end = 0;
    }
  }
}

/// Nothing can become different but by a publication.
inline bool journal::all_done() const noexcept {
  if (timers_.any()) return false;
  for (const durable_topic* t : topics_) {
    if (t->words.count() != 0 || t->topic.in_lane() != 0) return false;
  }
  const std::lock_guard lock{cursors_mutex_};
  for (const kept_cursor& c : cursors_) {
    if (c.claims != nullptr && c.claims->any()) return false;
    if (c.rows != nullptr && !c.rows->quiet()) return false;
    if (c.durable && (!c.known || (c.sits != nullptr && c.stored != c.topic->head()))) return false;
  }
  return true;
}

/// Each time later, until something has been committed.
inline void journal::look_again_in(nanoseconds time) noexcept {
  wait_ = smaller(time * 2, late);
  bus_.runner->arm(alarm_, saturating_add(bus_.runner->now(), time));
}

inline void journal::fail(std::string_view why) noexcept {
  note_failure(why);
  failed_.store(true, std::memory_order_release);
  rests_.store(true, std::memory_order_release);
  for (durable_topic* t : topics_) t->refuse();
  news_.notify_all(side::rare);
  bus_.progress.notify_all(side::rare);
}

}  // namespace peal::inline v0::detail
