// SPDX-License-Identifier: MIT
// Rival on the publisher's thread: sigc++ 3.
// Does not promise: anything to a second thread.
#pragma once

#include <sigc++/sigc++.h>

#include <utility>

#include "support/contestant.hpp"

namespace bench::rivals {

struct sigcxx {
  static constexpr description about{.name = "sigc++ 3", .lacks = "one thread only"};

  template <class E>
  class hub {
   public:
    template <class Handler>
    void subscribe(Handler handler) {
      signal_.connect(sigc::slot<void(const E&)>{std::move(handler)});
    }
    void publish(const E& event) { signal_.emit(event); }

   private:
    sigc::signal<void(const E&)> signal_;
  };
};

}  // namespace bench::rivals
