// POST /v1/responses: the body.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "api/generation_json.h"
#include "api/request_body.h"
#include "spyhop/chat.h"

namespace spyhop {

/// A request and how its answer is to be delivered.
struct ResponseCall {
  ChatRequest request;               // its messages are the instructions and the input; what went before is not among them
  std::string instructions;          // of this request alone; empty: none
  std::vector<ChatMessage> input;    // the messages without the instructions
  nlohmann::ordered_json items;      // the same as the API lists them, with ids
  std::string previous_response_id;  // empty: a new conversation
  bool stream = false;
  bool store = true;
  nlohmann::ordered_json settings;  // what the response's object repeats of the request
};

/// Reads and checks `body`, made with response_fields(). Throws Error as parse_chat_request().
ResponseCall parse_response_request(const RequestBody& body, const ChatRequestLimits& limits = {});

/// The conversation of `call` after `previous` as messages: instructions first.
std::vector<ChatMessage> conversation_of(const ResponseCall& call, std::vector<ChatMessage> previous);

/// `error` with the field of a request to /v1/responses to blame, where it blames one of the conversation's messages.
/// `num_before`: messages that are not of the request's input.
Error blame_input(const Error& error, size_t num_before);

}  // namespace spyhop
