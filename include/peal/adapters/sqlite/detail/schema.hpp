// SPDX-License-Identifier: MIT
// The tables of a store in SQLite, and the views that show them to people.
#pragma once

#include <peal/adapters/sqlite/detail/statement.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace peal::inline v0::sqlite::detail {

// Both stored. Never change the first; the second is major * 1000 + minor: a newer major is refused, a newer minor has
// only what an older reader need not know.
inline constexpr std::int64_t application_id = 0x7065616c;  // "peal"
inline constexpr std::int64_t format = 1'001;

/// An event's row is found by its topic and position in one number: the fastest key that SQLite has.
inline constexpr unsigned position_bits = 48;
inline constexpr std::uint64_t end_of_positions = std::uint64_t{1} << position_bits;
inline constexpr std::uint64_t most_topics = 0x7fff;

/// What minor version 1 has beside version 0.
inline constexpr const char* deadlines_schema = R"(
create table peal_deadline_rows (place integer primary key, deadline integer not null, checksum integer not null);
create view peal_deadlines as select t.name as topic, d.place & 281474976710655 as position,
  datetime(d.deadline / 1000000000, 'unixepoch') as deadline
  from peal_deadline_rows d join peal_topics t on t.id = d.place >> 48;
pragma user_version = 1001;
)";

inline constexpr const char* schema = R"(
create table peal_topics (id integer primary key, name text not null unique, next integer not null,
  trimmed integer not null, compacted integer not null, checksum integer not null);
create table peal_subscriptions (id integer primary key, name text not null unique, checksum integer not null);
create table peal_types (id integer primary key, name text not null, version integer not null, schema text,
  checksum integer not null, unique (name, version));
create table peal_streams (id integer primary key, topic integer not null, key text not null, newest integer not null,
  checksum integer not null, unique (topic, key));
create table peal_event_rows (place integer primary key, type integer not null, id blob not null, correlation blob,
  causation blob, published integer not null, key text, stream integer, stream_version integer,
  checksum integer not null, payload blob not null);
create unique index peal_event_streams on peal_event_rows (stream, stream_version) where stream is not null;
create table peal_cursor_rows (subscription integer not null, topic integer not null, position integer not null,
  checksum integer not null, primary key (subscription, topic)) without rowid;
create table peal_pending_rows (subscription integer not null, topic integer not null, position integer not null,
  attempts integer not null, due integer not null, checksum integer not null,
  primary key (subscription, topic, position)) without rowid;
create table peal_key_rows (scope integer not null, key text not null, state integer not null, at integer not null,
  checksum integer not null, primary key (scope, key)) without rowid;
create table peal_letter_rows (topic integer not null, number integer not null, position integer not null,
  type integer not null, id blob not null, correlation blob, causation blob, published integer not null, key text,
  stream_version integer, checksum integer not null, payload blob not null, subscription integer not null,
  cause integer not null, attempts integer not null, cycles integer not null, died integer not null,
  blocked_by integer not null, errors blob not null, primary key (topic, number));
create table peal_timer_rows (number integer primary key, topic integer not null, position integer not null,
  type integer not null, id blob not null, correlation blob, causation blob, published integer not null, key text,
  stream_version integer, checksum integer not null, payload blob not null, due integer not null,
  period integer not null);

create view peal_events as select t.name as topic, e.place & 281474976710655 as position, y.name as type, y.version,
  lower(hex(e.id)) as id, lower(hex(coalesce(e.correlation, e.id))) as correlation, lower(hex(e.causation)) as causation,
  datetime(e.published / 1000000000, 'unixepoch') as published, e.key, e.stream_version,
  length(e.payload) as bytes, e.payload
  from peal_event_rows e join peal_topics t on t.id = e.place >> 48 left join peal_types y on y.id = e.type;
create view peal_cursors as select s.name as subscription, t.name as topic, c.position, t.next - c.position as behind
  from peal_cursor_rows c join peal_subscriptions s on s.id = c.subscription join peal_topics t on t.id = c.topic;
