// SPDX-License-Identifier: MIT
// What stands in the way of a subscription that joins, and what is undone when it does not come to stand.
#pragma once

#include <peal/bus/detail/subscription_base.hpp>
#include <peal/core/error.hpp>

#include <string>

namespace peal::inline v0::detail {

/// Under `wiring`. Errors: bus_closed, name_in_use.
inline void check_free(const bus_base& base, const std::string& name) {
  if (base.closed) throw bus_closed("peal: subscription \"" + name + "\": the bus has ended");
  for (const auto& other : base.subscriptions) {
    if (other->name() == name) throw name_in_use(name);
  }
  for (const std::string* const other : base.joining) {
    if (*other == name) throw name_in_use(name);
  }
}

/// What the store knows of a subscription that does not stand yet, and may not come to.
struct recalled {
  recalled() noexcept = default;
  recalled(const recalled&) = delete;
  recalled& operator=(const recalled&) = delete;
  ~recalled() {
    if (by != nullptr) by->forget(*what);
  }
  topic_keeper* by = nullptr;
  subscription_base* what = nullptr;
};

}  // namespace peal::inline v0::detail
