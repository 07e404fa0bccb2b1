// Engine and HTTP server together, as the launch command composes them, against clients that do not read.
#include <gtest/gtest.h>
#include <spdlog/spdlog.h>

#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "common/metrics.h"
#include "engine/engine_impl.h"
#include "http/server.h"
#include "support/fake_host.h"
#include "support/fake_model.h"
#include "support/raw_client.h"

namespace spyhop {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr int kAnswerTokens = 3000;

std::string raw_request(const std::string& fields) {
  const std::string body = R"({"messages":[{"role":"user","content":"hi"}],"stream":true)" + fields + "}";
  return "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: " +
         std::to_string(body.size()) + "\r\n\r\n" + body;
}

class SlowClientTest : public ::testing::Test {
 protected:
  SlowClientTest() {
    spdlog::set_level(spdlog::level::off);
    constexpr int kBlocks = 4000;
    auto runner = std::make_unique<FakeRunner>(std::string(kAnswerTokens, 'x'), kBlocks, 16);
    EngineConfig config;
    config.max_num_seqs = 16;
    config.max_unread_bytes = 400;
    ModelInfo info;
    info.id = "fake";
    info.max_context = 2 * kAnswerTokens;
    PrepareContext prepare;
    prepare.tokenizer = std::make_shared<FakeTokenizer>();
    prepare.processor = runner->config().processor;
    prepare.max_context = info.max_context;
    runner->on_run = [](const std::vector<SequenceChunk>&) { std::this_thread::sleep_for(std::chrono::microseconds(200)); };
    engine_ = std::make_shared<EngineImpl>(config, info, std::move(runner), prepare, &metrics_);
  }

  void serve(milliseconds write_timeout) {
    ServerConfig config;
    config.port = 0;
    config.write_timeout = write_timeout;
    models_.add(engine_);
    server_ = std::make_unique<HttpServer>(config, ServerParts{models_, &metrics_});
    server_->start();
    // The HTTP library makes its tables with the first request; ThreadSanitizer does not see how it guards them.
    test::RawClient first(server_->port());
    first.send("GET /health HTTP/1.1\r\nConnection: close\r\n\r\n");
    first.read_to_close();
  }

  ~SlowClientTest() override { server_->stop(); }

  /// Whether `condition` comes to hold for the engine's load.
  template <typename Condition>
  bool eventually(Condition condition) const {
    const auto deadline = std::chrono::steady_clock::now() + seconds(20);
    while (std::chrono::steady_clock::now() < deadline) {
      if (condition(engine_->stats())) return true;
      std::this_thread::sleep_for(milliseconds(2));
    }
    return false;
  }

  static bool is_busy(const EngineStats& stats) { return stats.num_running > 0; }
  static bool is_idle(const EngineStats& stats) {
    return stats.num_running + stats.num_waiting == 0 && stats.kv_cache_usage == 0;
  }

  Metrics metrics_;
  std::shared_ptr<EngineImpl> engine_;
  test::FakeHost models_;
  std::unique_ptr<HttpServer> server_;
};

TEST_F(SlowClientTest, AreGivenUpWhileOthersGetTheirWholeAnswer) {
  serve(milliseconds(300));
  std::vector<test::RawClient> stuck;
  for (int i = 0; i < 10; ++i) {
    stuck.emplace_back(server_->port(), /*receive_buffer_bytes=*/4096);
    stuck.back().send(raw_request(""));
  }
  test::RawClient reader(server_->port());
  reader.send(raw_request(R"(,"max_tokens":200)"));
  const std::string answer = reader.read_to_close(seconds(20));
  EXPECT_NE(answer.find(R"("finish_reason":"length")"), std::string::npos);
  EXPECT_NE(answer.find("data: [DONE]"), std::string::npos);

  EXPECT_TRUE(eventually(is_idle));
  for (test::RawClient& client : stuck) EXPECT_EQ(client.read_to_close(seconds(20)).find("[DONE]"), std::string::npos);
  EXPECT_NE(metrics_.text().find(R"(spyhop:request_success_total{engine="0",finished_reason="abort",model_name="fake"} 10)"),
            std::string::npos);
}

TEST_F(SlowClientTest, ThatReadInTheEndGetAnErrorInPlaceOfWhatIsMissing) {
  serve(seconds(20));
  test::RawClient client(server_->port(), /*receive_buffer_bytes=*/4096);
  client.send(raw_request(""));
  EXPECT_TRUE(eventually(is_busy));
  EXPECT_TRUE(eventually(is_idle));
  const std::string answer = client.read_to_close(seconds(20));
  EXPECT_NE(answer.find(R"("content":"x")"), std::string::npos);
  EXPECT_NE(answer.find(R"(data: {"error":{"message":"the client does not read its answer)"), std::string::npos);
  EXPECT_EQ(answer.find("[DONE]"), std::string::npos);
}

}  // namespace
}  // namespace spyhop
