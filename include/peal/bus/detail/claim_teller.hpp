// SPDX-License-Identifier: MIT
// Whom an idempotent subscription of a durable topic tells which keys it has handled.
#pragma once

#include <peal/core/clock.hpp>

#include <cstdint>

namespace peal::inline v0 {
class wire_reader;
class wire_writer;
}

namespace peal::inline v0::detail {

/// What a subscription says of the keys that it has handled; set before it stands.
struct key_memory {
  bool any = false;       ///< it remembers some
  bool encodable = true;  ///< and its codec knows how to write them
  nanoseconds window{0};
};

/// A key, and how it is written.
struct written_key {
  const void* key;
  void (*write)(wire_writer&, const void* key);
};

/// A subscription's side of what its topic's journal is told of keys.
///
/// Thread safety: the owner of the seat's `running`.
class claim_teller {
 public:
  claim_teller() noexcept = default;
  claim_teller(const claim_teller&) = delete;
  claim_teller& operator=(const claim_teller&) = delete;
  virtual ~claim_teller() = default;

  /// An event is about to be handled whose key this is.
  /// Errors: bad_alloc, limit_reached for a key that the store has no place for, what writing it throws.
  virtual void expect(std::uint8_t type, const written_key& key) = 0;
  /// It was not handled.
  virtual void expect_no_more(std::uint8_t type, const written_key& key) noexcept = 0;
  /// It was handled; the journal hears of it by `tell`, once what it has published stands in its topic.
  virtual void handled(std::uint8_t type, time_point when, const written_key& key) noexcept = 0;
  virtual void tell() noexcept = 0;
  /// What was expected last was handled, all of it.
  virtual void tell_at_once(time_point when) noexcept = 0;

  time_point oldest{};  ///< no key that was handled before is remembered
};

}  // namespace peal::inline v0::detail
