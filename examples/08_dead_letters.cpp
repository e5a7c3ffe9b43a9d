// SPDX-License-Identifier: MIT
// Dead letters are data: somebody is told of them, a dry run says what would happen, they are mended and go back.
#include <cstdio>
#include <peal/peal.hpp>
#include <stdexcept>
#include <string>

struct parcel_sent {
  std::string order_id;
  std::string city;
};
struct unknown_city : std::invalid_argument {
  using std::invalid_argument::invalid_argument;
};
using letter = peal::dead_letter_record<parcel_sent>;

int main() {
  peal::bus<parcel_sent, letter> bus;

  auto alert = bus.subscribe<letter>(
      "alert",
      [](const letter& l) {
        std::printf("alert: %s of %s: %s\n", l.event.order_id.c_str(), l.subscription.c_str(),
                    l.errors[0].what.c_str());
      },
      peal::filter{[](const letter& l) { return l.cause == peal::dead_cause::failed; }});  // not what waits behind one
  auto carrier = bus.subscribe<parcel_sent>(
      "carrier",
      [](const parcel_sent& p) {
        if (p.city == "Lodnon") throw unknown_city("no city " + p.city);
        std::printf("carrier: %s to %s\n", p.order_id.c_str(), p.city.c_str());
      },
      peal::ordered_by{&parcel_sent::order_id});

  bus.publish(parcel_sent{"o-1", "Paris"});
  bus.publish(parcel_sent{"o-2", "Lodnon"});
  bus.publish(parcel_sent{"o-2", "London"});  // waits for the first one of its order
  bus.settle();

  const peal::dead_letter_query misspelt{.subscription = "carrier", .error = "no city Lodnon"};
  const auto mend = [](parcel_sent& p) { p.city = "London"; };
  const auto would_go = bus.redrive<parcel_sent>(misspelt, peal::redrive_options{.dry_run = true});
  std::printf("would go back: %d\n", static_cast<int>(would_go.count));
  (void)bus.redrive<parcel_sent>(misspelt, mend);  // what waits behind it follows by itself
  bus.settle();
  std::printf("letters left: %d\n", static_cast<int>(bus.dead_letters<parcel_sent>().size()));
}

// prints: carrier: o-1 to Paris
// prints: alert: o-2 of carrier: no city Lodnon
// prints: would go back: 1
// prints: carrier: o-2 to London
// prints: carrier: o-2 to London
// prints: letters left: 0
