// SPDX-License-Identifier: MIT
// The store in SQLite on a disk that fails: every n-th write and sync, a file cut off anywhere, bits that flip.
#include <peal/adapters/sqlite/sqlite_store.hpp>

#include <sqlite3.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "support/catch.hpp"
#include "support/stress_options.hpp"
#include "support/temporary_folder.hpp"

namespace {

using peal::store_batch;
using peal::store_errc;

/// SQLite's own files, of which one call fails. One test runs at a time.
struct faulty_disk {
  enum class call { none, write, sync };
  static inline call what = call::none;
  static inline long left = 0;   ///< calls until the one that fails
  static inline int result = 0;  ///< what it returns
  static inline bool hit = false;

  static void fail(call c, long at, int with) {
    what = c;
    left = at;
    result = with;
    hit = false;
  }
  static bool now(call c) {
    if (what != c || --left != 0) return false;
    hit = true;
    return true;
  }

  static inline std::map<const sqlite3_io_methods*, std::unique_ptr<sqlite3_io_methods>> patched;
  static inline const sqlite3_io_methods* original = nullptr;

  static int write(sqlite3_file* file, const void* data, int size, sqlite3_int64 at) {
    if (!now(call::write)) return original->xWrite(file, data, size, at);
    original->xWrite(file, data, size / 2, at);  // a short one
    return result;
  }
  static int sync(sqlite3_file*, int) { return now(call::sync) ? result : SQLITE_OK; }  // the disk itself is not tested

  static int open(sqlite3_vfs* self, const char* name, sqlite3_file* file, int flags, int* out) {
    auto* const real = static_cast<sqlite3_vfs*>(self->pAppData);
    const int opened = real->xOpen(real, name, file, flags, out);
    if (opened != SQLITE_OK || file->pMethods == nullptr) return opened;
    original = file->pMethods;
    auto& mine = patched[original];
    if (mine == nullptr) {
      mine = std::make_unique<sqlite3_io_methods>(*original);
      mine->xWrite = write;
      mine->xSync = sync;
    }
    file->pMethods = mine.get();
    return opened;
  }

  faulty_disk() {
    sqlite3_vfs* const real = sqlite3_vfs_find(nullptr);
    vfs_ = *real;
    vfs_.zName = "faulty";
    vfs_.pAppData = real;
    vfs_.xOpen = open;
    sqlite3_vfs_register(&vfs_, 1);
    what = call::none;
  }
  faulty_disk(const faulty_disk&) = delete;
  faulty_disk& operator=(const faulty_disk&) = delete;
  ~faulty_disk() { sqlite3_vfs_unregister(&vfs_); }

