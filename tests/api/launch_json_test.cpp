#include "api/launch_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "spyhop/error.h"

namespace spyhop {
namespace {

using ::testing::HasSubstr;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

Error refusal(const std::string& body) {
  try {
    parse_launch_request(body);
  } catch (const Error& error) {
    return error;
  }
  return Error(ErrorCode::kInternal, "accepted: " + body);
}

TEST(launch_json, TakesWhatXinferencesClientSends) {
  const LaunchRequest request = parse_launch_request(R"({"model_name":"deepseek-vl2","model_uid":null,"model_type":"LLM",
    "model_engine":"Transformers","model_size_in_billions":27,"model_format":"pytorch","quantization":"none","replica":1,
    "n_worker":1,"n_gpu":"auto","request_limits":12,"peft_model_config":null,"worker_ip":"10.0.0.1","gpu_idx":null,
    "download_hub":"modelscope","model_path":null,"enable_virtual_env":true,"virtual_env_packages":["einops"],"envs":{}})");
  EXPECT_EQ(request.model_name, "deepseek-vl2");
  EXPECT_EQ(request.model_uid, "");
  EXPECT_EQ(request.model_engine, "Transformers");
  EXPECT_EQ(request.size_in_billions, "27");
  EXPECT_EQ(request.download_hub, "modelscope");
  EXPECT_EQ(request.request_limit, 12);
  EXPECT_TRUE(request.settings.empty());
}

TEST(launch_json, OtherFieldsAreSettings) {
  const LaunchRequest request = parse_launch_request(
      R"({"model_name":"m","max_num_seqs":4,"compute":"f32","enable_prefix_caching":false,"revision":null})");
  EXPECT_THAT(request.settings,
              UnorderedElementsAre(Pair("max-num-seqs", "4"), Pair("compute", "f32"), Pair("enable-prefix-caching", "false")));
}

TEST(launch_json, ASizeMayBeAText) {
  EXPECT_EQ(parse_launch_request(R"({"model_name":"m","model_size_in_billions":"3"})").size_in_billions, "3");
  EXPECT_EQ(parse_launch_request(R"({"model_name":"m","model_size_in_billions":3.0})").size_in_billions, "3");
}

TEST(launch_json, WhatCannotBeIsRefusedByItsField) {
  const std::pair<const char*, const char*> cases[] = {{"replica", "2"},
                                                       {"n_worker", "3"},
                                                       {"n_gpu", "1"},
                                                       {"gpu_idx", "[0]"},
                                                       {"envs", R"({"A":"b"})"},
                                                       {"model_type", R"("embedding")"},
                                                       {"model_uid", "7"},
                                                       {"request_limits", "0"},
                                                       {"max_num_seqs", "[1]"},
                                                       {"peft_model_config", R"({"lora_list":[]})"},
                                                       {"model_size_in_billions", "true"}};
  for (const auto& [field, value] : cases) {
    const Error error = refusal(R"({"model_name":"m",")" + std::string(field) + "\":" + value + "}");
    EXPECT_EQ(error.param(), field);
    EXPECT_THAT(error.what(), HasSubstr(field));
  }
}

TEST(launch_json, SomethingMustBeNamed) {
  EXPECT_EQ(refusal("{}").param(), "model_name");
  EXPECT_EQ(refusal("[]").code(), ErrorCode::kInvalidRequest);
  EXPECT_EQ(refusal("").code(), ErrorCode::kInvalidRequest);
}

}  // namespace
}  // namespace spyhop
