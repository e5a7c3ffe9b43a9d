// SPDX-License-Identifier: MIT
// The loaded library: subscribes, throws an exception of its own, publishes from outside, from inside and by returning.
#include "contract.hpp"

#include <chrono>
#include <optional>
#include <string>

#define VISIBLE extern "C" __attribute__((visibility("default")))

namespace {

struct busy {};  // an exception type that only the library knows

struct state {
  plugin_parts parts;
  plugin_counts counts;
  peal::subscription handling;
};
std::optional<state> here;

}  // namespace

VISIBLE void plugin_start(const plugin_parts& parts) {
  here.emplace(state{parts, {}, {}});
  here->handling = here->parts.orders_in.subscribe(
      "plugin",
      [](const order& o, peal::delivery& d) -> reply {
        if (o.cents % 10 == 0 && d.attempt() == 1) {
          ++here->counts.failed;
          throw busy{};
        }
        ++here->counts.handled;
        here->parts.replies_out.publish(reply{o.id, 1});
        return {o.id, 2};
      },
      peal::on<busy>(peal::backoff{.attempts = 2, .first = std::chrono::milliseconds{1}}),
      peal::otherwise(peal::dead_letter));
  for (int i = 0; i < orders_of_each; ++i) here->parts.orders_out.publish(order{"plugin-" + std::to_string(i), i});
}

VISIBLE plugin_counts plugin_stop() {
  here->handling.stop();
  const plugin_counts result = here->counts;
  here.reset();
  return result;
}
