#include "cli/launch_options.h"

#include <CLI/CLI.hpp>
#include <map>

#include "cli/option_tools.h"
#include "common/byte_size.h"
#include "registry/registry.h"
#include "runtime/quantization.h"
#include "spyhop/error.h"

namespace spyhop {
namespace {

constexpr const char* kBundledModel = "deepseek-vl2-demo";

void declare_config(CLI::App& command, LaunchOptions& o) {
  with_env(command.add_option("--config", o.config_path, "JSON file with values for these flags, such as configs/laptop.json"))
      ->configurable(false)
      ->group("Model");
}

void declare_model(CLI::App& command, LaunchOptions& o) {
  static const std::map<std::string, ComputeType> kCompute{{"bf16", ComputeType::kBf16}, {"f32", ComputeType::kF32}};
  static const std::map<std::string, LoadFormat> kFormats{{"safetensors", LoadFormat::kSafetensors},
                                                          {"dummy", LoadFormat::kDummy}};
  static const std::map<std::string, DeviceType> kDevices{{"cpu", DeviceType::kCpu}, {"cuda", DeviceType::kCuda}};
  const std::string group = "Model";
  with_env(command.add_option("--model-path", o.engine.model_path, "Folder of the checkpoint, as the hubs lay it out"))
      ->check(CLI::ExistingDirectory)
      ->group(group);
  with_env(command.add_option(
               "-n,--model-name", o.engine.model_name,
               "Name to serve it under (default: the folder's name); without a folder, a model that the program knows"))
      ->group(group);
  with_env(command.add_option("-s,--size-in-billions", o.engine.model_size, "Its size: 3, 16 or 27"))->group(group);
  with_env(command.add_option("--model-engine", o.model_engine, "What runs the model; transformers is an alias"))
      ->transform(one_of({"libtorch", "transformers"}, "model engine"))
      ->capture_default_str()
      ->group(group);
  with_env(command.add_option("-f,--model-format", o.model_format, "Format of the weights"))
      ->transform(one_of({"pytorch"}, "model format"))
      ->capture_default_str()
      ->group(group);
  with_env(command.add_option("-q,--quantization", o.engine.runtime.quantization,
                              "Precision of the language model's matrices: none (the checkpoint's own), int8 or int4"))
      ->transform(CLI::Transformer(quantization_values()).description(""))
      ->transform(one_of({"none", "int8", "int4"}, "quantization"))
      ->default_str("none")
      ->group(group);
  with_env(command.add_option("--compute", o.engine.runtime.compute, "Arithmetic: bf16, or f32 to compare with the reference"))
      ->transform(CLI::Transformer(kCompute).description(""))
      ->transform(one_of({"bf16", "f32"}, "arithmetic"))
      ->default_str("bf16")
      ->group(group);
  with_env(command.add_option("--load-format", o.engine.runtime.load_format,
                              "safetensors, or dummy: random weights of the true shapes, for measuring"))
      ->transform(CLI::Transformer(kFormats).description(""))
      ->transform(one_of({"safetensors", "dummy"}, "load format"))
      ->default_str("safetensors")
      ->group(group);
  with_env(command.add_option("--dummy-seed", o.engine.runtime.dummy_seed, "Seed of the dummy weights"))
      ->capture_default_str()
      ->group(group);
  with_env(command.add_option("--device", o.engine.runtime.device, "What computes"))
      ->transform(CLI::Transformer(kDevices).description(""))
      ->transform(one_of({"cpu", "cuda"}, "device"))
      ->default_str("cpu")
      ->group(group);
}

void declare_engine(CLI::App& command, LaunchOptions& o) {
  const std::string group = "Engine";
  with_env(command.add_option("--threads", o.engine.runtime.num_threads, "Compute threads; 0 = physical cores"))
      ->check(CLI::Range(0, 1024))
      ->capture_default_str()
      ->group(group);
  with_env(command.add_option("--instruction-set", o.engine.runtime.instruction_set,
                              "Vector instructions of the kernels; auto = the best of this machine"))
      ->check(CLI::IsMember({"auto", "portable", "avx2", "avx512", "avx512_vnni", "avx512_bf16"}))
      ->capture_default_str()
      ->group(group);
  with_env(command.add_option("--max-model-len", o.engine.max_context, "Context in tokens; 0 = the checkpoint's"))
      ->check(CLI::Range(0, 1 << 20))
      ->capture_default_str()
      ->group(group);
  with_env(command.add_option("--max-num-seqs", o.engine.max_num_seqs, "Answers generated at the same time"))
      ->check(CLI::Range(1, 1024))
      ->capture_default_str()
      ->group(group);
  with_env(command.add_option("--max-queue", o.engine.max_queue, "Answers that may wait; more requests get 429"))
      ->check(CLI::Range(0, 1000000))
      ->capture_default_str()
      ->group(group);
  with_env(command.add_option("--max-n", o.engine.max_n, "Answers per request"))
      ->check(CLI::Range(1, 128))
      ->capture_default_str()
      ->group(group);
  with_env(command.add_option("--prefill-chunk", o.engine.prefill_chunk, "Prompt tokens computed per step"))
      ->check(CLI::Range(1, 1 << 20))
      ->capture_default_str()
      ->group(group);
  with_env(command.add_option("--interleaved-prefill-chunk", o.engine.interleaved_prefill_chunk,
                              "Prompt tokens computed in a step in which answers are being generated"))
      ->check(CLI::Range(1, 1 << 20))
      ->capture_default_str()
      ->group(group);
  with_env(command.add_option("--interleaved-vision-layers", o.engine.interleaved_vision_layers,
                              "Layers of the image tower run in a step in which answers are being generated"))
      ->check(CLI::Range(1, 1 << 20))
      ->capture_default_str()
      ->group(group);
  CLI::Option* memory = with_env(command.add_option(
      "--kv-cache-memory", o.kv_cache_memory,
      "Memory for keys and values, such as 4GiB (default: half of what is left, up to max-num-seqs contexts)"));
  memory->check(byte_size())->group(group);
  with_env(command.add_option("--kv-cache-tokens", o.engine.runtime.kv_cache_tokens,
                              "The same in tokens; 0 = as --kv-cache-memory says"))
      ->check(CLI::Range(int64_t{0}, int64_t{1} << 32))
      ->capture_default_str()
      ->group(group);
  command
      .add_flag("--enable-prefix-caching,!--no-enable-prefix-caching", o.engine.prefix_caching,
                "Prompts that begin like an earlier one are computed from where they differ (default)")
      ->envname("SPYHOP_ENABLE_PREFIX_CACHING")
      ->default_str("true")
      ->group(group);
  with_env(command.add_option("--vision-cache-bytes", o.engine.vision_cache_bytes,
                              "Encoded images kept for later requests; 0 = none"))
      ->check(CLI::Range(int64_t{0}, int64_t{1} << 40))
      ->capture_default_str()
      ->group(group);
  command
      .add_flag("--trust-special-tokens", o.engine.trust_special_tokens,
                "Special tokens spelled in a request's text are live, as in the original; only for trusted clients")
      ->envname("SPYHOP_TRUST_SPECIAL_TOKENS")
      ->group(group);
  declare_sampling_options(command, o.sampling, "Sampling");
}

void declare_images(CLI::App& command, LaunchOptions& o) {
  const std::string group = "Images";
  with_env(command.add_option("--max-images", o.engine.images.max_images, "Images per request"))
      ->check(CLI::Range(0, 64))
      ->capture_default_str()
      ->group(group);
  with_env(command.add_option("--max-image-bytes", o.engine.images.max_bytes, "Bytes of an encoded image"))
      ->check(CLI::Range(size_t{1}, size_t{1} << 30))
      ->capture_default_str()
      ->group(group);
  with_env(command.add_option("--max-image-pixels", o.engine.images.max_pixels, "Width times height of an image"))
      ->check(CLI::Range(int64_t{1}, int64_t{178956970}))
      ->capture_default_str()
      ->group(group);
  command.add_flag("--no-remote-images", o.refuses_remote_images, "Refuse http(s) image URLs")
      ->envname("SPYHOP_NO_REMOTE_IMAGES")
      ->group(group);
  command
      .add_flag("--allow-private-image-addresses", o.engine.fetch.allow_private_addresses,
                "Fetch images from loopback and private addresses too: switches the address guard off")
      ->envname("SPYHOP_ALLOW_PRIVATE_IMAGE_ADDRESSES")
      ->group(group);
  with_env(command.add_option("--allowed-image-domains", o.engine.fetch.allowed_domains,
                              "Fetch images from these hosts and their sub-domains only"))
      ->delimiter(',')
      ->group(group);
  with_env(
      command.add_option("--image-fetch-timeout-ms", o.fetch_timeout_ms, "Time for fetching one image, redirects included"))
      ->check(CLI::Range(1, 600000))
      ->capture_default_str()
      ->group(group);
}

void declare_server(CLI::App& command, LaunchOptions& o) {
  const std::string group = "Server";
  with_env(command.add_option("-H,--host", o.server.host, "Address to listen on"))->capture_default_str()->group(group);
  with_env(command.add_option("-p,--port", o.server.port, "Port; 0 = any free one"))
      ->check(CLI::Range(0, 65535))
      ->capture_default_str()
      ->group(group);
  with_env(command.add_option("--api-key", o.server.api_keys, "Key that clients must send; may be given several times"))
      ->group(group);
  with_env(command.add_option(
               "--admin-api-key", o.server.admin_api_keys,
               "Key for what changes the server: launching, ending, registering, removing; may be given several times"))
      ->group(group);
  with_env(command.add_option("--allow-model-path", o.allowed_model_folders,
                              "Folder in which clients may name checkpoints; may be given several times (default: none)"))
      ->check(CLI::ExistingDirectory)
      ->group(group);
  with_env(command.add_option("--max-body-bytes", o.server.max_body_bytes, "Bytes of a request's body"))
      ->check(CLI::Range(size_t{1024}, size_t{1} << 30))
      ->capture_default_str()
      ->group(group);
  with_env(command.add_option("--max-messages", o.server.max_messages, "Messages per request"))
      ->check(CLI::Range(1, 100000))
      ->capture_default_str()
      ->group(group);
  with_env(command.add_option("--max-stored-responses", o.server.max_stored_responses,
                              "Answers of /v1/responses kept for later requests; 0 = none"))
      ->check(CLI::Range(0, 1000000))
      ->capture_default_str()
      ->group(group);
  with_env(command.add_option("--stored-response-ttl", o.stored_response_ttl_seconds, "Seconds for which they are kept"))
      ->check(CLI::Range(1, 30 * 86400))
      ->capture_default_str()
      ->group(group);
  with_env(command.add_option("--max-connections", o.server.max_connections, "Open connections, one thread each"))
      ->check(CLI::Range(1, 10000))
      ->capture_default_str()
      ->group(group);
  with_env(command.add_option("--request-timeout", o.request_timeout_seconds,
                              "Seconds that a request gets, from its arrival to its last token; 0 = no limit"))
      ->check(CLI::Range(0, 86400))
      ->capture_default_str()
      ->group(group);
  with_env(command.add_option("--drain-timeout", o.drain_timeout_seconds, "Seconds that running answers get after SIGTERM"))
      ->check(CLI::Range(0, 86400))
      ->capture_default_str()
      ->group(group);
  command.add_flag("--no-playground", o.refuses_playground, "Take the page at / away, in which browsers try the models")
      ->envname("SPYHOP_NO_PLAYGROUND")
      ->group(group);
  with_env(command.add_option("--log-level", o.log_level, "What is logged"))
      ->check(CLI::IsMember({"debug", "info", "warn", "error"}))
      ->capture_default_str()
      ->group(group);
}

/// What stands in for a folder.
void resolve_named_model(LaunchOptions& o) {
  if (o.engine.runtime.load_format == LoadFormat::kDummy) {
    if (o.engine.model_size.empty()) {
      throw Error(ErrorCode::kInvalidRequest, "--load-format dummy needs --model-path, or --size-in-billions 3, 16 or 27",
                  "size-in-billions");
    }
    static_cast<void>(registered_model_config("deepseek-vl2", o.engine.model_size));
    return;
  }
  if (o.engine.model_name.empty()) {
    throw Error(
        ErrorCode::kInvalidRequest,
        "what is to be served? Give the folder of a checkpoint as --model-path, or the name and size of a model, such as "
        "--model-name deepseek-vl2 --size-in-billions 3",
        "model-path");
  }
  const ModelChoice choice{o.engine.model_size, o.model_format, quantization_name(o.engine.runtime.quantization),
                           o.model_engine};
  o.source = find_model_source(o.engine.model_name, choice, o.source_flags);
  o.engine.model_path = o.source->path;
}

}  // namespace

void declare_serve_options(CLI::App& command, LaunchOptions& options) {
  declare_config(command, options);
  declare_engine(command, options);
  declare_images(command, options);
  declare_server(command, options);
}

void declare_launch_options(CLI::App& command, LaunchOptions& options) {
  declare_config(command, options);
  declare_model(command, options);
  declare_model_source(command, options.source_flags);
  declare_engine(command, options);
  declare_images(command, options);
  declare_server(command, options);
}

void resolve_server_options(LaunchOptions& o) {
  o.server.stored_response_ttl = std::chrono::seconds(o.stored_response_ttl_seconds);
  o.server.drain_timeout = std::chrono::seconds(o.drain_timeout_seconds);
  o.engine.request_timeout = std::chrono::seconds(o.request_timeout_seconds);
  o.engine.fetch.allow_remote = !o.refuses_remote_images;
  o.server.playground = !o.refuses_playground;
  o.engine.fetch.total_timeout = std::chrono::milliseconds(o.fetch_timeout_ms);
  if (o.engine.fetch.connect_timeout > o.engine.fetch.total_timeout)
    o.engine.fetch.connect_timeout = o.engine.fetch.total_timeout;
  if (!o.kv_cache_memory.empty()) {
    o.engine.runtime.kv_cache_bytes = parse_byte_size(o.kv_cache_memory);
    if (o.engine.runtime.kv_cache_tokens > 0) {
      throw Error(ErrorCode::kInvalidRequest, "--kv-cache-memory and --kv-cache-tokens are both given; allowed: one of the two",
                  "kv-cache-memory");
    }
  }
}

void default_to_bundled_model(EngineConfig& engine) {
  const bool is_open = engine.model_path.empty() && engine.model_name.empty() && engine.model_size.empty();
  if (!is_open || engine.runtime.load_format == LoadFormat::kDummy) return;
  if (Registry::load().has(kBundledModel)) engine.model_name = kBundledModel;
}

void resolve_launch_options(LaunchOptions& o) {
  resolve_server_options(o);
  o.engine.sampling = resolve_sampling(o.sampling, o.engine.model_name);
  if (o.engine.model_path.empty()) resolve_named_model(o);
}

}  // namespace spyhop
