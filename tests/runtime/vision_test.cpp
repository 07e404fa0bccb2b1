// Tower, projector and image arrangement against versions written out with other operations.
#include <gtest/gtest.h>

#include <cmath>
#include <string>

#include "runtime/projector.h"
#include "runtime/vision_encoder.h"
#include "runtime/vl_model.h"
#include "tensors.h"

namespace spyhop {
namespace {

using testing::max_difference;
using testing::random_tensor;

VisionConfig vision_config() {
  VisionConfig config;
  config.image_size = 31;  // 5 patches of 6; one pixel column and row are left over
  config.patch_size = 6;
  config.width = 24;
  config.num_layers = 2;
  config.num_heads = 3;
  config.mlp_ratio = 1.63;  // 39.12: the hidden size is cut, not rounded
  return config;
}

at::Tensor weight(const std::vector<int64_t>& shape, uint64_t seed) {
  return random_tensor(shape, seed) * 0.2;
}

Weights::Map vision_tensors(const VisionConfig& config) {
  const int64_t width = config.width;
  const int64_t hidden = config.mlp_hidden();
  uint64_t seed = 1;
  Weights::Map tensors;
  const auto add = [&](const std::string& name, const std::vector<int64_t>& shape) { tensors[name] = weight(shape, seed++); };
  add("vision.patch_embed.proj.weight", {width, 3, config.patch_size, config.patch_size});
  add("vision.patch_embed.proj.bias", {width});
  add("vision.pos_embed", {1, config.num_patches(), width});
  for (int i = 0; i < config.num_layers; ++i) {
    const std::string prefix = "vision.blocks." + std::to_string(i);
    for (const char* norm : {".norm1", ".norm2"}) {
      add(prefix + norm + ".weight", {width});
      add(prefix + norm + ".bias", {width});
    }
    const std::vector<std::pair<std::string, std::vector<int64_t>>> linears = {{".attn.qkv", {3 * width, width}},
                                                                               {".attn.proj", {width, width}},
                                                                               {".mlp.fc1", {hidden, width}},
                                                                               {".mlp.fc2", {width, hidden}}};
    for (const auto& [name, shape] : linears) {
      add(prefix + name + ".weight", shape);
      add(prefix + name + ".bias", {shape[0]});
    }
  }
  add("vision.norm.weight", {width});
  add("vision.norm.bias", {width});
  return tensors;
}

/// The tower in double by ATen's own convolution, normalisation and products.
at::Tensor plain_tower(const Weights::Map& tensors, const VisionConfig& config, const at::Tensor& pixels) {
  const auto get = [&tensors](const std::string& name) { return tensors.at(name).to(at::kDouble); };
  const auto linear = [&](const at::Tensor& x, const std::string& name) {
    return at::matmul(x, get(name + ".weight").t()) + get(name + ".bias");
  };
  const auto norm = [&](const at::Tensor& x, const std::string& name) {
    return at::layer_norm(x, {x.size(-1)}, get(name + ".weight"), get(name + ".bias"), 1e-6);
  };
  at::Tensor x = at::conv2d(pixels.to(at::kDouble), get("vision.patch_embed.proj.weight"), get("vision.patch_embed.proj.bias"),
                            config.patch_size);
  x = x.flatten(2).transpose(1, 2) + get("vision.pos_embed");
  for (int i = 0; i < config.num_layers; ++i) {
    const std::string prefix = "vision.blocks." + std::to_string(i);
    const at::Tensor qkv = linear(norm(x, prefix + ".norm1"), prefix + ".attn.qkv")
                               .view({x.size(0), -1, 3, config.num_heads, config.head_dim()})
                               .permute({2, 0, 3, 1, 4});
    const at::Tensor scores = at::softmax(at::matmul(qkv[0], qkv[1].transpose(2, 3)) / std::sqrt(config.head_dim()), -1);
    x = x + linear(at::matmul(scores, qkv[2]).transpose(1, 2).flatten(2), prefix + ".attn.proj");
    x = x + linear(at::gelu(linear(norm(x, prefix + ".norm2"), prefix + ".mlp.fc1"), "tanh"), prefix + ".mlp.fc2");
  }
  return norm(x, "vision.norm");
}

TEST(VisionEncoder, EqualsAPlainTower) {
  const VisionConfig config = vision_config();
  ASSERT_EQ(config.mlp_hidden(), 39);
  const Weights::Map tensors = vision_tensors(config);
  const at::Tensor pixels = random_tensor({3, 3, 31, 31}, 100);
  const at::Tensor features = VisionEncoder(Weights(tensors), config).forward(pixels);
  EXPECT_EQ(features.sizes(), (std::vector<int64_t>{3, 25, 24}));
  EXPECT_LT(max_difference(features, plain_tower(tensors, config, pixels)), 1e-5);
}

TEST(VisionEncoder, NeverReadsThePixelsBehindTheLastWholePatch) {
  const VisionConfig config = vision_config();
  const VisionEncoder encoder(Weights(vision_tensors(config)), config);
  const at::Tensor pixels = random_tensor({1, 3, 31, 31}, 101);
  at::Tensor changed = pixels.clone();
  changed.select(2, 30).fill_(1e30);
  changed.select(3, 30).fill_(std::nanf(""));
  EXPECT_TRUE(at::equal(encoder.forward(pixels), encoder.forward(changed)));
}

TEST(VisionEncoder, TracesThePatchesBeforeThePositions) {
  const VisionConfig config = vision_config();
  const Weights::Map tensors = vision_tensors(config);
  const at::Tensor pixels = random_tensor({1, 3, 31, 31}, 102);
  VisionTrace trace;
  const at::Tensor features = VisionEncoder(Weights(tensors), config).forward(pixels, &trace);
  const at::Tensor expected = at::conv2d(pixels, tensors.at("vision.patch_embed.proj.weight"),
                                         tensors.at("vision.patch_embed.proj.bias"), config.patch_size);
  EXPECT_LT(max_difference(trace.patch_embed, expected.flatten(2).transpose(1, 2)), 1e-5);
  EXPECT_TRUE(at::equal(trace.vision_out, features));
}

TEST(Projector, FoldsLikeUnfoldAndPadsWithZeros) {
  ProjectorConfig config;
  config.depth = 3;
  config.downsample_ratio = 2;
  Weights::Map tensors;
  const std::vector<std::vector<int64_t>> shapes = {{20, 24}, {20, 20}, {10, 20}};
  for (size_t i = 0; i < shapes.size(); ++i) {
    const std::string prefix = "projector.layers." + std::to_string(2 * i);
    tensors[prefix + ".weight"] = weight(shapes[i], 200 + i);
    tensors[prefix + ".bias"] = weight({shapes[i][0]}, 210 + i);
  }
  const at::Tensor features = random_tensor({2, 25, 6}, 220);
  at::Tensor grid = at::zeros({2, 6, 6, 6}, at::kDouble);  // [tiles, channel, row, column], padded to even
  grid.narrow(2, 0, 5).narrow(3, 0, 5).copy_(features.view({2, 5, 5, 6}).permute({0, 3, 1, 2}));
  at::Tensor x = at::im2col(grid, {2, 2}, {1, 1}, {0, 0}, {2, 2}).transpose(1, 2);
  for (size_t i = 0; i < shapes.size(); ++i) {
    const std::string prefix = "projector.layers." + std::to_string(2 * i);
    if (i > 0) x = at::gelu(x);
    x = at::matmul(x, tensors.at(prefix + ".weight").to(at::kDouble).t()) + tensors.at(prefix + ".bias").to(at::kDouble);
  }
  const at::Tensor ours = Projector(Weights(tensors), config).forward(features);
  EXPECT_EQ(ours.sizes(), (std::vector<int64_t>{2, 9, 10}));
  EXPECT_LT(max_difference(ours, x), 1e-5);
}

TEST(Projector, NeedsNoPaddingForAnEvenGrid) {
  ProjectorConfig config;
  config.depth = 1;
  Weights::Map tensors{{"projector.layers.0.weight", at::eye(4)}, {"projector.layers.0.bias", at::zeros({4})}};
  const at::Tensor features = at::arange(16, at::kFloat).view({1, 16, 1});
  const at::Tensor ours = Projector(Weights(tensors), config).forward(features);
  const at::Tensor expected =
      at::tensor(std::vector<float>{0, 1, 4, 5, 2, 3, 6, 7, 8, 9, 12, 13, 10, 11, 14, 15}).view({1, 4, 4});
  EXPECT_TRUE(at::equal(ours, expected));
}

}  // namespace
}  // namespace spyhop
