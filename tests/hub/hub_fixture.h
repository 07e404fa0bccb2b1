// A fake hub, an empty cache, and a client between them.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <vector>

#include "fake_hub.h"
#include "hub/fetch_model.h"
#include "spyhop/error.h"
#include "support/temp_dir.h"

namespace spyhop::testing {

inline std::string content_of(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

/// Parameter: the hub's name.
class HubTest : public ::testing::TestWithParam<std::string> {
 protected:
  HubTest() {
    variables_["HOME"] = home_.path();
    variables_["HF_ENDPOINT"] = hub_.url();
    variables_["MODELSCOPE_ENDPOINT"] = hub_.url() + "/";
    options_.environment = [this](const std::string& name) { return variables_.count(name) != 0 ? variables_[name] : ""; };
    options_.download.chunk_bytes = 100'000;
    options_.download.num_workers = 3;
    options_.download.retry.first_pause = std::chrono::milliseconds(2);
    options_.download.retry.longest_pause = std::chrono::milliseconds(10);
    options_.on_note = [this](const std::string& line) { notes_ += line + "\n"; };
    request_.sources = {{"huggingface", kModelId, "", ""}, {"modelscope", kModelId, "", ""}};
    request_.flags = "--model-name deepseek-vl2 --size-in-billions 3";
    request_.model_src = "huggingface";
  }

  FetchedModel fetch() { return fetch_model(request_, options_); }

  /// The error of a fetch that must fail.
  Error refusal() {
    try {
      fetch();
    } catch (const Error& error) {
      return error;
    }
    return {ErrorCode::kInternal, "no error"};
  }

  /// The folder holds the files that are needed, each with its content, and no others but hidden ones.
  void expect_whole(const std::string& folder) {
    for (const auto& [path, content] : hub_.files()) {
      const std::string local = folder + "/" + path;
      EXPECT_EQ(std::filesystem::exists(local), FakeHub::is_wanted(path)) << path;
      if (!FakeHub::is_wanted(path)) continue;
      EXPECT_TRUE(content_of(local) == content) << path;
    }
  }

  std::string huggingface_folder() const {
    return home_.path() + "/.cache/huggingface/hub/models--deepseek-ai--deepseek-vl2-tiny";
  }
  std::string modelscope_folder() const { return home_.path() + "/.cache/modelscope/models/deepseek-ai--deepseek-vl2-tiny"; }

  TempDir home_;
  FakeHub hub_;
  std::map<std::string, std::string> variables_;
  ModelRequest request_;
  FetchOptions options_;
  std::string notes_;
};

}  // namespace spyhop::testing
