#include "api/launch_status_json.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "api/json_text.h"

namespace spyhop {
namespace {

using Json = nlohmann::ordered_json;

const char* status_name(ModelState state) {
  switch (state) {
    case ModelState::kPending:
    case ModelState::kDownloading:
      return "CREATING";
    case ModelState::kLoading:
    case ModelState::kLaunching:
      return "LOADING";
    case ModelState::kReady:
      return "READY";
    case ModelState::kError:
      return "ERROR";
    case ModelState::kTerminating:
      break;
  }
  return "TERMINATING";
}

const char* stage_name(ModelState state) {
  switch (state) {
    case ModelState::kPending:
      return "pending";
    case ModelState::kDownloading:
      return "downloading";
    case ModelState::kLoading:
      return "loading";
    case ModelState::kLaunching:
      return "launching";
    case ModelState::kReady:
      return "ready";
    case ModelState::kError:
      return "error";
    case ModelState::kTerminating:
      break;
  }
  return "terminating";
}

Json text_or_null(const std::string& text) {
  return text.empty() ? Json() : Json(text);
}

Json replica(const ModelStatus& model, const std::string& address) {
  const std::string& uid = model.description.uid;
  return {{"replica_id", 0},
          {"replica_model_uid", uid + "-0"},
          {"replica_uid", uid + "-0"},
          {"worker_address", address},
          {"model_address", address},
          {"accelerators", Json::array()},
          {"gpu_idx", Json()},
          {"status", status_name(model.state)},
          {"created_ts", model.created},
          {"error_message", text_or_null(model.error)}};
}

std::string version_of(const ModelDescription& model) {
  const std::string size = model.size_in_billions == 0 ? "" : "--" + std::to_string(model.size_in_billions) + "B";
  return model.name + size + "--" + model.format + "--" + model.quantization;
}

Json instance(const ModelStatus& model) {
  const ModelDescription& about = model.description;
  return {{"model_name", about.name},
          {"model_uid", about.uid},
          {"model_version", version_of(about)},
          {"model_ability", about.abilities},
          {"model_format", about.format},
          {"model_size_in_billions", about.size_in_billions == 0 ? Json() : Json(about.size_in_billions)},
          {"quantization", about.quantization},
          {"replica", 1},
          {"status", status_name(model.state)},
          {"instance_created_ts", model.created},
          {"n_worker", 1},
          {"replica_statuses", Json::array({replica(model, "")})},
          {"error_message", text_or_null(model.error)}};
}

Json file(const FileDownload& download, double seconds) {
  const auto done = static_cast<double>(download.done_bytes);
  const double rate = seconds > 0 ? done / seconds : 0;
  const auto rest = static_cast<double>(download.total_bytes - download.done_bytes);
  return {{"name", download.name},
          {"downloaded_bytes", download.done_bytes},
          {"total_bytes", download.total_bytes},
          {"progress", download.total_bytes > 0 ? done / static_cast<double>(download.total_bytes) : 1.0},
          {"speed_bytes_per_second", std::round(rate)},
          {"elapsed_seconds", seconds},
          {"eta_seconds", rate > 0 ? Json(rest / rate) : Json()},
          {"status", download.is_done ? "completed" : (download.done_bytes > 0 ? "downloading" : "pending")}};
}

}  // namespace

std::string launched_json(const std::string& uid) {
  return to_text({{"model_uid", uid}});
}

std::string instances_json(const std::vector<ModelStatus>& models) {
  Json list = Json::array();
  for (const ModelStatus& model : models) list.push_back(instance(model));
  return to_text(list);
}

std::string progress_json(const LaunchProgress& progress) {
  Json files = Json::array();
  for (const FileDownload& download : progress.files) files.push_back(file(download, progress.download_seconds));
  const Json the_replica = {{"replica_id", 0}, {"progress", progress.share}, {"stage", stage_name(progress.state)}};
  return to_text({{"progress", progress.share},
                  {"stage", stage_name(progress.state)},
                  {"download_files", std::move(files)},
                  {"replicas", Json::array({the_replica})},
                  {"error_message", text_or_null(progress.error)}});
}

std::string replicas_json(const ModelStatus& model, const std::string& address) {
  return to_text(Json::array({replica(model, address)}));
}

std::string events_json(const std::vector<ModelEvent>& events) {
  Json list = Json::array();
  for (const ModelEvent& event : events) {
    list.push_back({{"event_type", event.is_error ? "ERROR" : "INFO"},
                    {"event_ts", event.time},
                    {"event_content", event.message.empty() ? event.type : event.type + ": " + event.message}});
  }
  return to_text(list);
}

}  // namespace spyhop
