// SPDX-License-Identifier: MIT
// Records of a store as people and programs read them.
#pragma once

#include <peal/codec/json.hpp>
#include <peal/store/store.hpp>

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "moments.hpp"

namespace peal_tool {

/// What the store knows of event types, so that events are read without their program.
class schemas {
 public:
  explicit schemas(const peal::store& from) {
    from.types([this](const peal::stored_type& t) {
      known_[{std::string(t.name), t.version}] = std::string(t.schema);
    });
  }
  [[nodiscard]] std::string_view of(const peal::stored_event& e) const {
    const auto found = known_.find({std::string(e.name), e.version});
    return found == known_.end() ? std::string_view{} : std::string_view{found->second};
  }
  /// Its payload as JSON; what cannot be read says why.
  [[nodiscard]] std::string json(const peal::stored_event& e) const {
    try {
      return peal::json_from_wire(e.payload, of(e));
    } catch (const peal::error& error) {
      return "{\"undecodable\":" + peal::json_string(error.what()) + '}';
    }
  }

 private:
  std::map<std::pair<std::string, std::uint32_t>, std::string> known_;
};

/// A JSON object, one member after the other.
class json_object {
 public:
  json_object& text(std::string_view name, std::string_view value) { return raw(name, peal::json_string(value)); }
  json_object& number(std::string_view name, std::uint64_t value) { return raw(name, std::to_string(value)); }
  json_object& raw(std::string_view name, std::string_view value) {
    text_ += text_.empty() ? "{" : ",";
    text_.append(peal::json_string(name)).append(":").append(value);
    return *this;
  }
  [[nodiscard]] std::string whole() const { return text_.empty() ? "{}" : text_ + '}'; }

 private:
  std::string text_;
};

inline json_object& add_event(json_object& o, const peal::stored_event& e, const schemas& types) {
  o.text("topic", e.topic).number("position", e.position).text("event", e.name).number("version", e.version);
  o.text("id", peal::to_string(e.id));
  if (e.correlation) o.text("correlation", peal::to_string(e.correlation));
  if (e.causation) o.text("causation", peal::to_string(e.causation));
  if (e.published != 0) o.text("published", moment(e.published));
  if (!e.key.empty()) o.text("key", e.key);
  if (e.stream_version != 0) o.number("stream_version", e.stream_version);
  return o.raw("fields", types.json(e));
}

}  // namespace peal_tool
