#include "runtime/safetensors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <vector>

#include "common/file.h"
#include "spyhop/error.h"
#include "support/safetensors_writer.h"
#include "support/temp_dir.h"

namespace spyhop {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::safetensors_bytes;
using testing::TempDir;
using testing::write_safetensors;
using testing::WrittenTensor;

const std::string kData = SPYHOP_TEST_DATA;

std::vector<uint8_t> as_bytes(const std::string& text) {
  return {text.begin(), text.end()};
}

std::string complaint(const std::string& bytes) {
  try {
    SafetensorsFile::parse(as_bytes(bytes), "x.safetensors");
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::kModelLoad);
    EXPECT_THAT(e.what(), HasSubstr("x.safetensors"));
    return e.what();
  }
  return "no error";
}

std::string header_complaint(const std::string& header, size_t num_data_bytes) {
  return complaint(safetensors_bytes(header, std::string(num_data_bytes, '\0')));
}

std::string open_complaint(const std::string& path) {
  try {
    SafetensorsFile::open(path);
  } catch (const Error& e) {
    return e.what();
  }
  return "no error";
}

std::string folder_complaint(const std::string& dir) {
  try {
    SafetensorsFolder::open(dir);
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::kModelLoad);
    return e.what();
  }
  return "no error";
}

WrittenTensor tensor(const std::string& name, int64_t count = 4) {
  return {name, "U8", {count}, std::string(static_cast<size_t>(count), 'x')};
}

TEST(Safetensors, views_show_type_shape_and_bytes) {
  const std::string bytes = safetensors_bytes({{"a", "F32", {1, 2}, std::string("\0\0\x80\x3f\0\0\0\x40", 8)},
                                               {"scalar", "I64", {}, std::string("\x07\0\0\0\0\0\0\0", 8)},
                                               {"none", "BF16", {3, 0}, ""}});
  const SafetensorsFile file = SafetensorsFile::parse(as_bytes(bytes), "x");
  ASSERT_EQ(file.tensors().size(), 3U);
  const StoredTensor& a = file.at("a");
  EXPECT_EQ(a.type, StoredType::kF32);
  EXPECT_THAT(a.shape, ElementsAre(1, 2));
  EXPECT_EQ(a.num_elements(), 2);
  float values[2];
  std::memcpy(values, a.data, sizeof values);
  EXPECT_EQ(values[1], 2.0F);
  EXPECT_EQ(file.at("scalar").num_elements(), 1);
  EXPECT_EQ(file.at("none").num_elements(), 0);
  EXPECT_EQ(file.find("b"), nullptr);
  EXPECT_THROW(file.at("b"), Error);
}

TEST(Safetensors, all_types_have_their_names_and_sizes) {
  const std::vector<std::pair<std::string, size_t>> types{{"BOOL", 1}, {"U8", 1},  {"I8", 1},  {"F8_E4M3", 1}, {"F8_E5M2", 1},
                                                          {"I16", 2},  {"U16", 2}, {"F16", 2}, {"BF16", 2},    {"I32", 4},
                                                          {"U32", 4},  {"F32", 4}, {"I64", 8}, {"U64", 8},     {"F64", 8}};
  for (const auto& [name, size] : types) {
    const std::string bytes = safetensors_bytes({{"t", name, {3}, std::string(3 * size, 'a')}});
    const SafetensorsFile file = SafetensorsFile::parse(as_bytes(bytes), "x");
    EXPECT_EQ(stored_type_name(file.at("t").type), name);
    EXPECT_EQ(stored_type_bytes(file.at("t").type), size);
  }
}

TEST(Safetensors, a_header_may_end_in_spaces_and_hold_metadata) {
  EXPECT_EQ(header_complaint(R"({"__metadata__": {"format": "pt"}}     )", 0), "no error");
  EXPECT_EQ(header_complaint("{}", 0), "no error");
}

TEST(Safetensors, bytes_outlive_the_file_object) {
  std::shared_ptr<const void> storage;
  const uint8_t* data = nullptr;
  {
    const SafetensorsFile file = SafetensorsFile::open(kData + "/mini-base/checkpoint/model.safetensors");
    storage = file.storage();
    data = file.tensors().front().data;
  }
  EXPECT_EQ(data[0], data[0]);
}

