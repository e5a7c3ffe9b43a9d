// SPDX-License-Identifier: MIT
// The databases inside an LMDB store, and what the numbers in them are called.
#pragma once

#include <peal/adapters/lmdb/detail/bytes.hpp>
#include <peal/adapters/lmdb/detail/environment.hpp>
#include <peal/store/store.hpp>
#include <peal/store/sync_folder.hpp>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <deque>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace peal::inline v0::lmdb::detail {

// Stored. major * 1000 + minor: a newer major is refused, a newer minor has only what an older reader need not know.
inline constexpr std::uint64_t format = 1'001;
inline constexpr std::string_view signature = "peal store";

/// The databases that every store has. `events` has one more for each topic, "events.<number>".
struct tables {
  ::MDB_dbi meta{};           // "format" -> number; "is" -> signature
  ::MDB_dbi names{};          // kind, name (a type's version before it) -> number
  ::MDB_dbi topics{};         // topic -> next position
  ::MDB_dbi streams{};        // topic, key -> stream, newest version
  ::MDB_dbi stream_events{};  // stream, version -> position
  ::MDB_dbi types{};          // type -> description
  ::MDB_dbi cursors{};        // subscription, topic -> position
  ::MDB_dbi pending{};        // subscription, topic, position -> attempts, due
  ::MDB_dbi claims{};         // subscription, key -> state, moment
  ::MDB_dbi letters{};        // topic, number -> what is known of it, event
  ::MDB_dbi timers{};         // number -> due, period, topic, position, event

  ::MDB_dbi deadlines{};  // topic, position -> moment; since format 1.1
  bool has_deadlines = false;

  void open(::MDB_txn* txn, unsigned flags) {
    const auto one = [&](const char* name, ::MDB_dbi& dbi) { check(::mdb_dbi_open(txn, name, flags, &dbi)); };
    one("names", names);
    one("topics", topics);
    one("streams", streams);
    one("stream_events", stream_events);
    one("types", types);
    one("cursors", cursors);
    one("pending", pending);
    one("claims", claims);
    one("letters", letters);
    one("timers", timers);
  }
};

inline ::MDB_dbi open_events(::MDB_txn* txn, std::uint32_t topic, unsigned flags) {
  ::MDB_dbi dbi{};
  check(::mdb_dbi_open(txn, ("events." + std::to_string(topic)).c_str(), MDB_INTEGERKEY | flags, &dbi));
  return dbi;
}

enum class kind : char { topic = 't', subscription = 's', type = 'y' };

inline key_bytes name_key(kind k, std::uint32_t version, std::string_view name) {
  key_bytes key;
  key << static_cast<char>(k) << version << name;
  return key;
}

/// A name that has a number. It stays where it is as long as the store is open.
struct named {
  kind what{};
  std::uint32_t number = 0;
  std::uint32_t version = 0;
  std::string name{};
  ::MDB_dbi events{};  // of a topic
};

/// What the numbers in committed records mean.
///
/// Thread safety: every call from any thread.
class name_book {
 public:
  [[nodiscard]] const named* find(std::uint32_t number) const {
    const std::lock_guard hold{mutex_};
    const auto at = by_number_.find(number);
    return at == by_number_.end() ? nullptr : at->second;
  }
  [[nodiscard]] const named* find(kind k, std::uint32_t version, std::string_view name) const {
    const std::lock_guard hold{mutex_};
    const auto at = by_name_.find(name_key{k, version, name});
    return at == by_name_.end() ? nullptr : at->second;
  }
  void add(named n) {
    const std::lock_guard hold{mutex_};
    if (by_number_.count(n.number) != 0) return;
    const named& kept = all_.emplace_back(std::move(n));
    by_number_[kept.number] = &kept;
    by_name_[{kept.what, kept.version, kept.name}] = &kept;
  }

