// SPDX-License-Identifier: MIT
// What a request ends with: a reply, or why there is none.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace peal::inline v0 {

/// Why a request has no reply.
enum class request_errc : std::uint8_t {
  timed_out,     ///< none came within the time given
  no_responder,  ///< nobody answers such queries; known at once
  failed,        ///< the responder has failed for good; the text says how
  closing,       ///< the bus is draining or has ended
  overloaded,    ///< no room for the query, or too many wait for their replies
};

constexpr std::string_view to_string(request_errc e) noexcept {
  switch (e) {
    case request_errc::timed_out: return "no reply came in time";
    case request_errc::no_responder: return "nobody answers this query";
    case request_errc::failed: return "the responder failed";
    case request_errc::closing: return "the bus is draining or has ended";
    case request_errc::overloaded: return "too many requests wait for their replies";
  }
  return "unknown";
}

/// A reply, or why there is none; false when there is none.
///
/// Example: `if (const auto price = prices.request({"apple"}, 50ms)) pay(*price); else log(to_string(price.error()));`
template <class Reply>
class [[nodiscard]] answer {
 public:
  answer(Reply&& reply) noexcept : reply_{std::move(reply)} {}  // NOLINT: as std::expected
  answer(request_errc why, std::string text = {}) noexcept : error_{why}, text_{std::move(text)} {}  // NOLINT

  [[nodiscard]] bool has_value() const noexcept { return reply_.has_value(); }
  explicit operator bool() const noexcept { return has_value(); }
  [[nodiscard]] Reply& operator*() noexcept { return *reply_; }
  [[nodiscard]] const Reply& operator*() const noexcept { return *reply_; }
  [[nodiscard]] Reply* operator->() noexcept { return &*reply_; }
  [[nodiscard]] const Reply* operator->() const noexcept { return &*reply_; }
  /// Meaningless where there is a reply.
  [[nodiscard]] request_errc error() const noexcept { return error_; }
  /// Of `failed`: what the responder's exception said.
  [[nodiscard]] const std::string& text() const noexcept { return text_; }

 private:
  std::optional<Reply> reply_{};
  request_errc error_{};
  std::string text_{};
};

/// The requests of one query type so far.
struct request_statistics {
  std::uint64_t asked = 0;    ///< that found a responder and room
  std::uint64_t replied = 0;  ///< whose reply came in time
  std::uint64_t timed_out = 0;
  std::uint64_t late = 0;   ///< replies that nobody waited for any more: dropped
  std::size_t pending = 0;  ///< askers now
};

}  // namespace peal::inline v0
