// SPDX-License-Identifier: MIT
// Puts a simulated disk under this program: its calls that write, cut, sync and remove files come here first. Linux.
//
// A name that the executable defines is found before the C library's, also by the shared libraries that a store is built
// on. One source file of a program may include this.
#pragma once

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <map>
#include <random>
#include <string>
#include <string_view>
#include <utility>

#include "support/simulated_disk.hpp"

namespace peal_test {

/// The disk under one folder, as long as it lives; the files themselves are always as they were last written.
///
/// Thread safety: one such object, one thread that writes.
class interposed_disk {
 public:
  interposed_disk(std::string folder, std::uint64_t seed, missing what = missing::nothing)
      : folder_{std::move(folder)}, disk_{seed, what}, random_{seed} {
    current = this;
  }
  interposed_disk(const interposed_disk&) = delete;
  interposed_disk& operator=(const interposed_disk&) = delete;
  ~interposed_disk() { current = nullptr; }

  simulated_disk& operator*() noexcept { return disk_; }
  simulated_disk* operator->() noexcept { return &disk_; }

  /// Makes the folder what the power left of it. What processes share about an open file is noise, or gone.
  void power_on() {
    const std::map<std::string, std::string> there = disk_.power_on();
    current = nullptr;
    known_.clear();
    for (const auto& entry : std::filesystem::directory_iterator(folder_)) {
      const std::string name = entry.path().filename();
      if (shared(name) && random_() % 2 == 0) {
        std::string noise(entry.file_size(), '\0');
        for (char& c : noise) c = static_cast<char>(random_());
        std::ofstream{entry.path(), std::ios::binary} << noise;
      } else if (there.count(name) == 0) {
        std::filesystem::remove(entry.path());
      }
    }
    for (const auto& [name, bytes] : there) std::ofstream{folder_ + "/" + name, std::ios::binary} << bytes;
    current = this;
  }

  void write(int handle, std::uint64_t at, const void* data, std::size_t size) {
    const std::string& name = name_of(handle);
    if (name.empty()) return;
    disk_.write(name, at, {static_cast<const char*>(data), size}, (::fcntl(handle, F_GETFL) & O_DSYNC) != 0);
  }
  void truncate(int handle, std::uint64_t size) {
    if (const std::string& name = name_of(handle); !name.empty()) disk_.truncate(name, size);
  }
  /// True: it is of this disk, and need not wait for the real one.
  bool sync(int handle) {
    const std::string& name = name_of(handle);
    if (name.empty()) return false;
    if (name == ".") {
      disk_.sync_folder();
    } else {
      disk_.sync(name);
    }
    return true;
  }
  using file_id = std::pair<::dev_t, ::ino_t>;
  void remove(const char* path, file_id id) {
    known_.erase(id);
    if (const std::string name = name_of(path); !name.empty()) disk_.remove(name);
  }
  void rename(const char* from, const char* to, file_id id) {
    known_.erase(id);
    if (const std::string name = name_of(to); !name.empty()) disk_.rename(name_of(from), name);
  }

  static inline interposed_disk* current = nullptr;

 private:
  /// SQLite's and LMDB's memory that processes share.
  static bool shared(std::string_view name) {
    const auto ends = [name](std::string_view with) {
      return name.size() >= with.size() && name.substr(name.size() - with.size()) == with;
    };
    return ends("-shm") || ends("-lock");
  }