  /// Adds what is in the database and not here; opens the events of topics that are new, so that one thread at a time
  /// may do it, in a transaction that ends with a commit.
  void read(::MDB_txn* txn, const tables& t) {
    cursor all{txn, t.names};
    for (bool more = all.first(); more; more = all.next()) {
      const auto number = static_cast<std::uint32_t>(byte_reader{all.value()}.number(4));
      if (find(number) != nullptr) continue;
      byte_reader key{all.key()};
      named n;
      n.what = static_cast<kind>(key.sorted(1));
      n.version = static_cast<std::uint32_t>(key.sorted(4));
      n.name = key.rest();
      n.number = number;
      if (n.what == kind::topic) n.events = open_events(txn, number, 0);
      add(std::move(n));
    }
  }

 private:
  struct name_key {
    kind what;
    std::uint32_t version;
    std::string_view name;
    friend auto operator<=>(const name_key&, const name_key&) = default;
  };
  mutable std::mutex mutex_;
  std::deque<named> all_;
  std::map<std::uint32_t, const named*> by_number_;
  std::map<name_key, const named*> by_name_;
};

inline void put_format(::MDB_txn* txn, ::MDB_dbi meta) {
  char bytes[8];
  byte_writer{bytes}.number(format, 8);
  put(txn, meta, "format", {bytes, sizeof bytes});
}

/// Makes or checks the format; opens all databases, and commits.
inline void open_tables(::MDB_env* env, std::string_view place, bool writes, tables& t, name_book& names) {
  transaction txn{env, writes ? 0U : unsigned{MDB_RDONLY}};
  ::MDB_stat all{};
  check(::mdb_env_stat(env, &all));
  const bool make = writes && all.ms_entries == 0;
  const int result = ::mdb_dbi_open(txn.get(), "meta", make ? MDB_CREATE : 0U, &t.meta);
  if (result == MDB_NOTFOUND || result == MDB_INCOMPATIBLE) {
    throw store_error(store_errc::not_a_store, place, "open",
                      all.ms_entries == 0 ? "it is empty" : "another program's");
  }
  check(result);
  if (make) {
    put(txn.get(), t.meta, "is", signature);
    put_format(txn.get(), t.meta);
  }
  if (get(txn.get(), t.meta, "is") != signature) {
    throw store_error(store_errc::not_a_store, place, "open", "another program's");
  }
  const std::uint64_t minor = byte_reader{get(txn.get(), t.meta, "format")}.number(8);
  const std::uint64_t there = minor / 1'000;
  if (there > format / 1'000) {
    throw store_error(
        store_errc::newer_format, place, "open",
        "its format is " + std::to_string(there) + ", this program knows up to " + std::to_string(format / 1'000));
  }
  t.open(txn.get(), make ? MDB_CREATE : 0U);
  const int deadlines = ::mdb_dbi_open(txn.get(), "deadlines", writes ? MDB_CREATE : 0U, &t.deadlines);
  t.has_deadlines = deadlines != MDB_NOTFOUND;
  if (t.has_deadlines) check(deadlines);
  if (writes && minor < format) put_format(txn.get(), t.meta);
  names.read(txn.get(), t);
  txn.commit();
}

/// Makes a store where there is none: under another name first, since what LMDB writes before its first sync may be there
/// in part when the power goes, and is not a store then. The caller holds the writer's lock.
inline void make_where_none(const std::string& path, options o) {
  std::FILE* const there = std::fopen(path.c_str(), "rb");
  if (there != nullptr) (void)std::fclose(there);
  if (there != nullptr || errno != ENOENT) return;
  const std::string unfinished = path + ".new";
  const auto remove_all = [](const std::string& name) {
    (void)std::remove(name.c_str());
    (void)std::remove((name + "-lock").c_str());
  };
  remove_all(unfinished);
  o.durability = sync::full;
  {
    environment e{unfinished, o};
    tables t;
    name_book names;
    open_tables(e.get(), path, true, t, names);
  }
  if (std::rename(unfinished.c_str(), path.c_str()) != 0) {
    throw store_error(store_errc::io, path, "make it", std::system_category().message(errno));
  }
  remove_all(unfinished);
  sync_folder_of(path, path);
}

}  // namespace peal::inline v0::lmdb::detail
