// Settings of a server on a machine. Each field says its meaning, unit, default and the value that disables it.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace spyhop {

enum class ComputeType { kBf16, kF32 };
enum class LoadFormat {
  kSafetensors,  // the checkpoint's weights
  kDummy,        // random weights of the true shapes, reproducible from a seed: for measuring
};
enum class DeviceType { kCpu, kCuda };

/// Precision of the language model's matrices; what it leaves out stays in the compute type.
enum class Quantization { kNone, kInt8, kInt4 };

/// What an image may cost, checked from its header before anything is allocated.
struct ImageLimits {
  size_t max_bytes = size_t{20} << 20;       // encoded
  int max_side = 32768;                      // pixels
  int64_t max_pixels = int64_t{50'000'000};  // width x height
  int max_images = 16;                       // per request
};

/// Which addresses an image may be fetched from.
struct FetchPolicy {
  bool allow_remote = true;                  // false: only data: URLs
  bool allow_private_addresses = false;      // true: no address guard, for tests and closed networks
  std::vector<std::string> allowed_domains;  // when not empty: only these hosts and their sub-domains
  int max_redirects = 3;
  std::chrono::milliseconds connect_timeout{3000};
  std::chrono::milliseconds total_timeout{10000};
  std::chrono::steady_clock::time_point deadline = std::chrono::steady_clock::time_point::max();  // for all of a request's
};

struct RuntimeConfig {
  DeviceType device = DeviceType::kCpu;
  ComputeType compute = ComputeType::kBf16;
  LoadFormat load_format = LoadFormat::kSafetensors;
  uint64_t dummy_seed = 0;      // weights of LoadFormat::kDummy
  Quantization quantization = Quantization::kNone;  // kNone: as the checkpoint has them
  std::string instruction_set = "auto";             // the kernels' vector instructions; auto = the best of the machine
  int num_threads = 0;          // 0 = physical cores
  int kv_block_size = 16;       // tokens per KV block
  int64_t kv_cache_tokens = 0;  // capacity; 0 = as kv_cache_bytes says
  int64_t kv_cache_bytes = 0;   // capacity; 0 = half of what the machine has left beside the weights, within the next two
  int64_t kv_least_tokens = 0;  // what must fit: one context
  int64_t kv_most_tokens = 0;   // what the default is at most; 0 = two contexts
  int64_t kv_spared_bytes = 0;  // what the default leaves alone, beside the weights and half of the rest
  int vision_batch = 1;         // tiles encoded per call of the tower
};

/// How the next token is chosen where a request leaves it open; ranges and meanings as in SamplingParams. With temperature 0
/// the repetition penalty is left out, too, unless the request names one.
struct SamplingDefaults {
  double temperature = 1.0;
  double top_p = 1.0;
  int top_k = 0;
  double min_p = 0.0;
  double repetition_penalty = 1.0;
};

struct EngineConfig {
  std::string model_path;  // the checkpoint's folder; may be empty with LoadFormat::kDummy and a model_size
  std::string model_size;  // "3", "16" or "27" (billions): dimensions for dummy weights without a folder
  std::string model_name;  // served name; empty = the folder's name
  RuntimeConfig runtime;
  ImageLimits images;
  FetchPolicy fetch;
  int max_context = 0;                  // tokens; 0 = the checkpoint's max_position_embeddings
  int prefill_chunk = 512;              // tokens of prompts computed per step
  int interleaved_prefill_chunk = 64;   // the same in a step in which running answers get their next token
  int interleaved_vision_layers = 2;    // layers of the image tower per step in which running answers get their next token
  int max_num_seqs = 8;                 // sequences that run at the same time
  int max_queue = 256;                  // answers that wait; more are refused with kOverloaded
  int max_n = 8;                        // answers per request
  std::chrono::milliseconds request_timeout{0};  // from submission to the last token; 0 = none
  size_t max_unread_bytes = size_t{4} << 20;     // of an answer that its client does not read; more end the request
  bool prefix_caching = true;           // keep keys and values of ended requests for prompts that begin alike
  int64_t vision_cache_bytes = int64_t{256} << 20;  // encoded images kept for later requests; 0 keeps none
  SamplingDefaults sampling;
  bool trust_special_tokens = false;  // true: every special token spelled in a request's text is live, as in the original
};

struct ServerConfig {
  std::string host = "127.0.0.1";
  int port = 9997;                    // 0 = any free port
  std::vector<std::string> api_keys;  // empty = no key asked for
  std::vector<std::string> admin_api_keys;  // for what changes the server; empty = those do
  size_t max_body_bytes = size_t{64} << 20;
  int max_messages = 1024;    // per request
  int max_stored_responses = 1024;  // answers of /v1/responses kept for later requests; the oldest give way. 0 keeps none
  std::chrono::seconds stored_response_ttl{3600};  // and for how long
  int max_connections = 256;  // streams and idle clients, one worker thread each
  std::chrono::seconds keep_alive{5};
  std::chrono::milliseconds write_timeout{20000};  // a client that takes nothing of its answer for so long is let go
  std::chrono::seconds drain_timeout{30};  // after the first SIGTERM
  bool playground = true;  // the page at / for trying models in a browser
};

}  // namespace spyhop
