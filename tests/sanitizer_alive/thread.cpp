// SPDX-License-Identifier: MIT
// Two threads write one plain integer. Only ThreadSanitizer ends this program with a report.
#include <thread>

int main() {
  int shared = 0;
  std::thread other([&shared] { shared = 1; });
  shared = 2;
  other.join();
  return shared == 0 ? 1 : 0;
}
