// Whether answers under load are the answers that the same prompts get alone.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "bench/chat_client.h"
#include "bench/workload.h"

namespace spyhop {

class SoloCheck {
 public:
  struct Hooks {
    std::function<bool()> should_stop;
    std::function<void(size_t num_done)> on_progress;
  };

  /// Sends every prompt of `workload` alone, one after the other, and keeps the answers. Stopped early, it knows fewer.
  /// Throws Error{kUnavailable} when one fails: there is nothing to compare with.
  SoloCheck(ChatClient& client, const Workload& workload, const Hooks& hooks);

  /// Compares text, finish reason and number of tokens. Failed answers are none to compare.
  void compare(size_t prompt, const StreamedAnswer& answer);

  size_t num_compared() const { return num_compared_; }
  size_t num_mismatches() const { return num_mismatches_; }
  /// The first few mismatches, described.
  const std::vector<std::string>& examples() const { return examples_; }

 private:
  struct Expected {
    std::string text;
    std::string finish_reason;
    size_t num_tokens;
  };

  std::vector<Expected> expected_;
  size_t num_compared_ = 0;
  size_t num_mismatches_ = 0;
  std::vector<std::string> examples_;
};

}  // namespace spyhop
