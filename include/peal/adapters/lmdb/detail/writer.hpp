// SPDX-License-Identifier: MIT
// A batch as one LMDB transaction.
#pragma once

#include <peal/adapters/lmdb/detail/tables.hpp>

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace peal::inline v0::lmdb::detail {

/// Writes one batch in a transaction that somebody else commits; then its new names are told to the book.
///
/// Thread safety: one thread, one writer at a time.
class writer {
 public:
  writer(transaction& txn, const tables& t, name_book& book, std::string_view place)
      : txn_{txn.get()}, t_{&t}, book_{&book}, place_{place} {}

  void write(const store_batch& b) {
    for (const stored_type& t : b.types) put_type(t);
    for (const stored_event& e : b.events) append(e);
    doing_ = nullptr;
    for (const auto& [name, t] : topics_) {
      if (t.moved) number(t_->topics, key() << t.number, t.next);
    }
    for (const stored_cursor& c : b.cursors) {
      number(t_->cursors, key() << subscription(c.subscription) << topic(c.topic).number, c.position);
    }
    for (const stored_pending& p : b.pending) put_pending(p);
    for (const stored_claim& c : b.claims) put_claim(c);
    for (const stored_letter& l : b.letters) put_letter(l);
    for (const letter_ref& l : b.letters_gone) remove(txn_, t_->letters, key() << topic(l.topic).number << l.number);
    for (const stored_timer& t : b.timers) put_timer(t);
    for (const std::uint64_t id : b.timers_gone) remove(txn_, t_->timers, key() << id);
  }

  /// After the commit.
  void tell() {
    for (named& n : fresh_) book_->add(std::move(n));
  }

  /// What write() was about when it threw.
  [[nodiscard]] std::string doing() const { return doing_ != nullptr ? peal::detail::appending(*doing_) : "commit"; }

 private:
  struct topic_entry {
    std::uint32_t number = 0;
    ::MDB_dbi events{};
    ::MDB_cursor* end = nullptr;  // closed with the transaction
    std::uint64_t next = 0;
    bool moved = false;
  };
  using type_key = std::pair<std::string_view, std::uint32_t>;

  [[noreturn]] void refuse(store_errc code, std::string_view said) const {
    throw store_error(code, place_, doing(), said);
  }

  static key_bytes key() { return {}; }
  void number(::MDB_dbi dbi, std::string_view at, std::uint64_t n) {
    byte_writer{put_room(txn_, dbi, at, 8)}.number(n, 8);
  }

  /// The number of a name, a new one where it has none.
  std::uint32_t number_of(kind k, std::uint32_t version, std::string_view name, ::MDB_dbi& events) {
    if (const named* n = book_->find(k, version, name); n != nullptr) {
      events = n->events;
      return n->number;
    }
    if (name.size() > max_name) refuse(store_errc::too_large, "a name is longer than 500 bytes");
    ::MDB_stat all{};
    check(::mdb_stat(txn_, t_->names, &all));
    named fresh{k, static_cast<std::uint32_t>(all.ms_entries + 1), version, std::string(name), {}};
    byte_writer{put_room(txn_, t_->names, name_key(k, version, name), 4)}.number(fresh.number, 4);
    if (k == kind::topic) events = fresh.events = open_events(txn_, fresh.number, MDB_CREATE);
    fresh_.push_back(fresh);
    return fresh.number;
  }

  topic_entry& topic(std::string_view name) {
    if (last_ != nullptr && name == last_name_) return *last_;
    auto at = topics_.find(name);
    if (at == topics_.end()) {
      topic_entry t;
      t.number = number_of(kind::topic, 0, name, t.events);
      t.next = byte_reader{get(txn_, t_->topics, key() << t.number)}.number(8);
      at = topics_.emplace(name, t).first;
    }
    last_name_ = name;
    last_ = &at->second;
    return *last_;
  }

  std::uint32_t subscription(std::string_view name) {
    const auto at = subscriptions_.find(name);
    if (at != subscriptions_.end()) return at->second;
    ::MDB_dbi none{};
    return subscriptions_.emplace(name, number_of(kind::subscription, 0, name, none)).first->second;
  }

  std::uint32_t type(std::string_view name, std::uint32_t version) {
    if (type_key{name, version} == last_type_ && last_type_number_ != 0) return last_type_number_;
    auto at = types_.find({name, version});
    if (at == types_.end()) {
      ::MDB_dbi none{};
      at = types_.emplace(type_key{name, version}, number_of(kind::type, version, name, none)).first;
    }
    last_type_ = at->first;
    return last_type_number_ = at->second;
  }

  key_bytes text_key(std::uint32_t before, std::string_view text) const {
    key_bytes k;
    k << before << text;
    if (k.too_long() || text.size() > max_name) refuse(store_errc::too_large, "a key is longer than 500 bytes");
    return k;
  }

  /// Moves the event's stream to its version.
  void stream(const stored_event& e, std::uint32_t topic_number) {
    const key_bytes at = text_key(topic_number, e.key);
    const std::string_view there = get(txn_, t_->streams, at);
    byte_reader r{there};
    auto id = r.number(8);
    const std::uint64_t newest = r.number(8);
    if (e.stream_version != newest + 1) {
      refuse(store_errc::conflict, "its stream's next version is " + std::to_string(newest + 1));
    }
    if (there.data() == nullptr) {
      ::MDB_stat all{};
      check(::mdb_stat(txn_, t_->streams, &all));
      id = all.ms_entries + 1;
    }
    byte_writer{put_room(txn_, t_->streams, at, 16)}.number(id, 8).number(e.stream_version, 8);
    number(t_->stream_events, key() << std::uint64_t{id} << e.stream_version, e.position);
  }

  void append(const stored_event& e) {
    doing_ = &e;
    topic_entry& t = topic(e.topic);
    if (e.position != t.next) refuse(store_errc::conflict, "the topic's next position is " + std::to_string(t.next));
    if (e.stream_version != 0) stream(e, t.number);
    if (t.end == nullptr) check(::mdb_cursor_open(txn_, t.events, &t.end));
    const event_record record{e};
    const std::uint32_t type_number = type(e.name, e.version);
    if (record.size() > most_bytes) refuse(store_errc::too_large, "an event of more than 4 GiB");
    std::size_t position_key = static_cast<std::size_t>(e.position);
    ::MDB_val k{sizeof position_key, &position_key};
    ::MDB_val v{record.size(), nullptr};
    check(::mdb_cursor_put(t.end, &k, &v, MDB_APPEND | MDB_RESERVE));
    record.write(static_cast<char*>(v.mv_data), type_number);
    if (e.deadline != 0) {
      number(t_->deadlines, key() << t.number << e.position, static_cast<std::uint64_t>(e.deadline));
    }
    ++t.next;
    t.moved = true;
  }

  void put_type(const stored_type& t) {
    const key_bytes at = key() << type(t.name, t.version);
    if (get(txn_, t_->types, at).data() == nullptr) put(txn_, t_->types, at, t.schema);
  }

  void put_pending(const stored_pending& p) {
    const key_bytes at = key() << subscription(p.subscription) << topic(p.topic).number << p.position;
    if (p.attempts == 0) {
      remove(txn_, t_->pending, at);
    } else {
      byte_writer{put_room(txn_, t_->pending, at, 12)}
          .number(p.attempts, 4)
          .number(static_cast<std::uint64_t>(p.due), 8);
    }
  }

  void put_claim(const stored_claim& c) {
    const key_bytes at = text_key(subscription(c.scope), c.key);
    if (c.state == claim_state::abandoned) {
      remove(txn_, t_->claims, at);
    } else {
      byte_writer{put_room(txn_, t_->claims, at, 9)}
          .number(static_cast<std::uint64_t>(c.state), 1)
          .number(static_cast<std::uint64_t>(c.at), 8);
    }
  }

  void put_letter(const stored_letter& l) {
    const key_bytes at = key() << topic(l.event.topic).number << l.number;
    const event_record record{l.event};
    const std::uint32_t who = subscription(l.subscription);
    const std::uint32_t what = type(l.event.name, l.event.version);
    char* const to = put_room(txn_, t_->letters, at, letter_head + l.errors.size() + record.size());
    byte_writer w{to};
    w.number(who, 4).number(static_cast<std::uint64_t>(l.cause), 1).number(l.attempts, 4).number(l.cycles, 4);
    w.number(static_cast<std::uint64_t>(l.died), 8).number(l.blocked_by, 8).number(l.event.position, 8);
    w.number(l.errors.size(), 4).bytes(l.errors.data(), l.errors.size());
    record.write(to + letter_head + l.errors.size(), what);
  }

  void put_timer(const stored_timer& t) {
    const event_record record{t.event};
    const std::uint32_t in = topic(t.event.topic).number;
    const std::uint32_t what = type(t.event.name, t.event.version);
    char* const to = put_room(txn_, t_->timers, key() << t.id, timer_head + record.size());
    byte_writer w{to};
    w.number(static_cast<std::uint64_t>(t.due), 8).number(static_cast<std::uint64_t>(t.period), 8);
    w.number(in, 4).number(t.event.position, 8);
    record.write(to + timer_head, what);
  }

  static constexpr std::size_t letter_head = 41;
  static constexpr std::size_t timer_head = 28;
  static constexpr std::uint64_t most_bytes = 0xffffffffU;

 public:
  static constexpr std::size_t max_name = 500;

 private:
  ::MDB_txn* txn_;
  const tables* t_;
  name_book* book_;
  std::string_view place_;
  const stored_event* doing_ = nullptr;
  std::map<std::string_view, topic_entry> topics_{};
  std::string_view last_name_{};
  topic_entry* last_ = nullptr;
  std::map<std::string_view, std::uint32_t> subscriptions_{};
  std::map<type_key, std::uint32_t> types_{};
  type_key last_type_{};
  std::uint32_t last_type_number_ = 0;
  std::vector<named> fresh_{};
};

}  // namespace peal::inline v0::lmdb::detail
