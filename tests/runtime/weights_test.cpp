#include "runtime/weights.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

#include "runtime/tensor_fill.h"
#include "runtime/thread_pool.h"
#include "spyhop/error.h"
#include "support/safetensors_writer.h"
#include "support/temp_dir.h"

namespace spyhop {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using testing::TempDir;
using testing::write_safetensors;
using testing::WrittenTensor;

const std::vector<std::string> kFamilies{"mini-tiny", "mini-small", "mini-base"};

std::string checkpoint(const std::string& family) {
  return std::string(SPYHOP_TEST_DATA) + "/" + family + "/checkpoint";
}

ModelConfig real_config(const std::string& size) {
  return load_model_config(std::string(SPYHOP_TEST_DATA) + "/real_configs/" + size);
}

double billions(const ModelConfig& config) {
  double total = 0;
  for (const TensorSpec& spec : expected_tensors(config)) {
    double count = 1;
    for (const int64_t size : spec.shape) count *= static_cast<double>(size);
    total += count;
  }
  return total / 1e9;
}

RuntimeConfig dummy_runtime(ComputeType compute) {
  RuntimeConfig runtime;
  runtime.load_format = LoadFormat::kDummy;
  runtime.compute = compute;
  return runtime;
}

/// The tensors of a golden checkpoint, to be written again with changes.
std::vector<WrittenTensor> stored_tensors(const std::string& family) {
  std::vector<WrittenTensor> tensors;
  const SafetensorsFolder folder = SafetensorsFolder::open(checkpoint(family));
  for (const SafetensorsFile& file : folder.files()) {
    for (const StoredTensor& tensor : file.tensors()) {
      tensors.push_back({tensor.name, std::string(stored_type_name(tensor.type)), tensor.shape,
                         std::string(reinterpret_cast<const char*>(tensor.data), tensor.num_bytes)});
    }
  }
  return tensors;
}

WrittenTensor& named(std::vector<WrittenTensor>& tensors, const std::string& name) {
  for (WrittenTensor& tensor : tensors) {
    if (tensor.name == name) return tensor;
  }
  throw std::runtime_error("no tensor " + name);
}

std::string load_complaint(const std::vector<WrittenTensor>& tensors) {
  const TempDir dir;
  write_safetensors(dir.file("model.safetensors"), tensors);
  try {
    load_weights(dir.path(), load_model_config(checkpoint("mini-tiny")), RuntimeConfig(), nullptr);
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::kModelLoad);
    return e.what();
  }
  return "no error";
}

TEST(ExpectedTensors, are_those_of_the_golden_checkpoints) {
  for (const std::string& family : kFamilies) {
    std::map<std::string, std::vector<int64_t>> expected, stored;
    for (const TensorSpec& spec : expected_tensors(load_model_config(checkpoint(family)))) expected[spec.name] = spec.shape;
    const SafetensorsFolder folder = SafetensorsFolder::open(checkpoint(family));
    for (const SafetensorsFile& file : folder.files()) {
      for (const StoredTensor& tensor : file.tensors()) stored[tensor.name] = tensor.shape;
    }
    EXPECT_EQ(expected, stored) << family;
  }
}

TEST(ExpectedTensors, the_real_sizes_have_the_parameters_of_the_hubs_files) {
  // Bytes of the hubs' bf16 shards: 6.74, 32.29 and 54.95 GB.
  EXPECT_NEAR(2 * billions(real_config("tiny")), 6.741, 0.001);
  EXPECT_NEAR(2 * billions(real_config("small")), 32.297, 0.001);
  EXPECT_NEAR(2 * billions(real_config("base")), 54.960, 0.001);
}

TEST(ExpectedTensors, only_the_pooling_head_is_unused) {
  int unused = 0;
  for (const TensorSpec& spec : expected_tensors(real_config("tiny"))) {
    EXPECT_EQ(spec.used, spec.name.rfind("vision.attn_pool.", 0) != 0) << spec.name;
    unused += spec.used ? 0 : 1;
  }
  EXPECT_EQ(unused, 13);
}

TEST(Weights, hold_the_stored_values_in_both_compute_types) {
  for (const std::string& family : kFamilies) {
    const ModelConfig config = load_model_config(checkpoint(family));
    const SafetensorsFolder folder = SafetensorsFolder::open(checkpoint(family));
    for (const ComputeType compute : {ComputeType::kBf16, ComputeType::kF32}) {
      RuntimeConfig runtime;
      runtime.compute = compute;
      const Weights weights = load_weights(checkpoint(family), config, runtime, nullptr);
      const at::ScalarType type = compute == ComputeType::kF32 ? at::kFloat : at::kBFloat16;
      for (const TensorSpec& spec : expected_tensors(config)) {
        if (!spec.used) continue;
        const StoredTensor& stored = *folder.find(spec.name).tensor;
        const at::ScalarType stored_type = stored.type == StoredType::kF32 ? at::kFloat : at::kBFloat16;
        const at::Tensor expected = at::from_blob(const_cast<uint8_t*>(stored.data), stored.shape, stored_type).to(type);
        ASSERT_EQ(weights.at(spec.name).scalar_type(), type);
        ASSERT_TRUE(at::equal(weights.at(spec.name), expected)) << spec.name;
      }
    }
  }
}

