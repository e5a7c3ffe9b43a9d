// SPDX-License-Identifier: MIT
// What a store in LMDB is asked: records shown where they lie, while a snapshot keeps them.
#pragma once

#include <peal/adapters/lmdb/detail/tables.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace peal::inline v0::lmdb::detail {

/// Asks the environment.
///
/// Thread safety: every call from any thread.
class reader {
 public:
  reader(environment& e, std::string_view place) : e_{&e}, place_{place} {}

  tables t{};
  name_book names{};
  std::mutex changing;  ///< held by who commits, until the names of the batch are in the book

  topic_range range(std::string_view name) {
    const named* const topic = find(kind::topic, name);
    if (topic == nullptr) return {};
    const snapshot now{*e_};
    return range_of(now, *topic, next_of(now, topic->number));
  }

  /// Looks at every event.
  topic_size count(const named* topic) const {
    topic_size all;
    if (topic == nullptr) return all;
    const snapshot now{*e_};
    cursor at{now.get(), topic->events};
    for (bool more = at.first(); more; more = at.next()) {
      stored_event e;
      bool sound = false;
      event_record::read(at.value(), e, sound);
      all += size_of(e);
    }
    return all;
  }

  std::uint64_t read(std::string_view name, std::uint64_t from, std::size_t max, visitor<stored_event> show) {
    const named* const topic = find(kind::topic, name);
    if (topic == nullptr || max == 0) return from;
    const snapshot now{*e_};
    const std::uint64_t next = next_of(now, topic->number);
    if (from >= next) return from;
    cursor at{now.get(), topic->events};
    type_name type{};
    const auto begin = static_cast<std::size_t>(from);
    stored_event e;
    e.topic = topic->name;
    deadlines_from deadlines{now, t, topic->number, from};
    for (bool more = at.seek(raw(begin)); more; more = at.next()) {
      at.expect_next();
      e.position = position_of(at.key());
      e.deadline = deadlines.of(e.position);
      read_event(at.value(), e, type, topic->name, e.position);
      if (!show(e) || --max == 0) return e.position + 1;
    }
    return next;
  }

  std::uint64_t read_stream(std::string_view name, std::string_view of, std::uint64_t from, std::size_t max,
                            visitor<stored_event> show) {
    const named* const topic = find(kind::topic, name);
    if (topic == nullptr) return 0;
    const snapshot now{*e_};
    key_bytes where;
    where << topic->number << of;
    if (where.too_long()) return 0;
    byte_reader there{get(now.get(), t.streams, where)};
    const std::uint64_t id = there.number(8);
    const std::uint64_t newest = there.number(8);
    if (id == 0 || max == 0) return newest;
    key_bytes begin;
    begin << id << from;
    cursor at{now.get(), t.stream_events};
    type_name type{};
    for (bool more = at.seek(begin); more && byte_reader{at.key()}.sorted(8) == id; more = at.next()) {
      stored_event e;
      e.topic = topic->name;
      e.position = byte_reader{at.value()}.number(8);
      const auto position_key = static_cast<std::size_t>(e.position);
      read_event(get(now.get(), topic->events, raw(position_key)), e, type, topic->name, e.position);
      if (!show(e) || --max == 0) break;
    }
    return newest;
  }

  void topics(visitor<stored_topic> show) {
    refresh();
    const snapshot now{*e_};
    cursor at{now.get(), t.topics};
    for (bool more = at.first(); more; more = at.next()) {
      const named* const topic = names.find(static_cast<std::uint32_t>(byte_reader{at.key()}.sorted(4)));
      if (topic == nullptr) continue;  // newer than this look at the names
      if (!show({topic->name, range_of(now, *topic, byte_reader{at.value()}.number(8))})) return;
    }
  }

  void types(visitor<stored_type> show) {
    const snapshot now{*e_};
    cursor at{now.get(), t.types};
    for (bool more = at.first(); more; more = at.next()) {
      const named& type = name_of(static_cast<std::uint32_t>(byte_reader{at.key()}.sorted(4)));
      if (!show({type.name, type.version, at.value()})) return;
    }
  }

