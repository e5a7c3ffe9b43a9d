// SPDX-License-Identifier: MIT
// Every topology, one a file, in the order of the report. Each adds its tables and its targets.
#pragma once

#include <string>
#include <vector>

#include "support/suite.hpp"

namespace bench {

/// What other programs have measured.
struct foreign_figure {
  std::string table;
  std::string row;
  std::string column;
  double value = 0;
};
using figures = std::vector<foreign_figure>;

void one_to_one(suite& s);
void bulk(suite& s);
void many_to_one(suite& s);
void many_to_many(suite& s);
void one_to_many(suite& s);
void pipeline(suite& s);
void diamond(suite& s);
void inline_handlers(suite& s);
void policy_overhead(suite& s);
void ping_pong(suite& s);
void burst_after_idle(suite& s);
void wake_after_idle(suite& s);
void paced_latency(suite& s);
void idle_bus(suite& s);
void order_flow_rate(suite& s);
void durable_store(suite& s);
void durable_bus(suite& s);
void compile_cost(suite& s, const figures& found);
void instructions(suite& s, const figures& found);
void growth(suite& s);
void growth_topics(suite& s);

inline void every_topology(suite& s, const figures& found) {
  one_to_one(s);
  bulk(s);
  many_to_one(s);
  many_to_many(s);
  one_to_many(s);
  pipeline(s);
  diamond(s);
  inline_handlers(s);
  policy_overhead(s);
  ping_pong(s);
  burst_after_idle(s);
  wake_after_idle(s);
  paced_latency(s);
  idle_bus(s);
  order_flow_rate(s);
  durable_store(s);
  durable_bus(s);
  compile_cost(s, found);
  instructions(s, found);
  growth(s);
  growth_topics(s);
}

}  // namespace bench
