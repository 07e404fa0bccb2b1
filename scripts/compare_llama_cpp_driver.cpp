// Runs a model through a prebuilt llama.cpp, measured by its caller line by line: the rival of `spyhop bench throughput
// --rival`.
//
// Usage: driver LIBRARIES MODEL THREADS SEQUENCES TOKENS_EACH. LIBRARIES is the folder of libllama and libggml. Says "ready",
// then answers "prefill TOKENS" and "decode SEQUENCES DEPTH STEPS" with tokens per second, or with "error" and why.
//
// The libraries come without headers, so what is needed of their interface is declared here. Structures of parameters change
// from version to version in length and in their later fields: they are passed as blocks that are longer than any of them, of
// which only the first four fields are set, after their defaults have been recognised; what became of them is asked for
// afterwards.
#include <dlfcn.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <iostream>
#include <random>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

constexpr uint32_t kUsualBatch = 2048;  // tokens of a call; no more than a context
constexpr uint32_t kMicroBatch = 512;   // of which so many are computed at once, as by default
constexpr int kSpecialTokens = 300;     // the first 256 are bytes, the last some are control tokens

struct Parameters {
  alignas(16) std::array<char, 1024> bytes;
};

struct Batch {
  int32_t num_tokens;
  int32_t* tokens;
  float* embeddings;
  int32_t* positions;
  int32_t* num_sequences;
  int32_t** sequences;
  int8_t* wants_logits;
};

/// Functions of the libraries, by name.
class Libraries {
 public:
  explicit Libraries(const std::string& folder) {
    // Each depends on those before it, and looks for them by name beside itself.
    for (const std::string stem : {"libggml-base", "libggml.", "libllama."}) open(folder, stem);
  }

  template <typename Function>
  Function* find(const char* name) const {
    for (void* const library : libraries_) {
      if (void* const function = ::dlsym(library, name)) return reinterpret_cast<Function*>(function);
    }
    throw std::runtime_error(std::string("the libraries have no ") + name);
  }

 private:
  void open(const std::string& folder, const std::string& stem) {
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
      const std::string name = entry.path().filename().string();
      if (name.rfind(stem, 0) != 0 || name.find(".so") == std::string::npos) continue;
      void* const library = ::dlopen(entry.path().c_str(), RTLD_NOW | RTLD_GLOBAL);
      if (library == nullptr) throw std::runtime_error(::dlerror());
      libraries_.push_back(library);
      return;
    }
    throw std::runtime_error(folder + " has no " + stem + "*.so");
  }

  std::vector<void*> libraries_;
};

struct Settings {
  std::string libraries;
  std::string model;
  int threads = 0;
  uint32_t sequences = 0;
  uint32_t tokens_each = 0;
};

class Model {
 public:
  explicit Model(const Settings& settings)
      : libraries_(settings.libraries),
        decode_(libraries_.find<int32_t(void*, Batch)>("llama_decode")),
        synchronize_(libraries_.find<void(void*)>("llama_synchronize")),
        get_memory_(libraries_.find<void*(void*)>("llama_get_memory")),
        clear_(libraries_.find<void(void*, bool)>("llama_memory_clear")) {
    libraries_.find<void(void (*)(int, const char*, void*), void*)>("llama_log_set")(log, nullptr);
    libraries_.find<void(const char*)>("ggml_backend_load_all_from_path")(settings.libraries.c_str());
    libraries_.find<void()>("llama_backend_init")();
    const auto defaults = libraries_.find<Parameters()>("llama_model_default_params");
    const auto load = libraries_.find<void*(const char*, Parameters)>("llama_model_load_from_file");
    void* const model = load(settings.model.c_str(), defaults());
    if (model == nullptr) throw std::runtime_error(settings.model + " cannot be loaded");
    const void* const vocabulary = libraries_.find<const void*(const void*)>("llama_model_get_vocab")(model);
    vocabulary_size_ = libraries_.find<int32_t(const void*)>("llama_vocab_n_tokens")(vocabulary);
    make_context(model, settings);
  }

  /// Tokens per second.
  double prefill(int num_tokens) {
    clear_(get_memory_(context_), true);
    Tokens tokens;
    for (int i = 0; i < num_tokens; ++i) tokens.add(random_token(), i, 0, i + 1 == num_tokens);
    return num_tokens / seconds_of([&] { run(tokens); });
  }

  double decode(int sequences, int depth, int steps) {
    clear_(get_memory_(context_), true);
    for (int sequence = 0; sequence < sequences; ++sequence) fill(sequence, depth);
    const double seconds = seconds_of([&] {
      for (int step = 0; step < steps; ++step) {
        Tokens tokens;
        for (int sequence = 0; sequence < sequences; ++sequence) tokens.add(random_token(), depth + step, sequence, true);
        run(tokens);
      }
    });
    return static_cast<double>(sequences) * steps / seconds;
  }

