#include "cli/model_source.h"

#include <spdlog/spdlog.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <system_error>

#include "cli/download_view.h"
#include "cli/option_tools.h"
#include "registry/registry.h"
#include "spyhop/error.h"

namespace spyhop {
namespace {

/// Only says so: weights that somebody tuned and cut are served too.
void compare_with_registry(const ModelSource& source, const std::string& folder) {
  if (!source.expected) return;
  const LanguageConfig& expected = source.expected->language;
  const LanguageConfig found = load_model_config(folder).language;
  if (expected.hidden_size == found.hidden_size && expected.num_layers == found.num_layers &&
      expected.num_routed_experts == found.num_routed_experts && expected.vocab_size == found.vocab_size) {
    return;
  }
  spdlog::warn(
      "event=other_dimensions folder={} hidden_size={} layers={} vocabulary={} expected_hidden_size={} expected_layers={} "
      "expected_vocabulary={}",
      folder, found.hidden_size, found.num_layers, found.vocab_size, expected.hidden_size, expected.num_layers,
      expected.vocab_size);
}

}  // namespace

void declare_model_source(CLI::App& command, ModelSourceFlags& flags) {
  const std::string group = "Download";
  with_env(command.add_option("--model-src", flags.model_src,
                              "Hub to take the model from; auto: whose cache has it, else the first that answers"))
      ->transform(one_of({"huggingface", "modelscope", "auto"}, "hub"))
      ->capture_default_str()
      ->group(group);
  with_env(
      command.add_option("--revision", flags.revision, "Branch, tag or commit on the hub (default: the hub's main branch)"))
      ->group(group);
  with_env(command.add_option("--download-dir", flags.download_dir,
                              "Folder in place of the hub's own cache, in the same layout (default: that cache)"))
      ->group(group);
  with_env(command.add_option("--max-workers", flags.max_workers, "Connections of a download"))
      ->check(CLI::Range(1, 64))
      ->capture_default_str()
      ->group(group);
}

ModelSource find_model_source(const std::string& model_name, const ModelChoice& choice, const ModelSourceFlags& flags) {
  const Registry registry = Registry::load();
  const ModelFamily& family = registry.family(model_name);
  const ModelVariant& variant = family.choose(choice);
  ModelSource source;
  source.path = variant.path;
  source.expected = variant.config;
  source.max_workers = flags.max_workers;
  source.request.sources = variant.sources;
  source.request.model_src = flags.model_src;
  source.request.revision = flags.revision;
  source.request.download_dir = flags.download_dir;
  source.request.flags = "--model-name " + family.name + " --size-in-billions " + std::to_string(variant.size_in_billions);
  std::error_code error;
  if (!source.path.empty() && !std::filesystem::is_directory(source.path, error)) {
    throw Error(ErrorCode::kModelLoad, "the model_uri of " + family.name + " is " + source.path + ": no such folder",
                "model_name");
  }
  return source;
}

FetchOptions visible_fetch(const ModelSource& source) {
  const bool is_terminal = ::isatty(STDERR_FILENO) != 0;
  const auto view = std::make_shared<DownloadView>(is_terminal, [is_terminal](const std::string& text) {
    if (!is_terminal) return spdlog::info("{}", text);
    std::fputs(text.c_str(), stderr);
  });
  FetchOptions options;
  options.download.num_workers = source.max_workers;
  options.download.limits.ca_file = options.environment("SSL_CERT_FILE");
  options.on_note = [](const std::string& line) { spdlog::info("event=model {}", line); };
  options.download.on_progress = [view](const DownloadProgress& progress) {
    view->show(progress, std::chrono::steady_clock::now());
    return true;
  };
  return options;
}

FetchedModel obtain_model(const ModelSource& source, FetchOptions options) {
  options.prefer_cache = true;
  FetchedModel model = fetch_model(source.request, options);
  spdlog::info("event=model_found hub={} model_id={} revision={} fetched_bytes={} folder={}", model.hub, model.model_id,
               model.revision, model.fetched_bytes, model.folder);
  compare_with_registry(source, model.folder);
  return model;
}

}  // namespace spyhop
