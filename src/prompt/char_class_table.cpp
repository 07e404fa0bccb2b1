#include "prompt/char_class_table.h"

#include <map>
#include <string>

namespace spyhop {
namespace {

constexpr size_t kNumCodePoints = 0x110000;
constexpr size_t kPageSize = 256;

}  // namespace

CharClassTable::CharClassTable(const std::vector<Entry>& entries) {
  std::string flat(kNumCodePoints, '\0');
  for (const Entry& entry : entries) {
    for (const CodePointRange& range : entry.set) {
      for (uint32_t c = range.first; c <= range.last; ++c) {
        const int before = entry.replaces ? 0 : static_cast<uint8_t>(flat[c]);
        flat[c] = static_cast<char>(before | entry.bits);
      }
    }
  }
  std::map<std::string, uint16_t> known;
  for (size_t page = 0; page < index_.size(); ++page) {
    const std::string bits = flat.substr(page * kPageSize, kPageSize);
    const auto [it, is_new] = known.emplace(bits, static_cast<uint16_t>(known.size()));
    if (is_new) pages_.insert(pages_.end(), bits.begin(), bits.end());
    index_[page] = it->second;
  }
}

}  // namespace spyhop
