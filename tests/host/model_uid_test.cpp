#include "host/model_uid.h"

#include <gtest/gtest.h>

#include <string>

#include "spyhop/error.h"

namespace spyhop {
namespace {

TEST(model_uid, TakesWhatCanStandInAPath) {
  for (const char* uid : {"deepseek-vl2", "deepseek-ai/deepseek-vl2-tiny", "a", "v1.5_b:c", "progress-2"}) {
    EXPECT_NO_THROW(check_model_uid(uid)) << uid;
  }
}

TEST(model_uid, RefusesWhatARouteCouldMistake) {
  for (const std::string& uid : {std::string(), std::string("a b"), std::string("../etc"), std::string("a//b"),
                                 std::string("a/"), std::string("a?x"), std::string("instances"), std::string("a/progress"),
                                 std::string("x\0y", 3), std::string(129, 'a'), std::string("\xc3\xa9")}) {
    EXPECT_THROW(check_model_uid(uid), Error) << uid;
  }
}

TEST(model_uid, IsTheNameOrElseTheFolders) {
  LaunchRequest request;
  request.model_path = "/models/deepseek-vl2-tiny/";
  EXPECT_EQ(default_model_uid(request), "deepseek-vl2-tiny");
  request.model_path = "/golden/mini-tiny/checkpoint";
  EXPECT_EQ(default_model_uid(request), "mini-tiny");
  request.model_path = "/models/my model";
  EXPECT_EQ(default_model_uid(request), "my_model");
  request.model_name = "deepseek-vl2";
  EXPECT_EQ(default_model_uid(request), "deepseek-vl2");
}

}  // namespace
}  // namespace spyhop
