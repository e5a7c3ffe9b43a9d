// SPDX-License-Identifier: MIT
// A store that hands every call to another one: what a test wants different it overrides.
#pragma once

#include <peal/store/store.hpp>

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace peal::inline v0::testing {

/// Does what another store does.
///
/// Lifetime: the other one outlives it.
class store_wrapper : public store {
 public:
  explicit store_wrapper(store* wrapped) noexcept : wrapped_{wrapped} {}  // a reference to another wrapper would copy

  void commit(const store_batch& batch) override { wrapped_->commit(batch); }
  [[nodiscard]] topic_range range(std::string_view topic) const override { return wrapped_->range(topic); }
  [[nodiscard]] topic_size size(std::string_view topic) const override { return wrapped_->size(topic); }
  std::uint64_t read(std::string_view topic, std::uint64_t from, std::size_t max,
                     visitor<stored_event> show) const override {
    return wrapped_->read(topic, from, max, show);
  }
  std::uint64_t read_stream(std::string_view topic, std::string_view key, std::uint64_t from, std::size_t max,
                            visitor<stored_event> show) const override {
    return wrapped_->read_stream(topic, key, from, max, show);
  }
  void topics(visitor<stored_topic> show) const override { wrapped_->topics(show); }
  void types(visitor<stored_type> show) const override { wrapped_->types(show); }
  void cursors(visitor<stored_cursor> show) const override { wrapped_->cursors(show); }
  void pending(std::string_view subscription, std::string_view topic, visitor<stored_pending> show) const override {
    wrapped_->pending(subscription, topic, show);
  }
  void claims(std::string_view scope, visitor<stored_claim> show) const override { wrapped_->claims(scope, show); }
  void letters(std::string_view topic, visitor<stored_letter> show) const override { wrapped_->letters(topic, show); }
  void timers(visitor<stored_timer> show) const override { wrapped_->timers(show); }
  std::uint64_t trim(std::string_view topic, std::uint64_t before) override { return wrapped_->trim(topic, before); }
  std::uint64_t compact(std::string_view topic, std::uint64_t before) override {
    return wrapped_->compact(topic, before);
  }
  std::uint64_t forget_claims(std::string_view scope, wall_time before) override {
    return wrapped_->forget_claims(scope, before);
  }
  void forget_subscription(std::string_view subscription) override { wrapped_->forget_subscription(subscription); }
  [[nodiscard]] store_features features() const noexcept override { return wrapped_->features(); }
  [[nodiscard]] std::string_view place() const noexcept override { return wrapped_->place(); }

 protected:
  [[nodiscard]] store& wrapped() const noexcept { return *wrapped_; }

 private:
  store* wrapped_;
};

}  // namespace peal::inline v0::testing
