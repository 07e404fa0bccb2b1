// What `spyhop chat` and `spyhop generate` send to a server, turn by turn.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <string>

#include "http/api_client.h"

namespace spyhop {

struct ConversationOptions {
  std::string model_uid;  // empty = the server's only one
  std::string system;     // empty = none
  int max_tokens = 512;
  double temperature = -1;  // below 0 = the server's default
  bool is_streamed = true;
};

/// One answer.
struct Reply {
  std::string text;
  std::string finish_reason;  // empty when the stream was stopped
  nlohmann::ordered_json usage;
};

/// An image as a request has it: http and https URLs as they are, files as data: URLs. Throws Error{kInvalidRequest, param
/// "image"} for files that cannot be read, that are too large, or whose first bytes are those of no image.
std::string image_url_of(const std::string& file_or_url);

/// A chat with its history. One thread.
class Conversation {
 public:
  using OnText = std::function<bool(const std::string& text)>;

  Conversation(const ApiClient& client, ConversationOptions options);

  /// An image that goes with the next message.
  void attach(const std::string& file_or_url);

  /// Sends the message with all that was said before. `on_text` gets the answer as it comes; false stops it, and what has come
  /// counts as said. Throws Error; then the message counts as not said, and its images stay attached.
  Reply say(const std::string& text, const OnText& on_text);

  /// Forgets all that was said, and what is attached.
  void clear();

 private:
  const ApiClient& client_;
  const ConversationOptions options_;
  nlohmann::ordered_json messages_ = nlohmann::ordered_json::array();
  nlohmann::ordered_json images_ = nlohmann::ordered_json::array();
};

/// The text that goes on after `prompt`. Throws Error.
Reply complete_text(const ApiClient& client, const ConversationOptions& options, const std::string& prompt,
                    const Conversation::OnText& on_text);

}  // namespace spyhop
