// SPDX-License-Identifier: MIT
// What is printed for people, and what is written for scripts.
#pragma once

#include <cstdio>
#include <map>
#include <string>

#include "support/machine.hpp"
#include "support/suite.hpp"

namespace bench {

/// Why targets are missed, by the target's name.
using reasons = std::map<std::string, std::string>;
/// Lines `<target>: <reason>`; empty lines and those that begin with # are skipped. A file that is not there is empty.
reasons read_reasons(const std::string& path);

void print_machine(std::FILE* out, const machine& m, const effort& e);
void print_table(std::FILE* out, const table& t);
/// One line a target, without `all` only those that were measured; returns how many are missed.
unsigned print_targets(std::FILE* out, const suite& s, const reasons& why, bool all);

void write_json(std::FILE* out, const machine& m, const suite& s, const reasons& why);

}  // namespace bench
