// SPDX-License-Identifier: MIT
// Any bytes as an event with a field of every kind: refused, or an event that encodes to bytes that give it again.
#include "codec/codec_events.hpp"

#include <cstdlib>
#include <span>

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  try {
    const auto e = peal::decode<codec_test::everything>(std::as_bytes(std::span{data, size}));
    peal::byte_buffer again;
    peal::encode(e, again);
    peal::byte_buffer third;
    peal::encode(peal::decode<codec_test::everything>(again), third);
    if (third.size() != again.size()) std::abort();  // not their bytes: an unordered map has no order
  } catch (const peal::decode_error&) {
  }
  return 0;
}
