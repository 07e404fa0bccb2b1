#include "http/request_id.h"

#include <algorithm>
#include <cstdint>
#include <random>

namespace spyhop {

std::string make_id(const std::string& prefix) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::random_device random;
  std::string id = prefix;
  for (int word = 0; word < 4; ++word) {
    uint32_t bits = random();
    for (int digit = 0; digit < 8; ++digit, bits >>= 4) id += kDigits[bits & 15];
  }
  return id;
}

std::string accept_request_id(const std::string& from_caller) {
  constexpr size_t kMaxBytes = 128;
  const bool printable = std::all_of(from_caller.begin(), from_caller.end(), [](char c) { return c > ' ' && c <= '~'; });
  return !from_caller.empty() && from_caller.size() <= kMaxBytes && printable ? from_caller : make_id("req_");
}

}  // namespace spyhop
