// Compiled grammars of late.
#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <string>

#include "grammar/compiled_grammar.h"

namespace spyhop {

/// Grammars over one vocabulary, compiled on the thread that asks. Thread safety: any thread.
class GrammarCache {
 public:
  /// `max_bytes`: of all grammars together, what they keep included; the latest is kept in any case.
  explicit GrammarCache(size_t max_bytes = size_t{128} << 20) : max_bytes_(max_bytes) {}

  using Compile = std::function<std::shared_ptr<const CompiledGrammar>()>;

  /// The grammar of that key, compiled if it is not there.
  std::shared_ptr<const CompiledGrammar> get(const std::string& key, const Compile& compile);

 private:
  struct Kept {
    std::string key;
    std::shared_ptr<const CompiledGrammar> grammar;
  };

  std::shared_ptr<const CompiledGrammar> find(const std::string& key, const std::lock_guard<std::mutex>& held);

  const size_t max_bytes_;
  std::mutex mutex_;
  std::list<Kept> kept_;  // the latest first
};

}  // namespace spyhop
