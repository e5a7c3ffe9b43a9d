// SPDX-License-Identifier: MIT
// Rows to records and back; what a visitor is shown is copied out of SQLite's memory first.
#pragma once

#include <peal/adapters/sqlite/detail/schema.hpp>
#include <peal/adapters/sqlite/detail/statement.hpp>
#include <peal/store/checksum.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace peal::inline v0::sqlite::detail {

/// Memory for copies that are dropped together; what is in it does not move.
class arena {
 public:
  std::string_view keep(std::string_view bytes) {
    if (bytes.empty()) return {};
    if (bytes.size() > left_) {
      left_ = std::max<std::size_t>(bytes.size(), std::size_t{64} * 1024);
      blocks_.emplace_back(new char[left_]);
      free_ = blocks_.back().get();
    }
    char* const to = free_;
    std::memcpy(to, bytes.data(), bytes.size());
    free_ += bytes.size();
    left_ -= bytes.size();
    kept_ += bytes.size();
    return {to, bytes.size()};
  }
  [[nodiscard]] std::size_t kept_bytes() const noexcept { return kept_; }
  /// Keeps one block for what comes next.
  void clear() noexcept {
    if (blocks_.size() > 1) blocks_.erase(blocks_.begin(), blocks_.end() - 1);
    if (!blocks_.empty()) {
      left_ += static_cast<std::size_t>(free_ - blocks_.back().get());
      free_ = blocks_.back().get();
    }
    kept_ = 0;
  }

 private:
  std::vector<std::unique_ptr<char[]>> blocks_{};
  char* free_ = nullptr;
  std::size_t left_ = 0;
  std::size_t kept_ = 0;
};

inline byte_view as_bytes(std::string_view text) noexcept {
  return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}

using id_bytes = std::array<char, 16>;

/// Most significant byte first, so that hex() reads like to_string.
inline id_bytes to_bytes(const event_id& id) noexcept {
  id_bytes bytes{};
  for (unsigned i = 0; i < 8; ++i) {
    bytes[i] = static_cast<char>(id.high >> (56 - 8 * i));
    bytes[8 + i] = static_cast<char>(id.low >> (56 - 8 * i));
  }
  return bytes;
}
inline event_id to_id(std::string_view bytes) noexcept {
  event_id id;
  if (bytes.size() != 16) return id;
  for (unsigned i = 0; i < 8; ++i) {
    id.high = id.high << 8 | static_cast<unsigned char>(bytes[i]);
    id.low = id.low << 8 | static_cast<unsigned char>(bytes[8 + i]);
  }
  return id;
}

/// The checksum of a row that has no event in it.
inline std::int64_t row_sum(std::string_view text, std::initializer_list<std::uint64_t> numbers) noexcept {
  checksum sum;
  sum.add(text);
  for (const std::uint64_t n : numbers) sum.add(n, 0);
  return sum.value();
}
inline void check_row(bool sound, const char* what) {
  if (!sound) throw sqlite_failure{SQLITE_CORRUPT, std::string("the checksum of ") + what + " is another"};
}

inline std::int64_t type_sum(const stored_type& t) noexcept {
  return row_sum(t.schema, {t.version}) ^ row_sum(t.name, {});
}
inline std::int64_t pending_sum(std::uint64_t who, std::uint64_t where, const stored_pending& p) noexcept {
  return row_sum({}, {who, where, p.position, p.attempts, static_cast<std::uint64_t>(p.due)});
}
inline std::int64_t claim_sum(std::uint64_t scope, const stored_claim& c) noexcept {
  return row_sum(c.key, {scope, static_cast<std::uint64_t>(c.state), static_cast<std::uint64_t>(c.at)});
}

inline std::int64_t deadline_sum(std::uint64_t place, std::int64_t deadline) noexcept {
  return row_sum({}, {place, static_cast<std::uint64_t>(deadline)});
}

