// SPDX-License-Identifier: MIT
// What the tool does with a store, and what it prints.
#pragma once

#include <peal/bus/redrive_marks.hpp>
#include <peal/store/position_at.hpp>
#include <peal/store/store.hpp>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "../../support/text_table.hpp"
#include "request.hpp"
#include "words.hpp"

namespace peal_tool {

/// Turns JSON into the stored form of an event with this schema; what the tool was built without throws.
using json_reader = std::function<void(std::string_view json, std::string_view schema, peal::byte_buffer& out)>;
/// Prints what there is so far, and clears it.
using printer = std::function<void(std::string& out)>;

/// One run of the tool.
///
/// Errors: store_error; peal::error for JSON that does not fit.
class session {
 public:
  session(const request& r, peal::store& kept, std::string& out, json_reader read_json = {}, printer print = {})
      : r_{r}, kept_{kept}, out_{out}, read_json_{std::move(read_json)}, print_{std::move(print)} {}

  /// The exit code.
  int run() {
    switch (r_.what) {
      case verb::topics: return topics();
      case verb::types: return types();
      case verb::subscriptions: return subscriptions();
      case verb::tail: return tail(first_of_tail()), 0;
      case verb::show: return show();
      case verb::replay: return replay();
      case verb::timers: return timers();
      case verb::dead_list: return dead_list();
      case verb::dead_show: return dead_show();
      case verb::dead_edit: return dead_edit();
      case verb::dead_redrive: return dead_redrive();
      case verb::dead_discard: return dead_discard();
      case verb::trim: return removed(kept_.trim(r_.name, r_.number));
      case verb::compact: return removed(kept_.compact(r_.name, r_.number));
      case verb::forget: return kept_.forget_subscription(r_.name), line("forgot " + r_.name), 0;
    }
    return 2;
  }

  /// Prints what came from a position on; returns where to go on. For --follow.
  std::uint64_t tail(std::uint64_t from) {
    const schemas known{kept_};
    return kept_.read(r_.name, from, ~std::size_t{0}, [&](const peal::stored_event& e) {
      if (r_.as_json) {
        json_object o;
        return line(add_event(o, e, known).whole());
      }
      line(std::to_string(e.position) + "  " + moment(e.published) + "  " + std::string(e.name) + "  " + known.json(e));
    });
  }

  [[nodiscard]] std::uint64_t first_of_tail() const {
    const peal::topic_range range = kept_.range(r_.name);
    return range.next - range.first > r_.count ? range.next - r_.count : range.first;
  }

 private:
  void line(std::string_view text) { out_.append(text).append("\n"); }
  int nothing(const std::string& what) { return line(what), 1; }
  int removed(std::uint64_t n) { return line(std::to_string(n) + " events removed"), 0; }
  void print(const example::text_table& table) { out_ += table.text(); }

  int topics() {
    example::text_table table;
    table.add({"topic", "events", "first", "next"});
    kept_.topics([&](const peal::stored_topic& t) {
      if (r_.as_json) {
        return line(
            json_object{}.text("topic", t.name).number("first", t.range.first).number("next", t.range.next).whole());
      }
      table.add({std::string(t.name), example::grouped(t.range.next - t.range.first), std::to_string(t.range.first),
                 std::to_string(t.range.next)});
    });
    if (!r_.as_json) print(table);
    return 0;
  }

  int types() {
    kept_.types([&](const peal::stored_type& t) {
      r_.as_json
          ? line(json_object{}.text("event", t.name).number("version", t.version).text("schema", t.schema).whole())
          : line(std::string(t.name) + " " + std::to_string(t.version) + "  " +
                 std::string(t.schema.empty() ? "(its codec does not tell)" : t.schema));
    });
    return 0;
  }

