// SPDX-License-Identifier: MIT
#include "support/report.hpp"

#include <algorithm>
#include <cmath>
#include <fstream>

namespace bench {
namespace {

/// How wide it is on a terminal: continuation bytes of UTF-8 take no room.
std::size_t width(const std::string& text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}
std::string padded(const std::string& text, std::size_t to, bool right) {
  const std::string space(to > width(text) ? to - width(text) : 0, ' ');
  return right ? space + text : text + space;
}

std::string title_of(unit of) {
  switch (of) {
    case unit::millions_per_second: return "millions a second, (Nx): peal is N times as fast";
    case unit::nanoseconds: return "nanoseconds, (Nx): peal takes an Nth";
    case unit::microseconds: return "microseconds, (Nx): peal takes an Nth";
    case unit::milliseconds: return "milliseconds, (Nx): peal takes an Nth";
    case unit::instructions: return "instructions";
    case unit::as_said: break;
  }
  return "";
}

std::string cell(const table& t, const std::string& row, const std::string& column) {
  const auto found = t.at(row, column);
  if (!found) return "-";
  const auto ratio = t.ratio(row, column);
  return said(found->median) + (ratio ? " (" + said(*ratio) + "x)" : "");
}

std::string quoted(const std::string& text) {
  std::string result = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') result += '\\';
    if (static_cast<unsigned char>(c) >= 0x20) result += c;
  }
  return result + '"';
}
std::string number(double value) {
  char text[64];
  (void)std::snprintf(text, sizeof text, "%.3f", value);
  return text;
}
const char* name_of(unit of) {
  switch (of) {
    case unit::millions_per_second: return "M/s";
    case unit::nanoseconds: return "ns";
    case unit::microseconds: return "us";
    case unit::milliseconds: return "ms";
    case unit::instructions: return "instructions";
    case unit::as_said: break;
  }
  return "";
}

struct verdict {
  std::string measured = "not measured";
  bool met = false;
  std::string reason;
};
verdict judge(const target& t, const reasons& why) {
  verdict v;
  if (const auto found = t.judge()) {
    v.measured = found->measured;
    v.met = found->met;
  }
  const auto said = why.find(t.name);
  if (!v.met) v.reason = said != why.end() ? said->second : "not analysed yet";
  return v;
}

void write_rows(std::FILE* out, const table& t) {
  const char* between = "";
  for (const std::string& row : t.rows()) {
    std::fprintf(out, "%s\n      {\"name\": %s, \"lacks\": %s, \"cells\": [", between, quoted(row).c_str(),
                 quoted(t.lacks(row)).c_str());
    between = ",";
    const char* comma = "";
    for (const std::string& column : t.columns()) {
      const auto found = t.at(row, column);
      if (!found) continue;
      const auto ratio = t.ratio(row, column);
      std::fprintf(out,
                   "%s{\"column\": %s, \"median\": %s, \"low\": %s, \"high\": %s, \"times\": %s, \"said\": %s, "
                   "\"thousandths\": %lld}",
                   comma, quoted(column).c_str(), number(found->median).c_str(), number(found->low).c_str(),
                   number(found->high).c_str(), ratio ? number(*ratio).c_str() : "null",
                   quoted(said(found->median)).c_str(), std::llround(found->median * 1e3));
      comma = ", ";
    }
    std::fputs("]}", out);
  }
}

}  // namespace

reasons read_reasons(const std::string& path) {
  reasons found;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    const auto split = line.rfind(" :: ");
    if (line.empty() || line.front() == '#' || split == std::string::npos) continue;
    found[line.substr(0, split)] = line.substr(split + 4);
  }
  return found;
}

void print_machine(std::FILE* out, const machine& m, const effort& e) {
  std::fprintf(out, "processor   %s, %u cores for this process\n", m.processor.c_str(), m.cores);
  std::fprintf(out, "kernel      %s\n", m.kernel.c_str());
  std::fprintf(out, "compiler    %s, %s\n", m.compiler.c_str(), m.flags.c_str());
  std::fprintf(out, "cache line  %s ns there and back between two cores: %s\n", said(m.line_round_trip_ns).c_str(),
               m.verdict.c_str());
  std::fprintf(out, "load        %.1f threads before the run%s\n", m.load,
               m.load > 0.7 ? ": NOT QUIET, do not quote these figures" : "");
  std::fprintf(out, "method      medians of %u rounds, the contestants of a table taking turns in each round%s\n",
               e.rounds, e.quick ? "; QUICK, for a look only" : "");
}