TEST(Safetensors, files_too_short_for_a_header_are_refused) {
  EXPECT_THAT(complaint(""), HasSubstr("0 bytes; allowed: at least the 8 bytes"));
  EXPECT_THAT(complaint("1234567"), HasSubstr("7 bytes; allowed"));
  EXPECT_THAT(complaint(std::string(8, '\0')), HasSubstr("header does not begin with '{'"));
}

TEST(Safetensors, the_header_length_is_held_against_file_and_limit) {
  EXPECT_THAT(complaint(std::string("\x03\0\0\0\0\0\0\0{}", 10)), HasSubstr("header length = 3; allowed: at most the 2 bytes"));
  EXPECT_THAT(complaint(std::string(8, '\xFF') + "{}"),
              HasSubstr("header length = 18446744073709551615; allowed: at most 100000000"));
  EXPECT_THAT(complaint(std::string("\x01\xe1\xf5\x05\0\0\0\0{}", 10)), HasSubstr("header length = 100000001; allowed"));
}

TEST(Safetensors, headers_that_are_no_json_object_are_refused) {
  for (const char* header : {"[]", " {}", "nul", "7", "\"a\""}) {
    EXPECT_THAT(header_complaint(header, 0), HasSubstr("header does not begin with '{'")) << header;
  }
  for (const char* header : {"{", "{\"a\"}", "{}}", "{\"a\": tru}", "{\"\xFF\": 1}"}) {
    EXPECT_THAT(header_complaint(header, 0), HasSubstr("x.safetensors: header: not valid JSON")) << header;
  }
  EXPECT_THAT(header_complaint("{\"a\": " + std::string(100, '['), 0), HasSubstr("nested deeper than 8 levels"));
}

TEST(Safetensors, a_name_twice_is_refused) {
  const std::string header = R"({"a": {"dtype": "U8", "shape": [1], "data_offsets": [0, 1]},
                                 "a": {"dtype": "U8", "shape": [1], "data_offsets": [1, 2]}})";
  EXPECT_THAT(header_complaint(header, 2), HasSubstr("key \"a\" appears twice"));
}

struct BadEntry {
  std::string entry;
  std::string expected;
};

class BadSafetensorsEntry : public ::testing::TestWithParam<BadEntry> {};

TEST_P(BadSafetensorsEntry, is_named_with_its_value) {
  EXPECT_THAT(header_complaint("{\"w\": " + GetParam().entry + "}", 4), HasSubstr("tensor \"w\"" + GetParam().expected));
}

