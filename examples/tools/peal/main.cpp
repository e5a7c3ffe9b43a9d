// SPDX-License-Identifier: MIT
// peal: a store of events, seen by a person.
#include <chrono>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#if PEAL_TOOL_HAS_JSON
#include <peal/adapters/json/json.hpp>
#endif
#if PEAL_TOOL_HAS_LMDB
#include <peal/adapters/lmdb/lmdb_store.hpp>
#endif
#if PEAL_TOOL_HAS_SQLITE
#include <peal/adapters/sqlite/sqlite_store.hpp>
#endif

#include <peal/store/open_options.hpp>

#include "commands.hpp"

namespace {

/// By its first bytes; what is no store at all is for SQLite to refuse.
bool is_lmdb(const std::string& path) {
  std::FILE* const file = std::fopen(path.c_str(), "rb");
  if (file == nullptr) throw peal::error("peal: there is no " + path);
  unsigned char head[20]{};
  const std::size_t n = std::fread(head, 1, sizeof head, file);
  (void)std::fclose(file);
  return n == sizeof head &&
         (std::memcmp(head + 16, "\xde\xc0\xef\xbe", 4) == 0 || std::memcmp(head + 16, "\xbe\xef\xc0\xde", 4) == 0);
}

std::unique_ptr<peal::store> open(const peal_tool::request& r) {
  [[maybe_unused]] const peal::open_mode mode = r.changes() ? peal::open_mode::write : peal::open_mode::read;
  if (is_lmdb(r.store)) {
#if PEAL_TOOL_HAS_LMDB
    peal::lmdb::options o;
    o.mode = mode;
    return std::make_unique<peal::lmdb::store>(r.store, o);
#else
    throw peal::error("peal: this tool was built without LMDB (Debian: liblmdb-dev)");
#endif
  }
#if PEAL_TOOL_HAS_SQLITE
  peal::sqlite::options o;
  o.mode = mode;
  return std::make_unique<peal::sqlite::store>(r.store, o);
#else
  throw peal::error("peal: this tool was built without SQLite (Debian: libsqlite3-dev)");
#endif
}

void print(std::string& text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fflush(stdout);
  text.clear();
}

int run(const peal_tool::request& r) {
  const std::unique_ptr<peal::store> kept = open(r);
  std::string out;
#if PEAL_TOOL_HAS_JSON
  peal_tool::session session{r, *kept, out, &peal::json::to_wire, &print};
#else
  peal_tool::session session{r, *kept, out, {}, &print};
#endif
  if (!(r.what == peal_tool::verb::tail && r.follow)) {
    const int code = session.run();
    print(out);
    return code;
  }
  for (std::uint64_t from = session.first_of_tail();;) {
    from = session.tail(from);
    print(out);
    std::this_thread::sleep_for(std::chrono::milliseconds{200});
  }
}

}  // namespace

int main(int count, char** arguments) {
  try {
    const peal_tool::request r = peal_tool::parse_request({arguments + 1, arguments + count});
    if (r.help) return std::fwrite(peal_tool::usage.data(), 1, peal_tool::usage.size(), stdout) == 0 ? 2 : 0;
    return run(r);
  } catch (const example::usage_error& e) {
    std::fprintf(stderr, "peal: %s\n\n%s", e.what(), peal_tool::usage.data());
    return 2;
  } catch (const std::exception& e) {
    std::fprintf(stderr, "%s\n", e.what());
    return 3;
  }
}
