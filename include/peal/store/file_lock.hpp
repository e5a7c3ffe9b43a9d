// SPDX-License-Identifier: MIT
// A lock on a file, so that a store has one writer: the system frees it when its process ends, however it ends.
#pragma once

#include <peal/store/store_error.hpp>

#include <cerrno>
#include <cstdio>
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
#endif

namespace peal::inline v0 {

/// Holds a file for itself, against other processes and against other objects of this one.
///
/// The file is made when it is not there, holds nothing, and stays when the lock goes: who removes it while somebody
/// holds it lets a second one in. A child of fork() that ends or closes it does not free it.
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
      std::fclose(file_);
      throw store_error(store_errc::locked, place, "lock " + path);
    }
  }
  file_lock(file_lock&& other) noexcept : file_{std::exchange(other.file_, nullptr)} {}
  file_lock& operator=(file_lock&& other) noexcept {
    std::swap(file_, other.file_);
    return *this;
  }
  ~file_lock() {
    if (file_ != nullptr) std::fclose(file_);  // which frees it, and, unlike LOCK_UN, not from a forked child
  }

 private:
#ifdef _WIN32
  static std::FILE* open(const std::string& path) { return std::fopen(path.c_str(), "abN"); }
  static bool lock(std::FILE* file) {
    OVERLAPPED from_start{};
    const auto handle = reinterpret_cast<HANDLE>(_get_osfhandle(_fileno(file)));
    return LockFileEx(handle, LOCKFILE_EXCLUSIVE_LOCK | LOCKFILE_FAIL_IMMEDIATELY, 0, 1, 0, &from_start) != 0;
  }
#else
  // Not fcntl's locks: those are the process's, and lost when it closes any handle of the file.
  static std::FILE* open(const std::string& path) { return std::fopen(path.c_str(), "abe"); }
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
