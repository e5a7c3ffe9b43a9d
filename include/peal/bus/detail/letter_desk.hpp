// SPDX-License-Identifier: MIT
// Where the letters of one event are asked for, edited, given back and thrown away, without its type.
#pragma once

#include <peal/bus/detail/subscription_base.hpp>
#include <peal/bus/redrive.hpp>
#include <peal/detail/shared.hpp>

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <utility>

namespace peal::inline v0::detail {

/// Where a number stands, or would, in an ascending list: std::lower_bound, whose header every user of the bus would pay for.
inline std::uint64_t* place_of(list<std::uint64_t>& ascending, std::uint64_t number) noexcept {
  std::uint64_t* from = ascending.begin();
  for (std::size_t left = ascending.size(); left != 0;) {
    const std::size_t half = left / 2;
    if (from[half] < number) {
      from += half + 1;
      left -= half + 1;
    } else {
      left = half;
    }
  }
  return from;
}
inline bool stands_in(list<std::uint64_t>& ascending, std::uint64_t number) noexcept {
  const std::uint64_t* const at = place_of(ascending, number);
  return at != ascending.end() && *at == number;
}

/// What is asked of a letter's event beside the query.
struct letter_test {
  const void* with = nullptr;
  bool (*ask)(const void* with, const void* event) = nullptr;  ///< null: nothing

  bool operator()(const kept& l) const { return ask == nullptr || ask(with, l.event()); }
};
struct letter_edit {
  void* with = nullptr;
  void (*run)(void* with, void* event) = nullptr;  ///< null: none
};
/// Publishes an event that never got into its topic, and removes its letter; false: no room.
using letter_publisher = bool (*)(topic_base&, const letter_ptr&);

/// A standing subscription whose policies may be asked although it is not running: its end waits for it.
class policy_visit {
 public:
  policy_visit() noexcept = default;
  /// Caller holds bus.wiring.
  explicit policy_visit(shared<subscription_base> s) noexcept : subscription_{std::move(s)} {
    if (subscription_ != nullptr) subscription_->asked_.fetch_add(1, std::memory_order_relaxed);
  }
  policy_visit(policy_visit&& other) noexcept = default;
  policy_visit& operator=(policy_visit&&) = delete;
  ~policy_visit() {
    if (subscription_ != nullptr) subscription_->asked_.fetch_sub(1, std::memory_order_release);  // [asked]
  }
  subscription_base* operator->() const noexcept { return subscription_.get(); }
  explicit operator bool() const noexcept { return subscription_ != nullptr; }

 private:
  shared<subscription_base> subscription_;
};

/// Thread safety: any thread; no user code under a lock.
class letter_desk {
 public:
  letter_desk(bus_base& bus, topic_base& topic, std::uint8_t type) noexcept : bus_{bus}, topic_{topic}, type_{type} {}

  [[nodiscard]] list<letter_ptr> find(const dead_letter_query& q, const letter_test& where) const {
    if (q.event && !topic_.gave(*q.event)) return {};
    if (where.ask == nullptr && q.error.empty() && !q.code) return topic_.letters.find(q, &type_);
    dead_letter_query all = q;
    all.limit = ~std::size_t{0};
    list<letter_ptr> found = topic_.letters.find(all, &type_);
    std::size_t to = 0;
    for (letter_ptr& l : found) {
      if (to == q.limit) break;
      if (says(*l, q) && where(*l)) found[to++].swap(l);
    }
    found.resize(to);
    return found;
  }

  redrive_report redrive(const dead_letter_query& q, const redrive_options& o, const letter_test& where,
                         const letter_edit& edit, letter_publisher publish) {
    redrive_report report;
    list<step> steps = plan(q, o, where, edit, report);
    if (o.dry_run) {
      report.count = steps.size();
      for (const step& s : steps) report.numbers.push_back(s.letter->number);
      return report;
    }
    for (step& s : steps) put_edited(s, report);  // all of them first: one may follow another by itself
    list<std::uint64_t> given;                    // ascending, as the letters are
    for (const step& s : steps) {
      if (s.letter == nullptr) continue;
      const redrive_errc why = bring_back(s.letter, given, publish);
      why == redrive_errc::none ? void(++report.count) : refuse(report, *s.letter, why);
    }
    return report;
  }

