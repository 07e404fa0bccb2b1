#include "http/api_key.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "spyhop/error.h"

namespace spyhop {
namespace {

bool admits(const std::vector<std::string>& keys, const std::string& header, const std::string& value) {
  httplib::Request request;
  request.set_header(header, value);
  try {
    require_api_key(request, keys);
    return true;
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::kUnauthorized);
    return false;
  }
}

TEST(api_key, WithoutKeysEveryoneIsAdmitted) {
  EXPECT_TRUE(admits({}, "A", "b"));
}

TEST(api_key, AnyOfTheKeysAdmits) {
  const std::vector<std::string> keys{"first", "second"};
  EXPECT_TRUE(admits(keys, "Authorization", "Bearer first"));
  EXPECT_TRUE(admits(keys, "authorization", "bearer second"));
  EXPECT_TRUE(admits(keys, "x-api-key", "second"));
}

TEST(api_key, EverythingElseIsRefused) {
  const std::vector<std::string> keys{"abab", ""};
  EXPECT_FALSE(admits(keys, "A", "b"));
  EXPECT_FALSE(admits(keys, "Authorization", ""));
  EXPECT_FALSE(admits(keys, "Authorization", "Bearer "));
  EXPECT_FALSE(admits(keys, "Authorization", "Bearer"));
  EXPECT_FALSE(admits(keys, "Authorization", "abab"));
  EXPECT_FALSE(admits(keys, "Authorization", "Basic abab"));
  EXPECT_FALSE(admits(keys, "Authorization", "Bearer ab"));
  EXPECT_FALSE(admits(keys, "Authorization", "Bearer abababab"));
  EXPECT_FALSE(admits(keys, "Authorization", "Bearer abac"));
  EXPECT_FALSE(admits(keys, "x-api-key", ""));
}

}  // namespace
}  // namespace spyhop
