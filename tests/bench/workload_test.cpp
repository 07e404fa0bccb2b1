#include "bench/workload.h"

#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "bench/random_source.h"
#include "common/encoding.h"
#include "fake_server.h"
#include "spyhop/error.h"

namespace spyhop {
namespace {

using nlohmann::json;

WorkloadOptions small_options() {
  WorkloadOptions options;
  options.request.model = "m";
  options.num_prompts = 5;
  options.text = {40, 20, 0.5, 0};
  options.seed = 11;
  return options;
}

std::vector<json> bodies(const Workload& workload) {
  std::vector<json> result;
  for (const auto& body : workload) result.push_back(json::parse(*body));
  return result;
}

std::string text_of(const json& body) {
  const json& content = body["messages"][0]["content"];
  return content.is_string() ? content : content.back()["text"];
}

std::string refusal_of(const std::string& lines, WorkloadOptions options = small_options()) {
  const std::string path = testing::TempDir() + "workload_test.jsonl";
  std::ofstream(path) << lines;
  try {
    load_workload(path, options);
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::kInvalidRequest);
    return e.what();
  }
  return "";
}

TEST(workload, EqualOptionsGiveEqualRequests) {
  WorkloadOptions options = small_options();
  options.images.num_images = 1;
  const Workload first = make_random_workload(options, {}, 3), again = make_random_workload(options, {}, 3);
  ASSERT_EQ(first.size(), 5u);
  for (size_t i = 0; i < first.size(); ++i) EXPECT_EQ(*first[i], *again[i]);
}

TEST(workload, AnotherStreamHasTheSameLengthsAndOtherContents) {
  WorkloadOptions options = small_options();
  options.images.num_images = 1;
  const auto first = bodies(make_random_workload(options, {}, 3)), other = bodies(make_random_workload(options, {}, 4));
  for (size_t i = 0; i < first.size(); ++i) {
    EXPECT_EQ(count_words(first[i]), count_words(other[i]));
    EXPECT_EQ(first[i]["max_tokens"], other[i]["max_tokens"]);
    EXPECT_NE(text_of(first[i]), text_of(other[i]));
    EXPECT_NE(first[i]["messages"][0]["content"][0], other[i]["messages"][0]["content"][0]);
  }
}

TEST(workload, LengthsStayWithinTheRange) {
  WorkloadOptions options = small_options();
  options.num_prompts = 300;
  int shortest = 1000, longest = 0;
  for (const json& body : bodies(make_random_workload(options, {}, 0))) {
    shortest = std::min(shortest, count_words(body));
    longest = std::max(longest, count_words(body));
    EXPECT_GE(body["max_tokens"], 10);
    EXPECT_LE(body["max_tokens"], 30);
  }
  EXPECT_EQ(shortest, 20);
  EXPECT_EQ(longest, 60);
}

TEST(workload, WordsFollowTheCostThatTheServerTold) {
  WorkloadOptions options = small_options();
  options.text.range_ratio = 0;
  EXPECT_EQ(count_words(bodies(make_random_workload(options, {2, 10}, 0))[0]), 15);  // (40 - 10) / 2
  EXPECT_EQ(count_words(bodies(make_random_workload(options, {1, 100}, 0))[0]), 1);
}

TEST(workload, ThePrefixIsCommonToAllPromptsOfAStream) {
  WorkloadOptions options = small_options();
  options.text = {10, 5, 0, 30};
  const auto requests = bodies(make_random_workload(options, {}, 0)), other = bodies(make_random_workload(options, {}, 1));
  const size_t prefix_bytes = 30 * 5;
  const std::string prefix = text_of(requests[0]).substr(0, prefix_bytes);
  for (const json& body : requests) {
    EXPECT_EQ(count_words(body), 40);
    EXPECT_EQ(text_of(body).substr(0, prefix_bytes), prefix);
  }
  EXPECT_NE(text_of(requests[0]), text_of(requests[1]));
  EXPECT_NE(text_of(other[0]).substr(0, prefix_bytes), prefix);
}

TEST(workload, RequestsStreamWithUsageAndTheAskedOptions) {
  WorkloadOptions options = small_options();
  options.request.ignore_eos = true;
  options.request.extra_body = R"({"cache_salt": "s", "temperature": 0.5})";
  const json body = bodies(make_random_workload(options, {}, 0))[0];
  EXPECT_EQ(body["model"], "m");
  EXPECT_EQ(body["stream"], true);
  EXPECT_EQ(body["stream_options"]["include_usage"], true);
  EXPECT_EQ(body["ignore_eos"], true);
  EXPECT_EQ(body["cache_salt"], "s");
  EXPECT_EQ(body["temperature"], 0.5);
}

TEST(workload, TextCompletionsHaveAPromptAndTakeNoImages) {
  WorkloadOptions options = small_options();
  options.request.is_chat = false;
  EXPECT_TRUE(bodies(make_random_workload(options, {}, 0))[0]["prompt"].is_string());
  options.images.num_images = 1;
  EXPECT_THROW(make_random_workload(options, {}, 0), Error);
}

TEST(workload, DrawnImagesAreJpegsOfTheirSize) {
  WorkloadOptions options = small_options();
  options.images.num_images = 2;
  options.images.size = {48, 20};
  const json content = bodies(make_random_workload(options, {}, 0))[0]["messages"][0]["content"];
  ASSERT_EQ(content.size(), 3u);
  EXPECT_NE(content[0], content[1]);
  const std::string url = content[0]["image_url"]["url"], head = "data:image/jpeg;base64,";
  ASSERT_EQ(url.substr(0, head.size()), head);
  const std::string jpeg = base64_decode(url.substr(head.size()));
  const size_t frame = jpeg.find("\xFF\xC0");  // start of frame: length, precision, height, width
  ASSERT_NE(frame, std::string::npos);
  EXPECT_EQ(jpeg.substr(frame + 5, 4), std::string("\0\x14\0\x30", 4));
}

TEST(workload, GivenImagesAreTakenInTurn) {
  WorkloadOptions options = small_options();
  options.images.num_images = 1;
  options.images.urls = {"data:a", "data:b"};
  const auto requests = bodies(make_random_workload(options, {}, 0));
  EXPECT_EQ(requests[0]["messages"][0]["content"][0]["image_url"]["url"], "data:a");
  EXPECT_EQ(requests[1]["messages"][0]["content"][0]["image_url"]["url"], "data:b");
  EXPECT_EQ(requests[2]["messages"][0]["content"][0]["image_url"]["url"], "data:a");
}

TEST(workload, TooLargeARunIsRefusedBeforeItIsMade) {
  WorkloadOptions options = small_options();
  options.text.input_tokens = 1'000'000'000;
  EXPECT_THROW(make_random_workload(options, {}, 0), Error);
}

TEST(workload, AFileGivesPromptsAndChats) {
  const std::string path = testing::TempDir() + "workload_test.jsonl";
  std::ofstream(path) << R"({"prompt": "one", "max_tokens": 3, "other": 1})"
                      << "\r\n\n"
                      << R"({"messages": [{"role": "system", "content": "two"}]})";
  WorkloadOptions options = small_options();
  options.num_prompts = 0;
  auto requests = bodies(load_workload(path, options));
  ASSERT_EQ(requests.size(), 2u);
  EXPECT_EQ(requests[0]["messages"][0]["content"], "one");
  EXPECT_EQ(requests[0]["max_tokens"], 3);
  EXPECT_EQ(requests[1]["messages"][0]["role"], "system");
  EXPECT_EQ(requests[1]["max_tokens"], 20);
  options.num_prompts = 3;
  requests = bodies(load_workload(path, options));
  ASSERT_EQ(requests.size(), 3u);
  EXPECT_EQ(requests[0], requests[2]);
}

TEST(workload, AWrongFileIsRefusedWithTheLine) {
  EXPECT_NE(refusal_of("{\"prompt\": \"a\"}\n{\"promt\": 1}").find("line 2: neither"), std::string::npos);
  EXPECT_NE(refusal_of("{\"prompt\": 5}").find("prompt = 5"), std::string::npos);
  EXPECT_NE(refusal_of("{\"messages\": {}}").find("allowed: an array"), std::string::npos);
  EXPECT_NE(refusal_of("{\"prompt\": \"a\", \"max_tokens\": 0}").find("max_tokens = 0"), std::string::npos);
  EXPECT_NE(refusal_of("{\"prompt\": \"a\", \"max_tokens\": 1.5}").find("max_tokens = 1.5"), std::string::npos);
  EXPECT_NE(refusal_of("[1]").find("allowed: a JSON object"), std::string::npos);
  EXPECT_NE(refusal_of("{").find("line 1"), std::string::npos);
  EXPECT_NE(refusal_of("\n\n").find("no prompt"), std::string::npos);
  WorkloadOptions options = small_options();
  options.request.is_chat = false;
  EXPECT_NE(refusal_of("{\"messages\": []}", options).find("chat route"), std::string::npos);
}

TEST(workload, ImageSizesAreChecked) {
  EXPECT_EQ(parse_image_size("1152x384", "--f").width, 1152);
  for (const char* text : {"", "x", "1152", "0x5", "-1x5", "5x", "5x5x5", "16385x1", "10000x10000", "5 x5"}) {
    EXPECT_THROW(parse_image_size(text, "--f"), Error) << text;
  }
}

TEST(workload, FilesThatAreNoImagesAreRefused) {
  EXPECT_EQ(image_data_url("\x89PNG\r\n\x1A\n", "a").substr(0, 22), "data:image/png;base64,");
  EXPECT_EQ(image_data_url("RIFF....WEBP", "a").substr(0, 23), "data:image/webp;base64,");
  for (const char* bytes : {"", "RIFF", "RIFF....WAVE", "hello"}) EXPECT_THROW(image_data_url(bytes, "a"), Error);
}

}  // namespace
}  // namespace spyhop
