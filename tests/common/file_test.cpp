#include "common/file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <iterator>
#include <string>

#include "support/temp_dir.h"

namespace spyhop {
namespace {

std::string complaint(const std::string& path, size_t max_bytes) {
  try {
    read_text_file(path, max_bytes, ErrorCode::kNotFound);
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::kNotFound);
    return e.what();
  }
  return "no error";
}

TEST(ReadTextFile, keeps_every_byte) {
  const testing::TempDir dir;
  const std::string content("a\0b\r\n\xFF", 6);
  dir.write("f", content);
  EXPECT_EQ(read_text_file(dir.file("f"), 6), content);
  dir.write("empty", "");
  EXPECT_EQ(read_text_file(dir.file("empty"), 0), "");
}

TEST(ReadTextFile, what_cannot_be_read_is_named) {
  const testing::TempDir dir;
  dir.write("f", "1234567");
  ASSERT_EQ(mkfifo(dir.file("pipe").c_str(), 0600), 0);
  EXPECT_EQ(complaint(dir.file("f"), 6), dir.file("f") + ": 7 bytes; allowed: at most 6");
  EXPECT_EQ(complaint(dir.file("none"), 6), dir.file("none") + ": no such file");
  EXPECT_EQ(complaint(dir.path(), 6), dir.path() + ": a folder; allowed: a file");
  EXPECT_EQ(complaint(dir.file("pipe"), 6), dir.file("pipe") + ": no regular file; allowed: a regular file");
}

TEST(ReplaceTextFile, leaves_the_new_content_and_nothing_else) {
  const testing::TempDir dir;
  replace_text_file(dir.file("f"), "one");
  replace_text_file(dir.file("f"), std::string("a\0b", 3));
  EXPECT_EQ(read_text_file(dir.file("f"), 10), std::string("a\0b", 3));
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(dir.path()), {}), 1);
  EXPECT_THROW(replace_text_file(dir.file("none/f"), "x"), Error);
  EXPECT_THROW(replace_text_file(dir.path(), "x"), Error);
}

}  // namespace
}  // namespace spyhop