  [[nodiscard]] std::string name_of(std::string_view path) const {
    if (path.substr(0, folder_.size() + 1) != folder_ + "/") return {};
    return std::string(path.substr(folder_.size() + 1));
  }
  /// In the folder; "." for itself; empty: not there.
  const std::string& name_of(int handle) {
    struct ::stat is {};
    if (::fstat(handle, &is) != 0) return nowhere_;
    const auto [at, fresh] = known_.try_emplace({is.st_dev, is.st_ino});
    if (!fresh) return at->second;
    char text[4'096];
    const auto link = "/proc/self/fd/" + std::to_string(handle);
    const ::ssize_t n = ::readlink(link.c_str(), text, sizeof text);
    const std::string_view path{text, n < 0 ? 0 : static_cast<std::size_t>(n)};
    if (path == folder_) return at->second = ".";
    return at->second = shared(path) ? std::string{} : name_of(path);
  }

  std::string folder_;
  simulated_disk disk_;
  std::mt19937_64 random_;
  std::map<std::pair<::dev_t, ::ino_t>, std::string> known_{};
  const std::string nowhere_{};
};

namespace interposed {

inline ::ssize_t write_at(int handle, const void* data, std::size_t size, ::off_t at) {
  const auto n = ::syscall(SYS_pwrite64, handle, data, size, at);
  if (interposed_disk::current != nullptr && n > 0) {
    interposed_disk::current->write(handle, static_cast<std::uint64_t>(at), data, static_cast<std::size_t>(n));
  }
  return n;
}
inline int truncate(int handle, ::off_t size) {
  const auto result = ::syscall(SYS_ftruncate, handle, size);
  if (interposed_disk::current != nullptr && result == 0) {
    interposed_disk::current->truncate(handle, static_cast<std::uint64_t>(size));
  }
  return static_cast<int>(result);
}
inline int sync(int handle, long call) {
  if (interposed_disk::current != nullptr && interposed_disk::current->sync(handle)) return 0;
  return static_cast<int>(::syscall(call, handle));
}

}  // namespace interposed

}  // namespace peal_test

extern "C" {

::ssize_t pwrite(int handle, const void* data, std::size_t size, ::off_t at) {
  return peal_test::interposed::write_at(handle, data, size, at);
}
::ssize_t pwrite64(int handle, const void* data, std::size_t size, ::off64_t at) {
  return peal_test::interposed::write_at(handle, data, size, at);
}
::ssize_t writev(int handle, const struct ::iovec* parts, int count) {
  auto at = ::lseek(handle, 0, SEEK_CUR);
  const auto n = ::syscall(SYS_writev, handle, parts, count);
  if (peal_test::interposed_disk::current != nullptr && at >= 0) {
    auto left = static_cast<std::size_t>(n < 0 ? 0 : n);
    for (int i = 0; i < count && left != 0; ++i) {
      const std::size_t size = parts[i].iov_len < left ? parts[i].iov_len : left;
      peal_test::interposed_disk::current->write(handle, static_cast<std::uint64_t>(at), parts[i].iov_base, size);
      at += static_cast<::off_t>(size);
      left -= size;
    }
  }
  return n;
}
int ftruncate(int handle, ::off_t size) noexcept { return peal_test::interposed::truncate(handle, size); }
int ftruncate64(int handle, ::off64_t size) noexcept { return peal_test::interposed::truncate(handle, size); }
int fsync(int handle) { return peal_test::interposed::sync(handle, SYS_fsync); }
int fdatasync(int handle) { return peal_test::interposed::sync(handle, SYS_fdatasync); }
int unlink(const char* path) noexcept {
  struct ::stat is {};
  const bool there = peal_test::interposed_disk::current != nullptr && ::stat(path, &is) == 0;
  const auto result = ::syscall(SYS_unlinkat, AT_FDCWD, path, 0);
  if (there && result == 0) peal_test::interposed_disk::current->remove(path, {is.st_dev, is.st_ino});
  return static_cast<int>(result);
}
int rename(const char* from, const char* to) noexcept {
  struct ::stat is {};
  const bool there = peal_test::interposed_disk::current != nullptr && ::stat(from, &is) == 0;
  const auto result = ::syscall(SYS_renameat, AT_FDCWD, from, AT_FDCWD, to);
  if (there && result == 0) peal_test::interposed_disk::current->rename(from, to, {is.st_dev, is.st_ino});
  return static_cast<int>(result);
}
}
