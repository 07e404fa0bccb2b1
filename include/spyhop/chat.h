// A chat request and the events that answer it, free of JSON, sockets and tensors.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "spyhop/error.h"

namespace spyhop {

enum class Role { kSystem, kUser, kAssistant };

struct TextPart {
  std::string text;  // UTF-8
};

enum class ImageDetail {
  kAuto,  // the model's own rule: tiles, unless the request holds more than two images
  kLow,   // never tiled: the image costs one tile
  kHigh,  // as kAuto
};

struct ImagePart {
  std::string url;  // as sent: "data:...;base64,..." or "http(s)://..."
  ImageDetail detail = ImageDetail::kAuto;
  std::shared_ptr<const std::string> bytes{};  // the encoded image, where it has been fetched already
};

using ContentPart = std::variant<TextPart, ImagePart>;

struct ChatMessage {
  Role role = Role::kUser;
  std::vector<ContentPart> content;  // joined in this order, without separators
};

/// How the next token is chosen. The defaults leave the model's distribution as it is.
/// Order of application: repetition penalty, frequency and presence penalty, logit_bias, tokens that are not allowed,
/// temperature, top_k, top_p, min_p.
struct SamplingParams {
  double temperature = 1.0;                // 0 = greedy; at most 2
  double top_p = 1.0;                      // (0, 1]; 1 disables
  int top_k = 0;                           // 0 disables
  double min_p = 0.0;                      // [0, 1], share of the best token's probability; 0 disables
  double repetition_penalty = 1.0;         // (0, 2], once per distinct token of prompt and answer; 1 disables
  double frequency_penalty = 0.0;          // [-2, 2], per occurrence in the answer
  double presence_penalty = 0.0;           // [-2, 2], once per distinct token of the answer
  std::map<int32_t, double> logit_bias;    // token id -> [-100, 100]
  std::vector<int32_t> allowed_token_ids;  // no others; empty: all
  std::vector<std::string> bad_words;      // texts whose tokens, with or without a space before them, do not follow each other
  int min_tokens = 0;                      // of an answer, before which none that ends it is allowed
  std::optional<uint64_t> seed;            // same seed, same text; absent: drawn per request
  bool logprobs = false;                   // report the chosen token's log-probability
  int top_logprobs = 0;                    // and those of the best N tokens, 0..20
};

/// How the layout of a conversation ends.
enum class PromptEnd {
  kNewAnswer,  // where an answer begins. A last message of the assistant is complete, unless it is empty
  kContinued,  // in the last message, which is the assistant's and goes on
  kNone,       // with the last message; nothing invites an answer
};

/// A prompt without a conversation, continued as it stands.
struct PlainPrompt {
  std::variant<std::string, std::vector<int32_t>> content;  // UTF-8, or token ids
  bool add_special_tokens = true;                           // before a text: the token that begins a sentence
};

/// A JSON value that is valid under a schema.
struct JsonSchemaConstraint {
  std::string schema;  // JSON text; the properties of an answer keep its order
};

/// Any JSON object.
struct JsonObjectConstraint {};

struct RegexConstraint {
  std::string pattern;  // for the whole answer
};

/// One of these strings.
struct ChoiceConstraint {
  std::vector<std::string> choices;
};

struct GrammarConstraint {
  std::string grammar;  // GBNF, whose rule "root" is the answer
};

/// What a whole answer must match. The dialects and limits are those of grammar/.
using AnswerConstraint =
    std::variant<JsonSchemaConstraint, JsonObjectConstraint, RegexConstraint, ChoiceConstraint, GrammarConstraint>;

/// Holds what follows each "<|det|>" to "[[x1, y1, x2, y2], ...]" with whole numbers from 0 to 999, closed by "<|/det|>".
struct BoxConstraint {
  int max_boxes = 64;  // in one list; 1 to 1000
};

/// Ends an answer that repeats itself: one whose last tokens are a phrase of up to max_period tokens said again and again.
struct LoopGuard {
  int max_period = 64;  // 1 to 512
  int min_repeats = 4;  // times that the phrase stands there, 2 to 1000
  int min_tokens = 96;  // that all of them take together, 2 to 100000
};

struct ChatRequest {
  std::string request_id;             // for logs and x-request-id
  std::string model;                  // as the client named it
  std::vector<ChatMessage> messages;  // empty where there is a plain prompt
  PromptEnd prompt_end = PromptEnd::kNewAnswer;
  std::optional<PlainPrompt> prompt{};  // in place of messages
  SamplingParams sampling;
  int n = 1;                              // answers wanted, each with its own seed
  std::optional<int> max_tokens;          // per answer; absent: what the context leaves
  std::vector<std::string> stop;          // part of the answer only with include_stop
  std::vector<int32_t> stop_token_ids{};  // the same
  bool include_stop = false;              // a stop string or stop token that ends the answer is its last part
  int priority = 0;                       // smaller goes first
  std::string cache_salt;                 // requests with different salts share no cached prefix
  std::optional<int> timeout_ms;          // from submission to the last token; absent: the server's limit alone
  bool ignore_eos = false;
  bool skip_special_tokens = false;  // false keeps the grounding tokens in the text
  std::optional<AnswerConstraint> constraint;
  std::string constraint_field;        // path of the request field it comes from, for errors: "guided_regex"
  std::optional<BoxConstraint> boxes;  // not together with a constraint
  bool auto_detail = false;            // images that leave no room in the context are tiled less
  std::optional<LoopGuard> loop_guard;
};

enum class FinishReason {
  kStop,    // end-of-sentence token or a stop string
  kLength,  // max_tokens or the context's end
};

struct TopLogprob {
  std::string token;  // the token's bytes, which need not be whole UTF-8
  double logprob = 0;
};

struct TokenLogprob {
  std::string token;
  double logprob = 0;
  std::vector<TopLogprob> top;  // best first
};

/// What an image takes of the prompt.
struct ImageUse {
  int width = 0;  // pixels, of the image as sent
  int height = 0;
  int cols = 1;  // tiles of the local view
  int rows = 1;
  int num_tokens = 0;
  bool is_lowered = false;  // tiled less than it was asked for, by auto_detail
};

struct Usage {
  int prompt_tokens = 0;           // text and image tokens
  int completion_tokens = 0;       // over all n answers, the end-of-sentence tokens included
  int image_tokens = 0;            // of prompt_tokens
  int cached_tokens = 0;           // of prompt_tokens, not computed anew
};

/// A piece of an answer: whole UTF-8 characters, never a part of a stop string. Text may be empty when only
/// log-probabilities are due.
struct TextDelta {
  int choice = 0;
  std::string text;
  std::vector<TokenLogprob> logprobs;
  int num_tokens = 0;  // of this answer so far
};

/// The last event of one choice.
struct ChoiceFinish {
  int choice = 0;
  FinishReason reason = FinishReason::kStop;
  int num_tokens = 0;       // of this answer
  int stop_string = -1;     // which of ChatRequest::stop ended it, as an index; -1: none
  int32_t stop_token = -1;  // which of ChatRequest::stop_token_ids did, as an id; -1: none
  bool is_loop = false;     // ended by the loop guard, with kLength
};

/// Where a request's time went, in milliseconds; over all n answers.
struct Timings {
  double queue_ms = 0;                // from the end of its preparation until it ran
  double first_token_ms = 0;          // from then on
  double generation_ms = 0;           // from the first token of all to the last
  std::optional<double> mean_gap_ms;  // between tokens of one answer; absent when none has two
};

/// The last event of a stream that went well, after every choice's ChoiceFinish.
struct StreamEnd {
  Usage usage;
  Timings timings{};
};

/// The last event of a stream that failed. Rethrown as Error{code, message} by collectors.
struct StreamError {
  ErrorCode code = ErrorCode::kInternal;
  std::string message;
};

using ChatEvent = std::variant<TextDelta, ChoiceFinish, StreamEnd, StreamError>;

}  // namespace spyhop
