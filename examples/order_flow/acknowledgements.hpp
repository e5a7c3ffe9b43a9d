// SPDX-License-Identifier: MIT
// Tells the outside which orders are safe: whoever reads it there need not send them again.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>

#include <peal/core/receipt.hpp>

#include "json.hpp"
#include "retail_rows.hpp"

namespace order_flow {

/// Appends a line `number "order id"` to a file for each order that the store has. Many orders wait for one commit.
/// Errors: input_error for a file that cannot be written; what wait_durable throws.
template <class Bus>
class acknowledgements {
 public:
  acknowledgements(Bus& bus, const std::optional<std::string>& path) : bus_(bus) {
    if (!path) return;
    path_ = *path;
    file_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (file_ < 0) failed();
  }
  acknowledgements(const acknowledgements&) = delete;
  acknowledgements& operator=(const acknowledgements&) = delete;
  ~acknowledgements() {
    if (file_ >= 0) ::close(file_);
  }

  void operator()(const peal::receipt& receipt, std::uint64_t number, const std::string& order_id) {
    constexpr std::size_t together = 32;
    if (file_ < 0) return;
    lines_ += std::to_string(number) + " " + json_string(order_id) + "\n";
    last_ = receipt;
    if (++count_ == together) flush();
  }

  void flush() {
    if (count_ == 0) return;
    bus_.wait_durable(last_);  // those before it are in the same topic, so they are safe with it
    if (::write(file_, lines_.data(), lines_.size()) != static_cast<::ssize_t>(lines_.size())) failed();
    lines_.clear();
    count_ = 0;
  }

 private:
  [[noreturn]] void failed() const { throw input_error(path_ + ": " + std::strerror(errno)); }

  Bus& bus_;
  std::string path_;
  int file_ = -1;
  std::string lines_;
  std::size_t count_ = 0;
  peal::receipt last_{};
};

/// For a shop whose orders end with its process.
struct no_acknowledgements {
  void operator()(const peal::receipt&, std::uint64_t, const std::string&) {}
  void flush() {}
};

}  // namespace order_flow
