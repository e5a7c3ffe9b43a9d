// SPDX-License-Identifier: MIT
// A bus as a value that can be drawn.
#pragma once

#include <peal/bus/detail/shape.hpp>
#include <peal/bus/detail/subscription_base.hpp>
#include <peal/observe/topology.hpp>

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <utility>

namespace peal::inline v0::detail {

inline topology::subscription drawn(const subscription_base& s) {
  topology::subscription d{s.name(), s.topic().index, {}, {}, {}};
  for (std::uint8_t i = 0; i != s.topic().type_count; ++i) {
    if (s.wants(i)) d.events.emplace_back(s.topic().types[i]->name());
  }
  for (std::size_t i = 0; i != s.looks->output_count; ++i) d.outputs.emplace_back(s.looks->outputs[i]);
  for (std::size_t i = 0; i != s.looks->policy_count; ++i) {
    const policy_shape& p = s.looks->policies[i];
    std::string text{p.kind};
    if (!p.of.empty()) text.append("<").append(p.of).append(">");
    if (p.kind == "concurrency") text += " " + std::to_string(s.hands_wanted);
    d.policies.push_back(std::move(text));
  }
  return d;
}

inline topology draw(bus_base& bus) {
  topology t;
  for (const topic_base* topic : bus.topics) {
    t.topics.push_back({{}, topic->statistics().capacity});
    for (std::uint8_t i = 0; i != topic->type_count; ++i) t.topics.back().events.emplace_back(topic->types[i]->name());
  }
  const std::lock_guard lock{bus.wiring};
  for (const auto& s : bus.subscriptions) t.subscriptions.push_back(drawn(*s));
  return t;
}

}  // namespace peal::inline v0::detail
