#include "cli/config_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cli/effective_config.h"
#include "cli/launch_options.h"
#include "spyhop/error.h"
#include "support/temp_dir.h"

namespace spyhop {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::HasSubstr;

/// The flags of launch, parsed, with a file over them.
struct Launch {
  explicit Launch(std::vector<std::string> flags = {}) {
    declare_launch_options(command, options);
    std::reverse(flags.begin(), flags.end());
    command.parse(flags);
  }

  void apply(const std::string& text) {
    dir.write("config.json", text);
    from_file = apply_config_file(command, dir.file("config.json"));
  }

  std::string refusal(const std::string& text) {
    try {
      apply(text);
      return "taken";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kInvalidRequest);
      return error.what();
    }
  }

  std::map<std::string, Setting> settings() {
    std::map<std::string, Setting> all;
    for (const Setting& setting : effective_settings(command, from_file, "FILE")) all[setting.name] = setting;
    return all;
  }

  testing::TempDir dir;
  CLI::App command{"launch"};
  LaunchOptions options;
  std::vector<const CLI::Option*> from_file;
};

/// Sets a variable of the process for a while.
class Variable {
 public:
  Variable(std::string name, const std::string& value) : name_(std::move(name)) { ::setenv(name_.c_str(), value.c_str(), 1); }
  ~Variable() { ::unsetenv(name_.c_str()); }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;

 private:
  const std::string name_;
};

TEST(ConfigFile, SetsWhatIsLeftOpen) {
  Launch launch;
  launch.apply(R"({"description": "mine", "max-queue": 7, "quantization": "INT8", "no-remote-images": true,
                   "enable-prefix-caching": false, "api-key": ["a", "b"], "max-image-pixels": 1000, "host": "::1"})");
  EXPECT_EQ(launch.options.engine.max_queue, 7);
  EXPECT_EQ(launch.options.engine.runtime.quantization, Quantization::kInt8);
  EXPECT_TRUE(launch.options.refuses_remote_images);
  EXPECT_FALSE(launch.options.engine.prefix_caching);
  EXPECT_EQ(launch.options.server.api_keys, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(launch.options.engine.images.max_pixels, 1000);
  EXPECT_EQ(launch.options.server.host, "::1");
  EXPECT_EQ(launch.from_file.size(), 7U);
}

TEST(ConfigFile, GivesWayToVariablesAndFlags) {
  const Variable variable("SPYHOP_MAX_N", "3");
  Launch launch({"--max-queue", "5", "--port=0"});
  launch.apply(R"({"max-queue": 7, "max-n": 9, "max-images": 2})");
  EXPECT_EQ(launch.options.engine.max_queue, 5);
  EXPECT_EQ(launch.options.engine.max_n, 3);
  EXPECT_EQ(launch.options.engine.images.max_images, 2);
  auto settings = launch.settings();
  EXPECT_EQ(settings["max-queue"].source, "flag");
  EXPECT_EQ(settings["port"].source, "flag");
  EXPECT_EQ(settings["max-n"].source, "variable SPYHOP_MAX_N");
  EXPECT_EQ(settings["max-images"].source, "file FILE");
  EXPECT_EQ(settings["max-num-seqs"].source, "default");
  EXPECT_EQ(settings["max-n"].values, std::vector<std::string>{"3"});
}

TEST(ConfigFile, KnowsTheNegativeNameOfASwitch) {
  Launch launch;
  launch.apply(R"({"no-enable-prefix-caching": true})");
  EXPECT_FALSE(launch.options.engine.prefix_caching);
  EXPECT_EQ(launch.settings()["enable-prefix-caching"].values, std::vector<std::string>{"false"});
}

TEST(ConfigFile, NamesUnknownKeysWithTheNearest) {
  Launch launch;
  const std::string refusal = launch.refusal(R"({"max_queue": 7, "qantization": "int8", "wombat": 1})");
  EXPECT_THAT(refusal, HasSubstr("no setting is named \"max_queue\"; the nearest is max-queue"));
  EXPECT_THAT(refusal, HasSubstr("no setting is named \"qantization\"; the nearest is quantization"));
  EXPECT_THAT(refusal, HasSubstr("no setting is named \"wombat\"; allowed are the flags"));
}

TEST(ConfigFile, DoesNotSetWhatIsNoSetting) {
  for (const char* key : {"help", "config"}) {
    Launch launch;
    EXPECT_THAT(launch.refusal(std::string("{\"") + key + "\": true}"), HasSubstr("no setting is named")) << key;
  }
}

