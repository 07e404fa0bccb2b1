#include "grammar/grammar_cache.h"

#include <algorithm>

namespace spyhop {

std::shared_ptr<const CompiledGrammar> GrammarCache::find(const std::string& key, const std::lock_guard<std::mutex>&) {
  const auto found = std::find_if(kept_.begin(), kept_.end(), [&](const Kept& kept) { return kept.key == key; });
  if (found == kept_.end()) return nullptr;
  kept_.splice(kept_.begin(), kept_, found);
  return kept_.front().grammar;
}

std::shared_ptr<const CompiledGrammar> GrammarCache::get(const std::string& key, const Compile& compile) {
  {
    std::lock_guard lock(mutex_);
    if (auto known = find(key, lock)) return known;
  }
  std::shared_ptr<const CompiledGrammar> compiled = compile();
  std::lock_guard lock(mutex_);
  if (auto known = find(key, lock)) return known;
  kept_.push_front({key, compiled});
  size_t num_bytes = 0;
  for (auto kept = kept_.begin(); kept != kept_.end();) {
    num_bytes += kept->key.size() + kept->grammar->num_bytes();
    kept = num_bytes > max_bytes_ && kept != kept_.begin() ? kept_.erase(kept) : std::next(kept);
  }
  return compiled;
}

}  // namespace spyhop
