#include "common/encoding.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "spyhop/error.h"

namespace spyhop {
namespace {

TEST(Base64, GivesTheExamplesOfRfc4648BothWays) {
  const std::pair<const char*, const char*> kExamples[] = {{"", ""},
                                                           {"f", "Zg=="},
                                                           {"fo", "Zm8="},
                                                           {"foo", "Zm9v"},
                                                           {"foob", "Zm9vYg=="},
                                                           {"fooba", "Zm9vYmE="},
                                                           {"foobar", "Zm9vYmFy"}};
  for (const auto& [bytes, text] : kExamples) {
    EXPECT_EQ(base64_encode(bytes), text);
    EXPECT_EQ(base64_decode(text), bytes);
  }
}

TEST(Base64, ReturnsEveryByteAtEveryOffset) {
  for (size_t size = 0; size < 300; ++size) {
    std::string bytes;
    for (size_t i = 0; i < size; ++i) bytes += static_cast<char>(i * 7 + size);
    const std::string text = base64_encode(bytes);
    EXPECT_EQ(base64_decode(text), bytes);
    EXPECT_GE(base64_max_bytes(text.size()), size);
  }
}

TEST(Base64, TakesWhatDataUrlsHoldInPractice) {
  EXPECT_EQ(base64_decode("Zm9v\r\n YmFy\t\f\n"), "foobar");
  EXPECT_EQ(base64_decode("Zg"), "f");
  EXPECT_EQ(base64_decode("Zm8"), "fo");
  EXPECT_EQ(base64_decode("Z g = ="), "f");
  EXPECT_EQ(base64_decode("-_-_"), base64_decode("+/+/"));
}

TEST(Base64, RefusesWhatNoEncoderGives) {
  for (const char* text :
       {"Z", "Zm9vY", "Zg=", "Zg===", "=", "====", "Zg==Zg==", "Z=g=", "Zm9v=", "Zm9v!", "Zm9\xC3\xA9", "Zm,9"}) {
    try {
      base64_decode(text);
      ADD_FAILURE() << text;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kInvalidRequest);
      EXPECT_THAT(error.what(), testing::HasSubstr("malformed base64"));
    }
  }
  EXPECT_THROW(base64_decode(std::string("Zm9v\0", 5)), Error);
}

TEST(PercentDecode, DecodesEscapesAndKeepsWhatIsNone) {
  EXPECT_EQ(percent_decode("a%20b%2Fc%2f"), "a b/c/");
  EXPECT_EQ(percent_decode("%89PNG"), "\x89PNG");
  EXPECT_EQ(percent_decode("%00"), std::string(1, '\0'));
  EXPECT_EQ(percent_decode("100%"), "100%");
  EXPECT_EQ(percent_decode("%4"), "%4");
  EXPECT_EQ(percent_decode("%zz%4g+"), "%zz%4g+");
}

}  // namespace
}  // namespace spyhop
