// SPDX-License-Identifier: MIT
// A user's program with the adapter for msgpack-cxx.
#include <peal/adapters/msgpack/msgpack.hpp>

#include <string>

struct order {
  std::string id;
  static constexpr peal::event_name name{"shop.order", 1};
  MSGPACK_DEFINE(id)
};
template <>
struct peal::codec_of<order> : peal::msgpack::codec<order> {};

int main() {
  peal::byte_buffer bytes;
  peal::encode(order{"o-1"}, bytes);
  return peal::decode<order>(bytes).id == "o-1" ? 0 : 1;
}