  void cursors(visitor<stored_cursor> show) {
    const snapshot now{*e_};
    cursor at{now.get(), t.cursors};
    for (bool more = at.first(); more; more = at.next()) {
      byte_reader key{at.key()};
      const named& who = name_of(static_cast<std::uint32_t>(key.sorted(4)));
      const named& topic = name_of(static_cast<std::uint32_t>(key.sorted(4)));
      if (!show({who.name, topic.name, byte_reader{at.value()}.number(8)})) return;
    }
  }

  void pending(std::string_view subscription, std::string_view topic, visitor<stored_pending> show) {
    const named* const who = find(kind::subscription, subscription);
    const named* const where = find(kind::topic, topic);
    if (who == nullptr || where == nullptr) return;
    const snapshot now{*e_};
    key_bytes begin;
    begin << who->number << where->number;
    cursor at{now.get(), t.pending};
    for (bool more = at.seek(begin); more && at.key().starts_with(begin); more = at.next()) {
      byte_reader value{at.value()};
      stored_pending p{who->name, where->name, byte_reader{at.key().substr(8)}.sorted(8)};
      p.attempts = static_cast<std::uint32_t>(value.number(4));
      p.due = static_cast<wall_time>(value.number(8));
      if (!show(p)) return;
    }
  }

  void claims(std::string_view scope, visitor<stored_claim> show) {
    const named* const who = find(kind::subscription, scope);
    if (who == nullptr) return;
    const snapshot now{*e_};
    key_bytes begin;
    begin << who->number;
    std::vector<stored_claim> all;  // what they name lies in the file
    cursor at{now.get(), t.claims};
    for (bool more = at.seek(begin); more && at.key().starts_with(begin); more = at.next()) {
      byte_reader value{at.value()};
      const auto state = static_cast<claim_state>(value.number(1));
      all.push_back({who->name, at.key().substr(4), state, static_cast<wall_time>(value.number(8))});
    }
    std::stable_sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.at < b.at; });
    for (const stored_claim& c : all) {
      if (!show(c)) return;
    }
  }

  void letters(std::string_view topic, visitor<stored_letter> show) {
    key_bytes begin;
    if (!topic.empty()) {
      const named* const only = find(kind::topic, topic);
      if (only == nullptr) return;
      begin << only->number;
    }
    const snapshot now{*e_};
    cursor at{now.get(), t.letters};
    type_name type{};
    for (bool more = topic.empty() ? at.first() : at.seek(begin); more && at.key().starts_with(begin);
         more = at.next()) {
      byte_reader key{at.key()};
      byte_reader r{at.value()};
      stored_letter l;
      l.event.topic = name_of(static_cast<std::uint32_t>(key.sorted(4))).name;
      l.number = key.sorted(8);
      l.subscription = name_of(static_cast<std::uint32_t>(r.number(4))).name;
      l.cause = static_cast<dead_cause>(r.number(1));
      l.attempts = static_cast<std::uint32_t>(r.number(4));
      l.cycles = static_cast<std::uint32_t>(r.number(4));
      l.died = static_cast<wall_time>(r.number(8));
      l.blocked_by = r.number(8);
      l.event.position = r.number(8);
      l.errors = as_bytes(r.take(static_cast<std::size_t>(r.number(4))));
      read_event(r.rest(), l.event, type, "the letter", l.number);
      if (!show(l)) return;
    }
  }

  void timers(visitor<stored_timer> show) {
    const snapshot now{*e_};
    std::vector<stored_timer> all;
    cursor at{now.get(), t.timers};
    type_name type{};
    for (bool more = at.first(); more; more = at.next()) {
      byte_reader r{at.value()};
      stored_timer one;
      one.id = byte_reader{at.key()}.sorted(8);
      one.due = static_cast<wall_time>(r.number(8));
      one.period = static_cast<std::int64_t>(r.number(8));
      one.event.topic = name_of(static_cast<std::uint32_t>(r.number(4))).name;
      one.event.position = r.number(8);
      read_event(r.rest(), one.event, type, "the timer", one.id);
      all.push_back(one);
    }
    std::stable_sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.due < b.due; });
    for (const stored_timer& one : all) {
      if (!show(one)) return;
    }
  }

  /// What is not in the book is looked for again: the writer may be another process, or another thread just now.
  const named* find(kind k, std::string_view name) {
    if (const named* n = names.find(k, 0, name); n != nullptr) return n;
    refresh();
    return names.find(k, 0, name);
  }

 private:
  /// Those of a topic's events, in the order of the events.
  class deadlines_from {
   public:
    deadlines_from(const snapshot& now, const tables& t, std::uint32_t topic, std::uint64_t from) : topic_{topic} {
      if (!t.has_deadlines) return;
      at_.emplace(now.get(), t.deadlines);
      key_bytes begin;
      begin << topic << from;
      take(at_->seek(begin));
    }
    [[nodiscard]] wall_time of(std::uint64_t position) {
      while (position_ < position) take(at_->next());
      return position_ == position ? static_cast<wall_time>(byte_reader{at_->value()}.number(8)) : 0;
    }

   private:
    void take(bool there) {
      position_ = ~std::uint64_t{0};
      if (!there) return;
      byte_reader key{at_->key()};
      if (key.sorted(4) == topic_) position_ = key.sorted(8);
    }
    const std::uint32_t topic_;
    std::optional<cursor> at_{};
    std::uint64_t position_ = ~std::uint64_t{0};  ///< of the next one
  };

  /// The type of the last event, so that the book is asked once for many of one type.
  struct type_name {
    std::uint32_t number = 0;
    const named* name = nullptr;
  };

  void refresh() {
    unsigned flags = 0;
    check(::mdb_env_get_flags(e_->get(), &flags));
    const std::lock_guard hold{changing};
    if ((flags & MDB_RDONLY) == 0) return;  // what was committed a moment ago has told its names by now
    transaction txn{e_->get(), MDB_RDONLY};
    names.read(txn.get(), t);
    txn.commit();
  }

  const named& name_of(std::uint32_t number) {
    const named* n = names.find(number);
    if (n == nullptr) {
      refresh();
      n = names.find(number);
    }
    if (n == nullptr) throw store_error(store_errc::corrupt, place_, "look up the name " + std::to_string(number));
    return *n;
  }

  void read_event(std::string_view record, stored_event& e, type_name& last, std::string_view what,
                  std::uint64_t number) {
    bool sound = false;
    const std::uint32_t type = event_record::read(record, e, sound);
    if (!sound) damaged(what, number);
    if (type != last.number) last = {type, &name_of(type)};
    e.name = last.name->name;
    e.version = last.name->version;
  }

  [[noreturn]] void damaged(std::string_view what, std::uint64_t number) const {
    throw store_error(store_errc::corrupt, place_, std::string("read ").append(what) + " at " + std::to_string(number),
                      "its checksum is another");
  }

  std::uint64_t next_of(const snapshot& now, std::uint32_t topic) const {
    key_bytes key;
    key << topic;
    return byte_reader{get(now.get(), t.topics, key)}.number(8);
  }
  static topic_range range_of(const snapshot& now, const named& topic, std::uint64_t next) {
    cursor at{now.get(), topic.events};
    return {at.first() ? position_of(at.key()) : next, next};
  }

 public:
  /// LMDB sorts integer keys as the machine has them.
  static std::string_view raw(const std::size_t& position) noexcept {
    return {reinterpret_cast<const char*>(&position), sizeof position};
  }
  static std::uint64_t position_of(std::string_view key) noexcept {
    std::size_t position = 0;
    std::memcpy(&position, key.data(), std::min(key.size(), sizeof position));
    return position;
  }

 private:
  environment* e_;
  std::string_view place_;
};

}  // namespace peal::inline v0::lmdb::detail
