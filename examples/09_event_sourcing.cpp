// SPDX-License-Identifier: MIT
// The events are the truth: stock is folded from them, as it is or as it was; of two tills that sell the last one, one
// hears that it was late.
#include <cstdint>
#include <cstdio>
#include <map>
#include <optional>
#include <peal/core/overloaded.hpp>
#include <peal/pattern/aggregates.hpp>
#include <peal/pattern/projection.hpp>
#include <peal/pattern/replay.hpp>
#include <peal/store/memory_store.hpp>
#include <string>

struct delivered {
  int pieces{};
  static constexpr peal::event_name name{"shop.stock.delivered", 1};
  static constexpr auto fields = peal::fields(peal::field{"pieces", &delivered::pieces});
};
struct sold {
  int pieces{};
  std::int64_t cents{};
  static constexpr peal::event_name name{"shop.stock.sold", 1};
  static constexpr auto fields = peal::fields(peal::field{"pieces", &sold::pieces}, peal::field{"cents", &sold::cents});
};
struct stock {  // declared like an event, so that it can be kept as a snapshot
  int pieces{};
  void apply(const delivered& e) { pieces += e.pieces; }
  void apply(const sold& e) { pieces -= e.pieces; }
  static constexpr peal::event_name name{"shop.stock", 1};
  static constexpr auto fields = peal::fields(peal::field{"pieces", &stock::pieces});
};
using stock_streams = peal::event_streams<delivered, sold>;
using stocks = peal::aggregates<stock, stock_streams>;

static void sell_the_last_ones(stock_streams& events, stocks& goods) {
  const auto seen = goods.load("tea");  // both tills look at the same moment
  std::printf("both tills see %d\n", seen.state.pieces);
  events.append("tea", seen.version, sold{2, 900});
  try {
    events.append("tea", seen.version, sold{2, 900});
  } catch (const peal::version_conflict& late) {
    std::printf("%s\n", late.what());
  }
  goods.update("tea", [](const stock& now) -> std::optional<sold> {  // looks again for each try
    std::printf("the second till sees %d\n", now.pieces);
    if (now.pieces < 2) return std::nullopt;
    return sold{2, 900};
  });
}

static void look_back(const peal::store& kept, const stocks& goods) {
  for (const std::uint64_t position : {0U, 2U, 9U}) {
    const auto then = goods.load("tea", {.position = position});
    std::printf("tea as of position %d: %d\n", static_cast<int>(position), then.state.pieces);
  }
  int left = 0;  // of all goods, as it stood before position 3
  peal::replay<delivered, sold>(
      kept, "shop.stock", {.to = 3},
      peal::overloaded{[&](const delivered& e) { left += e.pieces; }, [&](const sold& e) { left -= e.pieces; }});
  std::printf("all goods before position 3: %d\n", left);
}

int main() {
  peal::memory_store kept;  // or peal::sqlite::store kept{"shop.db"};
  stock_streams events{kept, "shop.stock"};
  stocks goods{events, {.snapshot_every = 5}};

  events.append("tea", peal::no_stream, delivered{10});
  events.append("rum", peal::no_stream, delivered{4});
  auto tea = goods.load("tea");
  for (int day = 0; day < 7; ++day) goods.append("tea", tea, sold{1, 450});
  std::printf("tea: %d left, version %d, snapshot of %d\n", tea.state.pieces, static_cast<int>(tea.version),
              static_cast<int>(tea.snapshot));
  sell_the_last_ones(events, goods);

  std::map<std::string, std::int64_t> revenue;  // a read model; as rows of the store's own database it is kept with its
                                                // position in one commit, here it begins anew with each process
  peal::projection<delivered, sold> report{kept,
                                           {.name = "revenue", .topics = {"shop.stock"}, .keep_position = false},
                                           peal::overloaded{[](const delivered&) {},
                                                            [&](const sold& e, const peal::replayed_event& about) {
                                                              revenue[std::string(about.key())] += e.cents;
                                                            }},
                                           peal::on_rebuild{[&] { revenue.clear(); }}};
  report.catch_up();
  events.append("rum", peal::any_version, sold{1, 2'200});
  std::printf("%d event behind\n", static_cast<int>(report.lag()));
  report.catch_up();
  std::printf("revenue: tea %d, rum %d\n", static_cast<int>(revenue["tea"]), static_cast<int>(revenue["rum"]));
  report.rebuild();
  std::printf("folded anew: tea %d, rum %d\n", static_cast<int>(revenue["tea"]), static_cast<int>(revenue["rum"]));
  look_back(kept, goods);
}

// prints: tea: 3 left, version 8, snapshot of 5
// prints: both tills see 3
// prints: peal: stream "tea" of shop.stock: expected version 8, found version 9. Somebody else was first: load it again and decide anew
// prints: the second till sees 1
// prints: 1 event behind
// prints: revenue: tea 4050, rum 2200
// prints: folded anew: tea 4050, rum 2200
// prints: tea as of position 0: 10
// prints: tea as of position 2: 9
// prints: tea as of position 9: 1
// prints: all goods before position 3: 13
