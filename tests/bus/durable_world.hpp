// SPDX-License-Identifier: MIT
// A store that can die at any commit, and a ledger beside it that says of each commit whether the process may end there.
#pragma once

#include <peal/bus/durable.hpp>
#include <peal/peal.hpp>
#include <peal/store/memory_store.hpp>
#include <peal/testing/stepped_runtime.hpp>
#include <peal/testing/store_wrapper.hpp>

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace peal_test {

/// What the model publishes. `by` and `of` name the delivery whose handler made it: a role, and a position of its topic.
template <int Tag>
struct fact {
  static constexpr std::array<std::string_view, 5> names{"model.placed", "model.cancelled", "model.shipped",
                                                         "model.billed", "model.noted"};
  static constexpr peal::event_name name{names[Tag], 1};
  std::int64_t uid = 0;
  std::int64_t key = 0;
  std::int64_t by = -1;
  std::int64_t of = -1;
  std::int64_t edits = 0;
  static constexpr auto fields =
      peal::fields(peal::field{"uid", &fact::uid}, peal::field{"key", &fact::key}, peal::field{"by", &fact::by},
                   peal::field{"of", &fact::of}, peal::field{"edits", &fact::edits});
};

enum class order_kept : std::uint8_t { none, hold, skip };

/// A subscription of the model.
struct role {
  const char* name;
  std::size_t topic;  ///< index in ledger::topics
  unsigned types;     ///< bits of fact tags
  bool kept = true;   ///< the store keeps its cursor
  order_kept order = order_kept::none;
  bool outputs = false;  ///< each event that it handles makes one of another durable topic
  bool filters = false;  ///< odd keys only
  bool once = false;     ///< events with one uid are duplicates
};

/// What the store has, and what handlers have done with it; every commit is judged as if it were the last.
class ledger {
 public:
  static constexpr std::array<std::string_view, 3> topics{"model.placed", "model.out", "model.billed"};
  enum mark : std::uint8_t { ran = 1, handled = 2, discarded = 4, thrown_away = 8, made = 16 };
  struct entry {
    int type = 0;
    fact<0> said{};
    peal::event_id id{};
    peal::event_id causation{};
  };
  struct letter {
    std::string subscription;
    std::optional<std::uint64_t> at;
    fact<0> said{};
    peal::dead_cause cause{};
    friend bool operator<(const letter&, const letter&) = delete;
  };
  using letter_name = std::pair<std::size_t, std::uint64_t>;  // topic, number

  explicit ledger(std::vector<role> all) : roles{std::move(all)}, start(roles.size()), cursors(roles.size()) {
    marks.resize(roles.size());
  }

  [[nodiscard]] static std::size_t topic_of(std::string_view name) {
    for (std::size_t t = 0; t != topics.size(); ++t) {
      if (topics[t] == name) return t;
    }
    return topics.size();
  }
  [[nodiscard]] std::optional<std::size_t> role_of(std::string_view name) const {
    for (std::size_t s = 0; s != roles.size(); ++s) {
      if (roles[s].name == name) return s;
    }
    return std::nullopt;
  }
  std::uint8_t& at(std::size_t s, std::uint64_t p) {
    if (marks[s].size() <= p) marks[s].resize(p + 1);
    return marks[s][p];
  }

  void apply(const peal::store_batch& b) {
    ++commits;
    for (const peal::stored_event& e : b.events) put(e);
    for (const peal::stored_letter& l : b.letters) put(l);
    std::vector<letter> gone;
    for (const peal::letter_ref& l : b.letters_gone) {
      const auto found = letters.find({topic_of(l.topic), l.number});
      if (found == letters.end()) continue;
      gone.push_back(found->second);
      letters.erase(found);
    }
    for (const letter& l : gone) ended(l);
    for (const peal::stored_pending& p : b.pending) waits(p);
    for (const peal::stored_cursor& c : b.cursors) moved(c);
    for (const peal::stored_pending& p : b.pending) waits_no_more(p);
    for (const peal::stored_letter& l : b.letters) only_one(l);
  }

  /// A life begins with what the store has.
  void begin_life() { waiting_then = waiting; }
  /// Why it may not run now as a delivery that is not redriven; empty: it may. `passed`: the cursor when the life began.
  [[nodiscard]] std::string not_again(std::size_t s, std::uint64_t p, std::uint32_t attempt,
                                      std::optional<std::uint64_t> passed) const {
    if (passed && p < *passed && waiting_then.count({s, p}) == 0)
      return "runs again though the store's cursor has passed it";
    if (has_letter(s, p)) return "runs again though it has a letter";
    const auto row = waiting.find({s, p});
    if (row != waiting.end() && attempt < row->second)
      return "has run " + std::to_string(attempt) + " where the store knows of " + std::to_string(row->second);
    return {};
  }

  /// The delivery may be forgotten: it has ended, or its letter stands, and what it made is there.
  [[nodiscard]] std::string missing(std::size_t s, std::uint64_t p) {
    const role& r = roles[s];
    const entry& e = log[r.topic][p];
    if (((r.types >> e.type) & 1U) == 0 || (r.filters && e.said.key % 2 == 0)) return {};
    const std::uint8_t m = at(s, p);
    if ((m & (discarded | thrown_away)) != 0 || has_letter(s, p) || waiting.count({s, p}) != 0) return {};
    if (r.once && once.count({s, e.said.uid}) != 0) return {};
    if ((m & handled) == 0) return "was not handled";
    return r.outputs && (m & made) == 0 ? "has lost its output" : "";
  }
  [[nodiscard]] bool has_letter(std::size_t s, std::uint64_t p) const {
    for (const auto& [name, l] : letters) {
      if (name.first == roles[s].topic && l.at == p && l.subscription == roles[s].name) return true;
    }
    return false;
  }
  /// All of a role's deliveries up to a position.
  void check_to(std::size_t s, std::uint64_t from, std::uint64_t to, const char* when) {
    for (std::uint64_t p = from; p < to; ++p) {
      if (const std::string why = missing(s, p); !why.empty()) {
        complain(std::string(when) + ": \"" + roles[s].name + "\" at " + std::to_string(p) + " " + why);
      }
    }
  }
  void complain(const std::string& text) {
    if (wrong.empty()) wrong = text;
  }

  const std::vector<role> roles;
  std::array<std::vector<entry>, topics.size()> log{};
  std::vector<std::optional<std::uint64_t>> start;    ///< from where on it must see everything
  std::vector<std::optional<std::uint64_t>> cursors;  ///< in the store
  std::vector<std::vector<std::uint8_t>> marks{};
  std::map<letter_name, letter> letters{};
  std::set<std::pair<std::size_t, std::int64_t>> once{};                     ///< role, uid: handled
  std::map<std::pair<std::size_t, std::uint64_t>, std::uint32_t> waiting{};  ///< role, position: its next run
  std::map<std::pair<std::size_t, std::uint64_t>, std::uint32_t> waiting_then{};
  std::uint64_t commits = 0, rows = 0;
  std::string wrong{};

 private:
  static fact<0> decoded(const peal::stored_event& e, int& type) {
    fact<0> f;
    type = -1;
    for (std::size_t i = 0; i != fact<0>::names.size(); ++i) {
      if (fact<0>::names[i] == e.name) type = static_cast<int>(i);
    }
    if (type >= 0) f = peal::decode<fact<0>>(e.payload);  // all of them have the same fields
    return f;
  }
  void made_by(const fact<0>& f) {
    if (f.by >= 0) at(static_cast<std::size_t>(f.by), static_cast<std::uint64_t>(f.of)) |= made;
  }

  void put(const peal::stored_event& e) {
    const std::size_t t = topic_of(e.topic);
    if (t == topics.size() || e.position != log[t].size()) return complain("an event is not the next of its topic");
    entry mine;
    mine.said = decoded(e, mine.type);
    mine.id = e.id;
    mine.causation = e.causation;
    log[t].push_back(mine);
    made_by(mine.said);
  }
  void put(const peal::stored_letter& l) {
    int type = 0;
    letter mine{std::string(l.subscription), std::nullopt, decoded(l.event, type), l.cause};
    if (l.event.id) mine.at = l.event.position;
    if (!mine.at) made_by(mine.said);  // a letter of the event itself, which found no room
    if (mine.at && *mine.at >= log[topic_of(l.event.topic)].size()) complain("a letter's event is not in the store");
    letters[{topic_of(l.event.topic), l.number}] = std::move(mine);
  }
  void ended(const letter& l) {
    const auto s = role_of(l.subscription);
    if (!s || !l.at) return;
    if (const std::string why = missing(*s, *l.at); !why.empty()) {
      complain("a letter is gone: \"" + l.subscription + "\" at " + std::to_string(*l.at) + " " + why);
    }
  }
  void waits(const peal::stored_pending& p) {
    const auto s = role_of(p.subscription);
    if (!s || !roles[*s].kept) return complain("a delivery of \"" + std::string(p.subscription) + "\" is kept");
    if (p.attempts == 0) {
      waiting.erase({*s, p.position});
    } else if (p.due != 0) {
      ++rows;
      waiting[{*s, p.position}] = p.attempts;
      if (p.position >= log[roles[*s].topic].size()) complain("what waits is not in the store");
    }
  }
  void waits_no_more(const peal::stored_pending& p) {
    const auto s = role_of(p.subscription);
    if (p.attempts != 0 || !s || !cursors[*s] || p.position >= *cursors[*s]) return;
    if (const std::string why = missing(*s, p.position); !why.empty()) {
      complain("what waited is gone: \"" + std::string(p.subscription) + "\" at " + std::to_string(p.position) + " " +
               why);
    }
  }
  void only_one(const peal::stored_letter& l) {
    std::size_t n = 0;
    for (const auto& [name, other] : letters) {
      if (name.first == topic_of(l.event.topic) && l.event.id && other.at == l.event.position &&
          other.subscription == l.subscription)
        ++n;
    }
    if (n > 1) complain("two letters of one delivery: \"" + std::string(l.subscription) + "\"");
  }
  void moved(const peal::stored_cursor& c) {
    const auto s = role_of(c.subscription);
    if (!s || !roles[*s].kept) return complain("a cursor of \"" + std::string(c.subscription) + "\" is kept");
    if (c.position > log[roles[*s].topic].size()) complain("a cursor is beyond what is in the store");
    std::optional<std::uint64_t>& mine = cursors[*s];
    if (mine && c.position < *mine) complain("a cursor goes back: \"" + std::string(c.subscription) + "\"");
    const std::uint64_t from = mine ? *mine : start[*s].value_or(c.position);
    if (!mine && c.position < from) complain("a cursor begins too early: \"" + std::string(c.subscription) + "\"");
    check_to(*s, from, c.position, "a cursor passes");
    mine = c.position;
  }
};

/// How a process dies.
enum class death : std::uint8_t { unaware, throwing };

/// Ends at a commit: from then on nothing is kept, and the bus may or may not hear of it.
class crash_store final : public peal::testing::store_wrapper {
 public:
  crash_store(peal::store* kept, ledger& book) : store_wrapper{kept}, book_{book} {}

  /// `commits` from now on it dies, before or after it did what it was asked; 0: never.
  void fuse(std::uint64_t commits, bool after, death how) {
    left_ = commits;
    after_ = after;
    how_ = how;
  }
  void die(death how) {
    dead_ = true;
    how_ = how;
  }
  void revive() {
    dead_ = false;
    left_ = 0;
    full_ = 0;
  }
  /// The next so many commits find no space.
  void fill(std::uint64_t commits) { full_ = commits; }
  [[nodiscard]] bool dead() const noexcept { return dead_; }
  [[nodiscard]] bool full() const noexcept { return full_ != 0; }

  void commit(const peal::store_batch& b) override {
    if (dead_) return refuse(peal::store_errc::poisoned);
    if (full_ != 0) {
      --full_;
      throw peal::store_error(peal::store_errc::no_space, place(), "commit", "a test wants it");
    }
    const bool last = left_ != 0 && --left_ == 0;
    if (!last || after_) {
      store_wrapper::commit(b);
      book_.apply(b);
    }
    if (!last) return;
    dead_ = true;
    refuse(peal::store_errc::io);
  }

 private:
  void refuse(peal::store_errc code) const {
    if (how_ == death::throwing) throw peal::store_error(code, place(), "commit", "a test wants it");
  }

  ledger& book_;
  std::uint64_t left_ = 0;
  std::uint64_t full_ = 0;
  bool after_ = false;
  bool dead_ = false;
  death how_ = death::unaware;
};

}  // namespace peal_test
