// SPDX-License-Identifier: MIT
// What removes rows, seldom: statements that are prepared when they are needed.
#pragma once

#include <peal/adapters/sqlite/detail/connection.hpp>
#include <peal/adapters/sqlite/detail/rows.hpp>

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

namespace peal::inline v0::sqlite::detail {

/// Removes within a transaction that somebody else begins and ends; each call returns how many rows went.
class cleaner {
 public:
  explicit cleaner(connection& c) noexcept : c_{&c} {}

  topic_size trim(std::string_view name, std::uint64_t before) {
    topic_row t = topic(name);
    const std::uint64_t base = t.id << position_bits;
    t.trimmed = std::max(t.trimmed, std::min(before, t.next));
    note(t, name);
    statement gone{c_->get(),
                   std::string("delete from peal_event_rows where place >= ? and place < ? returning ") + event_bytes};
    const topic_size all = sum(gone << base << (base | t.trimmed));
    (statement{c_->get(), "delete from peal_deadline_rows where place >= ? and place < ?"} << base
                                                                                           << (base | t.trimmed))
        .run();
    return all;
  }

  topic_size compact(std::string_view name, std::uint64_t before) {
    topic_row t = topic(name);
    const std::uint64_t base = t.id << position_bits;
    const std::uint64_t end = base | std::min(before, t.next);
    t.compacted = std::max(t.compacted, std::min(before, t.next));
    note(t, name);
    statement gone{
        c_->get(),
        std::string("delete from peal_event_rows where place >= ?1 and place < ?2 and key <> '' and place not in "
                    "(select max(place) from peal_event_rows where place >= ?1 and place < ?2 and key <> '' "
                    "group by key) returning ") +
            event_bytes};
    const topic_size all = sum(gone << base << end);
    (statement{c_->get(),
               "delete from peal_deadline_rows where place >= ? and place < ? and not exists "
               "(select 1 from peal_event_rows e where e.place = peal_deadline_rows.place)"}
     << base << end)
        .run();
    return all;
  }

  std::uint64_t claims(std::string_view scope, std::int64_t before) {
    return run(statement{c_->get(),
                         "delete from peal_key_rows where state = 2 and at < ?2 and scope = "
                         "(select id from peal_subscriptions where name = ?1)"}
               << scope << before);
  }

  std::uint64_t subscription(std::string_view name) {
    const std::int64_t id = (statement{c_->get(), "select id from peal_subscriptions where name = ?"} << name).number();
    std::uint64_t gone = run(statement{c_->get(), "delete from peal_cursor_rows where subscription = ?"} << id) +
                         run(statement{c_->get(), "delete from peal_pending_rows where subscription = ?"} << id);
    for (const std::string& scope : subscription_scopes{name}) {
      gone +=
          run(statement{c_->get(),
                        "delete from peal_key_rows where scope = (select id from peal_subscriptions where name = ?)"}
              << std::string_view{scope});
    }
    return gone;
  }

 private:
  topic_size sum(statement& s) {
    topic_size all;
    while (s.step()) all += {1, s.natural(0)};
    s.reset();
    return all;
  }
  topic_row topic(std::string_view name) {
    statement find{c_->get(), find_topic_sql};
    return find_topic_row(find, name);
  }
  /// Where holes may be from now on.
  void note(const topic_row& t, std::string_view name) {
    statement s{c_->get(), "update peal_topics set trimmed = ?2, compacted = ?3, checksum = ?4 where id = ?1"};
    (s << t.id << t.trimmed << t.compacted << t.sum(name)).run();
  }
  std::uint64_t run(statement& s) {
    s.run();
    return c_->changes();
  }

  connection* c_;
};

}  // namespace peal::inline v0::sqlite::detail
