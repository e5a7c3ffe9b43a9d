// SPDX-License-Identifier: MIT
// What a store in SQLite is asked: rows copied out under its lock, shown without it.
#pragma once

#include <peal/adapters/sqlite/detail/connection.hpp>
#include <peal/adapters/sqlite/detail/rows.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace peal::inline v0::sqlite::detail {

/// Copies of rows, and the memory that they name.
template <class Record>
struct copies {
  std::vector<Record> rows{};
  arena memory{};
};

/// Asks the database; copies the answers.
///
/// Thread safety: the connection's.
class reader {
 public:
  reader(connection& c, std::string_view place) : place_{place} {
    check_names(c.get());
    for (std::size_t i = 0; i < count; ++i) all_[i] = statement{c.get(), sql(static_cast<which>(i))};
    if (number_of(c.get(), "select count(*) from sqlite_schema where name = 'peal_deadline_rows'") == 0) return;
    deadlines_.emplace(c.get(), "select place, deadline, checksum from peal_deadline_rows where place between ? and ?");
  }

  /// A type of a transaction that was rolled back had a number that another type may get.
  void forget_types() noexcept { types_.clear(); }

  topic_range range(std::string_view name) {
    const topic_row t = find_topic_row(at(find_topic), name);
    return t.id == 0 ? topic_range{} : range_of(t);
  }

  /// Copies at most `max` events, and no more than fit well into memory; `from` is where to go on. False: that was all.
  bool events(std::string_view name, std::uint64_t& from, std::size_t max, copies<stored_event>& into) {
    const bool more = rows_of(name, from, max, into);
    if (!into.rows.empty() && deadlines_) add_deadlines(find_topic_row(at(find_topic), name), into.rows);
    return more;
  }

  std::uint64_t newest(std::string_view name, std::string_view key, std::int64_t& stream) {
    const topic_row t = find_topic_row(at(find_topic), name);
    statement& s = at(find_stream) << t.id << key;
    const resetting after{s};
    if (!s.step()) return 0;
    stream = s.integer(0);
    check_row(s.integer(2) == row_sum(key, {t.id, s.natural(1)}), "a stream");
    return s.natural(1);
  }
  bool stream_events(std::string_view topic, std::int64_t stream, std::uint64_t& from, std::size_t max,
                     copies<stored_event>& into) {
    statement& s = at(stream_from) << stream << from << std::uint64_t{max};
    const resetting after{s};
    while (s.step()) {
      stored_event e;
      e.topic = topic;
      e.position = s.natural(0) & (end_of_positions - 1);
      if (!add_event(s, e, into)) return true;
      from = e.stream_version + 1;
      if (into.memory.kept_bytes() > most_bytes) return true;
    }
    return into.rows.size() == max;
  }

  /// A name that is another, or that its index does not know, would be looked for in vain: looked at once, when the store
  /// is opened. Numbers are given one after the other, and no name ever goes.
  void check_names(::sqlite3* db) const {
    for (const char* const table : {"peal_topics", "peal_subscriptions", "peal_types"}) {
      const std::string t = table;
      const std::string unknown = "select count(*) from " + t + " a not indexed where a.id not in (select b.id from " +
                                  t + " b indexed by sqlite_autoindex_" + t + "_1 where b.name = a.name)";
      const std::string gone =
          "select (select count(*) from " + t + " not indexed) <> (select coalesce(max(id), 0) from " + t + ")";
      check_row(number_of(db, unknown.c_str()) == 0 && number_of(db, gone.c_str()) == 0, table);
    }
    check_row(number_of(db,
                        "select coalesce((select max(place) >> 48 from peal_event_rows), 0) > "
                        "coalesce((select max(id) from peal_topics), 0)") == 0,
              "peal_topics");
    statement topics{db, "select id, next, trimmed, compacted, checksum, name from peal_topics"};
    while (topics.step()) (void)topic_row::read(topics, topics.bytes(5));
    statement subscriptions{db, "select name, checksum from peal_subscriptions"};
    while (subscriptions.step()) {
      check_row(subscriptions.integer(1) == row_sum(subscriptions.bytes(0), {}), "a subscription");
    }
    statement types{db, "select name, version, schema, checksum from peal_types"};
    while (types.step()) {
      const stored_type t{types.bytes(0), static_cast<std::uint32_t>(types.integer(1)), types.bytes(2)};
      check_row(types.integer(3) == (types.is_null(2) ? row_sum(t.name, {t.version}) : type_sum(t)), "a type");
    }
  }

