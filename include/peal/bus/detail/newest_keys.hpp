// SPDX-License-Identifier: MIT
// Which event of each key waits now, of a subscription that keeps only the newest; without the keys' types.
#pragma once

#include <peal/bus/detail/key_chain.hpp>

#include <cstdint>

namespace peal::inline v0::detail {

/// A key with its one event.
struct newest_chain : key_chain {
  kept* event = nullptr;
  std::uint8_t type = 0;
};

/// Thread safety: the owner of the seat's `running`.
class newest_keys {
 public:
  newest_keys() = default;
  newest_keys(const newest_keys&) = delete;
  newest_keys& operator=(const newest_keys&) = delete;
  virtual ~newest_keys() = default;

  /// Null when the event has no key. Errors: what the key throws, bad_alloc; `told`: the key itself was told.
  virtual newest_chain* of(const void* event, std::uint8_t type, bool& told) = 0;
  virtual void free(newest_chain& chain) noexcept = 0;
};

}  // namespace peal::inline v0::detail
