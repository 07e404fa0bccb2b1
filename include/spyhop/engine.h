// The engine as the HTTP side sees it.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "spyhop/chat.h"
#include "spyhop/config.h"

namespace spyhop {

class Metrics;

/// The answer to one request, read by one thread.
class ResponseStream {
 public:
  /// Cancels what is not finished; the engine frees its blocks within one step.
  virtual ~ResponseStream() = default;

  /// The next event, or nothing when none came within `timeout`. After StreamEnd or StreamError there is no further one.
  virtual std::optional<ChatEvent> next(std::chrono::milliseconds timeout) = 0;

  /// What the prompt takes, known from the beginning; the other fields are 0.
  virtual Usage prompt_usage() const = 0;

  /// What the prompt's images take, in the order of the request.
  virtual std::vector<ImageUse> images() const = 0;
};

/// A prompt as the model gets it.
struct PromptTokens {
  std::vector<int32_t> ids;         // image tokens in their places
  std::vector<std::string> tokens;  // the bytes of each, where asked for
  int num_image_tokens = 0;         // of ids
  std::vector<ImageUse> images{};   // in the order of the request
};

struct ModelInfo {
  std::string id;               // the served name
  int64_t created = 0;          // Unix seconds
  int max_context = 0;          // tokens
  std::string fingerprint;      // of build and weights
  int vocab_size = 0;           // ids are below
  SamplingDefaults sampling{};  // for what a request leaves open
};

/// Answers, not requests: one of n = 2 counts twice.
struct EngineStats {
  int num_running = 0;
  int num_waiting = 0;
  int max_num_seqs = 0;         // of num_running
  int max_queue = 0;            // of num_waiting
  double kv_cache_usage = 0;    // share of the KV cache that running answers hold, 0 to 1
  int retry_after_seconds = 1;  // when there will probably be room, should there be none now
};

/// Thread safety: every member may be called from any thread.
class Engine {
 public:
  virtual ~Engine() = default;

  /// Fetches and decodes the images, builds and checks the prompt on the calling thread, then queues the request.
  /// Throws Error: kInvalidRequest, kContextLengthExceeded, kTooLarge, kForbidden for what the client sent,
  /// kOverloaded when the queue is full, kUnavailable when draining.
  virtual std::unique_ptr<ResponseStream> submit(ChatRequest request) = 0;

  /// The prompt that submit() would run, on the calling thread. Images are fetched and measured, not decoded. The context does
  /// not limit it. `with_tokens`: fills PromptTokens::tokens. Throws Error as submit() does for what the client sent.
  virtual PromptTokens tokenize(const ChatRequest& request, bool with_tokens) const = 0;

  /// The text of token ids, special ones included. Throws Error{kInvalidRequest, param "tokens"} for ids outside the
  /// vocabulary.
  virtual std::string detokenize(const std::vector<int32_t>& ids) const = 0;

  virtual ModelInfo model() const = 0;
  virtual EngineStats stats() const = 0;

  /// Refuses new requests, lets the running ones finish until `timeout`, then ends them with kUnavailable.
  virtual void drain(std::chrono::milliseconds timeout) = 0;
};

/// Called while a checkpoint loads, by the thread that loads it, with the share done in [0, 1]. What it throws ends the
/// loading.
using LoadProgress = std::function<void(double share)>;

/// Loads the checkpoint and starts the engine thread. Throws Error{kModelLoad} naming every file and tensor at fault.
/// `metrics`, where given, outlives the engine.
std::unique_ptr<Engine> make_engine(const EngineConfig& config, const LoadProgress& progress = nullptr,
                                    Metrics* metrics = nullptr);

}  // namespace spyhop
