// SPDX-License-Identifier: MIT
// What stands on a command line.
#pragma once

#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace example {

struct usage_error : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// The arguments one after the other: `--seed 7` and `--seed=7` alike.
/// Errors: usage_error for a value that is missing, not asked for or out of range.
class argument_reader {
 public:
  explicit argument_reader(const std::vector<std::string>& arguments) : arguments_(arguments) {}

  bool next() {
    if (at_ == arguments_.size()) return false;
    const auto& argument = arguments_[at_++];
    const auto equals = argument.find('=');
    name_ = argument.substr(0, equals);
    attached_ = equals == std::string::npos ? std::nullopt : std::optional{argument.substr(equals + 1)};
    return true;
  }

  bool is(std::string_view name) const { return name_ == name; }
  const std::string& name() const { return name_; }
  /// As it was written, for words that are no options.
  const std::string& whole() const { return arguments_[at_ - 1]; }

  bool flag() const {
    if (attached_) throw usage_error(name_ + " takes no value");
    return true;
  }

  std::string text() {
    if (attached_) return *attached_;
    if (at_ == arguments_.size()) throw usage_error(name_ + " needs a value");
    return arguments_[at_++];
  }

  template <class Number>
  Number number(Number least, Number most, const std::string& range) {
    const auto written = text();
    Number value{};
    const auto [end, error] = std::from_chars(written.data(), written.data() + written.size(), value);
    const bool all_of_it = error == std::errc{} && end == written.data() + written.size();
    if (all_of_it && least <= value && value <= most) return value;
    throw usage_error(name_ + " takes a number from " + range + ", not \"" + written + "\"");
  }

  /// Seconds or milliseconds, up to an hour.
  std::chrono::milliseconds time() {
    constexpr std::int64_t most = 3'600'000;
    const auto written = text();
    const char* const last = written.data() + written.size();
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(written.data(), last, value);
    const std::string_view unit{end, static_cast<std::size_t>(last - end)};
    const bool fits = error == std::errc{} && value >= 0 && value <= most;
    if (fits && unit == "ms") return std::chrono::milliseconds{value};
    if (fits && unit == "s" && value <= most / 1000) return std::chrono::seconds{value};
    throw usage_error(name_ + " takes a time up to an hour like 5s or 300ms, not \"" + written + "\"");
  }

  double probability() { return number(0.0, 1.0, "0 to 1"); }
  std::uint64_t count() { return number<std::uint64_t>(0, UINT64_MAX, "0 to 2^64-1"); }

 private:
  const std::vector<std::string>& arguments_;
  std::size_t at_ = 0;
  std::string name_;
  std::optional<std::string> attached_;
};

}  // namespace example