  /// Of a redrive that goes one letter at a time: the first that matches behind `reached`, up to `last`; null: none yet.
  /// Looks at a bounded number of letters: up to `reached` it is done with all of them.
  letter_ptr next(const dead_letter_query& q, const letter_test& where, std::uint64_t& reached,
                  std::uint64_t last) const {
    constexpr std::size_t glance = 256;
    dead_letter_query part = q;
    part.after = reached;
    part.limit = glance;
    const bool of_here = !q.event || topic_.gave(*q.event);
    const list<letter_ptr> found = of_here ? topic_.letters.find_first(part, &type_) : list<letter_ptr>{};
    for (const letter_ptr& l : found) {
      if (l->number > last) break;
      reached = l->number;
      if (says(*l, q) && where(*l)) return l;
    }
    if (found.size() < glance || found.back()->number > last) reached = larger(reached, last);
    return nullptr;
  }
  /// What follows a letter by itself once it goes back.
  [[nodiscard]] list<letter_ptr> behind(const kept& l) const {
    return l.blocked_by == 0 && l.has_position ? topic_.letters.behind(l.number) : list<letter_ptr>{};
  }
  /// May it go back, when those of `going` do before it?
  redrive_errc judge(const kept& l, const redrive_options& o, list<std::uint64_t>& going) const {
    if (l.cause == dead_cause::overloaded) return redrive_errc::none;
    if (l.blocked_by != 0 && topic_.letters.has(l.blocked_by)) {
      return stands_in(going, l.blocked_by) ? redrive_errc::none : redrive_errc::blocked;
    }
    if (l.cycles >= o.max_cycles) return redrive_errc::cycles;
    const std::lock_guard lock{bus_.wiring};
    return owner_of(l) != nullptr ? redrive_errc::none : redrive_errc::no_subscription;
  }
  [[nodiscard]] bool wanted(const kept& l, const dead_letter_query& q) const {
    return letter_box::matches(l, q, &type_) && says(l, q);
  }
  redrive_errc bring_back(std::uint64_t number, letter_publisher publish) {
    const letter_ptr l = topic_.letters.get(number);  // as it was edited
    list<std::uint64_t> none;
    return l != nullptr ? bring_back(l, none, publish) : redrive_errc::gone;
  }
  static refused_letter refusal(const kept& l, redrive_errc why) { return {l.number, why, sentence(l, why)}; }
  [[nodiscard]] std::uint64_t last_number() const noexcept { return topic_.letters.last_number(); }

  redrive_errc edit_one(std::uint64_t number, const letter_edit& edit) {
    const letter_ptr before = topic_.letters.get(number);
    if (before == nullptr || before->type != type_) return redrive_errc::gone;
    letter_ptr after;
    if (const redrive_errc why = make_edited(*before, edit, after); why != redrive_errc::none) return why;
    const letter_ptr edited = after;
    if (!topic_.letters.replace(before.get(), after)) return redrive_errc::gone;
    if (topic_.keeper != nullptr) topic_.keeper->letter_again(edited);
    return redrive_errc::none;
  }

  std::size_t discard(const dead_letter_query& q, const letter_test& where) {
    std::size_t count = 0;
    for (const letter_ptr& l : find(q, where)) {
      if (throw_away(*l)) ++count;
    }
    if (count != 0) bus_.wake_stalled();
    return count;
  }

 private:
  struct step {
    letter_ptr letter;
    letter_ptr edited{};
  };

  static bool says(const kept& l, const dead_letter_query& q) {
    const auto& errors = l.errors.entries();
    bool text = q.error.empty();
    bool code = !q.code;
    for (const attempt_error& e : errors) {
      text = text || e.what.find(q.error) != std::string::npos;
      code = code || e.code == *q.code;
    }
    return text && code;
  }

  /// Those that will go back, in order, each with its edited form; nothing is changed yet.
  list<step> plan(const dead_letter_query& q, const redrive_options& o, const letter_test& where,
                  const letter_edit& edit, redrive_report& report) {
    list<step> steps;
    list<std::uint64_t> going;
    for (letter_ptr& l : find(q, where)) {
      step s{std::move(l)};
      redrive_errc why = judge(*s.letter, o, going);
      if (why == redrive_errc::none && edit.run != nullptr) why = make_edited(*s.letter, edit, s.edited);
      if (why != redrive_errc::none) {
        refuse(report, *s.letter, why);
        continue;
      }
      going.push_back(s.letter->number);
      steps.push_back(std::move(s));
    }
    return steps;
  }

  void put_edited(step& s, redrive_report& report) {
    if (s.edited == nullptr) return;
    const letter_ptr edited = s.edited;
    if (topic_.letters.replace(s.letter.get(), s.edited)) {
      if (topic_.keeper != nullptr) topic_.keeper->letter_again(edited);
      s.letter = edited;
      return;
    }
    refuse(report, *s.letter, redrive_errc::gone);
    s.letter.reset();
  }

  redrive_errc bring_back(const letter_ptr& l, list<std::uint64_t>& given, letter_publisher publish) {
    if (l->cause == dead_cause::overloaded) return publish(topic_, l) ? redrive_errc::none : redrive_errc::no_room;
    if (l->blocked_by != 0 && topic_.letters.has(l->blocked_by)) return redrive_errc::blocked;
    if (give_back(l)) {
      given.push_back(l->number);
      return redrive_errc::none;
    }
    // It may have been faster, behind the one that held its key.
    const bool followed = l->blocked_by != 0 && stands_in(given, l->blocked_by);
    return followed ? redrive_errc::none : redrive_errc::gone;
  }

