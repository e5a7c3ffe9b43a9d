// SPDX-License-Identifier: MIT
// A batch as statements within a transaction that somebody else begins and ends.
#pragma once

#include <peal/adapters/sqlite/detail/connection.hpp>
#include <peal/adapters/sqlite/detail/rows.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace peal::inline v0::sqlite::detail {

/// Writes batches; knows names only as long as a transaction lasts, so that a rollback leaves nothing wrong in memory.
///
/// Thread safety: the connection's.
class writer {
 public:
  writer(connection& c, std::string_view place) : place_{place} {
    for (std::size_t i = 0; i < count; ++i) all_[i] = statement{c.get(), sql(static_cast<which>(i))};
  }

  void write(const store_batch& b) {
    for (const stored_type& t : b.types) put_type(t);
    append(b.events);
    doing_ = nullptr;
    for (const auto& [name, t] : topics_) {
      if (t.moved) (at(move_topic) << t.row.id << t.row.next << t.row.sum(name)).run();
    }
    for (const stored_cursor& c : b.cursors) {
      const std::uint64_t who = subscription(c.subscription);
      const std::uint64_t where = topic(c.topic).row.id;
      (at(put_cursor) << who << where << c.position << row_sum({}, {who, where, c.position})).run();
    }
    for (const stored_pending& p : b.pending) put(p);
    for (const stored_claim& c : b.claims) put(c);
    for (const stored_letter& l : b.letters) put(l);
    for (const letter_ref& l : b.letters_gone) (at(drop_letter) << topic(l.topic).row.id << l.number).run();
    for (const stored_timer& t : b.timers) put(t);
    for (const std::uint64_t id : b.timers_gone) (at(drop_timer) << id).run();
    forget();
  }

  /// After a transaction, whatever became of it.
  void forget() noexcept {
    topics_.clear();
    subscriptions_.clear();
    types_.clear();
    last_topic_ = nullptr;
    last_type_ = nullptr;
    for (statement& s : all_) s.reset();
  }

  /// What write() was about when it threw.
  [[nodiscard]] std::string doing() const { return doing_ != nullptr ? peal::detail::appending(*doing_) : "commit"; }

 private:
  enum which : std::size_t {
    find_topic,
    last_topic,
    add_topic,
    move_topic,
    find_subscription,
    add_subscription,
    find_type,
    add_type,
    describe_type,
    find_stream,
    add_stream,
    move_stream,
    add_event,
    add_some_events,
    add_events,
    add_deadline,
    put_cursor,
    put_pending,
    drop_pending,
    put_claim,
    drop_claim,
    put_letter,
    drop_letter,
    put_timer,
    drop_timer,
    count
  };
  static std::string sql(which w) {
    switch (w) {
      case find_topic: return find_topic_sql;
      case last_topic: return "select max(id) from peal_topics";
      case add_topic: return "insert into peal_topics values (?, ?, 0, 0, 0, ?)";
      case move_topic: return "update peal_topics set next = ?2, checksum = ?3 where id = ?1";
      case find_subscription: return "select id from peal_subscriptions where name = ?";
      case add_subscription: return "insert into peal_subscriptions (name, checksum) values (?, ?) returning id";
      case find_type: return "select id from peal_types where name = ? and version = ?";
      case add_type: return "insert into peal_types (name, version, checksum) values (?, ?, ?) returning id";
      case describe_type: return "update peal_types set schema = ?2, checksum = ?3 where id = ?1 and schema is null";
      case find_stream: return "select id, newest, checksum from peal_streams where topic = ? and key = ?";
      case add_stream:
        return "insert into peal_streams (topic, key, newest, checksum) values (?, ?, 1, ?) returning id";
      case move_stream: return "update peal_streams set newest = ?2, checksum = ?3 where id = ?1";
      case add_event: return insert_events(1);
      case add_some_events: return insert_events(some);
      case add_events: return insert_events(together);
      case add_deadline: return "insert into peal_deadline_rows values (?, ?, ?)";
      case put_cursor: return "insert or replace into peal_cursor_rows values (?, ?, ?, ?)";
      case put_pending: return "insert or replace into peal_pending_rows values (?, ?, ?, ?, ?, ?)";
      case drop_pending: return "delete from peal_pending_rows where subscription = ? and topic = ? and position = ?";
      case put_claim: return "insert or replace into peal_key_rows values (?, ?, ?, ?, ?)";
      case drop_claim: return "delete from peal_key_rows where scope = ? and key = ?";
      case put_letter:
        return "insert or replace into peal_letter_rows values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, "
               "?)";
      case drop_letter: return "delete from peal_letter_rows where topic = ? and number = ?";
      case put_timer: return "insert or replace into peal_timer_rows values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
      case drop_timer: return "delete from peal_timer_rows where number = ?";
      case count: break;
    }
    return "";
  }
  static std::string insert_events(std::size_t rows) {
    std::string text = std::string("insert into peal_event_rows (place, stream, ") + event_columns + ") values ";
    for (std::size_t i = 0; i < rows; ++i) text += i == 0 ? "(?,?,?,?,?,?,?,?,?,?,?)" : ",(?,?,?,?,?,?,?,?,?,?,?)";
    return text;
  }
  statement& at(which w) { return all_[w]; }