TEST(Weights, outlive_the_folder_they_were_read_from) {
  const ModelConfig config = load_model_config(checkpoint("mini-tiny"));
  const at::Tensor view = [&config] {
    const TempDir dir;
    write_safetensors(dir.file("model.safetensors"), stored_tensors("mini-tiny"));
    return load_weights(dir.path(), config, RuntimeConfig(), nullptr).at("image_newline");
  }();
  const Weights original = load_weights(checkpoint("mini-tiny"), config, RuntimeConfig(), nullptr);
  EXPECT_TRUE(at::equal(view, original.at("image_newline")));
}

TEST(Weights, an_unknown_name_is_a_defect) {
  const Weights weights{Weights::Map()};
  try {
    weights.at("no.such");
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::kInternal);
  }
}

TEST(Weights, misaligned_data_is_copied) {
  const TempDir dir;
  const std::string path = dir.file("model.safetensors");
  write_safetensors(path, stored_tensors("mini-tiny"), /*misalign=*/1);
  const ModelConfig config = load_model_config(checkpoint("mini-tiny"));
  const Weights moved = load_weights(dir.path(), config, RuntimeConfig(), nullptr);
  const Weights original = load_weights(checkpoint("mini-tiny"), config, RuntimeConfig(), nullptr);
  for (const TensorSpec& spec : expected_tensors(config)) {
    if (!spec.used) continue;
    ASSERT_EQ(reinterpret_cast<uintptr_t>(moved.at(spec.name).data_ptr()) % 2, 0U);
    ASSERT_TRUE(at::equal(moved.at(spec.name), original.at(spec.name))) << spec.name;
  }
}

TEST(Weights, all_kinds_of_misfit_are_reported_together) {
  std::vector<WrittenTensor> tensors = stored_tensors("mini-tiny");
  named(tensors, "image_newline").name = "image_newlines";
  named(tensors, "view_seperator").shape = {2, 48};
  named(tensors, "vision.norm.weight").dtype = "I16";
  named(tensors, "vision.attn_pool.latent").shape = {72};
  const std::string said = load_complaint(tensors);
  EXPECT_THAT(said, HasSubstr("5 problems"));
  EXPECT_THAT(said, HasSubstr("tensor \"image_newline\", shape [96], is missing"));
  EXPECT_THAT(said, HasSubstr("model.safetensors: tensor \"image_newlines\", shape [96], is no part of a model"));
  EXPECT_THAT(said, HasSubstr("model.safetensors: tensor \"view_seperator\": shape = [2, 48]; allowed: [96]"));
  EXPECT_THAT(said, HasSubstr("tensor \"vision.norm.weight\": dtype = I16; allowed: BF16, F16, F32"));
  EXPECT_THAT(said, HasSubstr("tensor \"vision.attn_pool.latent\": shape = [72]; allowed: [1, 1, 72]"));
}

TEST(Weights, unused_tensors_may_be_missing) {
  std::vector<WrittenTensor> kept;
  for (const WrittenTensor& tensor : stored_tensors("mini-tiny")) {
    if (tensor.name.find("attn_pool") == std::string::npos) kept.push_back(tensor);
  }
  EXPECT_EQ(load_complaint(kept), "no error");
}

TEST(Weights, a_checkpoint_of_another_size_gets_a_short_list) {
  const std::string said = load_complaint({{"a", "F32", {1}, "1234"}});
  EXPECT_THAT(said, HasSubstr("... and 201 more tensors are missing"));
  EXPECT_THAT(said, Not(HasSubstr("more tensors are extra")));
  EXPECT_LT(said.size(), 4000U);
}

TEST(Weights, progress_ends_at_one_and_never_falls) {
  static std::vector<double> seen;
  seen.clear();
  const ModelConfig config = load_model_config(checkpoint("mini-base"));
  const Weights weights =
      load_weights(checkpoint("mini-base"), config, RuntimeConfig(), [](double share) { seen.push_back(share); });
  for (const TensorSpec& spec : expected_tensors(config)) {
    if (spec.used) weights.at(spec.name);
  }
  ASSERT_FALSE(seen.empty());
  EXPECT_TRUE(std::is_sorted(seen.begin(), seen.end()));
  EXPECT_EQ(seen.back(), 1.0);
}

TEST(ConvertJob, rounds_to_nearest_even_and_keeps_what_is_not_finite) {
  const std::vector<float> values{1.0F, 1.00390625F, 1.01171875F, -0.0F, INFINITY, -INFINITY, 3.3e38F, 1e-40F};
  StoredTensor stored;
  stored.type = StoredType::kF32;
  stored.data = reinterpret_cast<const uint8_t*>(values.data());
  const at::Tensor target = at::empty({static_cast<int64_t>(values.size())}, at::kBFloat16);
  run_fill_job(convert_job(stored, target));
  EXPECT_TRUE(at::equal(target, at::tensor(values).to(at::kBFloat16)));
}

