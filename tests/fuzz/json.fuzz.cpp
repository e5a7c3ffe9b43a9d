// SPDX-License-Identifier: MIT
// Any bytes as an event of any schema, both from the input: JSON, or a refusal.
#include <peal/codec/json.hpp>

#include <span>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string_view all{reinterpret_cast<const char*>(data), size};
  const std::size_t split = all.find('\n');
  const std::string_view schema = split == std::string_view::npos ? std::string_view{} : all.substr(0, split);
  const std::string_view event = split == std::string_view::npos ? all : all.substr(split + 1);
  try {
    (void)peal::json_from_wire(std::as_bytes(std::span{event.data(), event.size()}), schema);
  } catch (const peal::decode_error&) {
  } catch (const peal::bad_schema&) {
  }
  return 0;
}