INSTANTIATE_TEST_SUITE_P(
    Safetensors, BadSafetensorsEntry,
    ::testing::Values(
        BadEntry{"7", " = 7; allowed: an object"}, BadEntry{"null", " = null; allowed: an object"},
        BadEntry{R"({"shape": [4], "data_offsets": [0, 4]})", ": dtype is missing"},
        BadEntry{R"({"dtype": "U8", "data_offsets": [0, 4]})", ": shape is missing"},
        BadEntry{R"({"dtype": "U8", "shape": [4]})", ": data_offsets is missing"},
        BadEntry{R"({"dtype": "u8", "shape": [4], "data_offsets": [0, 4]})", ": dtype = \"u8\"; allowed: BOOL, U8"},
        BadEntry{R"({"dtype": 8, "shape": [4], "data_offsets": [0, 4]})", ": dtype = 8; allowed"},
        BadEntry{R"({"dtype": "U8", "shape": 4, "data_offsets": [0, 4]})", ": shape = 4; allowed: an array"},
        BadEntry{R"({"dtype": "U8", "shape": [-4], "data_offsets": [0, 4]})", ": shape has -4; allowed: whole numbers from 0"},
        BadEntry{R"({"dtype": "U8", "shape": [4.0], "data_offsets": [0, 4]})", ": shape has 4.0; allowed"},
        BadEntry{R"({"dtype": "U8", "shape": ["4"], "data_offsets": [0, 4]})", ": shape has \"4\"; allowed"},
        BadEntry{R"({"dtype": "U8", "shape": [18446744073709551615], "data_offsets": [0, 4]})",
                 ": shape has 184467440737095516"},
        BadEntry{R"({"dtype": "U8", "shape": [99999999999999999999], "data_offsets": [0, 4]})", ": shape has 1e+20"},
        BadEntry{R"({"dtype": "U8", "shape": [1,1,1,1,1,1,1,1,4], "data_offsets": [0, 4]})",
                 ": shape = an array of 9; allowed"},
        BadEntry{R"({"dtype": "U8", "shape": [4294967296, 4294967296, 4], "data_offsets": [0, 4]})", ": shape [4294967296, "},
        BadEntry{R"({"dtype": "F64", "shape": [2305843009213693952], "data_offsets": [0, 4]})",
                 ": shape [2305843009213693952] of "
                 "F64 overflows"},
        BadEntry{R"({"dtype": "U8", "shape": [5], "data_offsets": [0, 5]})", ": shape [5] of U8 needs 5 bytes; the file has 4"},
        BadEntry{R"({"dtype": "U8", "shape": [4], "data_offsets": [4, 0]})",
                 ": data_offsets = [4, 0]; allowed: begin at most end"},
        BadEntry{R"({"dtype": "U8", "shape": [4], "data_offsets": [1, 5]})", ": data_offsets = [1, 5]; allowed: end at most 4"},
        BadEntry{R"({"dtype": "U8", "shape": [4], "data_offsets": [0, 18446744073709551615]})",
                 ": data_offsets = [0, 1844674407"},
        BadEntry{R"({"dtype": "U8", "shape": [4], "data_offsets": [-1, 3]})",
                 ": data_offsets = an array of 2; allowed: two whole"},
        BadEntry{R"({"dtype": "U8", "shape": [4], "data_offsets": [0]})", ": data_offsets = an array of 1; allowed"},
        BadEntry{R"({"dtype": "U8", "shape": [4], "data_offsets": "0-4"})", ": data_offsets = \"0-4\"; allowed"},
        BadEntry{R"({"dtype": "U8", "shape": [4], "data_offsets": [0, 3]})",
                 ": data_offsets = [0, 3], 3 bytes; shape [4] of U8 "
                 "needs 4"},
        BadEntry{R"({"dtype": "F32", "shape": [], "data_offsets": [0, 2]})", ": data_offsets = [0, 2], 2 bytes"}));

TEST(Safetensors, metadata_must_be_strings) {
  EXPECT_THAT(header_complaint(R"({"__metadata__": []})", 0), HasSubstr("__metadata__ = an array of 0; allowed"));
  EXPECT_THAT(header_complaint(R"({"__metadata__": {"a": 1}})", 0), HasSubstr("__metadata__: \"a\" = 1; allowed"));
}

TEST(Safetensors, overlaps_holes_and_trailing_bytes_are_refused) {
  const std::string a = R"("a": {"dtype": "U8", "shape": [4], "data_offsets": [0, 4]})";
  const auto with_b = [&a](const std::string& offsets) {
    return "{" + a + R"(, "b": {"dtype": "U8", "shape": [4], "data_offsets": )" + offsets + "}}";
  };
  EXPECT_EQ(header_complaint(with_b("[4, 8]"), 8), "no error");
  EXPECT_THAT(header_complaint(with_b("[3, 7]"), 7), HasSubstr("tensors \"a\" and \"b\" overlap"));
  EXPECT_THAT(header_complaint(with_b("[0, 4]"), 4), HasSubstr("overlap"));
  EXPECT_THAT(header_complaint(with_b("[5, 9]"), 9), HasSubstr("1 bytes before tensor \"b\" belong to no tensor"));
  EXPECT_THAT(header_complaint(with_b("[4, 8]"), 10), HasSubstr("2 bytes after the last tensor belong to no tensor"));
}

TEST(Safetensors, problems_of_a_header_are_reported_together) {
  const std::string said = header_complaint(R"({"a": 1, "b": 2, "c": {"dtype": "X", "shape": [], "data_offsets": []}})", 0);
  EXPECT_THAT(said, HasSubstr("3 problems"));
}

