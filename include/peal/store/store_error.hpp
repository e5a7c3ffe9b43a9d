// SPDX-License-Identifier: MIT
// What a store throws.
#pragma once

#include <peal/core/error.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace peal::inline v0 {

/// What went wrong in a store.
enum class store_errc : std::uint8_t {
  locked,        ///< another process, or another object of this one, has it open for writing
  not_a_store,   ///< what is there is something else
  newer_format,  ///< written by a newer major version of this library
  read_only,     ///< opened for reading
  conflict,      ///< a position is not the next of its topic, or its stream: two writers, or one that lost count
  too_large,     ///< one event or key is larger than this store can keep
  no_space,      ///< the disk, or the store's own limit, is full; nothing of the batch was kept
  corrupt,       ///< what is there cannot be what was written
  io,            ///< the operating system said no
  poisoned,      ///< an earlier sync failed: what is durable is not known until it is opened again
};

constexpr std::string_view to_string(store_errc e) noexcept {
  switch (e) {
    case store_errc::locked: return "it is open for writing elsewhere; one writer at a time";
    case store_errc::not_a_store: return "this is not a store of events";
    case store_errc::newer_format: return "it was written by a newer version; update this program";
    case store_errc::read_only: return "it was opened for reading only";
    case store_errc::conflict: return "an event is not the next one of its topic, or of its stream";
    case store_errc::too_large: return "too large for this store";
    case store_errc::no_space: return "there is no space left; nothing of the batch was kept";
    case store_errc::corrupt: return "it is damaged";
    case store_errc::io: return "the operating system refused";
    case store_errc::poisoned: return "an earlier sync failed; close it, look at the disk, open it again";
  }
  return "unknown";
}

/// A store could not do what it says. The text names the store, what it was doing, and where.
class store_error : public error {
 public:
  /// `place`: the store's; `doing`: what and where, for instance "append to shop.orders at 1042"; `said`: what the layer
  /// below said.
  store_error(store_errc code, std::string_view place, std::string_view doing, std::string_view said = {})
      : error(text(code, place, doing, said)), code_{code} {}

  [[nodiscard]] store_errc code() const noexcept { return code_; }

 private:
  static std::string text(store_errc code, std::string_view place, std::string_view doing, std::string_view said) {
    std::string t = "peal: store ";
    t.append(place).append(": ").append(doing).append(": ").append(to_string(code));
    if (!said.empty()) t.append(" (").append(said).append(")");
    return t;
  }

  store_errc code_;
};

}  // namespace peal::inline v0
