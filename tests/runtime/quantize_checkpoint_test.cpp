#include "runtime/quantize_checkpoint.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>

#include "common/file.h"
#include "runtime/quantization.h"
#include "runtime/weights.h"
#include "spyhop/error.h"
#include "support/safetensors_writer.h"
#include "support/temp_dir.h"

namespace spyhop {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::TempDir;
using testing::WrittenTensor;

std::string checkpoint(const std::string& family) {
  return std::string(SPYHOP_TEST_DATA) + "/" + family + "/checkpoint";
}

RuntimeConfig runtime_with(Quantization quantization) {
  RuntimeConfig runtime;
  runtime.quantization = quantization;
  return runtime;
}

/// What the folder's weights complain about when they are loaded.
std::string load_complaint(const std::string& dir, const RuntimeConfig& runtime = {}) {
  try {
    load_weights(dir, load_model_config(dir), runtime, nullptr);
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::kModelLoad);
    return e.what();
  }
  return "no error";
}

void replace_in_file(const std::string& path, const std::string& what, const std::string& with) {
  std::string text = read_text_file(path, size_t{1} << 20);
  const size_t at = text.find(what);
  ASSERT_NE(at, std::string::npos);
  std::ofstream(path) << text.replace(at, what.size(), with);
}

TEST(QuantizeCheckpoint, StoresTheBitsThatLoadingTheOriginalMakes) {
  for (const std::string family : {"mini-tiny", "mini-small", "mini-base"}) {
    for (const Quantization quantization : {Quantization::kInt8, Quantization::kInt4}) {
      const TempDir dir;
      const std::string to = dir.file("out");
      const QuantizeResult result = quantize_checkpoint({checkpoint(family), to, quantization, 2});
      EXPECT_LT(result.bytes_after, result.bytes_before);

      const ModelConfig plain = load_model_config(checkpoint(family));
      const ModelConfig config = load_model_config(to);
      EXPECT_EQ(config.quantization, quantization);
      const Weights made = load_weights(checkpoint(family), plain, runtime_with(quantization), nullptr);
      const Weights stored = load_weights(to, config, {}, nullptr);
      const std::vector<TensorSpec> specs = expected_tensors(plain);
      for (const QuantizedMatrix& matrix : quantized_matrices(specs, quantization)) {
        const std::string prefix = matrix.name.substr(0, matrix.name.size() - std::string(".weight").size());
        const kernels::PackedMatrix a = made.matrix(prefix);
        const kernels::PackedMatrix b = stored.matrix(prefix);
        EXPECT_TRUE(at::equal(a.panels().flatten(), b.panels().flatten())) << matrix.name;
        EXPECT_TRUE(at::equal(a.scales(), b.scales())) << matrix.name;
      }
      for (const TensorSpec& spec : specs) {
        if (!spec.used || is_quantizable(spec)) continue;
        EXPECT_TRUE(at::equal(made.at(spec.name), stored.at(spec.name))) << spec.name;
      }
    }
  }
}

TEST(QuantizeCheckpoint, LeavesRouterLatentProjectionEmbeddingsAndTowerAsTheyAre) {
  std::map<WeightKind, int> kept;
  for (const TensorSpec& spec : expected_tensors(load_model_config(checkpoint("mini-small")))) {
    if (!is_quantizable(spec)) ++kept[spec.kind];
  }
  EXPECT_EQ(kept.count(WeightKind::kRoutedExperts) + kept.count(WeightKind::kSharedExperts) +
                kept.count(WeightKind::kDenseMlp) + kept.count(WeightKind::kLmHead),
            0U);
  for (const WeightKind kind : {WeightKind::kRouter, WeightKind::kEmbedding, WeightKind::kNorm, WeightKind::kVision,
                                WeightKind::kProjector, WeightKind::kAttention}) {
    EXPECT_GT(kept[kind], 0) << weight_kind_name(kind);
  }
}

TEST(QuantizeCheckpoint, CopiesTheTokenizerAndRefusesAFolderWithWeights) {
  const TempDir dir;
  const std::string to = dir.file("out");
  quantize_checkpoint({checkpoint("mini-tiny"), to, Quantization::kInt8, 1});
  for (const char* const name : {"tokenizer.json", "processor_config.json"}) {
    EXPECT_EQ(read_text_file(to + "/" + name, size_t{1} << 24),
              read_text_file(checkpoint("mini-tiny") + "/" + name, size_t{1} << 24));
  }
  EXPECT_FALSE(fs::exists(to + "/model.safetensors.part"));
  EXPECT_THAT(
      [&] {
        quantize_checkpoint({checkpoint("mini-tiny"), to, Quantization::kInt8, 1});
      },
      ::testing::ThrowsMessage<Error>(HasSubstr("already holds")));
  EXPECT_THAT(
      [&] {
        quantize_checkpoint({to, dir.file("again"), Quantization::kInt4, 1});
      },
      ::testing::ThrowsMessage<Error>(HasSubstr("quantized to int8 already")));
}