TEST(ConvertJob, halves_become_floats_and_bf16) {
  const at::Tensor halves = at::arange(0, 65536, at::kInt).to(at::kShort).view(at::kHalf);
  const at::Tensor finite = halves.masked_select(halves.to(at::kFloat).isfinite()).contiguous();
  StoredTensor stored;
  stored.type = StoredType::kF16;
  stored.data = static_cast<const uint8_t*>(finite.data_ptr());
  for (const at::ScalarType type : {at::kFloat, at::kBFloat16}) {
    const at::Tensor target = at::empty_like(finite, at::TensorOptions().dtype(type));
    run_fill_job(convert_job(stored, target));
    EXPECT_TRUE(at::equal(target, finite.to(at::kFloat).to(type)));
  }
}

TEST(DummyWeights, depend_on_the_seed_and_not_on_the_threads) {
  const ModelConfig config = load_model_config(checkpoint("mini-small"));
  const Weights one = load_weights("", config, dummy_runtime(ComputeType::kBf16), nullptr);
  const Weights three = load_weights("", config, dummy_runtime(ComputeType::kBf16), nullptr);
  ThreadPool pool(3);
  RuntimeConfig other_seed = dummy_runtime(ComputeType::kBf16);
  other_seed.dummy_seed = 1;
  const Weights other = load_weights("", config, other_seed, nullptr);
  for (const TensorSpec& spec : expected_tensors(config)) {
    if (!spec.used) continue;
    ASSERT_EQ(one.at(spec.name).sizes(), at::IntArrayRef(spec.shape));
    {
      const UsePool use_pool(pool);
      ASSERT_TRUE(at::equal(one.at(spec.name), three.at(spec.name))) << spec.name;
    }
    if (spec.shape.size() < 2) continue;
    ASSERT_FALSE(at::equal(one.at(spec.name), other.at(spec.name))) << spec.name;
  }
}

TEST(DummyWeights, are_the_same_numbers_in_both_compute_types) {
  const ModelConfig config = load_model_config(checkpoint("mini-base"));
  const Weights bf16 = load_weights("", config, dummy_runtime(ComputeType::kBf16), nullptr);
  const Weights f32 = load_weights("", config, dummy_runtime(ComputeType::kF32), nullptr);
  for (const TensorSpec& spec : expected_tensors(config)) {
    if (!spec.used) continue;
    ASSERT_TRUE(at::equal(bf16.at(spec.name).to(at::kFloat), f32.at(spec.name))) << spec.name;
  }
}

TEST(DummyWeights, are_scaled_to_keep_activations_finite) {
  const ModelConfig config = load_model_config(checkpoint("mini-base"));
  const Weights weights = load_weights("", config, dummy_runtime(ComputeType::kF32), nullptr);
  EXPECT_TRUE(at::equal(weights.at("language.model.norm.weight"), at::ones({112})));
  EXPECT_TRUE(at::equal(weights.at("vision.blocks.0.norm1.weight"), at::ones({56})));
  EXPECT_TRUE(at::equal(weights.at("vision.blocks.0.attn.qkv.bias"), at::zeros({168})));
  EXPECT_TRUE(at::equal(weights.at("language.model.layers.1.mlp.gate.e_score_correction_bias"), at::zeros({18})));
  const at::Tensor head = weights.at("language.lm_head.weight");
  EXPECT_NEAR(head.std().item<double>(), 1 / std::sqrt(112.0), 0.001);
  EXPECT_NEAR(head.mean().item<double>(), 0, 0.001);
  EXPECT_NEAR(weights.at("vision.patch_embed.proj.weight").std().item<double>(), 1 / std::sqrt(3.0 * 14 * 14), 0.001);
  EXPECT_GT(weights.at("image_newline").abs().max().item<double>(), 0);
}

TEST(DummyWeights, values_are_spread_evenly_and_do_not_repeat) {
  RandomFill random;
  random.seed = seed_of("x", 0);
  random.amplitude = 1.0F;
  const at::Tensor values = at::empty({1 << 20}, at::kFloat);
  run_fill_job(random_job(random, values));
  const at::Tensor counts = at::histc(values, 16, -1, 1);
  EXPECT_GT(counts.min().item<double>(), 65536 * 0.98);
  EXPECT_LT(counts.max().item<double>(), 65536 * 1.02);
  const at::Tensor shifted = values.narrow(0, 1, (1 << 20) - 1) * values.narrow(0, 0, (1 << 20) - 1);
  EXPECT_NEAR(shifted.mean().item<double>(), 0, 0.002);
  EXPECT_NE(seed_of("x", 0), seed_of("y", 0));
  EXPECT_NE(seed_of("x", 0), seed_of("x", 1));
}

TEST(DummyWeights, more_than_the_machine_has_is_refused_at_once) {
  ModelConfig config = real_config("base");
  config.language.vocab_size = 1 << 20;
  config.language.hidden_size = 32768;
  config.language.intermediate_size = 1 << 18;
  try {
    load_weights("", config, dummy_runtime(ComputeType::kF32), nullptr);
    FAIL();
  } catch (const Error& e) {
    EXPECT_THAT(e.what(), HasSubstr("MiB of memory; available: "));
  }
}

}  // namespace
}  // namespace spyhop
