#include "cli/launch_settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "cli/allowed_folders.h"
#include "spyhop/error.h"
#include "support/temp_dir.h"

namespace spyhop {
namespace {

using ::testing::HasSubstr;

Error refusal(const LaunchRequest& request) {
  try {
    apply_launch_request({}, request);
  } catch (const Error& error) {
    return error;
  }
  return Error(ErrorCode::kInternal, "accepted");
}

TEST(launch_settings, ARequestGoesThroughTheChecksOfTheCommandLine) {
  LaunchOptions defaults;
  defaults.engine.max_num_seqs = 3;
  defaults.engine.max_n = 2;
  defaults.engine.model_path = "/of/another";
  defaults.engine.runtime.load_format = LoadFormat::kDummy;
  LaunchRequest request;
  request.model_name = "deepseek-vl2";
  request.size_in_billions = "16";
  request.model_engine = "Transformers";
  request.quantization = "INT4";
  request.download_hub = "ModelScope";
  request.settings = {{"max-num-seqs", "5"}, {"compute", "f32"}, {"enable-prefix-caching", "false"}};
  const LaunchOptions options = apply_launch_request(defaults, request);
  EXPECT_EQ(options.engine.model_name, "deepseek-vl2");
  EXPECT_EQ(options.engine.model_size, "16");
  EXPECT_EQ(options.engine.model_path, "");
  EXPECT_EQ(options.engine.runtime.load_format, LoadFormat::kSafetensors);
  EXPECT_EQ(options.engine.runtime.quantization, Quantization::kInt4);
  EXPECT_EQ(options.engine.runtime.compute, ComputeType::kF32);
  EXPECT_EQ(options.source_flags.model_src, "modelscope");
  EXPECT_EQ(options.engine.max_num_seqs, 5);
  EXPECT_EQ(options.engine.max_n, 2);
  EXPECT_FALSE(options.engine.prefix_caching);
}

TEST(launch_settings, WhatConcernsTheWholeServerIsNotTheClients) {
  for (const char* name : {"api-key", "port", "allow-private-image-addresses", "trust-special-tokens", "download-dir", "config",
                           "max-image-pixels", "no-such-thing"}) {
    LaunchRequest request;
    request.settings = {{name, "1"}};
    EXPECT_THAT(refusal(request).what(), HasSubstr("allowed: compute, device")) << name;
  }
}

TEST(launch_settings, BadValuesAreToldByTheirField) {
  LaunchRequest request;
  request.settings = {{"max-num-seqs", "0"}};
  EXPECT_EQ(refusal(request).param(), "max_num_seqs");
  request.settings = {};
  request.download_hub = "huggingfase";
  EXPECT_EQ(refusal(request).param(), "download_hub");
  EXPECT_THAT(refusal(request).what(), HasSubstr("the nearest is huggingface"));
}

TEST(launch_settings, ALimitOfRequestsCountsThoseThatWait) {
  LaunchRequest request;
  request.request_limit = 20;
  EXPECT_EQ(apply_launch_request({}, request).engine.max_num_seqs, 8);
  EXPECT_EQ(apply_launch_request({}, request).engine.max_queue, 12);
  request.request_limit = 2;
  EXPECT_EQ(apply_launch_request({}, request).engine.max_num_seqs, 2);
  EXPECT_EQ(apply_launch_request({}, request).engine.max_queue, 0);
}

TEST(launch_settings, ACapacityInTokensTakesThePlaceOfTheServersInBytes) {
  LaunchOptions defaults;
  defaults.kv_cache_memory = "1GiB";
  LaunchRequest request;
  request.settings = {{"kv-cache-tokens", "8192"}};
  LaunchOptions options = apply_launch_request(defaults, request);
  EXPECT_NO_THROW(resolve_server_options(options));
  EXPECT_EQ(options.engine.runtime.kv_cache_tokens, 8192);
  EXPECT_EQ(options.engine.runtime.kv_cache_bytes, 0);
}

TEST(allowed_folders, AreThoseAndWhatIsBelowWithLinksFollowed) {
  namespace fs = std::filesystem;
  const testing::TempDir dir;
  const std::string root = dir.path();
  fs::create_directories(root + "/models/tiny");
  fs::create_directories(root + "/models-of-others");
  fs::create_directory_symlink(root + "/models-of-others", root + "/models/link");
  const auto is_allowed = [&](const std::string& path) {
    try {
      require_allowed_folder(path, {root + "/models"}, "model_path");
      return true;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kForbidden);
      return false;
    }
  };
  EXPECT_TRUE(is_allowed(root + "/models/tiny"));
  EXPECT_TRUE(is_allowed(root + "/models"));
  EXPECT_TRUE(is_allowed(root + "/models/tiny/../tiny/"));
  for (const char* other : {"/models/link", "/models-of-others", "/models/../models-of-others", "/models/missing", ""}) {
    EXPECT_FALSE(is_allowed(root + other)) << other;
  }
  EXPECT_THROW(require_allowed_folder(root, {}, "model_path"), Error);
}

}  // namespace
}  // namespace spyhop
