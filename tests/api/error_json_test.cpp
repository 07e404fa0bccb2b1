#include "api/error_json.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

namespace spyhop {
namespace {

TEST(error_json, ABodySpeaksBothDialects) {
  EXPECT_EQ(error_body(Error(ErrorCode::kInvalidRequest, "n is 0; allowed: 1", "n")),
            R"({"error":{"message":"n is 0; allowed: 1","type":"invalid_request_error","param":"n","code":"invalid_value"},)"
            R"("detail":"n is 0; allowed: 1"})");
}

TEST(error_json, AnEventInAStreamHasTheErrorOnly) {
  EXPECT_EQ(error_event(Error(ErrorCode::kInternal, "m")),
            R"({"error":{"message":"m","type":"server_error","param":null,"code":"internal_error"}})");
}

TEST(error_json, MessagesThatAreNotUtf8DoNotThrow) {
  const auto json = nlohmann::json::parse(error_body(Error(ErrorCode::kInternal, "a\xff")));
  EXPECT_EQ(json["detail"], "a\xef\xbf\xbd");
}

struct Row {
  ErrorCode code;
  int status;
  const char* name;
  bool retry;
};

TEST(error_json, EveryCodeHasItsStatus) {
  const Row rows[] = {{ErrorCode::kInvalidRequest, 400, "invalid_value", false},
                      {ErrorCode::kContextLengthExceeded, 400, "context_length_exceeded", false},
                      {ErrorCode::kUnsupported, 400, "unsupported_parameter", false},
                      {ErrorCode::kUnauthorized, 401, "invalid_api_key", false},
                      {ErrorCode::kForbidden, 403, "forbidden", false},
                      {ErrorCode::kNotFound, 404, "not_found", false},
                      {ErrorCode::kModelNotFound, 404, "model_not_found", false},
                      {ErrorCode::kMethodNotAllowed, 405, "method_not_allowed", false},
                      {ErrorCode::kTooLarge, 413, "too_large", false},
                      {ErrorCode::kOverloaded, 429, "overloaded", true},
                      {ErrorCode::kCancelled, 499, "cancelled", false},
                      {ErrorCode::kModelLoad, 500, "model_load_failed", false},
                      {ErrorCode::kInternal, 500, "internal_error", false},
                      {ErrorCode::kUnavailable, 503, "unavailable", true}};
  for (const Row& row : rows) {
    const ErrorShape shape = error_shape(row.code);
    EXPECT_EQ(shape.status, row.status) << row.name;
    EXPECT_STREQ(shape.code, row.name);
    EXPECT_EQ(shape.retry_after_seconds > 0, row.retry) << row.name;
  }
}

TEST(error_json, StatusesOfTheParserHaveACode) {
  for (const int status : {400, 404, 405, 413, 414, 416, 417, 431, 500, 503, 505}) {
    const int shaped = error_shape(error_code_of_status(status)).status;
    EXPECT_EQ(shaped / 100, status / 100) << status;
  }
}

}  // namespace
}  // namespace spyhop
