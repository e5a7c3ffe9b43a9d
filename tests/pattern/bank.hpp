// SPDX-License-Identifier: MIT
// Accounts of a bank: the events, and a state that is folded from them.
#pragma once

#include <peal/pattern/event_streams.hpp>

#include <cstdint>
#include <string>

namespace bank {

struct opened {
  std::string owner;
  static constexpr peal::event_name name{"bank.opened", 1};
  static constexpr auto fields = peal::fields(peal::field{"owner", &opened::owner});
};
struct deposited {
  std::int64_t cents{};
  static constexpr peal::event_name name{"bank.deposited", 1};
  static constexpr auto fields = peal::fields(peal::field{"cents", &deposited::cents});
};
struct withdrawn {
  std::int64_t cents{};
  static constexpr peal::event_name name{"bank.withdrawn", 1};
  static constexpr auto fields = peal::fields(peal::field{"cents", &withdrawn::cents});
};
using accounts = peal::event_streams<opened, deposited, withdrawn>;

struct balance {
  std::string owner;
  std::int64_t cents{};
  void apply(const opened& e) { owner = e.owner; }
  void apply(const deposited& e) { cents += e.cents; }
  void apply(const withdrawn& e) { cents -= e.cents; }
  friend bool operator==(const balance&, const balance&) = default;
  static constexpr peal::event_name name{"bank.balance", 1};
  static constexpr auto fields =
      peal::fields(peal::field{"owner", &balance::owner}, peal::field{"cents", &balance::cents});
};

inline std::string told(const opened& e) { return "opened " + e.owner; }
inline std::string told(const deposited& e) { return "+" + std::to_string(e.cents); }
inline std::string told(const withdrawn& e) { return "-" + std::to_string(e.cents); }

/// A stream for people: `1@0 opened Ann, 2@1 +100`.
inline std::string story(const accounts& all, std::string_view key, std::uint64_t from = 1,
                         const peal::as_of& until = {}) {
  std::string text;
  all.read(
      key,
      [&](const auto& event, const peal::replayed_event& about) {
        if (!text.empty()) text += ", ";
        text += std::to_string(about.stream_version()) + "@" + std::to_string(about.position()) + " " + told(event);
      },
      from, until);
  return text;
}

}  // namespace bank