void print_table(std::FILE* out, const table& t) {
  const auto rows = t.rows();
  const auto columns = t.columns();
  std::fprintf(out, "\n%s: %s\n", t.name().c_str(), t.question().c_str());
  if (const std::string title = title_of(t.measured_in()); !title.empty()) std::fprintf(out, "  %s\n", title.c_str());
  std::size_t first = 0;
  for (const std::string& row : rows) first = std::max(first, width(row));
  std::vector<std::size_t> widths;
  for (const std::string& column : columns) {
    std::size_t w = width(column);
    for (const std::string& row : rows) w = std::max(w, width(cell(t, row, column)));
    widths.push_back(w);
  }
  std::fprintf(out, "  %s", padded("", first, false).c_str());
  for (std::size_t i = 0; i < columns.size(); ++i)
    std::fprintf(out, "  %s", padded(columns[i], widths[i], true).c_str());
  std::fputs("\n", out);
  for (const std::string& row : rows) {
    std::fprintf(out, "  %s", padded(row, first, false).c_str());
    for (std::size_t i = 0; i < columns.size(); ++i) {
      std::fprintf(out, "  %s", padded(cell(t, row, columns[i]), widths[i], true).c_str());
    }
    std::fprintf(out, "  %s\n", t.lacks(row).c_str());
  }
  for (const table::one_case& c : t.cases()) {
    if (!c.problem.empty()) {
      std::fprintf(out, "  WRONG RESULT %s, %s: %s\n", c.row.c_str(), c.columns.front().c_str(), c.problem.c_str());
    }
  }
}

unsigned print_targets(std::FILE* out, const suite& s, const reasons& why, bool all) {
  unsigned missed = 0;
  for (const target& t : s.targets()) {
    if (!all && !t.judge()) continue;
    const verdict v = judge(t, why);
    missed += v.met ? 0 : 1;
    std::fprintf(out, "target %s: %s (goal %s) %s%s%s\n", t.name.c_str(), v.measured.c_str(), t.goal.c_str(),
                 v.met ? "met" : "missed", v.met ? "" : " — ", v.reason.c_str());
  }
  return missed;
}

void write_json(std::FILE* out, const machine& m, const suite& s, const reasons& why) {
  std::fprintf(out,
               "{\n  \"machine\": {\"processor\": %s, \"cores\": %u, \"kernel\": %s, \"compiler\": %s, \"flags\": %s,\n"
               "    \"line_round_trip_ns\": %s, \"verdict\": %s, \"load\": %s, \"quick\": %s},\n  \"tables\": [",
               quoted(m.processor).c_str(), m.cores, quoted(m.kernel).c_str(), quoted(m.compiler).c_str(),
               quoted(m.flags).c_str(), number(m.line_round_trip_ns).c_str(), quoted(m.verdict).c_str(),
               number(m.load).c_str(), s.how().quick ? "true" : "false");
  const char* between = "";
  for (const table& t : s.tables()) {
    std::fprintf(out, "%s\n    {\"name\": %s, \"question\": %s, \"unit\": %s, \"rows\": [", between,
                 quoted(t.name()).c_str(), quoted(t.question()).c_str(), quoted(name_of(t.measured_in())).c_str());
    between = ",";
    write_rows(out, t);
    std::fputs("]}", out);
  }
  std::fputs("],\n  \"targets\": [", out);
  between = "";
  for (const target& t : s.targets()) {
    const verdict v = judge(t, why);
    std::fprintf(out, "%s\n    {\"name\": %s, \"measured\": %s, \"goal\": %s, \"met\": %s, \"reason\": %s}", between,
                 quoted(t.name).c_str(), quoted(v.measured).c_str(), quoted(t.goal).c_str(), v.met ? "true" : "false",
                 quoted(v.reason).c_str());
    between = ",";
  }
  std::fputs("]\n}\n", out);
}

}  // namespace bench
