// SPDX-License-Identifier: MIT
// peal_bench: measures every topology, peal beside its rivals in one run, and says which targets are met.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "support/machine.hpp"
#include "support/report.hpp"
#include "support/suite.hpp"
#include "topologies.hpp"

namespace {

constexpr const char* usage =
    R"(peal_bench: peal beside what people use today, on the same work, in one run.

  --quick              shorter runs, fewer rounds: for a look, not for a quotation
  --only=PREFIX        only the tables whose name begins so
  --json=FILE          the figures for scripts
  --reasons=FILE       why targets are missed, lines of `<target> :: <reason>`
  --external=FILE      figures of other programs, lines of `<table>|<row>|<column>|<value>`
  --list               the names of the tables

Exit code: 0 all results right, whatever targets are missed; 1 a result was wrong; 2 the options cannot be used.
)";

struct options {
  bench::effort how;
  std::string only;
  std::string json;
  std::string reasons;
  std::string external;
  bool list = false;
};

bool parse(int count, char** arguments, options& o) {
  const auto value_of = [](const std::string& argument, const char* name, std::string& into) {
    const std::string start = std::string(name) + "=";
    if (argument.rfind(start, 0) != 0) return false;
    into = argument.substr(start.size());
    return true;
  };
  for (int i = 1; i < count; ++i) {
    const std::string argument = arguments[i];
    if (argument == "--quick") {
      o.how = {.quick = true, .rounds = 3, .seconds = 0.01};
    } else if (argument == "--list") {
      o.list = true;
    } else if (!value_of(argument, "--only", o.only) && !value_of(argument, "--json", o.json) &&
               !value_of(argument, "--reasons", o.reasons) && !value_of(argument, "--external", o.external)) {
      return false;
    }
  }
  return true;
}

/// Lines `<table>|<row>|<column>|<value>`; no file, no figures.
bench::figures read_figures(const std::string& path) {
  bench::figures found;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    std::istringstream fields(line);
    bench::foreign_figure one;
    std::string value;
    if (std::getline(fields, one.table, '|') && std::getline(fields, one.row, '|') &&
        std::getline(fields, one.column, '|') && std::getline(fields, value)) {
      one.value = std::strtod(value.c_str(), nullptr);
      found.push_back(one);
    }
  }
  return found;
}

int run(const options& o) {
  bench::suite s{o.how};
  bench::every_topology(s, read_figures(o.external));
  if (o.list) {
    for (const bench::table& t : s.tables()) std::printf("%s\n", t.name().c_str());
    return 0;
  }
  const auto start = bench::clock::now();
  (void)bench::stolen_percent();
  const bench::machine m = bench::look_at_machine();
  bench::print_machine(stdout, m, s.how());
  s.enlist();
  bool right = true;
  for (bench::table& t : s.tables()) {
    if (t.name().rfind(o.only, 0) != 0) continue;
    std::fflush(stdout);
    s.run(t);
    bench::print_table(stdout, t);
    right = right && std::all_of(t.cases().begin(), t.cases().end(), [](const auto& c) { return c.problem.empty(); });
  }
  std::printf("\n%.0f s; the hypervisor gave %.1f %% of the machine to others meanwhile\n\n",
              bench::seconds_since(start), bench::stolen_percent());
  const bench::reasons why = bench::read_reasons(o.reasons);
  const unsigned missed = bench::print_targets(stdout, s, why, o.only.empty());
  std::printf("%u targets missed\n", missed);
  if (!o.json.empty()) {
    std::FILE* const file = std::fopen(o.json.c_str(), "w");
    if (file == nullptr) throw std::runtime_error("cannot write " + o.json);
    bench::write_json(file, m, s, why);
    (void)std::fclose(file);
  }
  return right ? 0 : 1;
}

}  // namespace

int main(int count, char** arguments) {
  options o;
  if (!parse(count, arguments, o)) {
    std::fputs(usage, stderr);
    return 2;
  }
  int none = 1;
  benchmark::Initialize(&none, arguments);
  try {
    return run(o);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "peal_bench: %s\n", error.what());
    return 2;
  }
}
