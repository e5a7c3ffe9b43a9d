// SPDX-License-Identifier: MIT
// Request and reply over a bus: a typed query, exactly one responder, an answer within a time or the reason why not.
#pragma once

#include <peal/bus/bus.hpp>
#include <peal/pattern/detail/answering.hpp>
#include <peal/pattern/detail/pending.hpp>
#include <peal/pattern/request_result.hpp>

#include <memory>
#include <string>
#include <type_traits>
#include <utility>

namespace peal::inline v0 {

/// A request that waits for its reply: `get()` it, or `co_await` it.
///
/// Lifetime: one that dies gives up; a reply that comes later is dropped and counted. A suspended coroutine must not be
/// destroyed while its bus may be answering it on another thread.
/// Thread safety: one thread at a time.
/// Order: a coroutine is resumed on the thread on which the answer came: the responder's, behind its handler, or that of
/// the timers. It must not block there.
/// Errors: g++ 12 destroys an aggregate made inside the expression of a co_await twice: give the query a name before.
/// Example: `const price_query q{"apple"}; const auto price = co_await prices.request_async(q, 50ms);`
template <class Reply>
class [[nodiscard("the request is given up when this dies; get() it or co_await it")]] pending_reply {
 public:
  pending_reply(detail::shared<detail::pending_table> table, detail::pending * p) noexcept
      : table_{std::move(table)}, pending_{p} {}
  pending_reply(request_errc why, std::string text) noexcept : error_{why}, text_{std::move(text)} {}
  pending_reply(pending_reply && other) noexcept
      : table_{std::move(other.table_)},
        pending_{std::exchange(other.pending_, nullptr)},
        error_{other.error_},
        text_{std::move(other.text_)} {}
  pending_reply& operator=(pending_reply&&) = delete;
  ~pending_reply() {
    if (pending_ == nullptr) return;
    if (!table_->leave(*pending_)) detail::pending_table::await_over(*pending_);
    table_->asker_gone(*pending_);
  }

  /// The answer is there: get() does not wait.
  [[nodiscard]] bool ready() const noexcept {
    return pending_ == nullptr || pending_->state.load(std::memory_order_seq_cst) == detail::pending::over;
  }

  /// Waits for the answer, at most as long as the request has time. Once.
  answer<Reply> get() {
    if (pending_ == nullptr) return {error_, std::move(text_)};
    const auto is_over = [](const void* p) noexcept {
      return static_cast<const detail::pending*>(p)->state.load(std::memory_order_seq_cst) == detail::pending::over;
    };
    asking_end how = asking_end::ready;
    if (!ready()) how = table_->here.wait(pending_->answered, pending_->until, is_over, pending_);
    if (how != asking_end::ready && table_->leave(*pending_)) {
      if (how == asking_end::ended) return request_errc::closing;
      table_->timed_out.fetch_add(1, std::memory_order_relaxed);
      return request_errc::timed_out;
    }
    return take();
  }

  // ---- for co_await ----

  [[nodiscard]] bool await_ready() const noexcept { return ready(); }
  /// False: the answer has come meanwhile.
  template <class Coroutine>
  bool await_suspend(Coroutine waiting) noexcept {
    pending_->frame = waiting.address();
    pending_->resume = [](void* frame) { Coroutine::from_address(frame).resume(); };
    std::uint32_t seen = detail::pending::waiting;
    return pending_->state.compare_exchange_strong(seen, detail::pending::suspended, std::memory_order_acq_rel);
  }
  answer<Reply> await_resume() {
    if (pending_ == nullptr) return {error_, std::move(text_)};
    return take();
  }

 private:
  answer<Reply> take() {
    detail::pending_table::await_over(*pending_);
    auto& p = static_cast<detail::pending_of<Reply>&>(*pending_);
    if (!p.ok) return {p.error, std::move(p.text)};
    return std::move(*p.value);
  }

  detail::shared<detail::pending_table> table_{};
  detail::pending* pending_ = nullptr;
  request_errc error_{};
  std::string text_{};
};

/// Asks queries of one type. Make it once: that looks the type up in the bus.
///
/// A query is published as an event `peal::query<Query, Reply>`, so that its topic, its options and whoever else subscribes
/// to it are the user's choice. It has as long as the request, and not longer than what is being handled: past that its
/// responder sees it as expired.
/// Errors: none are thrown but bad_alloc; the answer says why there is no reply.
/// Capacity: bus_options::max_requests wait at once, others are `overloaded`. No allocation once so many have waited
/// before.
/// Delivery: asked inside a handler, the thread that waits runs what is ready of the query's topic, so that one worker is
/// enough for any depth of asking; on a bus without workers it does so outside handlers too. What would wait for itself,
/// a responder that asks its own query on its own thread, is `failed` at once; a circle through several threads ends with the
/// time given.
/// Give queries a topic of their own: in one that the asking handler itself reads, what it has not read yet may leave no room
/// for its query, which is then given up after bus_options::overload_after.
/// Complexity: about 0.25 µs inside a handler, 9 µs from thread to thread (medians, a busy machine, AMD EPYC, 2026).
/// Thread safety: any thread. Lifetime: must not outlive its bus. Cheap to copy.
/// Example: `peal::requester<price_query, price> prices = bus; auto p = prices.request({"apple"}, 50ms);`
template <class Query, class Reply>
class requester {
 public:
  using event_type = query<Query, Reply>;

