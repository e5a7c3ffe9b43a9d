// SPDX-License-Identifier: MIT
// What a handler may say about its delivery instead of throwing.
#pragma once

#include <cstdint>
#include <string>
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
  outcome(kind k, nanoseconds delay, std::string reason) noexcept
      : kind_(k), delay_(delay), reason_(std::move(reason)) {}

  [[nodiscard]] kind what() const noexcept { return kind_; }
  [[nodiscard]] nanoseconds delay() const noexcept { return delay_; }
  [[nodiscard]] const std::string& reason() const noexcept { return reason_; }

 private:
  kind kind_ = kind::handled;
  nanoseconds delay_{0};
  std::string reason_;
};

/// Failed; try again after exactly `delay`. Attempts are bounded by the subscription's first back-off, or 5.
inline outcome retry_after(nanoseconds delay) { return {outcome::kind::again_after, delay, {}}; }

/// Will never succeed: a dead letter at once, cause `rejected`.
inline outcome reject(std::string reason) { return {outcome::kind::rejected, nanoseconds{0}, std::move(reason)}; }

}  // namespace peal::inline v0