  static void refuse(redrive_report& report, const kept& l, redrive_errc why) {
    report.refused.push_back(refusal(l, why));
  }
  static std::string sentence(const kept& l, redrive_errc why) {
    std::string text = "letter " + std::to_string(l.number) + " of subscription \"" + l.subscription + "\" ";
    switch (why) {
      case redrive_errc::blocked:
        return text + "waits behind letter " + std::to_string(l.blocked_by) +
               ", which holds its key; redrive or discard that one, and this one follows by itself";
      case redrive_errc::cycles:
        return text + "was redriven " + std::to_string(l.cycles) +
               " times before, which is as often as this redrive allows; edit or discard it";
      case redrive_errc::no_subscription:
        return text + "has nobody to go to: no subscription of that name stands that takes its event";
      case redrive_errc::key_changed:
        return text + "stays as it was: the edit changes what its event is ordered or deduplicated by";
      case redrive_errc::no_room: return text + "never got into its topic, which has no room for it now either";
      case redrive_errc::threw: return text + "stays as it was: its test, its edit, its key or its copy threw";
      default: return text + "is gone, or was changed by somebody else";
    }
  }

  /// Whose delivery a letter is. Caller holds bus.wiring.
  shared<subscription_base> owner_of(const kept& l) const noexcept {
    for (const auto& s : bus_.subscriptions) {
      if (&s->topic() == &topic_ && s->name() == l.subscription && !s->runs_here && s->wants(l.type)) return s;
    }
    return nullptr;
  }
  policy_visit visit_owner(const kept& l) const {
    const std::lock_guard lock{bus_.wiring};
    return policy_visit{owner_of(l)};
  }

  redrive_errc make_edited(const kept& before, const letter_edit& edit, letter_ptr& made) const {
    auto owned = shared<kept_ptr>{new kept_ptr{copy_whole_letter(before)}};
    kept& after = **owned;
    edit.run(edit.with, after.event());
    if (before.has_position) {  // what never got in has met no policy yet
      const policy_visit owner = visit_owner(before);
      if (!owner) return redrive_errc::no_subscription;
      if (!owner->same_keys(before.event(), after.event(), before.type)) return redrive_errc::key_changed;
    }
    made = letter_ptr{std::move(owned), &after};
    return redrive_errc::none;
  }

  /// Removes a letter; one that held a key lets it go.
  bool throw_away(const kept& l) {
    const std::lock_guard lock{bus_.wiring};  // the event is not destroyed under it: the caller has it as well
    const shared<subscription_base> owner = l.has_position ? owner_of(l) : nullptr;
    if (owner == nullptr) return remove(l);
    if (!topic_.letters.has(l.number)) return false;
    const bool told = owner->tell_discarded(l.number);
    const bool gone = remove(l);
    if (told) {
      owner->place().signal.fetch_or(seat::work, std::memory_order_seq_cst);
      topic_.rouse(owner->place());
    }
    return gone;
  }

  bool remove(const kept& l) {
    if (!topic_.letters.remove(l.number, &l)) return false;
    if (topic_.keeper != nullptr) topic_.keeper->letter_gone(l.number);
    return true;
  }

  /// A letter's delivery comes back to its subscription.
  bool give_back(const letter_ptr& letter) {
    const kept& l = *letter;
    kept_ptr again = copy_letter(l);
    if (topic_.keeper != nullptr) again->came_from = letter;
    {
      const std::lock_guard lock{bus_.wiring};
      const shared<subscription_base> owner = owner_of(l);
      if (owner == nullptr || !topic_.letters.remove(l.number, &l)) return false;
      // A letter of an earlier subscription of this name stays in that one's account, as taken away.
      const bool own = l.owner_number == owner->number;
      own ? owner->counts_.dead.sub() : owner->counts_.inherited.add();
      owner->counts_.redriven.add();
      owner->returning_.fetch_add(1, std::memory_order_seq_cst);
      again->owner = owner.get();
      if (owner->push_due(again.get())) {
        (void)again.release();
      } else {  // it stopped in between: taken away
        owner->returning_.fetch_sub(1, std::memory_order_seq_cst);
        own ? owner->counts_.dead.add() : owner->counts_.inherited.sub();
        if (topic_.keeper != nullptr) topic_.letters.put_back(letter);
      }
    }
    bus_.wake_stalled();
    return true;
  }

  bus_base& bus_;
  topic_base& topic_;
  const std::uint8_t type_;
};

}  // namespace peal::inline v0::detail