  int subscriptions() {
    example::text_table table;
    table.add({"subscription", "topic", "position", "lag", "pending", "letters"});
    std::vector<std::pair<std::string, std::string>> all;
    std::vector<std::uint64_t> at;
    kept_.cursors([&](const peal::stored_cursor& c) {
      all.emplace_back(c.subscription, c.topic);
      at.push_back(c.position);
    });
    for (std::size_t i = 0; i < all.size(); ++i) {
      const auto& [subscription, topic] = all[i];
      const std::uint64_t next = kept_.range(topic).next;
      const std::uint64_t lag = next > at[i] ? next - at[i] : 0;
      std::uint64_t pending = 0;
      std::uint64_t letters = 0;
      kept_.pending(subscription, topic, [&](const peal::stored_pending&) { ++pending; });
      kept_.letters(topic, [&, &name = subscription](const peal::stored_letter& l) {
        letters += l.subscription == name ? 1U : 0U;
      });
      if (r_.as_json) {
        json_object o;
        o.text("subscription", subscription).text("topic", topic).number("position", at[i]).number("lag", lag);
        line(o.number("pending", pending).number("letters", letters).whole());
      } else {
        table.add({subscription, topic, std::to_string(at[i]), example::grouped(lag), example::grouped(pending),
                   example::grouped(letters)});
      }
    }
    if (!r_.as_json) print(table);
    return 0;
  }

  int show() {
    const schemas known{kept_};
    bool found = false;
    kept_.read(r_.name, r_.number, 1, [&](const peal::stored_event& e) {
      if (e.position != r_.number) return;
      found = true;
      json_object o;
      line(add_event(o, e, known).whole());
    });
    if (found) return 0;
    const peal::topic_range range = kept_.range(r_.name);
    return nothing(r_.name + " has no event at " + std::to_string(r_.number) + "; it has " +
                   std::to_string(range.first) + " to " + std::to_string(range.next));
  }

  int replay() {
    const peal::topic_range range = kept_.range(r_.name);
    if (range.next == 0) return nothing("there is no topic " + r_.name);
    const auto place = [&](const std::optional<place_in_topic>& p, std::uint64_t otherwise) {
      if (!p) return otherwise;
      return p->at ? peal::position_at(kept_, r_.name, *p->at) : p->position;
    };
    replay(place(r_.from, range.first), place(r_.to, range.next));
    return 0;
  }

  /// A page after the other, so that a slow reader of what is printed keeps nothing of the store busy.
  void replay(std::uint64_t from, std::uint64_t to) {
    const schemas known{kept_};
    for (std::uint64_t left = r_.limit.value_or(~std::uint64_t{0}); from < to && left != 0;) {
      const std::uint64_t next =
          kept_.read(r_.name, from, std::min<std::uint64_t>(left, 1'000), [&](const peal::stored_event& e) {
            if (e.position >= to) return false;
            json_object o;
            line(add_event(o, e, known).whole());
            --left;
            return true;
          });
      if (next <= from) return;
      from = next;
      if (print_) print_(out_);
    }
  }

  int timers() {
    const schemas known{kept_};
    kept_.timers([&](const peal::stored_timer& t) {
      if (r_.as_json) {
        json_object o;
        o.number("timer", t.id).text("due", moment(t.due)).text("topic", t.event.topic).text("event", t.event.name);
        return line(o.raw("fields", known.json(t.event)).whole());
      }
      line(moment(t.due) + "  " + std::string(t.event.name) + "  " + known.json(t.event));
    });
    return 0;
  }

  [[nodiscard]] bool wanted(const peal::stored_letter& l) const {
    return (!r_.subscription || *r_.subscription == l.subscription) && (!r_.cause || *r_.cause == to_string(l.cause));
  }
  std::string letter_json(const peal::stored_letter& l, const schemas& known) const {
    json_object o;
    o.number("letter", l.number).text("subscription", l.subscription).text("cause", to_string(l.cause));
    o.number("attempts", l.attempts).number("cycles", l.cycles).text("died", moment(l.died));
    if (l.blocked_by != 0) o.number("blocked_by", l.blocked_by);
    if (!l.errors.empty()) o.raw("errors", errors_of(l));
    return add_event(o, l.event, known).whole();
  }
  static std::string errors_of(const peal::stored_letter& l) {
    try {
      return peal::json_from_wire(l.errors);
    } catch (const peal::error& error) {
      return peal::json_string(error.what());
    }
  }

