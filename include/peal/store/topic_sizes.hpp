// SPDX-License-Identifier: MIT
// How large the topics of a store are, counted once and then kept up to date: for those who write stores.
#pragma once

#include <peal/store/store.hpp>

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace peal::inline v0 {

/// The sizes of those topics that somebody has asked for, as long as nobody else writes to the store.
///
/// Thread safety: the caller's lock. Errors: bad_alloc, from set() alone.
class topic_sizes {
 public:
  /// Null: it has not been counted.
  [[nodiscard]] const topic_size* find(std::string_view topic) const noexcept {
    const auto at = all_.find(topic);
    return at == all_.end() ? nullptr : &at->second;
  }
  void set(std::string_view topic, const topic_size& counted) { all_.insert_or_assign(std::string(topic), counted); }

  /// After a commit.
  void add(const store_batch& b) noexcept {
    if (all_.empty()) return;
    std::string_view last{};
    topic_size* size = nullptr;
    for (const stored_event& e : b.events) {
      if (size == nullptr || e.topic != last) {
        const auto at = all_.find(e.topic);
        if (at == all_.end()) continue;
        size = &at->second;
        last = e.topic;
      }
      *size += size_of(e);
    }
  }
  /// After a trim or a compaction.
  void take(std::string_view topic, const topic_size& gone) noexcept {
    const auto at = all_.find(topic);
    if (at != all_.end()) at->second -= gone;
  }
  /// Nobody knows what is there: it is counted again.
  void clear() noexcept { all_.clear(); }

 private:
  std::map<std::string, topic_size, std::less<>> all_;
};

}  // namespace peal::inline v0
