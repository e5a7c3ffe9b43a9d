// SPDX-License-Identifier: MIT
// A progress bar for people who watch; nothing in a pipe.
#pragma once

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>

namespace order_flow {

/// Draws on stderr, and only when that is a terminal.
class progress_bar {
 public:
  progress_bar() : shown_(isatty(STDERR_FILENO) == 1) {}
  progress_bar(const progress_bar&) = delete;
  progress_bar& operator=(const progress_bar&) = delete;

  ~progress_bar() { clear(); }

  void clear() {
    if (drawn_) std::fputs("\r\x1b[K", stderr);
    drawn_ = false;
  }

  void show(std::uint64_t done, std::uint64_t total) {
    if (!shown_) return;
    const auto now = std::chrono::steady_clock::now();
    if (now < next_) return;
    next_ = now + std::chrono::milliseconds{50};
    const auto share = total == 0 ? 1.0 : std::min(1.0, static_cast<double>(done) / static_cast<double>(total));
    constexpr std::size_t width = 40;
    const auto filled = static_cast<std::size_t>(share * static_cast<double>(width));
    std::fprintf(stderr, "\r[%s%s] %3.0f %%  %llu orders", std::string(filled, '#').c_str(),
                 std::string(width - filled, ' ').c_str(), share * 100, static_cast<unsigned long long>(done));
    drawn_ = true;
  }

 private:
  bool shown_;
  bool drawn_ = false;
  std::chrono::steady_clock::time_point next_{};
};

}  // namespace order_flow
