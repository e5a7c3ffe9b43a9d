// SPDX-License-Identifier: MIT
// How far a projection has come in its topics, and which events come next.
#pragma once

#include <peal/core/error.hpp>
#include <peal/store/owned_event.hpp>
#include <peal/store/store.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace peal::inline v0::detail {

/// The next event of a projection.
struct projection_step {
  owned_event event{};
  std::size_t topic = 0;  ///< its index
  bool replaying = false;
};

/// Positions in several topics, and their events as one sequence: by the time of publication, where it is the same by the
/// order of the topics, and never against the order of a topic.
///
/// Thread safety: one thread at a time.
class projection_course {
 public:
  projection_course(store& kept, std::string name, const std::vector<std::string>& topics, bool keeps)
      : store_{kept}, name_{std::move(name)}, seen_name_{name_ + " (rebuilding)"}, keeps_{keeps} {
    if (name_.empty()) throw bad_option("peal: projection_options.name: a projection needs a name for its position");
    if (topics.empty()) throw bad_option("peal: projection_options.topics: a projection needs a topic to read");
    for (const std::string& t : topics) topics_.emplace_back().name = t;
    load();
    for (one& t : topics_) {
      if (!keeps_) t.seen = store_.range(t.name).next;
    }
  }

  [[nodiscard]] store& kept() const noexcept { return store_; }

  /// Goes to where the store says that it stands.
  void load() {
    if (!keeps_) return;
    for (one& t : topics_) t.position = 0;
    store_.cursors([this](const stored_cursor& c) {
      one* const t = find(c.topic);
      if (t != nullptr && c.subscription == name_) t->position = c.position;
      if (t != nullptr && c.subscription == seen_name_) t->seen = c.position;
    });
  }
  /// Its positions are what the store says.
  [[nodiscard]] bool is_current() const {
    if (!keeps_) return true;
    std::vector<std::uint64_t> there(topics_.size());
    store_.cursors([&](const stored_cursor& c) {
      const one* const t = c.subscription == name_ ? find(c.topic) : nullptr;
      if (t != nullptr) there[static_cast<std::size_t>(t - topics_.data())] = c.position;
    });
    return std::equal(there.begin(), there.end(), topics_.begin(),
                      [](std::uint64_t p, const one& t) { return p == t.position; });
  }

  /// Looks where the topics end now: up to there take() goes.
  void begin() {
    for (one& t : topics_) {
      t.end = store_.range(t.name).next;
      t.read_to = t.position;
      t.waiting.clear();
      t.at = 0;
    }
  }
  /// The next events, at most so many.
  std::vector<projection_step> take(std::size_t most) {
    std::vector<projection_step> all;
    while (all.size() < most) {
      const std::size_t i = earliest();
      if (i == topics_.size()) break;
      one& t = topics_[i];
      owned_event& e = t.waiting[t.at++];
      const bool again = e.view().position < t.seen;
      all.push_back({std::move(e), i, again});
    }
    return all;
  }

  /// Where it stands behind the first `n` of these steps, `last`: behind all that there is.
  [[nodiscard]] std::vector<std::uint64_t> behind(const std::vector<projection_step>& steps, std::size_t n,
                                                  bool last) const {
    std::vector<std::uint64_t> at;
    for (const one& t : topics_) at.push_back(last ? std::max(t.end, t.position) : t.position);
    if (last) return at;
    for (std::size_t i = 0; i < n; ++i) at[steps[i].topic] = steps[i].event.view().position + 1;
    return at;
  }
  /// As cursors. Lifetime: of this.
  [[nodiscard]] store_batch cursors(const std::vector<std::uint64_t>& at) const {
    store_batch b;
    for (std::size_t i = 0; i < topics_.size() && keeps_; ++i) {
      if (at[i] != topics_[i].position) b.cursors.push_back({name_, topics_[i].name, at[i]});
    }
    return b;
  }
  /// These have been committed.
  void moved(const std::vector<std::uint64_t>& at) noexcept {
    for (std::size_t i = 0; i < topics_.size(); ++i) topics_[i].position = at[i];
  }
  /// Sum of what lies before these positions.
  [[nodiscard]] std::uint64_t distance_to(const std::vector<std::uint64_t>& at) const noexcept {
    std::uint64_t n = 0;
    for (std::size_t i = 0; i < topics_.size(); ++i) n += at[i] - topics_[i].position;
    return n;
  }

  /// Back to the beginning; what was handled until now is known to be so, also by the next process.
  [[nodiscard]] store_batch rewinding() const {
    store_batch b;
    for (const one& t : topics_) {
      if (!keeps_ || std::max(t.position, t.seen) == 0) continue;
      b.cursors.push_back({name_, t.name, 0});
      b.cursors.push_back({seen_name_, t.name, std::max(t.position, t.seen)});
    }
    return b;
  }
  void rewound() noexcept {
    for (one& t : topics_) t.seen = std::max(t.seen, std::exchange(t.position, 0));
  }
  /// It has come to the end, so to where it was before it was rewound: nothing need be known of that any more.
  void forget_seen() {
    bool any = false;
    for (one& t : topics_) any = std::exchange(t.seen, 0) != 0 || any;
    if (any && keeps_) store_.forget_subscription(seen_name_);
  }

  [[nodiscard]] std::uint64_t position(std::string_view topic) const noexcept {
    const one* const t = find(topic);
    return t == nullptr ? 0 : t->position;
  }
  [[nodiscard]] std::uint64_t lag() const {
    std::uint64_t n = 0;
    for (const one& t : topics_) {
      const topic_range there = store_.range(t.name);
      const std::uint64_t from = std::max(there.first, t.position);
      if (there.next > from) n += there.next - from;
    }
    return n;
  }

 private:
  struct one {
    std::string name{};
    std::uint64_t position = 0;  // the first that it has not handled
    std::uint64_t seen = 0;      // below it everything was handled once
    std::uint64_t end = 0;
    std::uint64_t read_to = 0;
    std::vector<owned_event> waiting{};
    std::size_t at = 0;
  };
  static constexpr std::size_t at_once = 256;

  [[nodiscard]] const one* find(std::string_view topic) const noexcept {
    for (const one& t : topics_) {
      if (t.name == topic) return &t;
    }
    return nullptr;
  }
  [[nodiscard]] one* find(std::string_view topic) noexcept {
    return const_cast<one*>(std::as_const(*this).find(topic));
  }

  std::size_t earliest() {
    std::size_t best = topics_.size();
    wall_time then = std::numeric_limits<wall_time>::max();
    for (std::size_t i = 0; i < topics_.size(); ++i) {
      one& t = topics_[i];
      if (t.at == t.waiting.size()) refill(t);
      if (t.at == t.waiting.size()) continue;
      const wall_time published = t.waiting[t.at].view().published;
      if (best == topics_.size() || published < then) {
        best = i;
        then = published;
      }
    }
    return best;
  }
  void refill(one& t) {
    t.waiting.clear();
    t.at = 0;
    while (t.read_to < t.end && t.waiting.empty()) {
      const auto most = static_cast<std::size_t>(std::min<std::uint64_t>(at_once, t.end - t.read_to));
      const std::uint64_t next = store_.read(t.name, t.read_to, most, [&t](const stored_event& e) {
        if (e.position < t.end) t.waiting.emplace_back(e);
        return e.position < t.end;
      });
      t.read_to = std::max(next, t.read_to + 1);
    }
  }

  store& store_;
  const std::string name_;
  const std::string seen_name_;
  const bool keeps_;
  std::vector<one> topics_{};
};

}  // namespace peal::inline v0::detail