  template <class Bus>
    requires requires(Bus& bus) { bus.template way_in<event_type>(); }
  requester(Bus& bus) : way_{bus.template way_in<event_type>()} {  // NOLINT: a bus is a requester of its queries
    static_assert(Bus::template has<event_type>,
                  "peal: nobody can give this reply to this query on this bus; add peal::query<Query, Reply> to its "
                  "topics and a responder of that query, or ask for the reply that there is");
    if constexpr (Bus::template has<event_type>) table_ = detail::requests_of<Query, Reply>(way_);
  }

  /// Asks and waits for the answer.
  answer<Reply> request(Query asked, nanoseconds time) const {
    return ask(std::move(asked), time, detail::patience::until).get();
  }
  /// Asks and returns; never waits, not even for room.
  pending_reply<Reply> request_async(Query asked, nanoseconds time) const {
    return ask(std::move(asked), time, detail::patience::none);
  }

  [[nodiscard]] request_statistics statistics() const {
    const auto read = [](const std::atomic<std::uint64_t>& n) { return n.load(std::memory_order_relaxed); };
    return {read(table_->asked), read(table_->replied), read(table_->timed_out), read(table_->late), table_->askers()};
  }

 private:
  pending_reply<Reply> ask(Query&& asked, nanoseconds time, detail::patience room) const {
    detail::pending_table& t = *table_;
    if (t.here.ended()) return {request_errc::closing, {}};
    if (!t.standing.load(std::memory_order_seq_cst)) return {request_errc::no_responder, {}};
    if (t.answering.load(std::memory_order_relaxed) == asking_place::this_thread()) {
      return {request_errc::failed,
              "a query was asked while it was being answered on the same thread: it would wait "
              "for itself; give its responder peal::concurrency"};
    }
    detail::pending* const p = t.take();
    if (p == nullptr) return {request_errc::overloaded, {}};
    pending_reply<Reply> mine{table_, p};
    const time_point now = t.here.now();
    p->until = saturating_add(now, time);
    if (const auto limit = t.here.inherited(); limit && *limit < p->until) p->until = *limit;
    if (room == detail::patience::none) t.start_timer(*p);
    const publish_options o{{}, {}, {}, p->until};
    event_type event{std::move(asked), detail::ticket{*p}};
    const result<receipt> sent = way_(event, {&o, room, p->until - now});
    if (sent) {
      t.asked.fetch_add(1, std::memory_order_relaxed);
    } else {
      const request_errc why = detail::why_not_sent(sent.error());
      (void)t.fail(*p, why, std::string(why == request_errc::failed ? to_string(sent.error()) : ""));
    }
    return mine;
  }

  detail::port<event_type> way_;
  detail::shared<detail::pending_table> table_;
};

/// Asks one query: `requester`, made for the occasion.
/// Example: `const auto p = peal::request<price>(bus, price_query{"apple"}, 50ms);`
template <class Reply, class Bus, class Query>
answer<Reply> request(Bus& bus, Query&& asked, nanoseconds time) {
  return requester<std::remove_cvref_t<Query>, Reply>{bus}.request(std::forward<Query>(asked), time);
}

/// Answers queries: `handler(const Query&)` or `handler(const Query&, delivery&)` returns the reply. It is a subscription
/// like any other, with policies that see the query: filters, keys, concurrency, timeouts, back-offs.
///
/// A run that throws has failed for the asker as well, unless a rule tries again: then the asker waits on. Without a rule the
/// query is discarded, as its asker has been told.
/// Errors: responder_exists when the query has a responder; name_in_use, limit_reached, bus_closed.
/// Lifetime: of its token; queries that it has not answered then end as `no_responder`.
/// Example: `auto r = peal::respond<price_query>(bus, "pricing", [&](const price_query& q) { return price{book.at(q.item)}; });`
template <class Query, class Bus, class Handler, class... Ps>
[[nodiscard]] subscription respond(Bus& bus, std::string name, Handler handler, Ps... policies) {
  using Reply = detail::reply_of<Handler, Query>;
  static_assert(
      !std::is_void_v<Reply>,
      "peal: a responder's handler takes (const Query&) or (const Query&, peal::delivery&) and returns the reply");
  static_assert(!(std::is_same_v<Ps, on_poll_t> || ...),
                "peal: on_poll does not go with a responder: who asks on the thread that polls would wait for itself");
  if constexpr (!std::is_void_v<Reply> && !(std::is_same_v<Ps, on_poll_t> || ...)) {
    static_assert(
        Bus::template has<query<Query, Reply>>,
        "peal: this bus does not carry the query with this reply; add peal::query<Query, Reply> to its topics");
    if constexpr (Bus::template has<query<Query, Reply>>) {
      return detail::respond_with<Query, Reply>(bus, std::move(name), std::move(handler), std::move(policies)...);
    } else {
      return {};
    }
  } else {
    return {};
  }
}

}  // namespace peal::inline v0