  void topics(copies<stored_topic>& into) {
    std::vector<topic_row> rows;
    {
      statement& s = at(all_topics);
      const resetting after{s};
      while (s.step()) {
        rows.push_back(topic_row::read(s, s.bytes(5)));
        into.rows.push_back({into.memory.keep(s.bytes(5)), {}});
      }
    }
    for (std::size_t i = 0; i < rows.size(); ++i) into.rows[i].range = range_of(rows[i]);
  }
  void types(copies<stored_type>& into) {
    statement& s = at(all_types);
    const resetting after{s};
    while (s.step()) {
      const stored_type t{into.memory.keep(s.bytes(0)), static_cast<std::uint32_t>(s.integer(1)),
                          into.memory.keep(s.bytes(2))};
      check_row(s.integer(3) == type_sum(t), "a type");
      into.rows.push_back(t);
    }
  }
  void cursors(copies<stored_cursor>& into) {
    statement& s = at(all_cursors);
    const resetting after{s};
    while (s.step()) {
      check_row(s.integer(5) == row_sum({}, {s.natural(3), s.natural(4), s.natural(2)}), "a cursor");
      into.rows.push_back({into.memory.keep(s.bytes(0)), into.memory.keep(s.bytes(1)), s.natural(2)});
    }
  }
  void pending(std::string_view subscription, std::string_view topic, copies<stored_pending>& into) {
    statement& s = at(pending_of) << subscription << topic;
    const resetting after{s};
    while (s.step()) {
      const stored_pending p{subscription, topic, s.natural(0), static_cast<std::uint32_t>(s.integer(1)), s.integer(2)};
      check_row(s.integer(5) == pending_sum(s.natural(3), s.natural(4), p), "a pending delivery");
      into.rows.push_back(p);
    }
  }
  void claims(std::string_view scope, copies<stored_claim>& into) {
    statement& s = at(claims_of) << scope;
    const resetting after{s};
    while (s.step()) {
      const stored_claim c{scope, into.memory.keep(s.bytes(0)), static_cast<claim_state>(s.integer(1)), s.integer(2)};
      check_row(s.integer(4) == claim_sum(s.natural(3), c), "a claim");
      into.rows.push_back(c);
    }
  }
  /// Letters of a topic, or of all, behind one; true: there may be more.
  bool letters(std::string_view topic, std::pair<std::int64_t, std::uint64_t>& behind, copies<stored_letter>& into) {
    const std::uint64_t only = topic.empty() ? 0 : find_topic_row(at(find_topic), topic).id;
    if (!topic.empty() && only == 0) return false;
    statement& s = at(letters_from) << only << behind.first << behind.second;
    const resetting after{s};
    while (s.step()) {
      stored_letter l;
      const int more = 3 + event_column_count;
      l.number = s.natural(1);
      l.event.topic = into.memory.keep(s.bytes(more + 7));
      l.event.position = s.natural(2);
      if (!read_part(s, 3, into.memory, l.event)) damaged("the letter", l.number);
      l.subscription = into.memory.keep(s.bytes(more));
      l.cause = static_cast<dead_cause>(s.integer(more + 1));
      l.attempts = static_cast<std::uint32_t>(s.integer(more + 2));
      l.cycles = static_cast<std::uint32_t>(s.integer(more + 3));
      l.died = s.integer(more + 4);
      l.blocked_by = s.natural(more + 5);
      l.errors = as_bytes(into.memory.keep(s.bytes(more + 6)));
      behind = {s.integer(0), l.number};
      into.rows.push_back(l);
      if (into.memory.kept_bytes() > most_bytes) return true;
    }
    return false;
  }
  void timers(copies<stored_timer>& into) {
    statement& s = at(all_timers);
    const resetting after{s};
    while (s.step()) {
      stored_timer t;
      const int more = 2 + event_column_count;
      t.id = s.natural(0);
      t.event.topic = into.memory.keep(s.bytes(more + 2));
      t.event.position = s.natural(1);
      if (!read_part(s, 2, into.memory, t.event)) damaged("the timer", t.id);
      t.due = s.integer(more);
      t.period = s.integer(more + 1);
      into.rows.push_back(t);
    }
  }

