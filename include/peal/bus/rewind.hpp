// SPDX-License-Identifier: MIT
// Sets a subscription back, so that it handles again what is in the store.
#pragma once

#include <peal/bus/detail/stored_places.hpp>
#include <peal/codec/wire.hpp>
#include <peal/core/error.hpp>
#include <peal/store/wall_clock.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace peal::inline v0 {

namespace detail {

/// One commit that sets a subscription of one topic back.
class rewinding {
 public:
  /// `came_to`: at least so far, whatever the store says; null: nobody knows better. Errors: store_error, bad_option.
  rewinding(const store& kept, std::string_view subscription, std::string_view topic, const start_at& where,
            const position* came_to = nullptr)
      : subscription_{subscription},
        topic_{topic},
        to_{place_of(kept, topic, where)},
        end_{came_to != nullptr ? *came_to : 0},
        known_{came_to != nullptr} {
    position stored = 0;
    kept.cursors([&](const stored_cursor& c) {
      if (c.subscription != subscription || c.topic != topic) return;
      known_ = true;
      stored = c.position;
    });
    const position from = stored > end_ ? stored : end_;
    if (known_ && to_ > from)
      refuse("it has come to " + std::to_string(from) + ", which is before " + std::to_string(to_));
    take_claims(kept, effects_scope(subscription), 1);
    take_claims(kept, replay_scope(subscription), 0);
    take_keys(kept);
    kept.pending(subscription, topic, [&](const stored_pending& p) { pending_.push_back(p.position); });
    if (from > end_) end_ = from;
  }

  [[nodiscard]] bool known() const noexcept { return known_; }
  [[nodiscard]] position to() const noexcept { return to_; }
  [[nodiscard]] position replay_end() const noexcept { return to_ < end_ ? end_ : 0; }

  void commit(store& kept) const {
    const std::string scope = replay_scope(subscription_);
    const std::string key = place_key(topic_, end_);
    store_batch b;
    b.cursors.push_back({subscription_, topic_, to_});
    for (const own_claim& c : claims_) {
      if (c.scope != scope || c.key != key) b.claims.push_back({c.scope, c.key, claim_state::abandoned, 0});
    }
    for (const position p : pending_) b.pending.push_back({subscription_, topic_, p, 0, 0});
    if (to_ < end_) b.claims.push_back({scope, key, claim_state::committed, wall_now()});
    kept.commit(b);
  }
  [[noreturn]] void refuse(const std::string& why) const {
    throw bad_option("peal: rewind: subscription \"" + subscription_ + "\", topic \"" + topic_ + "\": " + why);
  }

 private:
  /// What was handled behind the cursor counts as well.
  void take_claims(const store& kept, const std::string& scope, position behind) {
    kept.claims(scope, [&](const stored_claim& c) {
      position at = 0;
      if (!place_in_key(c.key, topic_, at)) return;
      claims_.push_back({scope, std::string(c.key)});
      if (at + behind > end_) end_ = at + behind;
    });
  }

  /// Of its idempotent handler.
  void take_keys(const store& kept) {
    kept.claims(subscription_, [&](const stored_claim& c) {
      wire_reader r{byte_view{reinterpret_cast<const std::byte*>(c.key.data()), c.key.size()}};
      std::size_t n = 0;
      std::string_view of;
      if (r.enter_list(n) && n == 3 && r.string(of) && of == topic_)
        claims_.push_back({subscription_, std::string(c.key)});
    });
  }

  const std::string subscription_;
  const std::string topic_;
  const position to_;
  position end_;
  bool known_;
  std::vector<own_claim> claims_{};
  std::vector<position> pending_{};
};

}  // namespace detail

/// Sets a subscription of a durable topic back: in its next life it handles everything from there on again, and
/// `delivery::replaying()` is true up to where it had been, also when that life ends in between. Returns where it goes on.
///
/// The keys of its peal::idempotent are forgotten, and effects that its handler has committed (peal::effect) are repeated:
/// empty its tables first, or use peal::skip_on_replay. Letters stay as they are.
/// For a store that no bus has open; `bus.rewind(…)` does the same beside other subscriptions.
/// Errors: bad_option where the store does not know the name, or it has not come that far; store_error.
/// Example: `peal::rewind(kept, "billing", "shop.order", peal::start_at::beginning());`
inline std::uint64_t rewind(store& kept, std::string_view subscription, std::string_view topic, const start_at& where) {
  const detail::rewinding r{kept, subscription, topic, where};
  if (!r.known()) r.refuse("the store knows no such subscription");
  r.commit(kept);
  return r.to();
}

}  // namespace peal::inline v0
