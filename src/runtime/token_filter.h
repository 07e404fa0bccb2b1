// Which tokens a sequence may have next.
#pragma once

#include <cstdint>

namespace spyhop {

/// Thread safety: one thread at a time.
class TokenFilter {
 public:
  virtual ~TokenFilter() = default;

  /// [ceil(vocab_size / 64)]: bit id % 64 of word id / 64 tells whether the token is allowed; null: all are. Stays as it is
  /// until the next call. Asked once for each token, on a compute thread.
  virtual const uint64_t* allowed() = 0;
};

}  // namespace spyhop