create view peal_pending as select s.name as subscription, t.name as topic, p.position, p.attempts,
  datetime(p.due / 1000000000, 'unixepoch') as due
  from peal_pending_rows p join peal_subscriptions s on s.id = p.subscription join peal_topics t on t.id = p.topic;
create view peal_keys as select s.name as scope, k.key,
  case k.state when 1 then 'claimed' when 2 then 'committed' end as state,
  datetime(k.at / 1000000000, 'unixepoch') as at from peal_key_rows k join peal_subscriptions s on s.id = k.scope;
create view peal_dead_letters as select t.name as topic, l.number, s.name as subscription,
  case l.cause when 1 then 'failed' when 2 then 'timed_out' when 3 then 'blocked_by' when 4 then 'expired'
    when 5 then 'rejected' when 6 then 'overloaded' when 7 then 'undecodable' when 8 then 'crashed' end as cause,
  l.attempts, l.cycles, datetime(l.died / 1000000000, 'unixepoch') as died, nullif(l.blocked_by, 0) as blocked_by,
  l.position, y.name as type, y.version, lower(hex(l.id)) as id, l.key, length(l.payload) as bytes, l.payload, l.errors
  from peal_letter_rows l join peal_topics t on t.id = l.topic join peal_subscriptions s on s.id = l.subscription
  left join peal_types y on y.id = l.type;
create view peal_timers as select r.number, t.name as topic, datetime(r.due / 1000000000, 'unixepoch') as due,
  r.period / 1000000000.0 as period_seconds, y.name as type, y.version, r.key, length(r.payload) as bytes, r.payload
  from peal_timer_rows r join peal_topics t on t.id = r.topic left join peal_types y on y.id = r.type;

pragma application_id = 1885692268;
pragma user_version = 1000;
)";

inline std::int64_t number_of(::sqlite3* db, const char* sql) { return statement{db, sql}.number(); }

/// Of the database file, without another handle: closing one would free SQLite's locks.
inline std::int64_t file_size(::sqlite3* db) {
  ::sqlite3_file* file = nullptr;
  ::sqlite3_int64 size = 0;
  check(db, ::sqlite3_file_control(db, "main", SQLITE_FCNTL_FILE_POINTER, &file));
  if (file != nullptr && file->pMethods != nullptr) check(db, file->pMethods->xFileSize(file, &size));
  return size;
}

/// A store of an older minor version gets what it lacks.
inline void bring_up_to_date(::sqlite3* db) {
  if (number_of(db, "pragma user_version") != 1'000) return;
  execute(db, "begin immediate");
  try {
    execute(db, deadlines_schema);
    execute(db, "commit");
  } catch (...) {
    ::sqlite3_exec(db, "rollback", nullptr, nullptr, nullptr);
    throw;
  }
}

/// Makes the tables where there is nothing at all; looks whether what is there is ours and can be read.
inline void make_or_check(::sqlite3* db, std::string_view place, bool may_make) {
  const bool empty = number_of(db, "select count(*) from sqlite_schema") == 0;
  // SQLite takes a file that ends within its first page for an empty one.
  if (empty && may_make && number_of(db, "pragma application_id") == 0 && file_size(db) == 0) {
    execute(db, "begin immediate");
    try {
      execute(db, schema);
      execute(db, deadlines_schema);
      execute(db, "commit");
    } catch (...) {
      ::sqlite3_exec(db, "rollback", nullptr, nullptr, nullptr);
      throw;
    }
  }
  const std::int64_t id = number_of(db, "pragma application_id");
  if (id != application_id) {
    throw store_error(store_errc::not_a_store, place, "open", empty ? "it is empty" : "another program's database");
  }
  const std::int64_t version = number_of(db, "pragma user_version");
  if (version / 1'000 > format / 1'000) {
    throw store_error(store_errc::newer_format, place, "open",
                      "its format is " + std::to_string(version / 1'000) + ", this program knows up to " +
                          std::to_string(format / 1'000));
  }
  if (may_make) bring_up_to_date(db);
}

}  // namespace peal::inline v0::sqlite::detail
