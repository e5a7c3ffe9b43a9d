// SPDX-License-Identifier: MIT
// What removes records, seldom.
#pragma once

#include <peal/adapters/lmdb/detail/reader.hpp>

#include <cstdint>
#include <map>
#include <string_view>
#include <utility>
#include <vector>

namespace peal::inline v0::lmdb::detail {

/// Removes within a transaction that somebody else begins and commits; each call returns how many records went.
class cleaner {
 public:
  cleaner(::MDB_txn* txn, const tables& t, const name_book& names) noexcept : txn_{txn}, t_{&t}, names_{&names} {}

  topic_size trim(std::string_view name, std::uint64_t before) const {
    const named* const topic = names_->find(kind::topic, 0, name);
    if (topic == nullptr) return {};
    topic_size removed;
    cursor at{txn_, topic->events};
    for (bool more = at.first(); more && reader::position_of(at.key()) < before; more = at.next()) {
      removed += forget_stream(*topic, at.value());
      forget_deadline(*topic, reader::position_of(at.key()));
      at.remove();
    }
    return removed;
  }

  topic_size compact(std::string_view name, std::uint64_t before) const {
    const named* const topic = names_->find(kind::topic, 0, name);
    if (topic == nullptr) return {};
    std::vector<std::size_t> old;
    {
      std::map<std::string_view, std::size_t> newest;
      cursor at{txn_, topic->events};
      for (bool more = at.first(); more && reader::position_of(at.key()) < before; more = at.next()) {
        stored_event e;
        bool sound = false;
        event_record::read(at.value(), e, sound);
        if (e.key.empty()) continue;
        const auto position = static_cast<std::size_t>(reader::position_of(at.key()));
        const auto [seen, is_new] = newest.try_emplace(e.key, position);
        if (!is_new) old.push_back(std::exchange(seen->second, position));
      }
    }
    topic_size removed;
    for (const std::size_t position : old) {
      removed += forget_stream(*topic, get(txn_, topic->events, reader::raw(position)));
      remove(txn_, topic->events, reader::raw(position));
      forget_deadline(*topic, position);
    }
    return removed;
  }

  std::uint64_t claims(std::string_view scope, wall_time before) const {
    return with_prefix(t_->claims, scope, [before](std::string_view value) {
      byte_reader r{value};
      const auto state = static_cast<claim_state>(r.number(1));
      return state == claim_state::committed && static_cast<wall_time>(r.number(8)) < before;
    });
  }

  std::uint64_t subscription(std::string_view name) const {
    const auto all = [](std::string_view) { return true; };
    std::uint64_t gone = with_prefix(t_->cursors, name, all) + with_prefix(t_->pending, name, all);
    for (const std::string& scope : subscription_scopes{name}) gone += with_prefix(t_->claims, scope, all);
    return gone;
  }

 private:
  void forget_deadline(const named& topic, std::uint64_t position) const {
    key_bytes key;
    key << topic.number << position;
    remove(txn_, t_->deadlines, key);
  }
  /// Returns what the event takes.
  topic_size forget_stream(const named& topic, std::string_view record) const {
    stored_event e;
    bool sound = false;
    event_record::read(record, e, sound);
    if (e.stream_version == 0) return size_of(e);
    key_bytes stream;
    stream << topic.number << e.key;
    key_bytes event;
    event << byte_reader{get(txn_, t_->streams, stream)}.number(8) << e.stream_version;
    remove(txn_, t_->stream_events, event);
    return size_of(e);
  }

  /// Records of a subscription whose value is chosen.
  template <class Choose>
  std::uint64_t with_prefix(::MDB_dbi dbi, std::string_view subscription, Choose chosen) const {
    const named* const who = names_->find(kind::subscription, 0, subscription);
    if (who == nullptr) return 0;
    key_bytes begin;
    begin << who->number;
    std::uint64_t removed = 0;
    cursor at{txn_, dbi};
    for (bool more = at.seek(begin); more && at.key().starts_with(begin); more = at.next()) {
      if (!chosen(at.value())) continue;
      at.remove();
      ++removed;
    }
    return removed;
  }

  ::MDB_txn* txn_;
  const tables* t_;
  const name_book* names_;
};

}  // namespace peal::inline v0::lmdb::detail
