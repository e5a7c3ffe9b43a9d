// SPDX-License-Identifier: MIT
// A store in memory, for tests: it does all that a store must, and forgets it with the process.
#pragma once

#include <peal/store/detail/memory_topic.hpp>
#include <peal/store/owned_event.hpp>
#include <peal/store/store.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace peal::inline v0 {

/// Keeps everything in memory; a bus that is made again over the same object goes on where the last one ended.
///
/// Capacity: as the memory has; nothing is ever forgotten by itself.
/// Errors: `conflict` alone; a std::bad_alloc may leave a part of a batch.
/// Thread safety: every call from any thread.
/// Complexity: logarithmic in what there is of a kind.
class memory_store final : public store {
  template <class Map>
  [[nodiscard]] auto copy_of(const Map& map) const {
    const std::lock_guard hold{mutex_};
    return std::vector<std::pair<typename Map::key_type, typename Map::mapped_type>>(map.begin(), map.end());
  }

 public:
  /// `place`: what errors and reports call it.
  explicit memory_store(std::string_view place = "memory") : place_{place} {}

  void commit(const store_batch& b) override {
    const std::lock_guard hold{mutex_};
    check(b);
    for (const stored_type& t : b.types) types_.try_emplace({std::string(t.name), t.version}, t.schema);
    for (const stored_event& e : b.events) topic_of(e.topic).append(e);
    for (const stored_cursor& c : b.cursors) {
      cursors_[{std::string(c.subscription), std::string(c.topic)}] = c.position;
    }
    put_pending(b);
    put_claims(b);
    for (const stored_letter& l : b.letters) {
      letters_[{std::string(l.event.topic), l.number}] = std::make_shared<const letter>(l);
    }
    for (const letter_ref& l : b.letters_gone) letters_.erase({std::string(l.topic), l.number});
    for (const stored_timer& t : b.timers) timers_[t.id] = std::make_shared<const timer>(t);
    for (const std::uint64_t id : b.timers_gone) timers_.erase(id);
  }

  [[nodiscard]] topic_range range(std::string_view topic) const override {
    const std::lock_guard hold{mutex_};
    const detail::memory_topic* t = find(topic);
    return t == nullptr ? topic_range{} : t->range();
  }

  [[nodiscard]] topic_size size(std::string_view topic) const override {
    const std::lock_guard hold{mutex_};
    const detail::memory_topic* t = find(topic);
    return t == nullptr ? topic_size{} : t->size();
  }

  std::uint64_t read(std::string_view topic, std::uint64_t from, std::size_t max,
                     visitor<stored_event> show) const override {
    for (detail::kept_events some; max != 0; some.clear()) {
      const std::size_t asked = std::min<std::size_t>(max, at_once);
      {
        const std::lock_guard hold{mutex_};
        const detail::memory_topic* t = find(topic);
        if (t == nullptr) return from;
        from = t->collect(from, asked, some);
      }
      for (const auto& e : some) {
        if (!show(e->view())) return e->view().position + 1;
      }
      if (some.size() < asked) break;
      max -= asked;
    }
    return from;
  }

  std::uint64_t read_stream(std::string_view topic, std::string_view key, std::uint64_t from, std::size_t max,
                            visitor<stored_event> show) const override {
    detail::kept_events all;
    std::uint64_t newest = 0;
    {
      const std::lock_guard hold{mutex_};
      const detail::memory_topic* t = find(topic);
      if (t != nullptr) newest = t->collect_stream(key, from, max, all);
    }
    for (const auto& e : all) {
      if (!show(e->view())) break;
    }
    return newest;
  }

  void topics(visitor<stored_topic> show) const override {
    std::vector<std::pair<std::string, topic_range>> all;
    {
      const std::lock_guard hold{mutex_};
      for (const auto& [name, t] : topics_) all.emplace_back(name, t.range());
    }
    for (const auto& [name, range] : all) {
      if (!show({name, range})) return;
    }
  }

  void types(visitor<stored_type> show) const override {
    for (const auto& [type, schema] : copy_of(types_)) {
      if (!show({type.first, type.second, schema})) return;
    }
  }

  void cursors(visitor<stored_cursor> show) const override {
    for (const auto& [who, at] : copy_of(cursors_)) {
      if (!show({who.first, who.second, at})) return;
    }
  }

  void pending(std::string_view subscription, std::string_view topic, visitor<stored_pending> show) const override {
    std::vector<std::pair<std::uint64_t, delivery>> all;
    {
      const std::lock_guard hold{mutex_};
      const auto found = pending_.find({std::string(subscription), std::string(topic)});
      if (found != pending_.end()) all.assign(found->second.begin(), found->second.end());
    }
    for (const auto& [where, d] : all) {
      if (!show({subscription, topic, where, d.attempts, d.due})) return;
    }
  }

