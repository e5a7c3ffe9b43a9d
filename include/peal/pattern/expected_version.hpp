// SPDX-License-Identifier: MIT
// What the writer of a stream believes its newest version to be, and what it is told when that is wrong.
#pragma once

#include <peal/core/error.hpp>

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

namespace peal::inline v0 {

/// The version that a stream must have for an append to happen: a number, peal::no_stream, or peal::any_version.
class expected_version {
 public:
  /// That of the stream's newest event; 0: it has none.
  constexpr expected_version(std::uint64_t exactly) noexcept : exactly_{exactly} {}  // NOLINT: a number is one

  [[nodiscard]] static constexpr expected_version any() noexcept { return {anything}; }
  [[nodiscard]] constexpr bool allows(std::uint64_t actual) const noexcept {
    return exactly_ == anything || exactly_ == actual;
  }
  /// For messages: "version 4", "no stream", "any version".
  [[nodiscard]] std::string text() const {
    if (exactly_ == anything) return "any version";
    return exactly_ == 0 ? "no stream" : "version " + std::to_string(exactly_);
  }

  friend constexpr bool operator==(const expected_version&, const expected_version&) = default;

 private:
  static constexpr std::uint64_t anything = std::numeric_limits<std::uint64_t>::max();
  std::uint64_t exactly_;
};

inline constexpr expected_version no_stream{0};                           ///< it must not be there yet
inline constexpr expected_version any_version = expected_version::any();  ///< whoever else has appended meanwhile

/// The stream is not what its writer believes: somebody else was first. Nothing was appended.
class version_conflict : public error {
 public:
  version_conflict(std::string_view topic, std::string_view key, expected_version expected, std::uint64_t actual)
      : error(text(topic, key, expected, actual)), topic_{topic}, key_{key}, expected_{expected}, actual_{actual} {}

  [[nodiscard]] const std::string& topic() const noexcept { return topic_; }
  [[nodiscard]] const std::string& key() const noexcept { return key_; }
  [[nodiscard]] expected_version expected() const noexcept { return expected_; }
  /// The stream's newest version; 0: it has no event.
  [[nodiscard]] std::uint64_t actual() const noexcept { return actual_; }

 private:
  static std::string text(std::string_view topic, std::string_view key, expected_version expected,
                          std::uint64_t actual) {
    std::string t = "peal: stream \"";
    t.append(key).append("\" of ").append(topic).append(": expected ").append(expected.text());
    t.append(", found ").append(expected_version{actual}.text());
    return t.append(". Somebody else was first: load it again and decide anew");
  }

  std::string topic_;
  std::string key_;
  expected_version expected_;
  std::uint64_t actual_;
};

/// Events of a stream are no longer there, so nothing can be folded from them.
class stream_incomplete : public error {
 public:
  /// `from`, `to`: the versions that are missing.
  stream_incomplete(std::string_view topic, std::string_view key, std::uint64_t from, std::uint64_t to)
      : error(text(topic, key, from, to)) {}

 private:
  static std::string text(std::string_view topic, std::string_view key, std::uint64_t from, std::uint64_t to) {
    std::string t = "peal: stream \"";
    t.append(key).append("\" of ").append(topic).append(": versions ").append(std::to_string(from)).append(" to ");
    t.append(std::to_string(to)).append(" were trimmed or compacted, and no snapshot stands for them");
    return t;
  }
};

}  // namespace peal::inline v0