 private:
  /// What a call takes, with the memory it points into.
  struct Tokens {
    std::vector<int32_t> ids, positions, counts, sequences;
    std::vector<int8_t> wants_logits;

    void add(int32_t id, int position, int sequence, bool wants) {
      ids.push_back(id);
      positions.push_back(position);
      counts.push_back(1);
      sequences.push_back(sequence);
      wants_logits.push_back(wants ? 1 : 0);
    }
  };

  static void log(int level, const char* text, void*) {
    constexpr int kError = 4;
    if (level == kError) std::cerr << text;
  }

  template <typename Body>
  static double seconds_of(const Body& body) {
    const auto begin = std::chrono::steady_clock::now();
    body();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  }

  void make_context(void* model, const Settings& settings) {
    Parameters parameters = libraries_.find<Parameters()>("llama_context_default_params")();
    std::array<uint32_t, 4> fields{};  // context, batch, micro batch, most sequences
    std::memcpy(fields.data(), parameters.bytes.data(), sizeof fields);
    if (fields != std::array<uint32_t, 4>{512, kUsualBatch, kMicroBatch, 1}) {
      throw std::runtime_error("the libraries' context parameters begin otherwise than they used to");
    }
    // The context is shared out evenly among the sequences, in multiples of 256 tokens.
    const uint32_t each = (std::max(settings.tokens_each, kMicroBatch) + 255) / 256 * 256;
    const uint32_t context = each * settings.sequences;
    fields = {context, std::min(context, std::max(each, kUsualBatch)), kMicroBatch, settings.sequences};
    std::memcpy(parameters.bytes.data(), fields.data(), sizeof fields);
    context_ = libraries_.find<void*(void*, Parameters)>("llama_init_from_model")(model, parameters);
    if (context_ == nullptr) throw std::runtime_error("no context for this model");
    libraries_.find<void(void*, int32_t, int32_t)>("llama_set_n_threads")(context_, settings.threads, settings.threads);
    const auto number = [&](const char* name) { return libraries_.find<uint32_t(const void*)>(name)(context_); };
    if (number("llama_n_ctx") < fields[0] || number("llama_n_batch") != fields[1] || number("llama_n_ubatch") != fields[2] ||
        number("llama_n_seq_max") != fields[3] || number("llama_n_threads") != static_cast<uint32_t>(settings.threads)) {
      throw std::runtime_error("the libraries did not take the context parameters as they were meant");
    }
  }

  int32_t random_token() { return std::uniform_int_distribution<int32_t>(256, vocabulary_size_ - kSpecialTokens)(random_); }

  void fill(int sequence, int depth) {
    Tokens tokens;
    for (int i = 0; i < depth; ++i) tokens.add(random_token(), i, sequence, false);
    if (depth > 0) run(tokens);
  }

  void run(Tokens& tokens) {
    std::vector<int32_t*> sequences;
    for (int32_t& sequence : tokens.sequences) sequences.push_back(&sequence);
    const Batch batch{static_cast<int32_t>(tokens.ids.size()),
                      tokens.ids.data(),
                      nullptr,
                      tokens.positions.data(),
                      tokens.counts.data(),
                      sequences.data(),
                      tokens.wants_logits.data()};
    if (decode_(context_, batch) != 0) throw std::runtime_error("llama_decode failed");
    synchronize_(context_);
  }

  Libraries libraries_;
  int32_t (*decode_)(void*, Batch);
  void (*synchronize_)(void*);
  void* (*get_memory_)(void*);
  void (*clear_)(void*, bool);
  void* context_ = nullptr;
  int32_t vocabulary_size_ = 0;
  std::mt19937 random_{1};
};

double answer(Model& model, const std::string& line) {
  std::istringstream words(line);
  std::string kind;
  int first = 0, depth = 0, steps = 0;
  words >> kind >> first;
  if (kind == "prefill" && words && first > 0) return model.prefill(first);
  words >> depth >> steps;
  if (kind == "decode" && words && first > 0 && depth >= 0 && steps > 0) return model.decode(first, depth, steps);
  throw std::runtime_error("not understood: " + line);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 6) {
    std::cerr << "usage: driver LIBRARIES MODEL THREADS SEQUENCES TOKENS_EACH\n";
    return 2;
  }
  try {
    Model model({argv[1], argv[2], std::stoi(argv[3]), static_cast<uint32_t>(std::stoul(argv[4])),
                 static_cast<uint32_t>(std::stoul(argv[5]))});
    std::cout << "ready" << std::endl;
    for (std::string line; std::getline(std::cin, line);) {
      try {
        std::cout << answer(model, line) << std::endl;
      } catch (const std::exception& error) {
        std::cout << "error " << error.what() << std::endl;
      }
    }
  } catch (const std::exception& error) {
    std::cerr << "driver: " << error.what() << "\n";
    return 1;
  }
  return 0;
}