 private:
  enum which : std::size_t {
    find_topic,
    first_event,
    events_from,
    find_stream,
    stream_from,
    all_topics,
    find_type,
    all_types,
    all_cursors,
    pending_of,
    claims_of,
    letters_from,
    all_timers,
    count
  };
  static std::string sql(which w) {
    switch (w) {
      case find_topic: return find_topic_sql;
      case first_event:
        return "select place from peal_event_rows where place >= ? and place < ? order by place limit 1";
      case events_from:
        return std::string("select place, ") + event_columns +
               " from peal_event_rows where place >= ? and place < ? order by place limit ?";
      case find_stream: return "select id, newest, checksum from peal_streams where topic = ? and key = ?";
      case stream_from:
        return std::string("select place, ") + event_columns +
               " from peal_event_rows where stream = ? and stream_version >= ? order by stream_version limit ?";
      case all_topics:
        return "select id, next, trimmed, compacted, checksum, name from peal_topics where next > 0 order by name";
      case find_type: return "select name, version from peal_types where id = ?";
      case all_types:
        return "select name, version, schema, checksum from peal_types where schema is not null order by name, version";
      case all_cursors:
        return "select s.name, t.name, c.position, c.subscription, c.topic, c.checksum from peal_cursor_rows c join "
               "peal_subscriptions s "
               "on s.id = c.subscription join peal_topics t on t.id = c.topic";
      case pending_of:
        return "select position, attempts, due, subscription, topic, checksum from peal_pending_rows where "
               "subscription = (select id from "
               "peal_subscriptions where name = ?) and topic = (select id from peal_topics where name = ?) "
               "order by position";
      case claims_of:
        return "select key, state, at, scope, checksum from peal_key_rows where scope = (select id from "
               "peal_subscriptions where name = "
               "?) "
               "order by at";
      case letters_from:
        return std::string("select topic, number, position, ") + event_columns +
               ", (select name from peal_subscriptions where id = subscription), cause, attempts, cycles, died, "
               "blocked_by, errors, (select name from peal_topics where id = topic) from peal_letter_rows "
               "where (?1 = 0 or topic = ?1) and (topic, number) > (?2, ?3) order by topic, number";
      case all_timers:
        return std::string("select number, position, ") + event_columns +
               ", due, period, (select name from peal_topics where id = topic) from peal_timer_rows order by due, "
               "number";
      case count: break;
    }
    return {};
  }
  statement& at(which w) { return all_[w]; }