  struct topic_entry {
    topic_row row;
    bool moved;
  };
  using type_key = std::pair<std::string_view, std::uint32_t>;

  [[noreturn]] void refuse(store_errc code, std::string_view said) const {
    throw store_error(code, place_, doing(), said);
  }
  void check_length(std::string_view name) const {
    if (name.size() > max_name) refuse(store_errc::too_large, "a name or key is longer than a million bytes");
  }

  topic_entry& topic(std::string_view name) {
    if (last_topic_ != nullptr && last_topic_->first == name) return last_topic_->second;
    const auto found = topics_.find(name);
    if (found != topics_.end()) return (last_topic_ = &*found)->second;
    check_length(name);
    topic_entry t{find_topic_row(at(find_topic), name), false};
    if (t.row.id == 0) {
      t.row.id = static_cast<std::uint64_t>(at(last_topic).number()) + 1;
      if (t.row.id > most_topics) refuse(store_errc::too_large, "more than 32,767 topics");
      (at(add_topic) << t.row.id << name << t.row.sum(name)).run();
    }
    return (last_topic_ = &*topics_.emplace(name, t).first)->second;
  }

  std::uint64_t subscription(std::string_view name) {
    const auto found = subscriptions_.find(name);
    if (found != subscriptions_.end()) return found->second;
    check_length(name);
    auto id = static_cast<std::uint64_t>((at(find_subscription) << name).number());
    if (id == 0) id = static_cast<std::uint64_t>((at(add_subscription) << name << row_sum(name, {})).number());
    return subscriptions_.emplace(name, id).first->second;
  }

  std::int64_t type(std::string_view name, std::uint32_t version) {
    const type_key key{name, version};
    if (last_type_ != nullptr && last_type_->first == key) return last_type_->second;
    const auto found = types_.find(key);
    if (found != types_.end()) return (last_type_ = &*found)->second;
    check_length(name);
    std::int64_t id = (at(find_type) << name << version).number();
    if (id == 0) id = (at(add_type) << name << version << row_sum(name, {version})).number();
    return (last_type_ = &*types_.emplace(key, id).first)->second;
  }

  /// The number of the event's stream, moved to its version; 0: it is in none.
  std::int64_t stream(const stored_event& e, std::uint64_t in) {
    if (e.stream_version == 0) return 0;
    check_length(e.key);
    std::int64_t id = 0;
    std::uint64_t newest = 0;
    {
      statement& find = at(find_stream) << in << e.key;
      const resetting after{find};
      if (find.step()) {
        id = find.integer(0);
        newest = find.natural(1);
        check_row(find.integer(2) == row_sum(e.key, {in, newest}), "a stream");
      }
    }
    if (e.stream_version != newest + 1) {
      refuse(store_errc::conflict, "its stream's next version is " + std::to_string(newest + 1));
    }
    const std::int64_t sum = row_sum(e.key, {in, e.stream_version});
    if (id == 0) return (at(add_stream) << in << e.key << sum).number();
    (at(move_stream) << id << e.stream_version << sum).run();
    return id;
  }

  /// What a row needs beside its event.
  struct event_row {
    std::uint64_t place;
    std::int64_t stream;
    std::int64_t type;
  };

