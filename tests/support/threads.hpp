// SPDX-License-Identifier: MIT
// A thread of which the test can see that it sleeps, and a child process whose end can be looked at.
#pragma once

#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <string>
#include <thread>
#include <utility>

namespace peal_test {

/// Runs a function on a thread of its own; until_asleep() waits until that thread sleeps in the kernel.
class sleeper {
 public:
  template <class F>
  explicit sleeper(F f)
      : thread_{[this, run = std::move(f)]() mutable {
          id_ = static_cast<long>(::syscall(SYS_gettid));
          run();
        }} {}
  ~sleeper() { join(); }
  sleeper(const sleeper&) = delete;
  sleeper& operator=(const sleeper&) = delete;

  /// Asleep at several looks in a row: a thread that only waits for a processor is not asleep.
  void until_asleep() const {
    for (int seen = 0; seen < 20;) {
      std::this_thread::yield();
      seen = state() == 'S' ? seen + 1 : 0;
    }
  }
  void join() {
    if (thread_.joinable()) thread_.join();
  }

 private:
  [[nodiscard]] char state() const {
    const std::string path = "/proc/self/task/" + std::to_string(id_.load()) + "/stat";
    std::FILE* const file = std::fopen(path.c_str(), "r");
    if (file == nullptr) return '?';
    char text[256]{};
    const std::size_t n = std::fread(text, 1, sizeof text - 1, file);
    std::fclose(file);
    const std::string all(text, n);
    const auto name_end = all.rfind(')');
    return name_end == std::string::npos || name_end + 2 >= all.size() ? '?' : all[name_end + 2];
  }

  std::atomic<long> id_{0};
  std::thread thread_;
};

/// Runs `body` in a forked child, which ends with what it returns, unless it ends itself; -1 when a signal ended it.
/// An alarm ends a child that hangs.
template <class Body>
int in_child(Body body, unsigned seconds = 30) {
  std::fflush(nullptr);
  const ::pid_t child = ::fork();
  if (child == 0) {
    ::alarm(seconds);
    ::_exit(body());
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

}  // namespace peal_test
