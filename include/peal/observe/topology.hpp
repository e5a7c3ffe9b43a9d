// SPDX-License-Identifier: MIT
// What a bus is wired like, as a value and as a picture.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace peal::inline v0 {

/// Topics, the subscriptions that stand, and which events go where.
///
/// Order: topics as in the bus's type, subscriptions as they were made.
/// Example: `write("bus.mmd", bus.topology().mermaid());`
struct topology {
  struct topic {
    std::vector<std::string> events;  ///< names of its event types
    std::uint64_t capacity = 0;       ///< slots
  };
  struct subscription {
    std::string name;
    std::size_t topic = 0;              ///< index in `topics`
    std::vector<std::string> events;    ///< those that it takes
    std::vector<std::string> outputs;   ///< those that its handler may return
    std::vector<std::string> policies;  ///< in the order written; rules with what they catch
  };

  std::vector<topic> topics;
  std::vector<subscription> subscriptions;

  /// A Mermaid flowchart, which many wikis and code hosts draw in place.
  [[nodiscard]] std::string mermaid() const {
    std::string text = "flowchart LR\n";
    for (std::size_t t = 0; t != topics.size(); ++t) {
      text += "  t" + std::to_string(t) + "[(\"" + join(topics[t].events, "<br/>", &in_mermaid) + "\")]\n";
    }
    for (std::size_t s = 0; s != subscriptions.size(); ++s) {
      text += "  s" + std::to_string(s) + "(\"" + label(subscriptions[s], "<br/>", &in_mermaid) + "\")\n";
    }
    each_way([&](const std::string& from, const std::string& to, const std::string& event) {
      text.append("  ").append(from).append(" -->|\"").append(in_mermaid(event)).append("\"| ").append(to).append("\n");
    });
    return text;
  }

  /// Graphviz's language: `dot -Tsvg`.
  [[nodiscard]] std::string dot() const {
    std::string text = "digraph bus {\n  rankdir=LR;\n";
    for (std::size_t t = 0; t != topics.size(); ++t) {
      text +=
          "  t" + std::to_string(t) + " [shape=cylinder, label=\"" + join(topics[t].events, "\\n", &in_dot) + "\"];\n";
    }
    for (std::size_t s = 0; s != subscriptions.size(); ++s) {
      text += "  s" + std::to_string(s) + " [shape=box, label=\"" + label(subscriptions[s], "\\n", &in_dot) + "\"];\n";
    }
    each_way([&](const std::string& from, const std::string& to, const std::string& event) {
      text.append("  ")
          .append(from)
          .append(" -> ")
          .append(to)
          .append(" [label=\"")
          .append(in_dot(event))
          .append("\"];\n");
    });
    return text + "}\n";
  }

 private:
  using escape = std::string (*)(std::string_view);

  static std::string in_mermaid(std::string_view text) {
    std::string safe;
    for (const char c : text) {
      switch (c) {
        case '"': safe += "#quot;"; break;
        case '<': safe += "#lt;"; break;
        case '>': safe += "#gt;"; break;
        case '#': safe += "#35;"; break;
        case '\n': safe += "<br/>"; break;
        default: safe += c;
      }
    }
    return safe;
  }
  static std::string in_dot(std::string_view text) {
    std::string safe;
    for (const char c : text) {
      if (c == '"' || c == '\\') safe += '\\';
      c == '\n' ? safe += "\\n" : safe += c;
    }
    return safe;
  }
  static std::string join(const std::vector<std::string>& words, std::string_view between, escape safe) {
    std::string text;
    for (const std::string& w : words) {
      if (&w != words.data()) text += between;
      text += safe(w);
    }
    return text;
  }
  static std::string label(const subscription& s, std::string_view between, escape safe) {
    std::string text = safe(s.name);
    if (!s.policies.empty()) text.append(between).append(join(s.policies, ", ", safe));
    return text;
  }
  [[nodiscard]] std::size_t topic_of(const std::string& event) const noexcept {
    for (std::size_t t = 0; t != topics.size(); ++t) {
      for (const std::string& e : topics[t].events) {
        if (e == event) return t;
      }
    }
    return topics.size();
  }
  template <class Way>
  void each_way(Way way) const {
    for (std::size_t s = 0; s != subscriptions.size(); ++s) {
      const std::string me = "s" + std::to_string(s);
      for (const std::string& e : subscriptions[s].events) way("t" + std::to_string(subscriptions[s].topic), me, e);
      for (const std::string& e : subscriptions[s].outputs) {
        if (const std::size_t t = topic_of(e); t != topics.size()) way(me, "t" + std::to_string(t), e);
      }
    }
  }
};

}  // namespace peal::inline v0
