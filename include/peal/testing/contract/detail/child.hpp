// SPDX-License-Identifier: MIT
// Another process, for tests of what survives one: POSIX's fork.
#pragma once

#include <peal/testing/contract/detail/store_probe.hpp>

#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdio>
#include <exception>
#include <string>

namespace peal::inline v0::testing::contract_cases {

/// A pipe whose both ends are kept on both sides of a fork.
class channel {
 public:
  channel() { require(::pipe(ends_) == 0, "pipe() failed"); }
  channel(const channel&) = delete;
  channel& operator=(const channel&) = delete;
  ~channel() {
    ::close(ends_[0]);
    if (ends_[1] >= 0) ::close(ends_[1]);
  }

  void close_writing() {
    ::close(ends_[1]);
    ends_[1] = -1;
  }
  bool write(const void* data, std::size_t size) {
    return ::write(ends_[1], data, size) == static_cast<::ssize_t>(size);
  }
  /// What is there, at most `size` bytes; 0: the other side is gone.
  std::size_t read(void* data, std::size_t size) {
    ::ssize_t n = 0;
    do {
      n = ::read(ends_[0], data, size);
    } while (n < 0 && errno == EINTR);
    return n < 0 ? 0 : static_cast<std::size_t>(n);
  }

  void say() { require(write("x", 1), "the other process is gone"); }
  void hear() {
    char c = 0;
    require(read(&c, 1) == 1, "the other process is gone");
  }

 private:
  int ends_[2] = {-1, -1};
};

/// Runs `body` in a forked process, which ends without destructors of this one; an alarm ends it when it hangs.
class child {
 public:
  template <class Body>
  explicit child(Body body, unsigned seconds = 60) {
    (void)std::fflush(nullptr);
    id_ = ::fork();
    require(id_ >= 0, "fork() failed");
    if (id_ == 0) {
      ::alarm(seconds);
      ::_exit(run(body));
    }
  }
  child(const child&) = delete;
  child& operator=(const child&) = delete;
  ~child() {
    if (id_ > 0) {
      kill();
      wait();
    }
  }

  void kill() { ::kill(id_, SIGKILL); }
  /// Waits; what the body threw is a violation here.
  void finish() {
    wait();
    if (WIFEXITED(status_) && WEXITSTATUS(status_) == 0) return;
    std::string what;
    char text[2'000];
    said_.close_writing();
    for (std::size_t n = 0; (n = said_.read(text, sizeof text)) != 0;) what.append(text, n);
    violated("in another process: " + (what.empty() ? "it ended with status " + std::to_string(status_) : what));
  }
  /// Waits for one that was killed; false: it ended by itself before.
  bool was_killed() {
    wait();
    return WIFSIGNALED(status_);
  }

 private:
  template <class Body>
  int run(Body& body) {
    try {
      body();
      return 0;
    } catch (const std::exception& e) {
      const std::string what = e.what();
      (void)said_.write(what.data(), what.size());
    }
    return 1;
  }
  void wait() {
    if (id_ <= 0) return;
    while (::waitpid(id_, &status_, 0) < 0 && errno == EINTR) continue;
    id_ = 0;
  }

  channel said_;
  ::pid_t id_ = 0;
  int status_ = 0;
};

template <class Body>
void in_child(Body body) {
  child c{body};
  c.finish();
}

}  // namespace peal::inline v0::testing::contract_cases
