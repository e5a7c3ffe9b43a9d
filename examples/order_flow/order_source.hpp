// SPDX-License-Identifier: MIT
// Where rows come from: one file, or many small made ones, so that any number of orders fits into memory.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "generator.hpp"
#include "options.hpp"
#include "random.hpp"
#include "retail_rows.hpp"

namespace order_flow {

class order_source {
 public:
  /// Errors: input_error.
  explicit order_source(const options& chosen)
      : file_(chosen.input), generator_(chosen.troubles.seed), orders_left_(chosen.input ? 0 : chosen.orders) {
    if (file_) text_ = read_file(*file_);
  }

  /// What it gives, in a line: two sources with the same line give the same.
  std::string description() const {
    if (file_) return std::to_string(text_.size()) + " bytes of a file, checksum " + std::to_string(hashed(text_));
    return std::to_string(orders_left_) + " orders made from a seed";
  }

  /// The next rows; nothing when there are no more.
  /// Errors: input_error.
  std::optional<retail_rows> next() {
    if (file_) {
      const auto path = *file_;
      file_.reset();
      return parse_retail(std::exchange(text_, {}), path);
    }
    if (orders_left_ == 0) return std::nullopt;
    constexpr std::uint64_t file_orders = 20'000;
    const auto count = std::min(orders_left_, file_orders);
    orders_left_ -= count;
    return parse_retail(generator_.make(count), "made orders");
  }

  /// How many orders `next` has not given yet, as far as that is known before a file is read.
  std::uint64_t orders_left() const { return orders_left_; }

 private:
  std::optional<std::string> file_;
  std::string text_;  // of the file
  retail_generator generator_;
  std::uint64_t orders_left_;
};

}  // namespace order_flow