  void claims(std::string_view scope, visitor<stored_claim> show) const override {
    std::vector<std::pair<std::string, claim>> all;
    {
      const std::lock_guard hold{mutex_};
      const auto found = claims_.find(scope);
      if (found != claims_.end()) all.assign(found->second.begin(), found->second.end());
    }
    std::stable_sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.second.at < b.second.at; });
    for (const auto& [key, c] : all) {
      if (!show({scope, key, c.state, c.at})) return;
    }
  }

  void letters(std::string_view topic, visitor<stored_letter> show) const override {
    for (const auto& [where, l] : copy_of(letters_)) {
      if ((topic.empty() || where.first == topic) && !show(l->view)) return;
    }
  }

  void timers(visitor<stored_timer> show) const override {
    auto all = copy_of(timers_);
    std::stable_sort(all.begin(), all.end(),
                     [](const auto& a, const auto& b) { return a.second->view.due < b.second->view.due; });
    for (const auto& [id, t] : all) {
      if (!show(t->view)) return;
    }
  }

  std::uint64_t trim(std::string_view topic, std::uint64_t before) override {
    const std::lock_guard hold{mutex_};
    const auto found = topics_.find(topic);
    return found == topics_.end() ? 0 : found->second.trim(before);
  }

  std::uint64_t compact(std::string_view topic, std::uint64_t before) override {
    const std::lock_guard hold{mutex_};
    const auto found = topics_.find(topic);
    return found == topics_.end() ? 0 : found->second.compact(before);
  }

  std::uint64_t forget_claims(std::string_view scope, wall_time before) override {
    const std::lock_guard hold{mutex_};
    const auto found = claims_.find(scope);
    if (found == claims_.end()) return 0;
    return std::erase_if(found->second, [before](const auto& c) {
      return c.second.state == claim_state::committed && c.second.at < before;
    });
  }

  void forget_subscription(std::string_view subscription) override {
    const std::lock_guard hold{mutex_};
    const auto of_it = [subscription](const auto& entry) { return entry.first.first == subscription; };
    std::erase_if(cursors_, of_it);
    std::erase_if(pending_, of_it);
    for (const std::string& scope : subscription_scopes{subscription}) claims_.erase(scope);
  }

  [[nodiscard]] store_features features() const noexcept override { return {}; }
  [[nodiscard]] std::string_view place() const noexcept override { return place_; }

 private:
  static constexpr std::size_t at_once = 256;  // events that one look under the lock takes

  struct delivery {
    std::uint32_t attempts;
    wall_time due;
  };
  struct claim {
    claim_state state;
    wall_time at;
  };
  struct letter {
    explicit letter(const stored_letter& l)
        : event{l.event}, subscription{l.subscription}, errors{l.errors.begin(), l.errors.end()}, view{l} {
      view.event = event.view();
      view.subscription = subscription;
      view.errors = errors;
    }
    owned_event event;
    std::string subscription;
    std::vector<std::byte> errors;
    stored_letter view;
  };
  struct timer {
    explicit timer(const stored_timer& t) : event{t.event}, view{t} { view.event = event.view(); }
    owned_event event;
    stored_timer view;
  };
  using two_names = std::pair<std::string, std::string>;

  const detail::memory_topic* find(std::string_view topic) const {
    const auto found = topics_.find(topic);
    return found == topics_.end() ? nullptr : &found->second;
  }

  detail::memory_topic& topic_of(std::string_view name) {
    const auto found = topics_.find(name);
    return found != topics_.end() ? found->second : topics_.try_emplace(std::string(name)).first->second;
  }

  /// Everything that may be wrong is looked for before anything is done.
  void check(const store_batch& b) const {
    check_names(b);
    std::map<std::string_view, std::uint64_t> next;
    std::map<std::pair<std::string_view, std::string_view>, std::uint64_t> versions;
    for (const stored_event& e : b.events) {
      const detail::memory_topic* t = find(e.topic);
      const auto n = next.try_emplace(e.topic, t == nullptr ? 0 : t->range().next).first;
      bool right = e.position == n->second++;
      if (e.stream_version != 0) {
        const auto v = versions.try_emplace({e.topic, e.key}, t == nullptr ? 0 : t->newest(e.key)).first;
        right = right && e.stream_version == ++v->second;
      }
      if (!right) {
        throw store_error(store_errc::conflict, place_, detail::appending(e));
      }
    }
  }

  void check_name(std::string_view name, const char* what) const {
    if (name.size() > features().max_key_bytes) {
      throw store_error(store_errc::too_large, place_, std::string("write a ") + what);
    }
  }
  void check_names(const store_batch& b) const {
    for (const stored_type& t : b.types) check_name(t.name, "type's name");
    for (const stored_event& e : b.events) {
      check_name(e.topic, "topic's name");
      check_name(e.name, "type's name");
      if (e.stream_version != 0) check_name(e.key, "stream's key");
    }
    for (const stored_cursor& c : b.cursors) check_name(c.subscription, "subscription's name");
    for (const stored_claim& c : b.claims) check_name(c.key, "idempotency key");
  }

  void put_pending(const store_batch& b) {
    for (const stored_pending& p : b.pending) {
      auto& of_it = pending_[{std::string(p.subscription), std::string(p.topic)}];
      if (p.attempts == 0) {
        of_it.erase(p.position);
      } else {
        of_it[p.position] = {p.attempts, p.due};
      }
    }
  }

  void put_claims(const store_batch& b) {
    for (const stored_claim& c : b.claims) {
      auto& of_it = claims_[std::string(c.scope)];
      if (c.state == claim_state::abandoned) {
        of_it.erase(std::string(c.key));
      } else {
        of_it[std::string(c.key)] = {c.state, c.at};
      }
    }
  }

  std::string place_;
  mutable std::mutex mutex_;
  std::map<std::string, detail::memory_topic, std::less<>> topics_;
  std::map<std::pair<std::string, std::uint32_t>, std::string> types_;
  std::map<two_names, std::uint64_t> cursors_;
  std::map<two_names, std::map<std::uint64_t, delivery>> pending_;
  std::map<std::string, std::map<std::string, claim>, std::less<>> claims_;
  std::map<std::pair<std::string, std::uint64_t>, std::shared_ptr<const letter>> letters_;
  std::map<std::uint64_t, std::shared_ptr<const timer>> timers_;
};

}  // namespace peal::inline v0