 private:
  sqlite3_vfs vfs_{};
};

std::string payload_of(std::uint64_t position, std::size_t size) {
  return "event " + std::to_string(position) + std::string(size, static_cast<char>('a' + position % 26));
}

/// Two events and a cursor behind them.
void commit(peal::store& s, std::uint64_t batch, std::size_t size) {
  store_batch b;
  std::vector<std::string> payloads;
  for (std::uint64_t i = 0; i < 2; ++i) payloads.push_back(payload_of(2 * batch + i, size));
  for (std::uint64_t i = 0; i < 2; ++i) {
    peal::stored_event e;
    e.topic = "shop.orders";
    e.position = 2 * batch + i;
    e.name = "shop.order";
    e.payload = std::as_bytes(std::span<const char>(payloads[i].data(), payloads[i].size()));
    b.events.push_back(e);
  }
  b.cursors = {{"billing", "shop.orders", 2 * (batch + 1)}};
  s.commit(b);
}

/// How many whole batches are there; -1: something that cannot be.
long long whole_batches(const peal::store& s, std::size_t size) {
  std::uint64_t n = 0;
  bool right = true;
  s.read("shop.orders", 0, 1'000'000, [&](const peal::stored_event& e) {
    const std::string p = payload_of(n, size);
    right = right && e.position == n++ &&
            std::string_view(reinterpret_cast<const char*>(e.payload.data()), e.payload.size()) == p;
  });
  std::uint64_t cursor = 0;
  s.cursors([&](const peal::stored_cursor& c) { cursor = c.position; });
  return right && n % 2 == 0 && cursor == n && s.range("shop.orders") == peal::topic_range{0, n}
             ? static_cast<long long>(n / 2)
             : -1;
}

struct outcome {
  bool hit = false;
  int hit_in = -1;  ///< which commit
  long long acknowledged = 0;
  long long after_error = 0;  ///< acknowledged although another had failed
  std::vector<store_errc> errors{};
};

/// Commits 40 batches onto a disk on which one call fails, looks, opens it again on a sound one, and looks again.
outcome run(faulty_disk::call what, long at, int result) {
  const peal_test::temporary_folder folder;
  const std::string path = folder.path("store.db");
  const std::size_t size = 60'000;
  outcome seen;
  {
    peal::sqlite::store s{path, {.cache_bytes = 200'000}};
    faulty_disk::fail(what, at, result);
    for (int i = 0; i < 40; ++i) {
      try {
        commit(s, static_cast<std::uint64_t>(seen.acknowledged), size);
        ++seen.acknowledged;
        if (!seen.errors.empty()) ++seen.after_error;
      } catch (const peal::store_error& e) {
        seen.errors.push_back(e.code());
      }
      if (seen.hit_in < 0 && faulty_disk::hit) seen.hit_in = i;
    }
    seen.hit = faulty_disk::hit;
    CHECK(whole_batches(s, size) == seen.acknowledged);  // reading goes on
    faulty_disk::what = faulty_disk::call::none;
  }
  peal::sqlite::store again{path};
  const long long kept = whole_batches(again, size);
  CHECK(kept >= seen.acknowledged);
  CHECK(kept <= seen.acknowledged + 1);
  commit(again, static_cast<std::uint64_t>(kept), size);
  CHECK(whole_batches(again, size) == kept + 1);
  return seen;
}

}  // namespace

TEST_CASE("sqlite: the first sync that fails poisons the store, and nothing acknowledged is lost",
          "[adapters][sqlite][P35]") {
  const faulty_disk disk;
  int poisoned = 0;
  for (long at = 1;; ++at) {
    const outcome seen = run(faulty_disk::call::sync, at, SQLITE_IOERR_FSYNC);
    if (!seen.hit) break;
    INFO("sync " << at);
    // The sync of a commit is heard of at once; one that moves the log into the database spoils the next commit.
    const std::size_t told = seen.errors.empty() || seen.errors[0] == store_errc::poisoned ? 0 : 1;
    if (told == 1) CHECK(seen.errors[0] == store_errc::io);
    for (std::size_t i = told; i < seen.errors.size(); ++i) CHECK(seen.errors[i] == store_errc::poisoned);
    CHECK(seen.acknowledged + static_cast<long long>(seen.errors.size()) == 40);
    CHECK(seen.after_error == 0);
    CHECK((!seen.errors.empty() || seen.hit_in == 39));
    poisoned += seen.errors.empty() ? 0 : 1;
    REQUIRE(at < 500);
  }
  std::printf("  syncs that failed: %d\n", poisoned);
  CHECK(poisoned > 30);
}

TEST_CASE("sqlite: a write that finds the disk full says no_space, and the store goes on", "[adapters][sqlite][P35]") {
  const faulty_disk disk;
  std::mt19937_64 random{peal_test::seed()};
  int refused = 0;
  for (long at = 1; at < 3'000; at += 1 + static_cast<long>(random() % 100)) {
    const outcome seen = run(faulty_disk::call::write, at, SQLITE_FULL);
    if (!seen.hit) break;
    INFO("write " << at);
    CHECK(seen.errors.size() <= 1);  // none where the log was moved: it stays where it is
    for (const store_errc e : seen.errors) CHECK(e == store_errc::no_space);
    CHECK(seen.acknowledged + static_cast<long long>(seen.errors.size()) == 40);
    refused += static_cast<int>(seen.errors.size());
  }
  std::printf("  writes refused: %d\n", refused);
  CHECK(refused > 10);
}

TEST_CASE("sqlite: a write that fails loses nothing acknowledged", "[adapters][sqlite][P35]") {
  const faulty_disk disk;
  std::mt19937_64 random{peal_test::seed() + 1};
  int failed = 0;
  for (long at = 1; at < 3'000; at += 1 + static_cast<long>(random() % 100)) {
    const outcome seen = run(faulty_disk::call::write, at, SQLITE_IOERR_WRITE);
    if (!seen.hit) break;
    INFO("write " << at);
    for (std::size_t i = 1; i < seen.errors.size(); ++i) CHECK(seen.errors[i] == store_errc::poisoned);
    CHECK((seen.errors.size() < 2 || seen.after_error == 0));
    failed += seen.errors.empty() ? 0 : 1;
  }
  CHECK(failed > 10);
}

namespace {

std::string content(const std::string& path) {
  std::ifstream in{path, std::ios::binary};
  return {std::istreambuf_iterator<char>(in), {}};
}

/// Opens and reads all of it; whole batches seen, or the error's code.
struct looked {
  long long batches = -2;
  store_errc code{};
  std::string text{};
};
looked look(const std::string& path) {
  looked l;
  try {
    peal::sqlite::store s{path};
    l.batches = whole_batches(s, 500);
  } catch (const peal::store_error& e) {
    l.code = e.code();
    l.text = e.what();
  }
  return l;
}

}  // namespace

TEST_CASE("sqlite: a file that was cut off or changed is a typed error that names it, or reads as it was",
          "[adapters][sqlite][P34]") {
  const peal_test::temporary_folder folder;
  const std::string path = folder.path("store.db");
  {
    peal::sqlite::store s{path};
    for (std::uint64_t i = 0; i < 60; ++i) commit(s, i, 500);
  }
  const std::string sound = content(path);
  REQUIRE(look(path).batches == 60);
  // The number's bits turn the id of a row back to one that was read already: the run that found it was of this seed.
  std::mt19937_64 random{GENERATE(std::uint64_t{3614394967}, peal_test::seed())};
  int errors = 0;
  const auto check = [&](const std::string& bytes) {
    std::filesystem::remove(path + "-wal");
    std::filesystem::remove(path + "-shm");
    std::ofstream{path, std::ios::binary} << bytes;
    const looked l = look(path);
    if (l.batches == 60) return;  // what was changed is not in use, or it was put right
    CAPTURE(l.batches, l.text, bytes.size());
    CHECK(l.batches == -2);  // never less, never another payload
    CHECK((l.code == store_errc::corrupt || l.code == store_errc::not_a_store || l.code == store_errc::newer_format ||
           l.code == store_errc::io));
    CHECK_THAT(l.text, peal_test::contains_text(path));
    ++errors;
  };
  // SQLite takes a file of one byte for a new one.
  for (std::size_t size = 2; size < sound.size(); size += 1 + random() % (size < 600 ? 100 : 4'000))
    check(sound.substr(0, size));
  const int cut = errors;
  for (int i = 0; i < 300; ++i) {
    std::string bytes = sound;
    const std::size_t at = random() % bytes.size();
    bytes[at] = static_cast<char>(bytes[at] ^ (1 << random() % 8));
    check(bytes);
  }
  std::printf("  cut off: %d errors; flipped bits: %d of 300 are errors\n", cut, errors - cut);
  CHECK(cut > 5);
  CHECK(errors - cut > 100);
}
