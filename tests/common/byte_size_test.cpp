#include "common/byte_size.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>

#include "spyhop/error.h"

namespace spyhop {
namespace {

TEST(ByteSize, TakesWholeNumbersWithAndWithoutUnits) {
  EXPECT_EQ(parse_byte_size("0"), 0);
  EXPECT_EQ(parse_byte_size("123456"), 123456);
  EXPECT_EQ(parse_byte_size("3kB"), 3000);
  EXPECT_EQ(parse_byte_size("3KiB"), 3072);
  EXPECT_EQ(parse_byte_size("250MB"), 250000000);
  EXPECT_EQ(parse_byte_size("4GiB"), int64_t{4} << 30);
  EXPECT_EQ(parse_byte_size("2TB"), 2000000000000);
  EXPECT_EQ(parse_byte_size("1TiB"), int64_t{1} << 40);
  EXPECT_EQ(parse_byte_size("9223372036854775807"), std::numeric_limits<int64_t>::max());
}

TEST(ByteSize, RefusesEverythingElse) {
  for (const char* text : {"", "GiB", "-1", "+1", " 1", "1 ", "1 GiB", "1.5GiB", "1G", "1gib", "1GiBs", "0x10", "1e9", "four",
                           "9223372036854775808", "8388608TiB", "99999999999999999999999"}) {
    EXPECT_THROW(parse_byte_size(text), Error) << text;
  }
  try {
    parse_byte_size("4 gigs");
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInvalidRequest);
    EXPECT_EQ(std::string(error.what()).rfind("\"4 gigs\" is no size; allowed: ", 0), 0U);
  }
}

TEST(ByteSize, ShowsTheLargestUnit) {
  EXPECT_EQ(byte_size_text(0), "0 bytes");
  EXPECT_EQ(byte_size_text(1023), "1023 bytes");
  EXPECT_EQ(byte_size_text(1536), "1.5 KiB");
  EXPECT_EQ(byte_size_text(int64_t{4} << 30), "4.0 GiB");
  EXPECT_EQ(byte_size_text(int64_t{3} << 50), "3072.0 TiB");
}

}  // namespace
}  // namespace spyhop