TEST(Safetensors, names_cannot_spoil_a_terminal_or_a_log) {
  const std::string said = header_complaint("{\"" + std::string(100'000, 'n') + "\": 1, \"\\u001b[2J\\n\": 2}", 0);
  EXPECT_LT(said.size(), 1000U);
  EXPECT_THAT(said, HasSubstr("\\u001b[2J\\n"));
}

TEST(Safetensors, what_is_no_file_is_refused) {
  const TempDir dir;
  EXPECT_EQ(open_complaint(dir.file("none")), dir.file("none") + ": no such file");
  EXPECT_EQ(open_complaint(dir.path()), dir.path() + ": a folder; allowed: a file");
  ASSERT_EQ(mkfifo(dir.file("pipe").c_str(), 0600), 0);
  EXPECT_EQ(open_complaint(dir.file("pipe")), dir.file("pipe") + ": no regular file");
  dir.write("empty", "");
  EXPECT_THAT(open_complaint(dir.file("empty")), HasSubstr("0 bytes"));
}

TEST(Safetensors, truncation_at_any_byte_is_an_error) {
  const std::string whole = safetensors_bytes({{"a", "F32", {2}, "12345678"}, {"b", "U8", {3}, "123"}});
  EXPECT_EQ(complaint(whole), "no error");
  for (size_t length = 0; length < whole.size(); ++length) EXPECT_NE(complaint(whole.substr(0, length)), "no error") << length;
}

TEST(Safetensors, mutated_files_are_refused_or_read_within_bounds) {
  const std::string whole =
      safetensors_bytes({{"weight", "BF16", {2, 3}, "abcdefghijkl"}, {"bias", "F32", {1}, "1234"}, {"e", "U8", {0}, ""}});
  std::mt19937 random(1);
  for (int round = 0; round < 50'000; ++round) {
    std::string bytes = whole;
    for (auto edits = 1 + random() % 3; edits > 0; --edits) {
      const size_t at = random() % bytes.size();
      const auto kind = random() % 4;
      if (kind == 0) bytes[at] = static_cast<char>(random());
      if (kind == 1) bytes[at] = "0123456789[]{},:\"-."[random() % 19];
      if (kind == 2) bytes.erase(at, random() % 4);
      if (kind == 3) bytes.insert(at, 1, bytes[random() % bytes.size()]);
    }
    try {
      const SafetensorsFile file = SafetensorsFile::parse(as_bytes(bytes), "x");
      unsigned sum = 0;
      for (const StoredTensor& read : file.tensors()) {
        for (size_t i = 0; i < read.num_bytes; ++i) sum += read.data[i];
      }
      EXPECT_LE(sum, 255U * bytes.size());
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), ErrorCode::kModelLoad);
    }
  }
}

TEST(SafetensorsFolder, golden_checkpoints_open) {
  EXPECT_EQ(SafetensorsFolder::open(kData + "/mini-tiny/checkpoint").num_tensors(), 234U);
  const SafetensorsFolder small = SafetensorsFolder::open(kData + "/mini-small/checkpoint");
  EXPECT_EQ(small.files().size(), 3U);
  EXPECT_EQ(small.num_tensors(), 250U);
  EXPECT_THAT(small.find("language.lm_head.weight").file->path(), HasSubstr("model-00003-of-000003.safetensors"));
  EXPECT_THAT(small.find("language.lm_head.weight").tensor->shape, ElementsAre(2112, 80));
  EXPECT_EQ(small.find("nothing").tensor, nullptr);
  const SafetensorsFolder base = SafetensorsFolder::open(kData + "/mini-base/checkpoint");
  EXPECT_EQ(base.num_tensors(), 325U);
  EXPECT_EQ(base.find("language.model.layers.1.mlp.gate.e_score_correction_bias").tensor->type, StoredType::kF32);
}

class ShardedFolder : public ::testing::Test {
 protected:
  void index(const json& weight_map) { dir_.write("model.safetensors.index.json", json({{"weight_map", weight_map}}).dump()); }
  void index_text(const std::string& text) { dir_.write("model.safetensors.index.json", text); }
  void shard(const std::string& name, const std::vector<WrittenTensor>& tensors) {
    write_safetensors(dir_.file(name), tensors);
  }
  std::string complaint() { return folder_complaint(dir_.path()); }

  TempDir dir_;
};

TEST_F(ShardedFolder, opens_what_the_index_names) {
  shard("1.safetensors", {tensor("a"), tensor("b")});
  shard("2.safetensors", {tensor("c")});
  index({{"a", "1.safetensors"}, {"b", "1.safetensors"}, {"c", "2.safetensors"}});
  EXPECT_EQ(complaint(), "no error");
}

TEST_F(ShardedFolder, a_single_file_wins_over_an_index) {
  shard("model.safetensors", {tensor("a")});
  index_text("broken");
  EXPECT_EQ(complaint(), "no error");
}

