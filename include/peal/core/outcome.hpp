// SPDX-License-Identifier: MIT
// What a handler may say about its delivery instead of throwing.
#pragma once

#include <cstdint>
#include <string>
#include <system_error>
#include <utility>

#include <peal/core/clock.hpp>

namespace peal::inline v0 {

/// Tags that are an outcome of a handler and, for discard, the action of a rule as well.
struct done_t {
  explicit done_t() = default;
};
struct retry_t {
  explicit retry_t() = default;
};
struct discard_t {
  explicit discard_t() = default;
};
inline constexpr done_t done{};        ///< handled
inline constexpr retry_t retry{};      ///< failed; try again after the subscription's back-off
inline constexpr discard_t discard{};  ///< give up without a letter; counted `discarded`

/// A handler's answer for code that does not use exceptions.
///
/// Errors: an event that cannot be copied cannot be kept aside; of such an event retry, retry_after and reject are a
/// failed run that is discarded, counted as a failure and as `discarded`.
/// Example: `return answer.ok() ? peal::outcome{peal::done} : peal::retry_after(200ms);`
class [[nodiscard]] outcome {
 public:
  enum class kind : std::uint8_t { handled, again, again_after, rejected, dropped };

  outcome() noexcept = default;
  outcome(done_t) noexcept {}                            // NOLINT: tags convert
  outcome(retry_t) noexcept : kind_(kind::again) {}      // NOLINT: tags convert
  outcome(discard_t) noexcept : kind_(kind::dropped) {}  // NOLINT: tags convert
  outcome(kind k, nanoseconds delay, std::string reason, std::error_code code = {}) noexcept
      : kind_(k), delay_(delay), reason_(std::move(reason)), code_(code) {}

  [[nodiscard]] kind what() const noexcept { return kind_; }
  [[nodiscard]] nanoseconds delay() const noexcept { return delay_; }
  [[nodiscard]] const std::string& reason() const noexcept { return reason_; }
  [[nodiscard]] std::error_code code() const noexcept { return code_; }

 private:
  kind kind_ = kind::handled;
  nanoseconds delay_{0};
  std::string reason_;
  std::error_code code_;
};

/// Failed; try again after exactly `delay`. Attempts are bounded by the subscription's first back-off, or 5.
inline outcome retry_after(nanoseconds delay) { return {outcome::kind::again_after, delay, {}}; }

/// Failed with this error; try again after the subscription's back-off. The code stands in the dead letter's record.
inline outcome retry_because(std::error_code code) {
  return {outcome::kind::again, nanoseconds{0}, code.message(), code};
}

/// Will never succeed: a dead letter at once, cause `rejected`.
inline outcome reject(std::string reason, std::error_code code = {}) {
  return {outcome::kind::rejected, nanoseconds{0}, std::move(reason), code};
}

}  // namespace peal::inline v0
