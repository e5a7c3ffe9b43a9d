// SPDX-License-Identifier: MIT
// Tells a process that it is a fork's child, without a system call a look.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <new>
#if defined(__linux__)
#include <sys/mman.h>
#include <unistd.h>
#elif defined(__unix__) || defined(__APPLE__)
#include <unistd.h>
#endif

namespace peal::inline v0::detail {

/// A word that a fork's child finds zeroed (MADV_WIPEONFORK, Linux 4.14); elsewhere the process id is compared.
class fork_mark {
 public:
  fork_mark() noexcept {
#if defined(__linux__) && defined(MADV_WIPEONFORK)
    void* const page = ::mmap(nullptr, page_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page != MAP_FAILED) {
      if (::madvise(page, page_bytes, MADV_WIPEONFORK) == 0) {
        word_ = ::new (page) std::atomic<std::uint32_t>{1};
      } else {
        ::munmap(page, page_bytes);
      }
    }
#endif
#if defined(__unix__) || defined(__APPLE__)
    owner_ = static_cast<std::int64_t>(::getpid());
#endif
  }
  fork_mark(const fork_mark&) = delete;
  fork_mark& operator=(const fork_mark&) = delete;
  ~fork_mark() {
#if defined(__linux__)
    if (word_ != nullptr) ::munmap(static_cast<void*>(word_), page_bytes);
#endif
  }

  [[nodiscard]] bool same_process() const noexcept {
    if (word_ != nullptr) return word_->load(std::memory_order_relaxed) != 0;
#if defined(__unix__) || defined(__APPLE__)
    return static_cast<std::int64_t>(::getpid()) == owner_;
#else
    return true;
#endif
  }

 private:
  static constexpr std::size_t page_bytes = 4096;
  std::atomic<std::uint32_t>* word_ = nullptr;
  std::int64_t owner_ = 0;
};

}  // namespace peal::inline v0::detail
