// SPDX-License-Identifier: MIT
// How the roles of the durable model subscribe. Included by durable_model.hpp only.
#pragma once

#include "bus/durable_model.hpp"

namespace peal_test {

template <class Made, class... Es, class... Ps>
void durable_model::join(std::size_t s, Ps... policies) {
  const auto rules = [&](auto... more) {
    subs_[s] = bus_->subscribe<Es...>(
        book_.roles[s].name,
        [this, s]<class E>(const E& e, const peal::delivery& d) -> Made {
          handle(s, e, d);
          if constexpr (!std::is_void_v<Made>) {
            Made made;
            made.uid = next_uid_++;
            made.key = e.key;
            made.by = static_cast<std::int64_t>(s);
            made.of = static_cast<std::int64_t>(d.position());
            handled(s, e.uid, d);
            return made;
          } else if (s == inner) {
            const auto id = static_cast<std::int64_t>(d.position());
            if (!store_.dead() && !bus_->try_publish(fact<3>{next_uid_++, e.key, inner, id, 0})) throw gateway_down();
          }
          handled(s, e.uid, d);
        },
        std::move(more)...);
  };
  rules(std::move(policies)..., peal::on<useless>(peal::discard), peal::on<hopeless>(peal::dead_letter),
        peal::otherwise(peal::backoff{
            .attempts = 3, .first = std::chrono::milliseconds{5}, .cap = std::chrono::milliseconds{500}}));
  meters_.push_back(subs_[s]->counters());
}

inline void durable_model::stand_now(std::size_t s) {
  last_run_[s].clear();  // it goes on where a restart would
  const std::size_t t = book_.roles[s].topic;
  if (!book_.start[s]) {
    book_.start[s] = s == last ? 0 : bus_->durability().topics[t].accepted;
    if (!lowest_[s]) lowest_[s] = book_.start[s];
  }
  const peal::side_store side{static_cast<std::uint32_t>(1 + below(chance(50) ? 3 : 100))};
  switch (s) {
    case plain: return join<void, fact<0>, fact<1>>(s);
    case retry: return join<void, fact<0>, fact<1>>(s, side);
    case hold: return join<void, fact<0>, fact<1>>(s, side, peal::ordered_by{&fact<0>::key, &fact<1>::key});
    case skip:
      return join<void, fact<0>, fact<1>>(s, side, peal::ordered_by{&fact<0>::key, &fact<1>::key, peal::skip_key});
    case hands_hold:
      return join<void, fact<0>, fact<1>>(s, side, peal::ordered_by{&fact<0>::key, &fact<1>::key},
                                          peal::concurrency{3});
    case hands: return join<void, fact<0>>(s, side, peal::concurrency{4});
    case idem: return join<void, fact<0>, fact<1>>(s, side, peal::idempotent{&fact<0>::uid, &fact<1>::uid});
    case outs: return join<fact<2>, fact<0>>(s, side);
    case outs_hands: return join<fact<2>, fact<1>>(s, side, peal::ordered_by{&fact<1>::key}, peal::concurrency{2});
    case chain: return join<fact<3>, fact<2>>(s, side);
    case last:
      return join<void, fact<3>>(s, side, peal::start_at::beginning(),
                                 peal::filter{[](const fact<3>& f) { return f.key % 2 != 0; }});
    case inner: return join<void, fact<0>>(s, side);
    case passing: return join<void, fact<0>, fact<1>>(s, side, peal::transient);
    default: return join<void, fact<0>, fact<1>>(s, side, peal::behind{peal::drop_oldest});
  }
}

}  // namespace peal_test
