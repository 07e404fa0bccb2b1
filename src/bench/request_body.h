// Bodies of completion requests.
#pragma once

#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace spyhop {

/// What all requests of a benchmark have in common.
struct RequestOptions {
  std::string model;
  bool is_chat = true;  // chat completions, or text completions with a "prompt"
  double temperature = 0;
  bool ignore_eos = false;
  std::string extra_body;  // a JSON object whose members go into every body and win over others; empty = none
};

/// Throws Error{kInvalidRequest} unless `options.extra_body` is empty or a JSON object.
void check_request_options(const RequestOptions& options);

/// A user's message with images, given as URLs, before its text.
nlohmann::json user_message(const std::string& text, const std::vector<std::string>& image_urls = {});

/// A streamed request with usage. `prompt`: messages for a chat, a string for a text completion. `max_tokens` 0 = not sent.
std::shared_ptr<const std::string> make_body(const RequestOptions& options, nlohmann::json prompt, size_t max_tokens);

}  // namespace spyhop
