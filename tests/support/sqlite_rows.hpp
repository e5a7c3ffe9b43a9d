// SPDX-License-Identifier: MIT
// A few words of SQL for tests that have tables of their own beside a store's.
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <stdexcept>
#include <string>

namespace peal_test {

inline void sql(::sqlite3* db, const std::string& text) {
  char* said = nullptr;
  if (::sqlite3_exec(db, text.c_str(), nullptr, nullptr, &said) != SQLITE_OK) throw std::runtime_error(said);
}
inline std::int64_t number(::sqlite3* db, const char* query) {
  std::int64_t n = 0;
  const auto take = [](void* to, int, char** values, char**) {
    *static_cast<std::int64_t*>(to) = values[0] == nullptr ? 0 : std::stoll(values[0]);
    return 0;
  };
  if (::sqlite3_exec(db, query, take, &n, nullptr) != SQLITE_OK) throw std::runtime_error(query);
  return n;
}

}  // namespace peal_test
