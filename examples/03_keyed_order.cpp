// SPDX-License-Identifier: MIT
// Each order's events in their order, through retries, dead letters and redrive; no order waits for another one.
#include <atomic>
#include <chrono>
#include <cstdio>
#include <map>
#include <mutex>
#include <peal/peal.hpp>
#include <stdexcept>
#include <string>

using namespace std::chrono_literals;

struct order_placed {
  std::string order_id;
};
struct order_cancelled {
  std::string order_id;
};

/// What has happened to each order; several hands write into it at once.
class journal {
 public:
  void note(const std::string& order, const char* what) {
    const std::lock_guard lock{mutex_};
    (lines_[order] += ' ') += what;
  }
  void print(const char* when) const {
    std::printf("%s\n", when);
    for (const auto& [order, line] : lines_) std::printf("  %s:%s\n", order.c_str(), line.c_str());
  }

 private:
  std::mutex mutex_;
  std::map<std::string, std::string> lines_;
};

int main() {
  journal log;
  std::atomic<bool> address_known{false};
  peal::bus<peal::topic<order_placed, order_cancelled>> bus;

  const auto place = [&](const order_placed& o, const peal::delivery& d) {
    if (o.order_id == "o-1" && d.attempt() < 3) throw std::runtime_error("try again");
    if (o.order_id == "o-2" && !address_known) throw std::invalid_argument("no such address");
    log.note(o.order_id, "placed");
  };
  const auto cancel = [&](const order_cancelled& o) { log.note(o.order_id, "cancelled"); };

  auto warehouse = bus.subscribe<order_placed, order_cancelled>(
      "warehouse", peal::overloaded{place, cancel},  //
      peal::ordered_by{&order_placed::order_id, &order_cancelled::order_id}, peal::concurrency{4},
      peal::on<std::runtime_error>(peal::backoff{.attempts = 5, .first = 2ms}));

  for (const char* id : {"o-1", "o-2", "o-3"}) {
    bus.publish(order_placed{id});
    bus.publish(order_cancelled{id});
  }
  bus.settle();
  log.print("before the address is known");
  for (const auto& l : bus.dead_letters<order_cancelled>()) {
    const std::string cause{to_string(l.cause)};
    std::printf("letter: cancellation of %s, %s letter %d\n", l.event.order_id.c_str(), cause.c_str(),
                static_cast<int>(l.blocked_by));
  }

  address_known = true;
  bus.redrive<order_placed>();  // the cancellation follows by itself
  bus.settle();
  log.print("after the redrive");
}

// prints: before the address is known
// prints:   o-1: placed cancelled
// prints:   o-3: placed cancelled
// prints: letter: cancellation of o-2, blocked_by letter 1
// prints: after the redrive
// prints:   o-1: placed cancelled
// prints:   o-2: placed cancelled
// prints:   o-3: placed cancelled
