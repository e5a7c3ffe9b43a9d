// SPDX-License-Identifier: MIT
// What a person may ask of a store.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "../../support/argument_reader.hpp"
#include "moments.hpp"

namespace peal_tool {

inline constexpr std::string_view usage =
    R"(peal: looks into a store of events, also while a service has it open.

usage: peal STORE COMMAND [options]

  topics                              what there is, and how many events
  types                               event types, versions and fields
  subscriptions                       how far each has come, and its lag
  tail TOPIC [-n N] [--follow]        the newest events (default 10), and those that come
  show TOPIC POSITION                 one event, whole
  replay TOPIC [--from P] [--to P] [--limit N]
                                      every event from a position or moment on, whole, up to another, without it;
                                      P: 1000, 2026-11-21, 2026-11-21T09:33:00.5Z (UTC)
  timers                              what is to be published later
  dead list [--topic T] [--subscription S] [--cause C]
  dead show TOPIC NUMBER              one letter, whole
  dead edit TOPIC NUMBER JSON         changes its event; nobody else may have the store open for writing
  dead redrive TOPIC NUMBER… | --all  marks letters: the next service on the store redrives them when their
                                      subscription stands; --all: of --subscription, --cause; likewise
  dead discard TOPIC NUMBER           removes it for good; likewise
  trim TOPIC POSITION                 removes the events below a position; likewise
  compact TOPIC POSITION              keeps the newest of each key below a position; likewise
  forget SUBSCRIPTION                 its positions and keys; likewise

STORE is a SQLite or an LMDB file.
  --json                              one JSON object a line, as show and replay always print
  --help
Exit code: 0 done, 1 there is no such thing, 2 the arguments make no sense, 3 the store says no.
)";

enum class verb : std::uint8_t {
  topics,
  types,
  subscriptions,
  tail,
  show,
  replay,
  timers,
  dead_list,
  dead_show,
  dead_edit,
  dead_redrive,
  dead_discard,
  trim,
  compact,
  forget,
};

/// A position, or the first one that was published at a moment or later.
struct place_in_topic {
  std::uint64_t position = 0;
  std::optional<peal::wall_time> at{};
};

struct request {
  std::string store;
  verb what = verb::topics;
  std::string name{};  ///< of the topic, or of the subscription to forget
  std::uint64_t number = 0;
  std::vector<std::uint64_t> numbers{};  ///< of letters to be redriven
  bool all = false;                      ///< or all of them
  std::string json{};                    ///< of the edited event
  std::optional<std::string> topic{};
  std::optional<std::string> subscription{};
  std::optional<std::string> cause{};
  std::uint64_t count = 10;
  std::optional<place_in_topic> from{};
  std::optional<place_in_topic> to{};
  std::optional<std::uint64_t> limit{};
  bool follow = false;
  bool as_json = false;
  bool help = false;

  [[nodiscard]] bool changes() const noexcept { return what >= verb::dead_edit; }
};

namespace detail {

struct known {
  std::string_view words;
  verb what;
  unsigned arguments;
};
inline constexpr known commands[] = {
    {"topics", verb::topics, 0},
    {"types", verb::types, 0},
    {"subscriptions", verb::subscriptions, 0},
    {"tail", verb::tail, 1},
    {"show", verb::show, 2},
    {"replay", verb::replay, 1},
    {"timers", verb::timers, 0},
    {"dead list", verb::dead_list, 0},
    {"dead show", verb::dead_show, 2},
    {"dead edit", verb::dead_edit, 3},
    {"dead redrive", verb::dead_redrive, 1},
    {"dead discard", verb::dead_discard, 2},
    {"trim", verb::trim, 2},
    {"compact", verb::compact, 2},
    {"forget", verb::forget, 1},
};

inline std::uint64_t number_in(const std::string& text) {
  std::uint64_t n = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (error == std::errc{} && end == text.data() + text.size()) return n;
  throw example::usage_error("\"" + text + "\" is no number");
}

inline place_in_topic place_in(const std::string& text) {
  if (const auto at = moment_in(text)) return {0, at};
  try {
    return {number_in(text), {}};
  } catch (const example::usage_error&) {
    throw example::usage_error("\"" + text + "\" is neither a position nor a moment like 2026-11-21T09:33:00Z");
  }
}

inline void place(const known& command, const std::vector<std::string>& words, std::size_t from, request& r) {
  if (command.what == verb::dead_redrive && words.size() > from) {
    for (std::size_t i = from + 1; i < words.size(); ++i) r.numbers.push_back(number_in(words[i]));
    if (r.numbers.empty() != r.all) throw example::usage_error("dead redrive takes numbers of letters, or --all");
  } else if (words.size() - from != command.arguments) {
    throw example::usage_error(std::string(command.words) + " takes " + std::to_string(command.arguments) +
                               " arguments, not " + std::to_string(words.size() - from));
  }
  r.what = command.what;
  if (command.arguments > 0) r.name = words[from];
  if (command.arguments > 1) r.number = number_in(words[from + 1]);
  if (command.arguments > 2) r.json = words[from + 2];
}

}  // namespace detail

/// Errors: usage_error.
inline request parse_request(const std::vector<std::string>& arguments) {
  request r;
  std::vector<std::string> words;
  example::argument_reader reader{arguments};
  while (reader.next()) {
    if (reader.is("--json")) {
      r.as_json = reader.flag();
    } else if (reader.is("--all")) {
      r.all = reader.flag();
    } else if (reader.is("--follow")) {
      r.follow = reader.flag();
    } else if (reader.is("--help") || reader.is("-h")) {
      r.help = reader.flag();
    } else if (reader.is("-n")) {
      r.count = reader.count();
    } else if (reader.is("--from")) {
      r.from = detail::place_in(reader.text());
    } else if (reader.is("--to")) {
      r.to = detail::place_in(reader.text());
    } else if (reader.is("--limit")) {
      r.limit = reader.count();
    } else if (reader.is("--topic")) {
      r.topic = reader.text();
    } else if (reader.is("--subscription")) {
      r.subscription = reader.text();
    } else if (reader.is("--cause")) {
      r.cause = reader.text();
    } else if (reader.name().starts_with("-")) {
      throw example::usage_error("there is no option " + reader.name());
    } else {
      words.push_back(reader.whole());
    }
  }
  if (r.help) return r;
  if (words.size() < 2) throw example::usage_error("say which store, and what to do with it");
  r.store = words[0];
  for (const detail::known& command : detail::commands) {
    const bool two = command.words.starts_with("dead ");
    const std::string said = two && words.size() > 2 ? words[1] + ' ' + words[2] : words[1];
    if (said != command.words) continue;
    detail::place(command, words, two ? 3 : 2, r);
    return r;
  }
  throw example::usage_error("there is no command " + words[1]);
}

}  // namespace peal_tool