  bool rows_of(std::string_view name, std::uint64_t& from, std::size_t max, copies<stored_event>& into) {
    const topic_row t = find_topic_row(at(find_topic), name);
    if (t.id == 0 || from >= t.next) return false;
    const std::uint64_t base = t.id << position_bits;
    from = std::max(from, t.trimmed);
    statement& s = at(events_from) << (base | from) << (base | t.next) << std::uint64_t{max};
    const resetting after{s};
    while (s.step()) {
      stored_event e;
      e.topic = name;
      e.position = s.natural(0) & (end_of_positions - 1);
      if (e.position < from || (e.position != from && e.position > t.whole_from())) {  // back: a damaged row id
        if (!into.rows.empty()) return true;  // what stands before the hole is shown first
        missing(name, std::max(from, t.whole_from()));
      }
      from = e.position;
      if (!add_event(s, e, into)) return true;
      ++from;
      if (into.memory.kept_bytes() > most_bytes) return true;
    }
    if (into.rows.size() < max && from != t.next) {
      if (t.next > t.whole_from() && into.rows.empty()) missing(name, std::max(from, t.whole_from()));
      if (t.next > t.whole_from()) return true;
      from = t.next;
    }
    return from != t.next;
  }

  void add_deadlines(const topic_row& t, std::vector<stored_event>& rows) {
    const std::uint64_t base = t.id << position_bits;
    statement& s = *deadlines_ << (base | rows.front().position) << (base | rows.back().position);
    const resetting after{s};
    for (std::size_t i = 0; s.step();) {
      const std::uint64_t place = s.natural(0);
      check_row(s.integer(2) == deadline_sum(place, s.integer(1)), "a deadline");
      while (i != rows.size() && (base | rows[i].position) < place) ++i;
      if (i != rows.size() && (base | rows[i].position) == place) rows[i].deadline = s.integer(1);
    }
  }

  topic_range range_of(const topic_row& t) {
    const std::uint64_t base = t.id << position_bits;
    const std::uint64_t end = base | t.next;
    const std::int64_t first = (at(first_event) << base << end).number(static_cast<std::int64_t>(end));
    return {static_cast<std::uint64_t>(first) & (end_of_positions - 1), t.next};
  }

  [[noreturn]] void missing(std::string_view topic, std::uint64_t position) const {
    throw store_error(store_errc::corrupt, place_,
                      std::string("read ").append(topic) + " at " + std::to_string(position), "the event is missing");
  }

  /// False: it is damaged, and what stands before it is shown first; the next read throws.
  bool add_event(const statement& s, stored_event& e, copies<stored_event>& into) {
    const bool sound = read_part(s, 1, into.memory, e);
    if (!sound && into.rows.empty()) damaged(e.topic, e.position);
    if (sound) into.rows.push_back(e);
    return sound;
  }

  bool read_part(const statement& s, int first, arena& memory, stored_event& e) {
    const auto& type = type_of(s.integer(first));
    e.name = type.first;
    e.version = type.second;
    return read_event(s, first, memory, e);
  }

  [[noreturn]] void damaged(std::string_view what, std::uint64_t number) const {
    throw store_error(store_errc::corrupt, place_, std::string("read ").append(what) + " at " + std::to_string(number),
                      "its checksum is another");
  }

  using type_name = std::pair<std::string_view, std::uint32_t>;
  const type_name& type_of(std::int64_t id) {
    if (id == last_type_ && !types_.empty()) return *last_;
    auto found = types_.find(id);
    if (found == types_.end()) {
      statement& s = at(find_type) << id;
      const resetting after{s};
      if (!s.step()) throw sqlite_failure{SQLITE_CORRUPT, "no type has the number " + std::to_string(id)};
      const std::string_view name = *names_.emplace(s.bytes(0)).first;  // stays: visitors may still look at it
      found = types_.emplace(id, type_name{name, static_cast<std::uint32_t>(s.integer(1))}).first;
    }
    last_type_ = id;
    last_ = &found->second;
    return *last_;
  }

  static constexpr std::size_t most_bytes = std::size_t{1} << 20;  // copied at once

  std::string_view place_;
  std::array<statement, count> all_{};
  std::optional<statement> deadlines_{};  // none: a store of format 1.0 that is open for reading
  std::set<std::string> names_{};
  std::map<std::int64_t, type_name> types_{};
  std::int64_t last_type_ = 0;
  const type_name* last_ = nullptr;
};

}  // namespace peal::inline v0::sqlite::detail
