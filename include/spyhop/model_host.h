// The models of a server, which come and go while it runs.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "spyhop/engine_directory.h"

namespace spyhop {

/// What a client asks for. Empty fields leave the choice to the host.
struct LaunchRequest {
  std::string model_uid;  // the name under which requests find it
  std::string model_name;
  std::string model_engine;
  std::string model_format;
  std::string size_in_billions;
  std::string quantization;
  std::string model_path;                                     // folder of a checkpoint
  std::string download_hub;                                   // "huggingface", "modelscope", "auto"
  std::optional<int> request_limit;                           // answers at a time, those that wait included; more get 429
  std::vector<std::pair<std::string, std::string>> settings;  // of the engine, named as flags without dashes: "max-num-seqs"
};

enum class ModelState {
  kPending,      // waits for its turn
  kDownloading,  // files come from a hub
  kLoading,      // weights are read
  kLaunching,    // the engine starts
  kReady,        // requests are served
  kError,        // the launch has failed; stays until it is terminated or launched again
  kTerminating,  // running requests end, or a launch is being cancelled
};

struct ModelDescription {
  std::string uid;
  std::string name;  // in the registry; else the uid
  std::vector<std::string> languages;
  std::vector<std::string> abilities;
  std::string text;  // what the registry says about the model
  std::string engine;
  std::string format;
  int size_in_billions = 0;  // 0 = not known
  std::string quantization;
  std::string hub;         // empty = no hub's
  std::string model_id;    // on the hub
  std::string revision;    // on the hub
  int context_length = 0;  // tokens; 0 = not known yet
};

struct ModelStatus {
  ModelDescription description;
  ModelState state = ModelState::kPending;
  std::string error;         // of kError
  int64_t created = 0;       // Unix seconds of the launch
  int64_t memory_bytes = 0;  // planned; 0 = not known yet
};

struct FileDownload {
  std::string name;
  int64_t done_bytes = 0;
  int64_t total_bytes = 0;
  bool is_done = false;
};

struct LaunchProgress {
  ModelState state = ModelState::kPending;
  double share = 0;                 // of the whole launch, 0 to 1
  std::vector<FileDownload> files;  // empty where nothing had to be fetched
  double download_seconds = 0;      // since the download began
  std::string error;
};

struct ModelEvent {
  int64_t time = 0;  // Unix seconds
  std::string uid;
  std::string type;  // "launched", "downloading", "loading", "ready", "error", "cancelled", "terminated"
  std::string message;
  bool is_error = false;
};

/// Members that take a uid throw Error{kModelNotFound, param "model_uid"} naming the models there are.
/// Thread safety: every member may be called from any thread.
class ModelHost : public EngineDirectory {
 public:
  /// Starts a launch in the background and returns the model's uid: the one asked for, else the model's name, else that with
  /// eight random characters behind it. Throws Error for what makes no sense or does not exist, before anything is done.
  virtual std::string launch(const LaunchRequest& request) = 0;

  /// Blocks until the model is ready. False when it is still on its way at `timeout`. Throws the Error of a launch that
  /// failed, and Error{kCancelled} when it was cancelled or terminated meanwhile.
  virtual bool wait_ready(const std::string& uid, std::chrono::milliseconds timeout) = 0;

  /// All models that are there, ready or not, in the order of their launches.
  virtual std::vector<ModelStatus> models() const = 0;
  virtual ModelStatus model(const std::string& uid) const = 0;
  virtual LaunchProgress progress(const std::string& uid) const = 0;

  /// What has happened to models of this uid, the oldest first; also to those that are gone. The last thousand are kept.
  virtual std::vector<ModelEvent> events(const std::string& uid) const = 0;

  /// Ends a launch and returns; what has been downloaded stays for the next try. Throws Error{kInvalidRequest} for a model that
  /// is not on its way.
  virtual void cancel(const std::string& uid) = 0;

  /// Takes the model out of service, lets its running requests end, for as long as the host allows, and frees it; cancels a
  /// launch. Blocks until that is done.
  virtual void terminate(const std::string& uid) = 0;
};

}  // namespace spyhop