/// What is known of a topic, in the columns that topic_columns names.
struct topic_row {
  std::uint64_t id = 0;  // 0: none
  std::uint64_t next = 0;
  std::uint64_t trimmed = 0;    // events below were removed
  std::uint64_t compacted = 0;  // events below may have been removed; from here on all are there

  [[nodiscard]] std::int64_t sum(std::string_view name) const noexcept {
    return row_sum(name, {id, next, trimmed, compacted});
  }
  static topic_row read(const statement& s, std::string_view name) {
    const topic_row t{s.natural(0), s.natural(1), s.natural(2), s.natural(3)};
    check_row(s.integer(4) == t.sum(name), "a topic");
    return t;
  }
  /// From where on there is no hole.
  [[nodiscard]] std::uint64_t whole_from() const noexcept { return std::max(trimmed, compacted); }
};
inline constexpr const char* find_topic_sql =
    "select id, next, trimmed, compacted, checksum from peal_topics where name = ?";

inline topic_row find_topic_row(statement& s, std::string_view name) {
  const resetting after{s << name};
  return s.step() ? topic_row::read(s, name) : topic_row{};
}

inline constexpr const char* event_bytes = "length(payload) + coalesce(length(cast(key as blob)), 0)";

/// Looks at every row of the topic.
inline topic_size count_events(::sqlite3* db, std::string_view topic) {
  statement find{db, find_topic_sql};
  const topic_row t = find_topic_row(find, topic);
  const std::string sql = std::string("select count(*), coalesce(sum(") + event_bytes +
                          "), 0) from peal_event_rows where place >= ? and place < ?";
  statement all{db, sql};
  (void)(all << (t.id << position_bits) << ((t.id + 1) << position_bits)).step();
  return {all.natural(0), all.natural(1)};
}

/// The columns that every table with events has, in this order.
inline constexpr const char* event_columns =
    "type, id, correlation, causation, published, key, stream_version, checksum, payload";
inline constexpr int event_column_count = 9;

/// The ids of an event as bytes, which must stay until its statement ran.
struct event_ids {
  event_ids() = default;
  explicit event_ids(const stored_event& e) noexcept
      : id{to_bytes(e.id)}, correlation{to_bytes(e.correlation)}, causation{to_bytes(e.causation)} {}
  id_bytes id{};
  id_bytes correlation{};
  id_bytes causation{};
};

inline byte_view view(const id_bytes& bytes) noexcept { return as_bytes({bytes.data(), bytes.size()}); }

/// Binds the event columns. What begins a story is its own correlation and has no cause: both are null then.
inline void bind(statement& s, const stored_event& e, const event_ids& ids, std::int64_t type) {
  s << type << view(ids.id);
  if (e.correlation == e.id) {
    s << nullptr;
  } else {
    s << view(ids.correlation);
  }
  if (e.causation) {
    s << view(ids.causation);
  } else {
    s << nullptr;
  }
  s << std::int64_t{e.published};
  if (e.key.empty() && e.stream_version == 0) {
    s << nullptr;
  } else {
    s << e.key;
  }
  if (e.stream_version == 0) {
    s << nullptr;
  } else {
    s << e.stream_version;
  }
  s << checksum_of(e) << e.payload;
}

/// An event without its topic and type, from the columns that begin at `first`; false: the checksum is another.
inline bool read_event(const statement& s, int first, arena& memory, stored_event& e) {
  e.id = to_id(s.bytes(first + 1));
  e.correlation = s.is_null(first + 2) ? e.id : to_id(s.bytes(first + 2));
  e.causation = s.is_null(first + 3) ? event_id{} : to_id(s.bytes(first + 3));
  e.published = s.integer(first + 4);
  e.key = memory.keep(s.bytes(first + 5));
  e.stream_version = s.natural(first + 6);
  e.payload = as_bytes(memory.keep(s.bytes(first + 8)));
  return s.natural(first + 7) == checksum_of(e);
}

}  // namespace peal::inline v0::sqlite::detail
