// SPDX-License-Identifier: MIT
// Rivals on the publisher's thread, hand-written: a vector of std::function, bare and under a shared_mutex.
// Does not promise: the bare one, any second thread; the locked one, a handler that subscribes or stops another.
#pragma once

#include <functional>
#include <mutex>
#include <shared_mutex>
#include <utility>
#include <vector>

#include "support/contestant.hpp"

namespace bench::rivals {

struct function_vector {
  static constexpr description about{.name = "vector of functions", .lacks = "not safe against subscribe or stop"};

  template <class E>
  class hub {
   public:
    template <class Handler>
    void subscribe(Handler handler) {
      handlers_.emplace_back(std::move(handler));
    }
    void publish(const E& event) {
      for (const auto& handler : handlers_) handler(event);
    }

   private:
    std::vector<std::function<void(const E&)>> handlers_;
  };
};

struct locked_function_vector {
  static constexpr description about{.name = "shared_mutex + vector of functions",
                                     .lacks = "handlers may not subscribe or stop: deadlock"};

  template <class E>
  class hub {
   public:
    template <class Handler>
    void subscribe(Handler handler) {
      const std::scoped_lock lock{mutex_};
      handlers_.emplace_back(std::move(handler));
    }
    void publish(const E& event) {
      const std::shared_lock lock{mutex_};
      for (const auto& handler : handlers_) handler(event);
    }

   private:
    std::shared_mutex mutex_;
    std::vector<std::function<void(const E&)>> handlers_;
  };
};

}  // namespace bench::rivals
