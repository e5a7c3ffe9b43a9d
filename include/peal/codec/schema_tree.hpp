// SPDX-License-Identifier: MIT
// A schema's text as a tree, for programs that read events whose types they do not have.
#pragma once

#include <peal/core/error.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace peal::inline v0 {

/// A schema's text is not one. The text says where.
class bad_schema : public error {
 public:
  bad_schema(std::string_view schema, std::size_t at)
      : error(std::string("peal: not a schema, from character ")
                  .append(std::to_string(at))
                  .append(" on: ")
                  .append(schema.substr(0, 200))) {}
};

/// A type as its schema tells it.
struct schema_node {
  enum class kind : std::uint8_t { boolean, integer, floating, string, bytes, record, list, map };

  kind what = kind::boolean;
  bool optional = false;
  bool is_signed = false;
  unsigned bits = 0;                  ///< of integers and floating point numbers
  std::size_t fixed = 0;              ///< elements of a list that has always so many; 0: any number
  std::vector<std::string> names{};   ///< of a record's fields
  std::vector<schema_node> inside{};  ///< a record's fields, a list's element, a map's key and value
};

namespace detail {

/// A recursive descent over the text; `max_depth` against texts made to exhaust the stack.
class schema_parser {
 public:
  explicit schema_parser(std::string_view text) noexcept : text_{text} {}

  schema_node whole() {
    schema_node n = type(0);
    if (at_ != text_.size()) refuse();
    return n;
  }

 private:
  static constexpr std::size_t max_depth = 64;

  [[noreturn]] void refuse() const { throw bad_schema(text_, at_); }
  bool take(std::string_view word) noexcept {
    if (text_.substr(at_, word.size()) != word) return false;
    at_ += word.size();
    return true;
  }
  void expect(std::string_view word) {
    if (!take(word)) refuse();
  }
  std::size_t number() {
    std::size_t n = 0;
    const std::size_t from = at_;
    while (at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9' && at_ - from < 18) {
      n = 10 * n + static_cast<std::size_t>(text_[at_++] - '0');
    }
    if (at_ == from) refuse();
    return n;
  }

  schema_node type(std::size_t depth) {
    if (depth > max_depth) refuse();
    schema_node n = base(depth);
    n.optional = take("?");
    return n;
  }

  schema_node base(std::size_t depth) {
    using kind = schema_node::kind;
    schema_node n;
    if (take("bool")) return n;
    if (take("str")) return n.what = kind::string, n;
    if (take("bytes")) return n.what = kind::bytes, n;
    if (take("f32")) return sized(kind::floating, true, 32);
    if (take("f64")) return sized(kind::floating, true, 64);
    if (take("enum ")) return base(depth);
    if (take("duration ") || take("time ")) {
      (void)number();
      expect("/");
      (void)number();
      return sized(kind::integer, true, 64);
    }
    if (take("i") || take("u")) return integer();
    if (take("[")) return list(depth);
    if (take("map<")) return map(depth);
    if (take("{")) return record(depth);
    refuse();
  }

  static schema_node sized(schema_node::kind what, bool is_signed, unsigned bits) {
    schema_node n;
    n.what = what;
    n.is_signed = is_signed;
    n.bits = bits;
    return n;
  }
  schema_node integer() {
    const bool is_signed = text_[at_ - 1] == 'i';
    const std::size_t bits = number();
    if (bits != 8 && bits != 16 && bits != 32 && bits != 64) refuse();
    return sized(schema_node::kind::integer, is_signed, static_cast<unsigned>(bits));
  }
  schema_node list(std::size_t depth) {
    schema_node n;
    n.what = schema_node::kind::list;
    n.inside.push_back(type(depth + 1));
    if (take(";")) n.fixed = number();
    expect("]");
    return n;
  }
  schema_node map(std::size_t depth) {
    schema_node n;
    n.what = schema_node::kind::map;
    n.inside.push_back(type(depth + 1));
    expect(",");
    n.inside.push_back(type(depth + 1));
    expect(">");
    return n;
  }
  schema_node record(std::size_t depth) {
    schema_node n;
    n.what = schema_node::kind::record;
    if (take("}")) return n;
    do {
      const std::size_t colon = text_.find(':', at_);
      if (colon == std::string_view::npos || colon == at_) refuse();
      n.names.emplace_back(text_.substr(at_, colon - at_));
      at_ = colon + 1;
      n.inside.push_back(type(depth + 1));
    } while (take(","));
    expect("}");
    return n;
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace detail

/// Reads what peal::schema_of wrote. Errors: bad_schema, bad_alloc.
inline schema_node parse_schema(std::string_view text) { return detail::schema_parser{text}.whole(); }

}  // namespace peal::inline v0
