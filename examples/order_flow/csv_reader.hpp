// SPDX-License-Identifier: MIT
// Reads CSV as RFC 4180 has it: commas, quotes and line ends in quoted fields; LF, CRLF or CR; a BOM is skipped.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace order_flow {

/// One record of the file, or what is wrong with it.
struct csv_record {
  std::size_t line = 0;             ///< where it begins, counted from 1
  std::vector<std::string> fields;  ///< unquoted
  std::string_view trouble;         ///< empty for a well-formed record
};

/// A reader over a text that outlives it. Blank lines are no records.
/// Errors: a record with a broken quote is returned with its `trouble`, and reading goes on at the very next line of
/// the file, so that one forgotten quote costs one line and not the rest.
class csv_reader {
 public:
  explicit csv_reader(std::string_view text) : text_(text) {
    constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";
    if (text_.substr(0, byte_order_mark.size()) == byte_order_mark) at_ = byte_order_mark.size();
  }

  /// Reads the next record into `record`, whose memory is used again. False at the end.
  bool next(csv_record& record) {
    while (at_end_of_line() && at_ < text_.size()) skip_end_of_line();
    if (at_ == text_.size()) return false;

    const auto start = at_;
    record.line = line_;
    record.trouble = {};
    std::size_t count = 0;
    do {
      if (record.fields.size() == count) record.fields.emplace_back();
      record.trouble = read_field(record.fields[count++]);
    } while (record.trouble.empty() && skip_comma());
    record.fields.resize(count);

    if (!record.trouble.empty()) {
      at_ = start;
      line_ = record.line;
      while (!at_end_of_line()) ++at_;
    }
    skip_end_of_line();
    return true;
  }

 private:
  bool at_end_of_line() const { return at_ == text_.size() || text_[at_] == '\n' || text_[at_] == '\r'; }

  bool skip_comma() {
    const bool found = at_ < text_.size() && text_[at_] == ',';
    at_ += found ? 1u : 0u;
    return found;
  }

  void skip_end_of_line() {
    if (at_ == text_.size()) return;
    at_ += text_.substr(at_, 2) == "\r\n" ? 2u : 1u;
    ++line_;
  }

  std::string_view read_field(std::string& field) {
    field.clear();
    if (at_ < text_.size() && text_[at_] == '"') return read_quoted(field);
    const auto start = at_;
    while (!at_end_of_line() && text_[at_] != ',') ++at_;
    field = text_.substr(start, at_ - start);
    return {};
  }

  std::string_view read_quoted(std::string& field) {
    for (++at_; at_ < text_.size();) {
      if (text_[at_] == '"') {
        if (++at_ == text_.size() || text_[at_] != '"') {
          return at_end_of_line() || text_[at_] == ',' ? "" : "text behind a closing quote";
        }
        field += text_[at_++];  // a doubled quote is one quote
      } else if (at_end_of_line()) {
        const auto start = at_;
        skip_end_of_line();
        field += text_.substr(start, at_ - start);
      } else {
        field += text_[at_++];
      }
    }
    return "a quote that is never closed";
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t line_ = 1;
};

}  // namespace order_flow
