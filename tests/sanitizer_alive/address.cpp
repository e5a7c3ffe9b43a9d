// SPDX-License-Identifier: MIT
// Reads freed memory. Only AddressSanitizer ends this program with a report.
#include <memory>

int main() {
  auto owner = std::make_unique<int>(0);
  const volatile int* freed = owner.get();
  owner.reset();
  return *freed;
}
