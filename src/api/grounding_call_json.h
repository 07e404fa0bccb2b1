// POST /v1/grounding: the body.
#pragma once

#include <string>
#include <vector>

#include "api/generation_json.h"
#include "api/request_body.h"
#include "spyhop/chat.h"

namespace spyhop {

constexpr size_t kMaxPhrases = 32;
constexpr size_t kMaxPhraseBytes = 256;

/// What is to be found in an image.
struct GroundingCall {
  std::vector<std::string> phrases;   // at least one
  std::vector<ChatRequest> requests;  // one for each; equal but for their texts, without their image
  ImagePart image;
};

/// Reads and checks `body`, made with grounding_fields(). Greedy unless the body says otherwise.
/// Throws Error as parse_chat_request().
GroundingCall parse_grounding_call(const RequestBody& body);

/// Puts the image into a request of the call.
void set_image(ChatRequest& request, const ImagePart& image);

}  // namespace spyhop
