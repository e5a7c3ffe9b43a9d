// SPDX-License-Identifier: MIT
// Events on their way into a store: encoded once, given their places at each try to commit them.
#pragma once

#include <peal/codec/upcast.hpp>
#include <peal/store/store.hpp>
#include <peal/store/wall_clock.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace peal::inline v0::detail {

/// What makes the ids of events of one topic of one store different from all others'.
inline std::uint64_t epoch_of(const store& kept, std::string_view topic) noexcept {
  fnv_sink name;
  name(kept.place());
  name("/");
  name(topic);
  return name.hash;
}

/// A batch of events that go to the ends of topics, with the memory that its views name.
///
/// Events of one topic, and of one stream, stand beside each other.
class new_events {
 public:
  [[nodiscard]] const store_batch& batch() const noexcept { return batch_; }
  [[nodiscard]] store_batch& batch() noexcept { return batch_; }
  [[nodiscard]] std::size_t size() const noexcept { return batch_.events.size(); }

  /// An event whose place is not known yet. Errors: what its codec throws.
  template <class E>
  stored_event& add(std::string_view topic, const E& event) {
    constexpr event_name named = name_of<E>();
    encode(event, bytes_.emplace_back());
    stored_event& e = batch_.events.emplace_back();
    e.topic = topic;
    e.name = named.name;
    e.version = named.version;
    e.published = wall_now();
    e.payload = bytes_.back();  // stays where it is when `bytes_` grows
    return e;
  }

  /// Describes these types; once.
  template <class... Es>
  void describe() {
    schemas_ = {stored_schema<Es>()...};
    std::size_t i = 0;
    (batch_.types.push_back({name_of<Es>().name, name_of<Es>().version, schemas_[i++]}), ...);
  }

  /// Places of the events from the `begin`-th on, which are of one topic; with a version of one stream, where it is not 0.
  void place(std::size_t begin, std::uint64_t epoch, std::uint64_t position, std::uint64_t version = 0) noexcept {
    for (std::size_t i = begin; i < batch_.events.size(); ++i, ++position) {
      stored_event& e = batch_.events[i];
      e.position = position;
      e.id = {epoch, position};
      if (version != 0) e.stream_version = version++;
    }
  }

  /// Takes back the events from the `begin`-th on.
  void drop_from(std::size_t begin) noexcept {
    batch_.events.resize(begin);
    bytes_.resize(begin);
  }

  /// Somebody else has had one of the places: what a store's `conflict` means when it is worth another try.
  [[nodiscard]] bool outrun(const store& kept) const {
    const stored_event* last = nullptr;
    for (const stored_event& e : batch_.events) {
      const bool same_topic = last != nullptr && last->topic == e.topic;
      if (!same_topic && kept.range(e.topic).next != e.position) return true;
      const bool same_stream = same_topic && last->key == e.key;
      if (e.stream_version != 0 && !same_stream && newest(kept, e.topic, e.key) + 1 != e.stream_version) return true;
      last = &e;
    }
    return false;
  }

  static std::uint64_t newest(const store& kept, std::string_view topic, std::string_view key) {
    return kept.read_stream(topic, key, 1, 0, [](const stored_event&) {});
  }

 private:
  store_batch batch_{};
  std::vector<byte_buffer> bytes_{};
  std::vector<std::string> schemas_{};
};

}  // namespace peal::inline v0::detail
