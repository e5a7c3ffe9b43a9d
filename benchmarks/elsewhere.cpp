// SPDX-License-Identifier: MIT
// What does peal cost to compile, and how many instructions are a publish and a delivery?
//
//   compile_cost.cmake ──▶ g++ -O0, processor time         instructions.cpp ──▶ valgrind, counted
//
// Both are measured by programs of their own before this one runs; here their figures get their tables and targets.
#include "support/suite.hpp"
#include "topologies.hpp"

namespace bench {

void compile_cost(suite& s, const figures& found) {
  table& t = s.add("compile_cost", "g++ -O0, processor time of one translation unit", unit::milliseconds);
  for (const figures::value_type& one : found) {
    if (one.table == "compile_cost") t.enter(one.row, one.column, one.value);
  }
  s.require_at_most("compile_cost one event and one handler", t, "peal", "one event", 1'200);
  s.require_at_most("compile_cost each further event and handler", t, "peal", "each further", 15);
  s.require_at_most("compile_cost each further with five policies", t, "peal", "each further, five policies", 40);
}

void instructions(suite& s, const figures& found) {
  table& t = s.add("instructions", "of a publish and of a delivery, counted by callgrind", unit::instructions);
  for (const figures::value_type& one : found) {
    if (one.table == "instructions") t.enter(one.row, one.column, one.value);
  }
}

}  // namespace bench
