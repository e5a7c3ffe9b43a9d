// SPDX-License-Identifier: MIT
// Where the ids of each durable topic begin, whatever its place in the bus is. Included by journal.hpp only.
#pragma once

#include <peal/bus/detail/journal.hpp>
#include <peal/detail/hex.hpp>

namespace peal::inline v0::detail {

/// The origins that topics of a store have: claims "ids <epoch><number> <topic>" in the bus's scope.
class origin_table {
 public:
  static constexpr std::string_view prefix = "ids ";

  /// Errors: store_error, bad_alloc.
  origin_table(const store& kept, std::string_view scope) {
    kept.claims(scope, [&](const stored_claim& c) {
      if (c.key.substr(0, prefix.size()) != prefix || c.key.size() <= prefix.size() + 19) return;
      const std::string_view text = c.key.substr(prefix.size());
      all_.push_back(
          {std::string(text.substr(19)), {from_hex(text.substr(0, 16)), from_hex(text.substr(16, 2)) << 56}});
    });
  }
  [[nodiscard]] const event_id* find(std::string_view topic) const noexcept {
    for (const one& o : all_) {
      if (o.topic == topic) return &o.origin;
    }
    return nullptr;
  }
  [[nodiscard]] bool is_free(const event_id& origin) const noexcept {
    for (const one& o : all_) {
      if (o.origin == origin) return false;
    }
    return true;
  }
  void add(std::string_view topic, const event_id& origin) { all_.push_back({std::string(topic), origin}); }

  /// The lowest number that nobody has; of 256 topics each has one, whoever comes then gets an epoch of its own.
  [[nodiscard]] event_id fresh(std::uint64_t epoch, executor& chance) const {
    event_id origin{epoch, 0};
    for (unsigned number = 0; number != 256; ++number, origin.low += std::uint64_t{1} << 56) {
      if (is_free(origin)) return origin;
    }
    do origin = {chance.random_bits() | 1U, 0};
    while (!is_free(origin));
    return origin;
  }
  static std::string key(std::string_view topic, const event_id& origin) {
    std::string text = to_string(origin);
    text.erase(16, 1);  // its dash
    return std::string(prefix).append(text, 0, 18).append(" ").append(topic);
  }

 private:
  struct one {
    std::string topic;
    event_id origin;
  };
  std::vector<one> all_{};
};

/// Each topic of this bus, and of earlier ones, keeps the numbers that its newest event has; the others get new ones.
/// Errors: store_error, bad_alloc.
inline void journal::give_origins(std::vector<std::string>& keys) {
  origin_table known{store_, scope};
  const auto give = [&](std::string_view topic, const event_id& origin) {
    known.add(topic, origin);
    keys.push_back(origin_table::key(topic, origin));
  };
  bool all = true;
  for (const durable_topic* t : topics_) all = all && known.find(t->name) != nullptr;
  if (!all) {  // stores of before ids had numbers of their own
    store_.topics([&](const stored_topic& t) {
      if (known.find(t.name) != nullptr || t.range.first == t.range.next) return;
      (void)store_.read(t.name, t.range.next - 1, 1, [&](const stored_event& e) {
        const event_id origin{e.id.high, std::uint64_t{e.id.topic()} << 56};
        if (origin.high == epoch_ && known.is_free(origin)) give(t.name, origin);
      });
    });
  }
  for (durable_topic* t : topics_) {
    if (known.find(t->name) == nullptr) give(t->name, known.fresh(epoch_, *bus_.runner));
    t->topic.origin = *known.find(t->name);
  }
}

}  // namespace peal::inline v0::detail