class BadQuantizedCheckpoint : public ::testing::Test {
 protected:
  BadQuantizedCheckpoint() { quantize_checkpoint({checkpoint("mini-tiny"), to_, Quantization::kInt4, 1}); }

  /// Writes the weights again with a change.
  template <typename Change>
  void change_tensor(const std::string& name, const Change& change) {
    std::vector<WrittenTensor> tensors;
    {
      const SafetensorsFolder folder = SafetensorsFolder::open(to_);
      for (const StoredTensor& tensor : folder.files().front().tensors()) {
        tensors.push_back({tensor.name, std::string(stored_type_name(tensor.type)), tensor.shape,
                           std::string(reinterpret_cast<const char*>(tensor.data), tensor.num_bytes)});
        if (tensor.name == name) change(tensors.back());
      }
    }
    testing::write_safetensors(to_ + "/model.safetensors", tensors);
  }

  TempDir dir_;
  std::string to_ = dir_.file("out");
  std::string scale_ = "language.lm_head.weight_scale";
};

TEST_F(BadQuantizedCheckpoint, OfAnotherGroupSizeMethodOrFormatIsRefusedByName) {
  replace_in_file(to_ + "/config.json", "\"group_size\": 64", "\"group_size\": 128");
  EXPECT_THAT(load_complaint(to_), AllOf(HasSubstr("quantization_config.group_size = 128"), HasSubstr("64")));
  replace_in_file(to_ + "/config.json", "\"group_size\": 128", "\"group_size\": 64");
  replace_in_file(to_ + "/config.json", "\"quant_method\": \"spyhop\"", "\"quant_method\": \"awq\"");
  EXPECT_THAT(load_complaint(to_), AllOf(HasSubstr("quantization_config.quant_method = \"awq\""), HasSubstr("spyhop")));
  replace_in_file(to_ + "/config.json", "\"quant_method\": \"awq\"", "\"quant_method\": \"spyhop\"");
  replace_in_file(to_ + "/config.json", "\"format\": \"int4\"", "\"format\": \"int8\"");
  EXPECT_THAT(load_complaint(to_), AllOf(HasSubstr("q_proj.weight"), HasSubstr("shape = [3, 2, 1024]; allowed: [3, 2, 2048]")));
}

TEST_F(BadQuantizedCheckpoint, WithScalesOfAnotherTypeShapeOrWithoutThemIsRefusedByName) {
  change_tensor(scale_, [](WrittenTensor& tensor) { tensor.dtype = "F16"; });
  EXPECT_THAT(load_complaint(to_), AllOf(HasSubstr(scale_), HasSubstr("dtype = F16; allowed: BF16")));
  change_tensor(scale_, [](WrittenTensor& tensor) { tensor.dtype = "BF16", std::swap(tensor.shape[0], tensor.shape[2]); });
  EXPECT_THAT(load_complaint(to_), AllOf(HasSubstr(scale_), HasSubstr("shape =")));
  change_tensor(scale_, [](WrittenTensor& tensor) { tensor.name = "language.lm_head.scale"; });
  EXPECT_THAT(load_complaint(to_), AllOf(HasSubstr(scale_), HasSubstr("is missing")));
}

TEST_F(BadQuantizedCheckpoint, AskedForInAnotherPrecisionIsRefused) {
  EXPECT_THAT(load_complaint(to_, runtime_with(Quantization::kInt8)),
              AllOf(HasSubstr("quantization is int8"), HasSubstr("quantized to int4")));
  EXPECT_EQ(load_complaint(to_, runtime_with(Quantization::kInt4)), "no error");
}

TEST_F(BadQuantizedCheckpoint, WithDataAtOddAddressesIsReadAllTheSame) {
  std::vector<WrittenTensor> tensors;
  const SafetensorsFolder folder = SafetensorsFolder::open(to_);
  for (const StoredTensor& tensor : folder.files().front().tensors()) {
    tensors.push_back({tensor.name, std::string(stored_type_name(tensor.type)), tensor.shape,
                       std::string(reinterpret_cast<const char*>(tensor.data), tensor.num_bytes)});
  }
  const TempDir other;
  fs::copy(to_ + "/config.json", other.file("config.json"));
  fs::copy(to_ + "/processor_config.json", other.file("processor_config.json"));
  testing::write_safetensors(other.file("model.safetensors"), tensors, /*misalign=*/1);
  const Weights aligned = load_weights(to_, load_model_config(to_), {}, nullptr);
  const Weights odd = load_weights(other.path(), load_model_config(other.path()), {}, nullptr);
  EXPECT_TRUE(at::equal(aligned.matrix("language.lm_head").scales(), odd.matrix("language.lm_head").scales()));
  EXPECT_TRUE(at::equal(aligned.matrix("language.lm_head").panels(), odd.matrix("language.lm_head").panels()));
}

}  // namespace
}  // namespace spyhop
