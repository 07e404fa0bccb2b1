#include "http/response_store.h"

#include <gtest/gtest.h>

#include "spyhop/error.h"

namespace spyhop {
namespace {

using std::chrono::seconds;

StoredResponse response(const std::string& id, const std::string& json = "{}") {
  StoredResponse stored;
  stored.id = id;
  stored.json = json;
  return stored;
}

class ResponseStoreTest : public testing::Test {
 protected:
  bool has(const std::string& id) {
    try {
      store_.get(id);
      return true;
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), ErrorCode::kNotFound);
      return false;
    }
  }

  ResponseStore::Clock::time_point now_{};
  ResponseStore store_{{3, 5000, seconds(10)}, [this] { return now_; }};
};

TEST_F(ResponseStoreTest, KeepsTheNewest) {
  for (const char* id : {"a", "b", "c", "d"}) store_.put(response(id));
  EXPECT_FALSE(has("a"));
  EXPECT_TRUE(has("b"));
  EXPECT_TRUE(has("d"));
}

TEST_F(ResponseStoreTest, ForgetsAfterItsTime) {
  store_.put(response("a"));
  now_ += seconds(10);
  EXPECT_TRUE(has("a"));
  now_ += seconds(1);
  EXPECT_FALSE(has("a"));
}

TEST_F(ResponseStoreTest, StaysWithinItsMemory) {
  store_.put(response("a", std::string(2000, 'x')));
  store_.put(response("b", std::string(2000, 'x')));
  store_.put(response("c", std::string(2000, 'x')));
  EXPECT_FALSE(has("a"));
  EXPECT_TRUE(has("c"));
  store_.put(response("d", std::string(6000, 'x')));
  EXPECT_FALSE(has("d"));
  EXPECT_FALSE(has("c"));
}

TEST_F(ResponseStoreTest, ReplacesOnlyWhatIsInProgress) {
  StoredResponse begun = response("a", "begun");
  begun.in_progress = true;
  store_.put(begun);
  store_.finish(response("a", "done"));
  EXPECT_EQ(store_.get("a")->json, "done");
  store_.finish(response("a", "late"));
  EXPECT_EQ(store_.get("a")->json, "done");
  store_.erase("a");
  store_.finish(response("a", "later"));
  EXPECT_FALSE(has("a"));
}

TEST_F(ResponseStoreTest, NamesTheFieldThatAskedForAResponseThatIsNotThere) {
  try {
    store_.get("resp_1", "previous_response_id");
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.param(), "previous_response_id");
  }
  EXPECT_THROW(store_.erase("resp_1"), Error);
}

}  // namespace
}  // namespace spyhop
