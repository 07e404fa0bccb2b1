#include "cli/launch_options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <string>
#include <vector>

#include "common/file.h"
#include "spyhop/error.h"
#include "support/temp_dir.h"

namespace spyhop {
namespace {

using ::testing::HasSubstr;

/// What the flags make of the settings; throws as the command would.
LaunchOptions parse(std::vector<std::string> flags) {
  LaunchOptions options;
  CLI::App command("launch");
  declare_launch_options(command, options);
  flags.insert(flags.begin(), {"--load-format", "dummy", "--size-in-billions", "3"});
  std::reverse(flags.begin(), flags.end());
  command.parse(flags);
  resolve_launch_options(options);
  return options;
}

std::string refusal(const std::vector<std::string>& flags) {
  try {
    parse(flags);
    return "taken";
  } catch (const CLI::ParseError& error) {
    return error.what();
  } catch (const Error& error) {
    return error.param() + ": " + error.what();
  }
}

TEST(LaunchOptions, LeavesTheKvCacheToTheMachineByDefault) {
  const LaunchOptions options = parse({});
  EXPECT_EQ(options.engine.runtime.kv_cache_bytes, 0);
  EXPECT_EQ(options.engine.runtime.kv_cache_tokens, 0);
}

TEST(LaunchOptions, TakesKvCacheMemoryInBytesOrWithAUnit) {
  EXPECT_EQ(parse({"--kv-cache-memory", "123456789"}).engine.runtime.kv_cache_bytes, 123456789);
  EXPECT_EQ(parse({"--kv-cache-memory=4GiB"}).engine.runtime.kv_cache_bytes, int64_t{4} << 30);
}

TEST(LaunchOptions, RefusesWhatIsNoSize) {
  for (const char* text : {"4G", "lots", "1.5GiB", "-1GiB", "4 GiB"}) {
    EXPECT_THAT(refusal({std::string("--kv-cache-memory=") + text}), HasSubstr("is no size; allowed: ")) << text;
  }
  EXPECT_THAT(refusal({"--kv-cache-memory=0"}), HasSubstr("0 is no size; allowed: 1 or more"));
}

TEST(LaunchOptions, RefusesTwoSizesOfTheKvCache) {
  EXPECT_EQ(refusal({"--kv-cache-memory", "4GiB", "--kv-cache-tokens", "8192"}),
            "kv-cache-memory: --kv-cache-memory and --kv-cache-tokens are both given; allowed: one of the two");
}

TEST(LaunchOptions, CachesPrefixesUnlessToldNotTo) {
  EXPECT_TRUE(parse({}).engine.prefix_caching);
  EXPECT_TRUE(parse({"--enable-prefix-caching"}).engine.prefix_caching);
  EXPECT_FALSE(parse({"--no-enable-prefix-caching"}).engine.prefix_caching);
}

TEST(LaunchOptions, TakesTheLimitsBesideDecoding) {
  const LaunchOptions options = parse({"--interleaved-prefill-chunk", "64", "--interleaved-vision-layers", "5"});
  EXPECT_EQ(options.engine.interleaved_prefill_chunk, 64);
  EXPECT_EQ(options.engine.interleaved_vision_layers, 5);
  EXPECT_THAT(refusal({"--interleaved-vision-layers", "0"}), HasSubstr("--interleaved-vision-layers"));
}

/// The same for flags that say themselves what is served.
LaunchOptions parse_named(std::vector<std::string> flags) {
  LaunchOptions options;
  CLI::App command("launch");
  declare_launch_options(command, options);
  std::reverse(flags.begin(), flags.end());
  command.parse(flags);
  resolve_launch_options(options);
  return options;
}

TEST(LaunchOptions, FindsANamedModelInTheRegistry) {
  const LaunchOptions options =
      parse_named({"--model-engine", "Transformers", "-n", "deepseek-vl2", "-s", "27", "-f", "PyTorch", "-q", "int4",
                   "--model-src", "ModelScope", "--revision", "v1", "--download-dir", "/data", "--max-workers", "3"});
  ASSERT_TRUE(options.source);
  EXPECT_TRUE(options.source->path.empty());
  EXPECT_EQ(options.source->request.sources.size(), 2U);
  EXPECT_EQ(options.source->request.sources[0].model_id, "deepseek-ai/deepseek-vl2");
  EXPECT_EQ(options.source->request.model_src, "modelscope");
  EXPECT_EQ(options.source->request.revision, "v1");
  EXPECT_EQ(options.source->request.download_dir, "/data");
  EXPECT_EQ(options.source->request.flags, "--model-name deepseek-vl2 --size-in-billions 27");
  EXPECT_EQ(options.source->max_workers, 3);
  ASSERT_TRUE(options.source->expected);
  EXPECT_EQ(options.source->expected->language.hidden_size, 2560);
}

/// Names a folder of models in place of those shipped while it lives.
class ModelsFolder {
 public:
  ModelsFolder() { ::setenv("SPYHOP_MODELS_DIR", dir_.path().c_str(), 1); }
  ~ModelsFolder() { ::unsetenv("SPYHOP_MODELS_DIR"); }
  ModelsFolder(const ModelsFolder&) = delete;
  ModelsFolder& operator=(const ModelsFolder&) = delete;

  /// The shipped entry under another name.
  void add(const std::string& name) {
    std::string text = read_text_file(std::string(SPYHOP_SOURCE_DIR) + "/models/deepseek-vl2.json", size_t{1} << 20);
    const std::string own = "\"model_name\": \"deepseek-vl2\"";
    text.replace(text.find(own), own.size(), "\"model_name\": \"" + name + "\"");
    dir_.write(name + ".json", text);
  }

 private:
  testing::TempDir dir_;
};

TEST(LaunchOptions, WithoutAModelMeanTheOneThatComesWithTheProgram) {
  ModelsFolder folder;
  folder.add("other");
  EngineConfig open;
  default_to_bundled_model(open);
  EXPECT_EQ(open.model_name, "");
  folder.add("deepseek-vl2-demo");
  default_to_bundled_model(open);
  EXPECT_EQ(open.model_name, "deepseek-vl2-demo");
}

TEST(LaunchOptions, ThatSayWhichModelKeepIt) {
  ModelsFolder folder;
  folder.add("deepseek-vl2-demo");
  EngineConfig by_path;
  by_path.model_path = "/data/tuned";
  EngineConfig by_size;
  by_size.model_size = "3";
  EngineConfig dummy;
  dummy.runtime.load_format = LoadFormat::kDummy;
  for (EngineConfig config : {by_path, by_size, dummy}) {
    default_to_bundled_model(config);
    EXPECT_EQ(config.model_name, "");
  }
}

TEST(LaunchOptions, AsksForWhatIsToBeServed) {
  EXPECT_THROW(parse_named({}), Error);
  EXPECT_THROW(parse_named({"--model-name", "deepseek-vl2"}), Error);
  EXPECT_THROW(parse_named({"--model-name", "none", "-s", "3"}), Error);
  EXPECT_THROW(parse_named({"--load-format", "dummy", "-s", "4"}), Error);
  EXPECT_FALSE(parse_named({"--load-format", "dummy", "-s", "tiny"}).source.has_value());
}

}  // namespace
}  // namespace spyhop