  int dead_list() {
    const schemas known{kept_};
    example::text_table table;
    table.add({"topic", "letter", "subscription", "cause", "attempts", "died", "event"});
    kept_.letters(r_.topic.value_or(""), [&](const peal::stored_letter& l) {
      if (!wanted(l)) return;
      if (r_.as_json) return line(letter_json(l, known));
      table.add({std::string(l.event.topic), std::to_string(l.number), std::string(l.subscription),
                 std::string(to_string(l.cause)), std::to_string(l.attempts), moment(l.died),
                 std::string(l.event.name)});
    });
    if (!r_.as_json) print(table);
    return 0;
  }

  /// Calls `f` with the letter that the request names.
  template <class F>
  int with_letter(F f) {
    bool found = false;
    kept_.letters(r_.name, [&](const peal::stored_letter& l) {
      if (l.number != r_.number) return true;
      found = true;
      f(l);
      return false;
    });
    return found ? 0 : nothing(r_.name + " has no letter " + std::to_string(r_.number));
  }

  int dead_show() {
    const schemas known{kept_};
    return with_letter([&](const peal::stored_letter& l) { line(letter_json(l, known)); });
  }

  int dead_edit() {
    const schemas known{kept_};
    return with_letter([&](const peal::stored_letter& l) {
      if (!read_json_) throw peal::error("peal: this tool was built without nlohmann-json, so it cannot read JSON");
      const std::string_view schema = known.of(l.event);
      if (schema.empty()) throw peal::error("peal: the store does not know the fields of " + std::string(l.event.name));
      peal::byte_buffer edited;
      read_json_(r_.json, schema, edited);
      peal::store_batch b;
      b.letters.push_back(l);
      b.letters.back().event.payload = edited;
      kept_.commit(b);
      line("letter " + std::to_string(l.number) + " of " + r_.name + " was edited");
    });
  }

  int dead_redrive() {
    std::vector<std::uint64_t> numbers = r_.numbers;
    if (r_.all) {  // what waits behind another letter follows it by itself
      kept_.letters(r_.name, [&](const peal::stored_letter& l) {
        if (wanted(l) && l.blocked_by == 0 && l.cause != peal::dead_cause::overloaded) numbers.push_back(l.number);
      });
    }
    int code = 0;
    const std::vector<peal::redrive_errc> refused = peal::mark_for_redrive(kept_, r_.name, numbers);
    for (std::size_t i = 0; i != numbers.size(); ++i) {
      const std::uint64_t number = numbers[i];
      const peal::redrive_errc why = refused[i];
      const bool marked = why == peal::redrive_errc::none;
      if (!marked) code = 1;
      if (r_.as_json) {
        json_object o;
        o.text("topic", r_.name).number("letter", number).text("redrive", marked ? "marked" : to_string(why));
        line(o.whole());
      } else {
        line("letter " + std::to_string(number) + " of " + r_.name + redrive_words(why));
      }
    }
    if (numbers.empty() && !r_.as_json) line(r_.name + " has no letter to redrive");
    return code;
  }
  static std::string redrive_words(peal::redrive_errc why) {
    switch (why) {
      case peal::redrive_errc::none: return " goes back when its subscription stands";
      case peal::redrive_errc::blocked: return " follows the one that holds its key: redrive that one";
      case peal::redrive_errc::no_room: return " never got into its topic: redrive it in the service";
      default: return " is not there";
    }
  }

  int dead_discard() {
    const int found = with_letter([](const peal::stored_letter&) {});
    if (found != 0) return found;
    peal::store_batch b;
    b.letters_gone.push_back({r_.name, r_.number});
    kept_.commit(b);
    line("letter " + std::to_string(r_.number) + " of " + r_.name + " is gone");
    return 0;
  }

  const request& r_;
  peal::store& kept_;
  std::string& out_;
  json_reader read_json_;
  printer print_;
};

}  // namespace peal_tool
