// SPDX-License-Identifier: MIT
// A stored event with memory of its own.
#pragma once

#include <peal/store/records.hpp>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <string_view>

namespace peal::inline v0 {

/// A copy of a stored event, in one piece of memory: it stays when what it was copied from is gone.
///
/// Lifetime: what view() names is valid while the object, or one that it was moved into, is there.
class owned_event {
 public:
  owned_event() = default;
  explicit owned_event(const stored_event& e)
      : bytes_{new std::byte[e.topic.size() + e.name.size() + e.key.size() + e.payload.size()]}, view_{e} {
    std::byte* to = bytes_.get();
    view_.topic = copy(to, e.topic);
    view_.name = copy(to, e.name);
    view_.key = copy(to, e.key);
    std::copy(e.payload.begin(), e.payload.end(), to);
    view_.payload = {to, e.payload.size()};
  }

  [[nodiscard]] const stored_event& view() const noexcept { return view_; }

 private:
  static std::string_view copy(std::byte*& to, std::string_view text) {
    const auto* from = reinterpret_cast<const std::byte*>(text.data());
    const auto* begin = reinterpret_cast<const char*>(to);
    to = std::copy(from, from + text.size(), to);
    return {begin, text.size()};
  }

  std::unique_ptr<std::byte[]> bytes_{};
  stored_event view_{};
};

}  // namespace peal::inline v0
