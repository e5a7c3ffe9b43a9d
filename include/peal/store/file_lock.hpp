// SPDX-License-Identifier: MIT
// A lock on a file, so that a store has one writer: the system frees it when its process ends, however it ends.
#pragma once

#include <peal/store/store_error.hpp>

#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#ifdef _WIN32
#ifndef NOMINMAX
#define NOMINMAX
#endif
#include <io.h>
#include <windows.h>
#else
#include <sys/file.h>
#include <unistd.h>
#endif

namespace peal::inline v0 {

/// Holds a file for itself, against other processes and against other objects of this one.
///
/// The file is made when it is not there, names the process that has it, and stays when the lock goes: who removes it
/// while somebody holds it lets a second one in. A child of fork() that ends or closes it does not free it.
/// Errors: store_error `locked`, `io`.
class file_lock {
 public:
  file_lock() = default;
  /// `place` and `doing` are for messages.
  file_lock(const std::string& path, std::string_view place) : file_{open(path)} {
    if (file_ == nullptr) {
      throw store_error(store_errc::io, place, "open the lock " + path, std::system_category().message(errno));
    }
    if (!lock(file_)) {
      const long who = read_holder(file_);
      (void)std::fclose(file_);
      throw store_error(store_errc::locked, place, "lock " + path, "by process " + std::to_string(who));
    }
    write_holder(file_);
  }
  file_lock(file_lock&& other) noexcept : file_{std::exchange(other.file_, nullptr)} {}
  file_lock& operator=(file_lock&& other) noexcept {
    std::swap(file_, other.file_);
    return *this;
  }
  ~file_lock() {
    if (file_ != nullptr) (void)std::fclose(file_);  // which frees it, and, unlike LOCK_UN, not from a forked child
  }

  /// Whether this process, some object of it, holds the file now.
  static bool is_mine(const std::string& path) {
    std::FILE* const file = open(path);
    if (file == nullptr) return false;
    const bool mine = read_holder(file) == this_process() && !lock(file);
    (void)std::fclose(file);
    return mine;
  }

 private:
  static long read_holder(std::FILE* file) {
    char text[24]{};
    std::rewind(file);
    const std::size_t n = std::fread(text, 1, sizeof text - 1, file);
    return n == 0 ? 0 : std::strtol(text, nullptr, 10);
  }
  /// For messages alone: whoever reads it asks for the lock, too.
  static void write_holder(std::FILE* file) {
    if (!empty(file)) return;
    (void)std::fprintf(file, "%ld\n", this_process());
    (void)std::fflush(file);
  }

#ifdef _WIN32
  static long this_process() { return static_cast<long>(GetCurrentProcessId()); }
  static bool empty(std::FILE* file) { return _chsize(_fileno(file), 0) == 0; }
  static std::FILE* open(const std::string& path) { return std::fopen(path.c_str(), "a+bN"); }
  static bool lock(std::FILE* file) {
    OVERLAPPED from_start{};
    const auto handle = reinterpret_cast<HANDLE>(_get_osfhandle(_fileno(file)));
    return LockFileEx(handle, LOCKFILE_EXCLUSIVE_LOCK | LOCKFILE_FAIL_IMMEDIATELY, 0, 1, 0, &from_start) != 0;
  }
#else
  // Not fcntl's locks: those are the process's, and lost when it closes any handle of the file.
  static long this_process() { return ::getpid(); }
  static bool empty(std::FILE* file) { return ::ftruncate(::fileno(file), 0) == 0; }
  static std::FILE* open(const std::string& path) { return std::fopen(path.c_str(), "a+be"); }
  static bool lock(std::FILE* file) {
    int result = -1;
    do {
      result = ::flock(::fileno(file), LOCK_EX | LOCK_NB);
    } while (result != 0 && errno == EINTR);
    return result == 0;
  }
#endif

  std::FILE* file_ = nullptr;
};

}  // namespace peal::inline v0
