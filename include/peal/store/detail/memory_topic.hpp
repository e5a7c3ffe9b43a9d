// SPDX-License-Identifier: MIT
// A topic's events in memory.
#pragma once

#include <peal/store/owned_event.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace peal::inline v0::detail {

using kept_events = std::vector<std::shared_ptr<const owned_event>>;

/// The events of one topic, with holes where compaction was.
class memory_topic {
 public:
  [[nodiscard]] topic_range range() const noexcept { return {first_, first_ + events_.size()}; }

  [[nodiscard]] const topic_size& size() const noexcept { return size_; }

  [[nodiscard]] std::uint64_t newest(std::string_view key) const {
    const auto found = streams_.find(key);
    return found == streams_.end() ? 0 : found->second.newest;
  }

  void append(const stored_event& e) {
    auto kept = std::make_shared<const owned_event>(e);
    events_.push_back(kept);
    size_ += size_of(e);
    if (e.stream_version != 0) {
      stream& s = streams_[std::string(e.key)];
      s.newest = e.stream_version;
      s.events[e.stream_version] = std::move(kept);
    }
  }

  std::uint64_t collect(std::uint64_t from, std::size_t max, kept_events& into) const {
    for (from = std::max(from, first_); from < range().next && into.size() < max; ++from) {
      const auto& e = events_[static_cast<std::size_t>(from - first_)];
      if (e != nullptr) into.push_back(e);
    }
    return from;
  }

  std::uint64_t collect_stream(std::string_view key, std::uint64_t from, std::size_t max, kept_events& into) const {
    const auto found = streams_.find(key);
    if (found == streams_.end()) return 0;
    const auto& events = found->second.events;
    for (auto e = events.lower_bound(from); e != events.end() && into.size() < max; ++e) into.push_back(e->second);
    return found->second.newest;
  }

  std::uint64_t trim(std::uint64_t before) {
    std::uint64_t removed = 0;
    for (; first_ < before && !events_.empty(); pop()) removed += remove(0);
    skip_holes();
    return removed;
  }

  std::uint64_t compact(std::uint64_t before) {
    std::uint64_t removed = 0;
    std::set<std::string_view> seen;
    for (std::uint64_t p = std::min(before, range().next); p > first_;) {
      const std::size_t i = static_cast<std::size_t>(--p - first_);
      if (events_[i] == nullptr || events_[i]->view().key.empty()) continue;
      if (!seen.insert(events_[i]->view().key).second) removed += remove(i);
    }
    skip_holes();
    return removed;
  }

 private:
  struct stream {
    std::uint64_t newest = 0;
    std::map<std::uint64_t, std::shared_ptr<const owned_event>> events{};
  };

  std::uint64_t remove(std::size_t i) {
    if (events_[i] == nullptr) return 0;
    const stored_event& e = events_[i]->view();
    size_ -= size_of(e);
    if (e.stream_version != 0) streams_.find(e.key)->second.events.erase(e.stream_version);
    events_[i] = nullptr;
    return 1;
  }
  void pop() {
    events_.pop_front();
    ++first_;
  }
  void skip_holes() {
    while (!events_.empty() && events_.front() == nullptr) pop();
  }

  std::uint64_t first_ = 0;
  topic_size size_{};
  std::deque<std::shared_ptr<const owned_event>> events_;
  std::map<std::string, stream, std::less<>> streams_;
};

}  // namespace peal::inline v0::detail
