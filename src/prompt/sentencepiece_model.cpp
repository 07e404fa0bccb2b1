#include "prompt/sentencepiece_model.h"

#include <dlfcn.h>

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <system_error>

#include "spyhop/error.h"

namespace spyhop {
namespace {

namespace fs = std::filesystem;

constexpr const char* kPluginName = "spyhop_sentencepiece.so";

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kCanLoadPlugins = false;  // the sanitizers refuse RTLD_DEEPBIND
#else
constexpr bool kCanLoadPlugins = true;
#endif

/// Where the plug-in may lie, relative to the program: beside it in a build folder, in the library folder once installed.
std::vector<fs::path> plugin_paths() {
  std::error_code ignored;
  const fs::path folder = fs::read_symlink("/proc/self/exe", ignored).parent_path();
  std::vector<fs::path> paths = {folder / kPluginName, folder / ".." / SPYHOP_LIBRARY_FOLDER / "spyhop" / kPluginName};
  const fs::path plain = folder / ".." / "lib" / "spyhop" / kPluginName;
  if (plain != paths.back()) paths.push_back(plain);
  return paths;
}

/// Opens the plug-in. It stays open until the program ends: the library's own state cannot be unloaded.
const SpyhopSentencePieceApi* open_plugin(const std::string& file) {
  const std::string need = file + ": tokenizer.model needs the plug-in " + kPluginName;
  if (!kCanLoadPlugins) throw Error(ErrorCode::kModelLoad, need + ", which builds with sanitizers leave out");
  std::string tried;
  for (const fs::path& path : plugin_paths()) {
    tried += (tried.empty() ? "" : ", ") + path.lexically_normal().string();
    std::error_code ignored;
    if (!fs::exists(path, ignored)) continue;
    void* const library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_DEEPBIND);
    if (library == nullptr) throw Error(ErrorCode::kModelLoad, need + ", which cannot be loaded: " + dlerror());
    using ApiFunction = const SpyhopSentencePieceApi* (*)();
    const auto function = reinterpret_cast<ApiFunction>(dlsym(library, kSpyhopSentencePieceSymbol));
    const SpyhopSentencePieceApi* const api = function == nullptr ? nullptr : function();
    if (api == nullptr || api->abi != kSpyhopSentencePieceAbi) {
      throw Error(ErrorCode::kModelLoad, need + "; " + path.string() + " is of another version");
    }
    return api;
  }
  throw Error(ErrorCode::kModelLoad, need + ", which is not there; looked for " + tried);
}

/// Where the functions of the plug-in put their results.
struct Result {
  std::vector<int32_t> ids;
  std::string text;
  std::string error;
};

void keep_ids(void* result, const int* ids, size_t size) {
  static_cast<Result*>(result)->ids.assign(ids, ids + size);
}

void keep_text(void* result, const char* data, size_t size) {
  static_cast<Result*>(result)->text.assign(data, size);
}

void keep_error(void* result, const char* data, size_t size) {
  static_cast<Result*>(result)->error.assign(data, size);
}

}  // namespace

SentencePieceModel::SentencePieceModel(const std::string& bytes, const std::string& file)
    : api_(open_plugin(file)), model_(nullptr, api_->release) {
  Result result;
  model_.reset(api_->load(bytes.data(), bytes.size(), keep_error, &result));
  if (!model_) throw Error(ErrorCode::kModelLoad, file + ": no SentencePiece model: " + result.error);
}

std::vector<int32_t> SentencePieceModel::encode(std::string_view text) const {
  Result result;
  if (!api_->encode(model_.get(), text.data(), text.size(), keep_ids, keep_error, &result)) {
    throw Error(ErrorCode::kInternal, "SentencePiece cannot encode a text: " + result.error);
  }
  return std::move(result.ids);
}

std::string SentencePieceModel::decode(const std::vector<int32_t>& ids) const {
  std::vector<int32_t> known;
  std::copy_if(ids.begin(), ids.end(), std::back_inserter(known), [this](int32_t id) { return id >= 0 && id < size(); });
  Result result;
  if (!api_->decode(model_.get(), known.data(), known.size(), keep_text, keep_error, &result)) {
    throw Error(ErrorCode::kInternal, "SentencePiece cannot decode ids: " + result.error);
  }
  return std::move(result.text);
}

std::string_view SentencePieceModel::piece(int32_t id) const {
  size_t size = 0;
  const char* const data = api_->piece_text(model_.get(), id, &size);
  return {data, size};
}

}  // namespace spyhop
