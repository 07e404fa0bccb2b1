#include "api/chat_request_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <variant>

#include "spyhop/error.h"

namespace spyhop {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

/// A request with one user message and the further fields in `fields`, such as R"("n": 2)".
std::string body_with(const std::string& fields) {
  return R"({"messages": [{"role": "user", "content": "hi"}])" + (fields.empty() ? "" : ", " + fields) + "}";
}

SamplingParams sampling_of(const std::string& fields) {
  return parse_chat_request(body_with(fields)).request.sampling;
}

Error error_of(const std::string& body, const ChatRequestLimits& limits = {}) {
  try {
    parse_chat_request(body, limits);
  } catch (const Error& e) {
    return e;
  }
  ADD_FAILURE() << "no error for " << body.substr(0, 200);
  return Error(ErrorCode::kInternal, "no error");
}

TEST(chat_request_json, AMinimalRequestTakesTheDefaults) {
  const ChatCompletionCall call = parse_chat_request(body_with(""));
  ASSERT_EQ(call.request.messages.size(), 1U);
  EXPECT_EQ(call.request.messages[0].role, Role::kUser);
  ASSERT_EQ(call.request.messages[0].content.size(), 1U);
  EXPECT_EQ(std::get<TextPart>(call.request.messages[0].content[0]).text, "hi");
  EXPECT_FALSE(call.stream);
  EXPECT_FALSE(call.stream_options.include_usage);
  EXPECT_EQ(call.request.model, "");
  EXPECT_EQ(call.request.n, 1);
  EXPECT_FALSE(call.request.max_tokens.has_value());
  EXPECT_TRUE(call.request.stop.empty());
  EXPECT_FALSE(call.request.ignore_eos);
  EXPECT_FALSE(call.request.skip_special_tokens);
  const SamplingParams& sampling = call.request.sampling;
  EXPECT_EQ(sampling.temperature, 1.0);
  EXPECT_EQ(sampling.top_p, 1.0);
  EXPECT_EQ(sampling.top_k, 0);
  EXPECT_FALSE(sampling.seed.has_value());
  EXPECT_FALSE(sampling.logprobs);
}

TEST(chat_request_json, ATimeLimitIsInSeconds) {
  EXPECT_FALSE(parse_chat_request(body_with("")).request.timeout_ms.has_value());
  EXPECT_FALSE(parse_chat_request(body_with(R"("timeout": null)")).request.timeout_ms.has_value());
  EXPECT_EQ(parse_chat_request(body_with(R"("timeout": 2)")).request.timeout_ms, 2000);
  EXPECT_EQ(parse_chat_request(body_with(R"("timeout": 0.0001)")).request.timeout_ms, 1);
  for (const char* value : {"0", "-1", "1e9", "\"5\"", "{}"}) {
    EXPECT_EQ(error_of(body_with(R"("timeout": )" + std::string(value))).param(), "timeout") << value;
  }
}

TEST(chat_request_json, TimesAreAskedForByAField) {
  EXPECT_FALSE(parse_chat_request(body_with("")).include_metrics);
  EXPECT_TRUE(parse_chat_request(body_with(R"("include_metrics": true)")).include_metrics);
  EXPECT_EQ(error_of(body_with(R"("include_metrics": 1)")).param(), "include_metrics");
}

TEST(chat_request_json, EveryFieldArrives) {
  const ChatCompletionCall call = parse_chat_request(body_with(
      R"("model": "m", "stream": true, "stream_options": {"include_usage": true, "include_obfuscation": false},
         "max_tokens": 5, "temperature": 0, "top_p": 0.5, "top_k": 40, "min_p": 0.1, "repetition_penalty": 1.1,
         "frequency_penalty": -2, "presence_penalty": 2.0, "logit_bias": {"0": -100, "128815": 1.5}, "seed": 7, "n": 3,
         "stop": ["a", "bc"], "logprobs": true, "top_logprobs": 20, "ignore_eos": true, "skip_special_tokens": true)"));
  EXPECT_EQ(call.request.model, "m");
  EXPECT_TRUE(call.stream);
  EXPECT_TRUE(call.stream_options.include_usage);
  EXPECT_EQ(call.request.max_tokens, 5);
  EXPECT_EQ(call.request.n, 3);
  EXPECT_EQ(call.request.stop, (std::vector<std::string>{"a", "bc"}));
  EXPECT_TRUE(call.request.ignore_eos);
  EXPECT_TRUE(call.request.skip_special_tokens);
  const SamplingParams& sampling = call.request.sampling;
  EXPECT_EQ(sampling.temperature, 0.0);
  EXPECT_EQ(sampling.top_p, 0.5);
  EXPECT_EQ(sampling.top_k, 40);
  EXPECT_EQ(sampling.min_p, 0.1);
  EXPECT_EQ(sampling.repetition_penalty, 1.1);
  EXPECT_EQ(sampling.frequency_penalty, -2.0);
  EXPECT_EQ(sampling.presence_penalty, 2.0);
  EXPECT_EQ(sampling.logit_bias, (std::map<int32_t, double>{{0, -100.0}, {128815, 1.5}}));
  EXPECT_EQ(sampling.seed, 7U);
  EXPECT_TRUE(sampling.logprobs);
  EXPECT_EQ(sampling.top_logprobs, 20);
}

TEST(chat_request_json, NullCountsAsAbsent) {
  const ChatCompletionCall call = parse_chat_request(body_with(
      R"("model": null, "stream": null, "stream_options": null, "max_tokens": null, "max_completion_tokens": null,
         "temperature": null, "top_p": null, "top_k": null, "min_p": null, "repetition_penalty": null,
         "frequency_penalty": null, "presence_penalty": null, "logit_bias": null, "seed": null, "n": null, "stop": null,
         "logprobs": null, "top_logprobs": null, "ignore_eos": null, "skip_special_tokens": null, "tools": null,
         "functions": null, "response_format": null, "audio": null, "modalities": null)"));
  EXPECT_EQ(call.request.n, 1);
  EXPECT_EQ(call.request.sampling.temperature, 1.0);
}

TEST(chat_request_json, TheNewerOfTheTwoTokenLimitsWins) {
  EXPECT_EQ(parse_chat_request(body_with(R"("max_tokens": 5, "max_completion_tokens": 9)")).request.max_tokens, 9);
  EXPECT_EQ(parse_chat_request(body_with(R"("max_tokens": 5, "max_completion_tokens": null)")).request.max_tokens, 5);
}

TEST(chat_request_json, FieldsWithoutAMeaningHereAreIgnored) {
  parse_chat_request(body_with(
      R"("user": "u", "metadata": {"a": "b"}, "store": true, "service_tier": "auto", "parallel_tool_calls": true,
         "prompt_cache_key": "k", "reasoning_effort": "low", "verbosity": "low", "no_such_field": [[[]]])"));
}

TEST(chat_request_json, MinusOneAndZeroSwitchTopKOff) {
  EXPECT_EQ(sampling_of(R"("top_k": -1)").top_k, 0);
  EXPECT_EQ(sampling_of(R"("top_k": 0)").top_k, 0);
}

TEST(chat_request_json, SeedsMayTakeAll64Bits) {
  EXPECT_EQ(sampling_of(R"("seed": 18446744073709551615)").seed, 18446744073709551615U);
  EXPECT_EQ(sampling_of(R"("seed": -1)").seed, 18446744073709551615U);
  EXPECT_EQ(error_of(body_with(R"("seed": 1.5)")).param(), "seed");
  EXPECT_EQ(error_of(body_with(R"("seed": 18446744073709551616)")).param(), "seed");
}

TEST(chat_request_json, WholeNumbersMayBeWrittenAsFloats) {
  EXPECT_EQ(parse_chat_request(body_with(R"("max_tokens": 16.0)")).request.max_tokens, 16);
  EXPECT_EQ(parse_chat_request(body_with(R"("max_tokens": 1e3)")).request.max_tokens, 1000);
}

TEST(chat_request_json, StopMayBeOneString) {
  EXPECT_EQ(parse_chat_request(body_with(R"("stop": "x")")).request.stop, (std::vector<std::string>{"x"}));
  EXPECT_TRUE(parse_chat_request(body_with(R"("stop": [])")).request.stop.empty());
}

struct BadField {
  const char* fields;
  const char* param;
  const char* allowed;
};

class chat_request_json_bad : public ::testing::TestWithParam<BadField> {};

TEST_P(chat_request_json_bad, ValueIsRefusedByPathValueAndRange) {
  const Error error = error_of(body_with(GetParam().fields));
  EXPECT_EQ(error.code(), ErrorCode::kInvalidRequest);
  EXPECT_EQ(error.param(), GetParam().param);
  EXPECT_THAT(error.what(), AllOf(HasSubstr(GetParam().param), HasSubstr("allowed: "), HasSubstr(GetParam().allowed)));
}

INSTANTIATE_TEST_SUITE_P(
    fields, chat_request_json_bad,
    ::testing::Values(
        BadField{R"("temperature": 2.01)", "temperature", "from 0 to 2"},
        BadField{R"("temperature": -0.1)", "temperature", "from 0 to 2"},
        BadField{R"("temperature": "1")", "temperature", "from 0 to 2"},
        BadField{R"("temperature": true)", "temperature", "from 0 to 2"},
        BadField{R"("top_p": 0)", "top_p", "above 0, at most 1"}, BadField{R"("top_p": 1.1)", "top_p", "above 0, at most 1"},
        BadField{R"("top_k": -2)", "top_k", "from -1"}, BadField{R"("top_k": 1.5)", "top_k", "a whole number"},
        BadField{R"("min_p": 1.5)", "min_p", "from 0 to 1"},
        BadField{R"("repetition_penalty": 0)", "repetition_penalty", "above 0, at most 2"},
        BadField{R"("frequency_penalty": 2.5)", "frequency_penalty", "from -2 to 2"},
        BadField{R"("presence_penalty": -3)", "presence_penalty", "from -2 to 2"},
        BadField{R"("max_tokens": 0)", "max_tokens", "from 1 to 2147483647"},
        BadField{R"("max_tokens": -1)", "max_tokens", "from 1"},
        BadField{R"("max_completion_tokens": 3000000000)", "max_completion_tokens", "from 1"},
        BadField{R"("max_tokens": 1e300)", "max_tokens", "from 1"}, BadField{R"("n": 0)", "n", "from 1 to 128"},
        BadField{R"("n": 129)", "n", "from 1 to 128"}, BadField{R"("stream": 1)", "stream", "true or false"},
        BadField{R"("stream": "true")", "stream", "true or false"}, BadField{R"("model": 5)", "model", "a string"},
        BadField{R"("stream_options": {})", "stream_options", "\"stream\": true"},
        BadField{R"("stream": true, "stream_options": [])", "stream_options", "an object"},
        BadField{R"("stream": true, "stream_options": {"include_usage": 1})", "stream_options.include_usage", "true or false"},
        BadField{R"("logprobs": 5)", "logprobs", "true or false"},
        BadField{R"("logprobs": true, "top_logprobs": 21)", "top_logprobs", "from 0 to 20"},
        BadField{R"("top_logprobs": 2)", "top_logprobs", "\"logprobs\": true"},
        BadField{R"("logit_bias": [])", "logit_bias", "an object"},
        BadField{R"("logit_bias": {"x": 1})", "logit_bias", "token ids"},
        BadField{R"("logit_bias": {"-1": 1})", "logit_bias", "token ids"},
        BadField{R"("logit_bias": {"1 ": 1})", "logit_bias", "token ids"},
        BadField{R"("logit_bias": {"99999999999": 1})", "logit_bias", "token ids"},
        BadField{R"("logit_bias": {"5": 101})", "logit_bias.5", "from -100 to 100"},
        BadField{R"("stop": "")", "stop", "1 to 256 bytes"}, BadField{R"("stop": ["a", ""])", "stop[1]", "1 to 256 bytes"},
        BadField{R"("stop": [1])", "stop[0]", "a string"}, BadField{R"("stop": 1)", "stop", "at most 16 strings"},
        BadField{R"("stop": [1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17])", "stop", "at most 16 strings"},
        BadField{R"("ignore_eos": "no")", "ignore_eos", "true or false"},
        BadField{R"("skip_special_tokens": 0)", "skip_special_tokens", "true or false"},
        BadField{R"("response_format": "text")", "response_format", R"({"type": "text"})"},
        BadField{R"("response_format": {})", "response_format.type", R"("text")"},
        BadField{R"("modalities": "text")", "modalities", R"(["text"])"}));

struct UnsupportedField {
  const char* fields;
  const char* param;
};

class chat_request_json_unsupported : public ::testing::TestWithParam<UnsupportedField> {};

TEST_P(chat_request_json_unsupported, FieldIsNotIgnoredSilently) {
  const Error error = error_of(body_with(GetParam().fields));
  EXPECT_EQ(error.code(), ErrorCode::kUnsupported);
  EXPECT_EQ(error.param(), GetParam().param);
  EXPECT_THAT(error.what(), HasSubstr("allowed: "));
}

INSTANTIATE_TEST_SUITE_P(fields, chat_request_json_unsupported,
                         ::testing::Values(UnsupportedField{R"("tools": [{"type": "function"}])", "tools"},
                                           UnsupportedField{R"("tools": [{"type": "function"}], "tool_choice": "auto")",
                                                            "tools"},
                                           UnsupportedField{R"("functions": [{"name": "f"}])", "functions"},
                                           UnsupportedField{R"("modalities": ["text", "audio"])", "modalities"},
                                           UnsupportedField{R"("audio": {"voice": "alloy"})", "audio"},
                                           UnsupportedField{R"("structured_outputs": {"structural_tag": "x"})",
                                                            "structured_outputs.structural_tag"}));

TEST(chat_request_json, FieldsThatAskForNothingPass) {
  parse_chat_request(body_with(R"("tools": [])"));
  parse_chat_request(body_with(R"("tools": [{"type": "function"}], "tool_choice": "none")"));
  parse_chat_request(body_with(R"("response_format": {"type": "text"}, "modalities": ["text"])"));
}

TEST(chat_request_json, TheCallerSetsTheLimits) {
  ChatRequestLimits limits;
  limits.max_n = 2;
  limits.max_messages = 1;
  limits.max_logit_bias = 1;
  EXPECT_THAT(error_of(body_with(R"("n": 3)"), limits).what(), HasSubstr("from 1 to 2"));
  EXPECT_THAT(error_of(R"({"messages": [{}, {}]})", limits).what(), HasSubstr("1 to 1 messages"));
  EXPECT_EQ(error_of(body_with(R"("logit_bias": {"1": 1, "2": 1})"), limits).param(), "logit_bias");
}

TEST(chat_request_json, MutatedRequestsParseOrThrowAnError) {
  const std::string valid =
      R"({"model":"m","stream":true,"stream_options":{"include_usage":true},"temperature":0.5,"logit_bias":{"5":1e2},)"
      R"("seed":-7,"stop":["a","\u00e4"],"logprobs":true,"top_logprobs":3,"messages":[{"role":"user","content":[)"
      R"({"type":"text","text":"x"},{"type":"image_url","image_url":{"url":"data:,","detail":"low"}}]}]})";
  const std::string alphabet = "{}[]\",:0123456789eE+-.ntfu\\ \x01\xff\xc3";
  std::mt19937 random(1);
  int num_errors = 0;
  for (int round = 0; round < 5000; ++round) {
    std::string body = valid;
    for (unsigned i = random() % 4 + 1; i > 0; --i) body[random() % body.size()] = alphabet[random() % alphabet.size()];
    try {
      parse_chat_request(body);
    } catch (const Error& e) {
      EXPECT_THAT(e.code(), ::testing::AnyOf(ErrorCode::kInvalidRequest, ErrorCode::kUnsupported)) << body;
      ++num_errors;
    }
  }
  EXPECT_GT(num_errors, 1000);
}

}  // namespace
}  // namespace spyhop
