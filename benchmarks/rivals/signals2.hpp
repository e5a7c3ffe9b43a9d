// SPDX-License-Identifier: MIT
// Rival on the publisher's thread: boost::signals2::signal. Safe against concurrent connect and disconnect.
// Does not promise: that a slot is not running when its disconnect has returned.
#pragma once

#include <boost/signals2/signal.hpp>

#include <utility>

#include "support/contestant.hpp"

namespace bench::rivals {

struct signals2 {
  static constexpr description about{.name = "Boost.Signals2", .lacks = "a slot may still run after its disconnect"};

  template <class E>
  class hub {
   public:
    template <class Handler>
    void subscribe(Handler handler) {
      signal_.connect(std::move(handler));
    }
    void publish(const E& event) { signal_(event); }

   private:
    boost::signals2::signal<void(const E&)> signal_;
  };
};

}  // namespace bench::rivals
