#include "api/launch_status_json.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <utility>

namespace spyhop {
namespace {

using Json = nlohmann::ordered_json;

TEST(launch_status_json, StatesHaveXinferencesNames) {
  const std::pair<ModelState, const char*> names[] = {
      {ModelState::kPending, "CREATING"},       {ModelState::kDownloading, "CREATING"}, {ModelState::kLoading, "LOADING"},
      {ModelState::kLaunching, "LOADING"},      {ModelState::kReady, "READY"},          {ModelState::kError, "ERROR"},
      {ModelState::kTerminating, "TERMINATING"}};
  for (const auto& [state, name] : names) {
    ModelStatus model;
    model.state = state;
    EXPECT_EQ(Json::parse(instances_json({model}))[0]["status"], name);
  }
}

TEST(launch_status_json, AnInstanceHasOneReplicaAndItsVersion) {
  ModelStatus model;
  model.description.uid = "mine";
  model.description.name = "deepseek-vl2";
  model.description.format = "pytorch";
  model.description.quantization = "int8";
  model.description.size_in_billions = 16;
  model.created = 7;
  model.error = "no space";
  const Json instance = Json::parse(instances_json({model}))[0];
  EXPECT_EQ(instance["model_uid"], "mine");
  EXPECT_EQ(instance["model_version"], "deepseek-vl2--16B--pytorch--int8");
  EXPECT_EQ(instance["replica"], 1);
  EXPECT_EQ(instance["replica_statuses"].size(), 1U);
  EXPECT_EQ(instance["instance_created_ts"], 7);
  EXPECT_EQ(instance["error_message"], "no space");
  EXPECT_EQ(Json::parse(replicas_json(model, "here:1"))[0]["worker_address"], "here:1");
}

TEST(launch_status_json, ProgressTellsOfEachFile) {
  LaunchProgress progress;
  progress.state = ModelState::kDownloading;
  progress.share = 0.25;
  progress.download_seconds = 10;
  progress.files = {{"a", 100, 100, true}, {"b", 50, 200, false}, {"c", 0, 10, false}};
  const Json json = Json::parse(progress_json(progress));
  EXPECT_EQ(json["progress"], 0.25);
  EXPECT_EQ(json["stage"], "downloading");
  const Json file = json["download_files"][1];
  EXPECT_EQ(file["downloaded_bytes"], 50);
  EXPECT_EQ(file["progress"], 0.25);
  EXPECT_EQ(file["speed_bytes_per_second"], 5);
  EXPECT_EQ(file["eta_seconds"], 30);
  EXPECT_EQ(json["download_files"][0]["status"], "completed");
  EXPECT_EQ(json["download_files"][2]["status"], "pending");
  EXPECT_TRUE(json["download_files"][2]["eta_seconds"].is_null());
}

TEST(launch_status_json, EventsTellWhatHappened) {
  const Json events = Json::parse(events_json({{1, "m", "launched", "", false}, {2, "m", "error", "no space", true}}));
  EXPECT_EQ(events[0]["event_type"], "INFO");
  EXPECT_EQ(events[1]["event_type"], "ERROR");
  EXPECT_EQ(events[1]["event_content"], "error: no space");
}

}  // namespace
}  // namespace spyhop