  /// Many rows a statement: half of what an insert costs is its beginning and its end.
  void append(std::span<const stored_event> events) {
    while (!events.empty()) {
      const std::size_t rows = events.size() < some ? 1 : events.size() < together ? some : together;
      append(events.first(rows), at(rows == 1 ? add_event : rows == some ? add_some_events : add_events));
      events = events.subspan(rows);
    }
  }
  void append(std::span<const stored_event> events, statement& add) {
    std::array<event_row, together> rows;
    for (std::size_t i = 0; i < events.size(); ++i) rows[i] = next_row(events[i]);
    std::array<event_ids, together> ids;
    for (std::size_t i = 0; i < events.size(); ++i) {
      add << rows[i].place;
      if (rows[i].stream != 0) {
        add << rows[i].stream;
      } else {
        add << nullptr;
      }
      ids[i] = event_ids{events[i]};
      bind(add, events[i], ids[i], rows[i].type);
    }
    doing_ = &events.front();
    add.run();
    for (std::size_t i = 0; i < events.size(); ++i) {
      const wall_time d = events[i].deadline;
      if (d != 0) (at(add_deadline) << rows[i].place << std::int64_t{d} << deadline_sum(rows[i].place, d)).run();
    }
  }
  event_row next_row(const stored_event& e) {
    doing_ = &e;
    topic_entry& t = topic(e.topic);
    if (e.position != t.row.next) {
      refuse(store_errc::conflict, "the topic's next position is " + std::to_string(t.row.next));
    }
    if (e.position >= end_of_positions) refuse(store_errc::too_large, "positions end at 2^48");
    const event_row row{t.row.id << position_bits | e.position, stream(e, t.row.id), type(e.name, e.version)};
    ++t.row.next;
    t.moved = true;
    return row;
  }

  void put_type(const stored_type& t) {
    (at(describe_type) << type(t.name, t.version) << t.schema << type_sum(t)).run();
  }

  void put(const stored_pending& p) {
    const std::uint64_t who = subscription(p.subscription);
    const std::uint64_t where = topic(p.topic).row.id;
    if (p.attempts == 0) {
      (at(drop_pending) << who << where << p.position).run();
    } else {
      (at(put_pending) << who << where << p.position << p.attempts << std::int64_t{p.due} << pending_sum(who, where, p))
          .run();
    }
  }

  void put(const stored_claim& c) {
    check_length(c.key);
    const std::uint64_t scope = subscription(c.scope);
    if (c.state == claim_state::abandoned) {
      (at(drop_claim) << scope << c.key).run();
    } else {
      (at(put_claim) << scope << c.key << static_cast<std::int64_t>(c.state) << std::int64_t{c.at}
                     << claim_sum(scope, c))
          .run();
    }
  }

  void put(const stored_letter& l) {
    statement& s = at(put_letter) << topic(l.event.topic).row.id << l.number << l.event.position;
    const event_ids ids{l.event};
    bind(s, l.event, ids, type(l.event.name, l.event.version));
    s << subscription(l.subscription) << static_cast<std::int64_t>(l.cause) << l.attempts << l.cycles;
    (s << std::int64_t{l.died} << l.blocked_by << l.errors).run();
  }

  void put(const stored_timer& t) {
    statement& s = at(put_timer) << t.id << topic(t.event.topic).row.id << t.event.position;
    const event_ids ids{t.event};
    bind(s, t.event, ids, type(t.event.name, t.event.version));
    (s << std::int64_t{t.due} << std::int64_t{t.period}).run();
  }

  static constexpr std::size_t some = 6;
  static constexpr std::size_t together = 32;  // rows of a statement, at most
  static constexpr std::size_t max_name = store_features{}.max_key_bytes;

  std::string_view place_;
  std::array<statement, count> all_{};
  const stored_event* doing_ = nullptr;
  std::map<std::string_view, topic_entry> topics_{};
  std::map<std::string_view, std::uint64_t> subscriptions_{};
  std::map<type_key, std::int64_t> types_{};
  std::map<std::string_view, topic_entry>::value_type* last_topic_ = nullptr;
  std::map<type_key, std::int64_t>::value_type* last_type_ = nullptr;
};

}  // namespace peal::inline v0::sqlite::detail
