// SPDX-License-Identifier: MIT
// A thread: what the bus needs of std::thread, without the headers and templates that <thread> costs each user.
#pragma once

#if defined(__unix__) || defined(__APPLE__)
#include <pthread.h>
#include <unistd.h>
#else
#include <thread>
#endif

#include <system_error>

namespace peal::inline v0::detail {

#if defined(__unix__) || defined(__APPLE__)

/// Runs `main(argument)`, which must not throw.
///
/// Errors: system_error when the system has no thread for it. Thread safety: as std::thread.
/// Lifetime: joined or detached before it ends; one address from its start on is not needed.
class own_thread {
 public:
  own_thread(void* (*main)(void*), void* argument) {
    if (const int failed = ::pthread_create(&id_, nullptr, main, argument); failed != 0) {
      throw std::system_error(failed, std::generic_category(), "peal: a thread");
    }
  }
  [[nodiscard]] bool is_this() const noexcept { return ::pthread_equal(id_, ::pthread_self()) != 0; }
  void join() noexcept { ::pthread_join(id_, nullptr); }
  void detach() noexcept { ::pthread_detach(id_); }

  [[nodiscard]] static unsigned cores() noexcept {
    const long online = ::sysconf(_SC_NPROCESSORS_ONLN);
    return online > 0 ? static_cast<unsigned>(online) : 0;
  }

 private:
  ::pthread_t id_{};
};

#else

class own_thread {
 public:
  own_thread(void* (*main)(void*), void* argument) : thread_{main, argument} {}
  [[nodiscard]] bool is_this() const noexcept { return thread_.get_id() == std::this_thread::get_id(); }
  void join() noexcept { thread_.join(); }
  void detach() noexcept { thread_.detach(); }

  [[nodiscard]] static unsigned cores() noexcept { return std::thread::hardware_concurrency(); }

 private:
  std::thread thread_;
};

#endif

}  // namespace peal::inline v0::detail