TEST_F(ShardedFolder, shards_may_be_links_into_a_cache) {
  const TempDir cache;
  write_safetensors(cache.file("blob"), {tensor("a")});
  std::filesystem::create_symlink(cache.file("blob"), dir_.file("1.safetensors"));
  index({{"a", "1.safetensors"}});
  EXPECT_EQ(complaint(), "no error");
}

TEST_F(ShardedFolder, names_that_leave_the_folder_are_refused) {
  shard("1.safetensors", {tensor("a")});
  for (const std::string name :
       {"/etc/passwd", "../1.safetensors", "sub/1.safetensors", "..", ".", "", "a\\b", "x/../1.safetensors"}) {
    index({{"a", name}});
    EXPECT_THAT(complaint(), HasSubstr("weight_map: tensor \"a\" is in file \"")) << name;
  }
  index({{"a", std::string("1.safetensors\0x", 15)}});
  EXPECT_THAT(complaint(), HasSubstr("allowed: the name of a file in the same folder"));
  index({{"a", 7}});
  EXPECT_THAT(complaint(), HasSubstr("is in file 7; allowed"));
}

TEST_F(ShardedFolder, a_bad_index_is_named) {
  index_text("[]");
  EXPECT_THAT(complaint(), HasSubstr("model.safetensors.index.json: an array of 0; allowed: an object"));
  index_text("{}");
  EXPECT_THAT(complaint(), HasSubstr("weight_map is missing; allowed: an object"));
  index_text(R"({"weight_map": []})");
  EXPECT_THAT(complaint(), HasSubstr("weight_map = an array of 0; allowed: an object"));
  index_text(R"({"weight_map": {}})");
  EXPECT_THAT(complaint(), HasSubstr("weight_map names no file"));
  index_text(R"({"weight_map": {"a": "1", "a": "2"}})");
  EXPECT_THAT(complaint(), HasSubstr("key \"a\" appears twice"));
  index_text("{");
  EXPECT_THAT(complaint(), HasSubstr("not valid JSON"));
}

TEST_F(ShardedFolder, too_many_shards_are_refused_before_any_is_opened) {
  json map;
  for (int i = 0; i < 1001; ++i) map["t" + std::to_string(i)] = std::to_string(i);
  index(map);
  EXPECT_THAT(complaint(), HasSubstr("weight_map names 1001 files; allowed: at most 1000"));
}

TEST_F(ShardedFolder, all_problems_of_all_shards_come_together) {
  shard("1.safetensors", {tensor("a"), tensor("stray")});
  shard("2.safetensors", {tensor("c")});
  dir_.write("3.safetensors", "junk");
  index(
      {{"a", "1.safetensors"}, {"b", "1.safetensors"}, {"c", "2.safetensors"}, {"d", "3.safetensors"}, {"e", "4.safetensors"}});
  const std::string said = complaint();
  EXPECT_THAT(said, HasSubstr("4 problems"));
  EXPECT_THAT(said, HasSubstr("1.safetensors: tensor \"b\" of the index is missing"));
  EXPECT_THAT(said, HasSubstr("1.safetensors: tensor \"stray\" is not in the index"));
  EXPECT_THAT(said, HasSubstr("3.safetensors: 4 bytes; allowed"));
  EXPECT_THAT(said, HasSubstr("4.safetensors: no such file"));
}

TEST_F(ShardedFolder, a_tensor_in_two_shards_is_refused) {
  shard("1.safetensors", {tensor("a"), tensor("b")});
  shard("2.safetensors", {tensor("b")});
  index({{"a", "1.safetensors"}, {"b", "2.safetensors"}});
  EXPECT_THAT(complaint(), HasSubstr("1.safetensors: tensor \"b\" is not in the index, or there in another file"));
}

TEST_F(ShardedFolder, a_folder_without_weights_says_what_was_looked_for) {
  EXPECT_THAT(complaint(), HasSubstr("no weights; looked for model.safetensors and model.safetensors.index.json"));
  EXPECT_THAT(folder_complaint(dir_.file("none")), HasSubstr("no such folder"));
  std::filesystem::create_directory(dir_.file("model.safetensors"));
  EXPECT_THAT(complaint(), HasSubstr("model.safetensors: a folder; allowed: a file"));
}

}  // namespace
}  // namespace spyhop
