// SPDX-License-Identifier: MIT
// The event of a query, and the handler that answers it.
#pragma once

#include <peal/bus/bus.hpp>
#include <peal/pattern/detail/pending.hpp>

#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

namespace peal::inline v0 {

/// A second responder of a query; both are named.
class responder_exists : public error {
 public:
  responder_exists(std::string_view query, std::string_view first, std::string_view second)
      : error(std::string("peal: responder \"")
                  .append(second)
                  .append("\": the query ")
                  .append(query)
                  .append(" is answered by \"")
                  .append(first)
                  .append("\" already; a query has exactly one responder")) {}
};

/// The event that carries a `Query` to whoever answers it with a `Reply`: name it among the topics of a bus.
///
/// It is a Query, so filters, keys and observers are written for that.
/// Example: `peal::bus<order_placed, peal::query<price_query, price>> bus;`
template <class Query, class Reply>
class query : public Query {
  static_assert(std::is_class_v<Query> && !std::is_final_v<Query>,
                "peal: a query is a struct of its own, not a built-in type and not final");
  static_assert(event<Query>, "peal: a query is an event: it moves and is destroyed without throwing");
  static_assert(event<Reply>, "peal: a reply is a plain value that moves and is destroyed without throwing");

 public:
  using awaited_by = Reply;
  query(Query&& asked, detail::ticket&& to) noexcept : Query{std::move(asked)}, to_{std::move(to)} {}

  // For the bus.
  void let_go() noexcept { to_.let_go(); }
  [[nodiscard]] detail::pending* pending() const noexcept { return to_.get(); }

 private:
  detail::ticket to_;
};

namespace detail {

template <class Reply>
struct pending_of final : pending {
  using pending::pending;
  void clear() noexcept override { value.reset(); }
  std::optional<Reply> value{};
};

template <class Query, class Reply>
shared<pending_table> requests_of(const port<query<Query, Reply>>& way) {
  const asking_place here{way};
  shared<void> common = here.shared([&]() -> shared<void> {
    here.expect_requests();
    return shared<pending_table>{new pending_table(
        here, [](pending_table& t) -> std::unique_ptr<pending> { return std::make_unique<pending_of<Reply>>(t); })};
  });
  auto* const table = static_cast<pending_table*>(common.get());
  return {std::move(common), table};
}

constexpr request_errc why_not_sent(publish_errc e) noexcept {
  switch (e) {
    case publish_errc::timed_out: return request_errc::timed_out;
    case publish_errc::closing:
    case publish_errc::closed:
    case publish_errc::forked: return request_errc::closing;
    case publish_errc::vetoed:
    case publish_errc::store_failed: return request_errc::failed;
    case publish_errc::full:
    case publish_errc::overloaded:
    case publish_errc::stuck: return request_errc::overloaded;
  }
  return request_errc::closing;
}

template <class Handler, class Query>
struct reply_type {
  using type = void;
};
template <class Handler, class Query>
  requires takes_event<Handler, Query>
struct reply_type<Handler, Query> {
  using type = handler_result_t<Handler, Query>;
};
template <class Handler, class Query>
using reply_of = typename reply_type<Handler, Query>::type;

/// Runs the user's handler and gives its reply to whoever waits. `Final`: a failed run is the last one. `Alone`: it runs
/// on one thread at a time.
template <class Query, class Reply, class Handler, bool Final, bool Alone>
class answering {
 public:
  answering(responder_seat&& seat, Handler&& handler) noexcept(std::is_nothrow_move_constructible_v<Handler>)
      : seat_{std::move(seat)}, handler_{std::move(handler)} {}

  void operator()(const query<Query, Reply>& q, delivery& d) { run(handler_, q, d); }
  void operator()(const query<Query, Reply>& q, delivery& d) const requires takes_event<const Handler, Query> {
    run(handler_, q, d);
  }

 private:
  struct on_this_thread {
    explicit on_this_thread(pending_table& t) noexcept : table{t} {
      if (Alone) table.answering.store(asking_place::this_thread(), std::memory_order_relaxed);
    }
    on_this_thread(const on_this_thread&) = delete;
    on_this_thread& operator=(const on_this_thread&) = delete;
    ~on_this_thread() {
      if (Alone) table.answering.store(0, std::memory_order_relaxed);
    }
    pending_table& table;
  };

  template <class H>
  void run(H& handler, const query<Query, Reply>& q, delivery& d) const {
    try {
      reply(q.pending(), [&] {
        const on_this_thread marked{seat_.table()};
        if constexpr (takes_delivery<H, Query>) {
          return handler(static_cast<const Query&>(q), d);
        } else {
          return handler(static_cast<const Query&>(q));
        }
      }());
    } catch (const std::exception& e) {
      failed(q.pending(), d, e.what());
      throw;
    } catch (...) {
      failed(q.pending(), d, "unknown exception");
      throw;
    }
  }

  void reply(pending* to, Reply&& value) const noexcept {
    pending_table& t = seat_.table();
    if (to == nullptr) return;  // from the dead letters, or not asked by a requester
    const bool heard = t.complete(*to, [&] {
      static_cast<pending_of<Reply>*>(to)->value.emplace(std::move(value));
      to->ok = true;
    });
    (heard ? t.replied : t.late).fetch_add(1, std::memory_order_relaxed);
  }
  void failed(pending* to, const delivery& d, const char* text) const {
    if (to == nullptr || d.cancellation().stop_requested()) return;
    if (Final) {
      (void)seat_.table().fail(*to, request_errc::failed, text);
    } else {
      to->ran = true;
      to->note = text;
    }
  }

  responder_seat seat_;
  Handler handler_;
};

template <class Query, class Reply, class Bus, class Handler, class... Ps>
subscription respond_with(Bus& bus, std::string name, Handler handler, Ps... policies) {
  constexpr bool final = !(backs_off<Ps> || ... || false);
  constexpr bool alone =
      !(is_concurrency<Ps> || ... || false) && !(std::is_same_v<Ps, on_publisher_thread_t> || ... || false);
  using E = query<Query, Reply>;
  shared<pending_table> table = requests_of<Query, Reply>(bus.template way_in<E>());
  if (const std::string first = table->take_seat(name); !first.empty()) {
    throw responder_exists(display_name<Query>(), first, name);
  }
  answering<Query, Reply, Handler, final, alone> answers{responder_seat{table}, std::move(handler)};
  subscription made = [&] {
    if constexpr ((is_otherwise<Ps> || ... || false)) {
      return bus.template subscribe<E>(std::move(name), std::move(answers), std::move(policies)...);
    } else {
      return bus.template subscribe<E>(std::move(name), std::move(answers), std::move(policies)...,
                                       peal::otherwise(peal::discard));
    }
  }();
  table->stands(made.counters());
  return made;
}

}  // namespace detail
}  // namespace peal::inline v0