TEST(ConfigFile, ChecksValuesAsIfTheyHadBeenTyped) {
  const std::vector<std::pair<std::string, std::string>> cases{
      {R"({"max-queue": -1})", "max-queue = -1: "},
      {R"({"max-queue": 1.5})", "max-queue = 1.5: "},
      {R"({"max-queue": true})", "max-queue = true; allowed: a text or a number"},
      {R"({"max-queue": null})", "max-queue = null; allowed: a text or a number"},
      {R"({"max-queue": [1, 2]})", "allowed: a text or a number"},
      {R"({"api-key": []})", "allowed: an array that is not empty"},
      {R"({"api-key": [true]})", "api-key = true; allowed: a text or a number, or an array of these"},
      {R"({"no-remote-images": 1})", "no-remote-images = 1; allowed: true or false"},
      {R"({"quantization": "int5"})", "the nearest is int8"},
      {R"({"model-path": "/no/such/folder"})", "/no/such/folder"},
      {R"({"kv-cache-memory": "lots"})", "is no size"},
      {R"({"description": 1})", "description = 1; allowed: a text"},
      {R"({"enable-prefix-caching": true, "no-enable-prefix-caching": true})", "set the same; allowed: one of the two"},
      {R"({"port": 1, "port": 2})", "port"},
      {R"([1])", "allowed: an object"},
      {R"({"port": )", "config.json"},
  };
  for (const auto& [text, expected] : cases) {
    Launch launch;
    EXPECT_THAT(launch.refusal(text), AllOf(HasSubstr(expected), HasSubstr("config.json"))) << text;
  }
}

TEST(ConfigFile, ReportsAllProblemsTogether) {
  Launch launch;
  EXPECT_THAT(launch.refusal(R"({"max-queue": -1, "port": 70000, "max-qeue": 1})"),
              AllOf(HasSubstr("max-queue = -1"), HasSubstr("port = 70000"), HasSubstr("\"max-qeue\"")));
}

TEST(ConfigFile, ChecksTheKindOfWhatAFlagOverrides) {
  Launch launch({"--max-queue", "5", "--no-remote-images"});
  EXPECT_THAT(launch.refusal(R"({"max-queue": {}, "no-remote-images": "yes"})"),
              AllOf(HasSubstr("max-queue = "), HasSubstr("no-remote-images = ")));
}

TEST(ConfigFile, TellsWhenThereIsNone) {
  Launch launch;
  EXPECT_THROW(apply_config_file(launch.command, launch.dir.file("none.json")), Error);
  EXPECT_THROW(apply_config_file(launch.command, launch.dir.path()), Error);
}

/// The values as a file would have them.
json settings_json(const Launch& launch) {
  const json all = json::parse(to_json(effective_settings(launch.command, launch.from_file, "FILE")).dump());
  json values = json::object();
  for (const auto& [name, setting] : all.items()) {
    if (!setting["value"].is_null() && setting["value"] != json::array()) values[name] = setting["value"];
  }
  return values;
}

TEST(Profiles, DefaultIsWhatTheProgramDoesWithoutAFile) {
  const std::string path = SPYHOP_SOURCE_DIR "/configs/default.json";
  std::ifstream in(path);
  json profile = json::parse(in);
  profile.erase("description");
  EXPECT_EQ(profile, settings_json(Launch()));
}

TEST(Profiles, AllCanBeLaunched) {
  size_t num_profiles = 0;
  for (const auto& entry : std::filesystem::directory_iterator(SPYHOP_SOURCE_DIR "/configs")) {
    ++num_profiles;
    SCOPED_TRACE(entry.path());
    ASSERT_EQ(entry.path().extension(), ".json");
    Launch launch({"--load-format", "dummy", "--size-in-billions", "3"});
    launch.from_file = apply_config_file(launch.command, entry.path().string());
    EXPECT_NO_THROW(resolve_launch_options(launch.options));
    std::ifstream in(entry.path());
    EXPECT_TRUE(json::parse(in).contains("description"));
  }
  EXPECT_GE(num_profiles, 3U);
}

TEST(EffectiveConfig, MasksSecrets) {
  const Variable token("HF_TOKEN", "hf_secret");
  const Variable path("HF_TOKEN_PATH", "/tokens/hf");
  const Variable proxy("https_proxy", "http://user:secret@proxy:3128");
  Launch launch({"--api-key", "sk-secret", "--api-key", "other-secret"});
  EXPECT_EQ(launch.settings()["api-key"].values, (std::vector<std::string>{"********", "********"}));
  const std::string variables = to_json(other_variables()).dump();
  EXPECT_THAT(variables, ::testing::Not(HasSubstr("secret")));
  EXPECT_THAT(variables, HasSubstr("/tokens/hf"));
  EXPECT_THAT(variables, HasSubstr("http://********@proxy:3128"));
}

TEST(EffectiveConfig, SaysValuesInTheirTypes) {
  const Launch launch({"--port", "80", "--allowed-image-domains", "a.org,b.org"});
  const json settings = json::parse(to_json(effective_settings(launch.command, {}, "")).dump());
  EXPECT_EQ(settings["port"], (json{{"value", 80}, {"source", "flag"}}));
  EXPECT_EQ(settings["host"]["value"], "127.0.0.1");
  EXPECT_EQ(settings["no-remote-images"]["value"], false);
  EXPECT_EQ(settings["enable-prefix-caching"]["value"], true);
  EXPECT_EQ(settings["revision"]["value"], nullptr);
  EXPECT_EQ(settings["api-key"]["value"], json::array());
  EXPECT_EQ(settings["compute"]["value"], "bf16");
  EXPECT_FALSE(settings.contains("config"));
}

TEST(LaunchVariables, RefuseRemoteImages) {
  const Variable variable("SPYHOP_NO_REMOTE_IMAGES", "1");
  Launch launch({"--load-format", "dummy", "--size-in-billions", "3"});
  resolve_launch_options(launch.options);
  EXPECT_FALSE(launch.options.engine.fetch.allow_remote);
}

}  // namespace
}  // namespace spyhop
