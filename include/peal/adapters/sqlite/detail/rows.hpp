// SPDX-License-Identifier: MIT
// Rows to records and back; what a visitor is shown is copied out of SQLite's memory first.
#pragma once

#include <peal/adapters/sqlite/detail/statement.hpp>
#include <peal/store/checksum.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
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

/// The columns that every table with events has, in this order.
inline constexpr const char* event_columns =
    "type, id, correlation, causation, published, key, stream_version, checksum, payload";
inline constexpr int event_column_count = 9;

/// The ids of an event as bytes, which must stay until its statement ran.
struct event_ids {
  explicit event_ids(const stored_event& e) noexcept
      : id{to_bytes(e.id)}, correlation{to_bytes(e.correlation)}, causation{to_bytes(e.causation)} {}
  id_bytes id;
  id_bytes correlation;
  id_bytes causation;
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
