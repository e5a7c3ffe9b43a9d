// SPDX-License-Identifier: MIT
// What removes rows, seldom: statements that are prepared when they are needed.
#pragma once

#include <peal/adapters/sqlite/detail/connection.hpp>

#include <cstdint>
#include <string_view>

namespace peal::inline v0::sqlite::detail {

/// Removes within a transaction that somebody else begins and ends; each call returns how many rows went.
class cleaner {
 public:
  explicit cleaner(connection& c) noexcept : c_{&c} {}

  std::uint64_t trim(std::string_view topic, std::uint64_t before) {
    const place_range below = places(topic, before);
    return run(statement{c_->get(), "delete from peal_event_rows where place >= ? and place < ?"} << below.first
                                                                                                  << below.end);
  }

  std::uint64_t compact(std::string_view topic, std::uint64_t before) {
    const place_range below = places(topic, before);
    return run(statement{c_->get(),
                         "delete from peal_event_rows where place >= ?1 and place < ?2 and key <> '' and place not in "
                         "(select max(place) from peal_event_rows where place >= ?1 and place < ?2 and key <> '' "
                         "group by key)"}
               << below.first << below.end);
  }

  std::uint64_t claims(std::string_view scope, std::int64_t before) {
    return run(statement{c_->get(),
                         "delete from peal_key_rows where state = 2 and at < ?2 and scope = "
                         "(select id from peal_subscriptions where name = ?1)"}
               << scope << before);
  }

  std::uint64_t subscription(std::string_view name) {
    const std::int64_t id = (statement{c_->get(), "select id from peal_subscriptions where name = ?"} << name).number();
    return run(statement{c_->get(), "delete from peal_cursor_rows where subscription = ?"} << id) +
           run(statement{c_->get(), "delete from peal_pending_rows where subscription = ?"} << id) +
           run(statement{c_->get(), "delete from peal_key_rows where scope = ?"} << id);
  }

 private:
  struct place_range {
    std::uint64_t first = 0;
    std::uint64_t end = 0;
  };
  place_range places(std::string_view topic, std::uint64_t before) {
    statement s{c_->get(), "select id, next from peal_topics where name = ?"};
    if (!(s << topic).step()) return {};
    const std::uint64_t base = s.natural(0) << position_bits;
    return {base, base | (before < s.natural(1) ? before : s.natural(1))};
  }
  std::uint64_t run(statement& s) {
    s.run();
    return c_->changes();
  }

  connection* c_;
};

}  // namespace peal::inline v0::sqlite::detail
