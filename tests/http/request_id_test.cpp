#include "http/request_id.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace spyhop {
namespace {

TEST(request_id, NewIdsDiffer) {
  std::set<std::string> ids;
  for (int i = 0; i < 100; ++i) ids.insert(make_id("x-"));
  EXPECT_EQ(ids.size(), 100U);
  EXPECT_EQ(ids.begin()->size(), 2U + 32U);
}

TEST(request_id, TheCallersIdIsKeptIfItIsSane) {
  EXPECT_EQ(accept_request_id("abc-123"), "abc-123");
  EXPECT_EQ(accept_request_id(std::string(128, 'a')), std::string(128, 'a'));
}

TEST(request_id, AnyOtherIdIsReplaced) {
  for (const std::string& id :
       {std::string(), std::string("a b"), std::string("a\r\nSet-Cookie: x"), std::string("\xc3\xa4"), std::string(129, 'a')}) {
    EXPECT_EQ(accept_request_id(id).substr(0, 4), "req_") << id;
  }
}

}  // namespace
}  // namespace spyhop
