#include "prompt/image_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <httplib.h>

#include <chrono>
#include <thread>

#include "common/encoding.h"
#include "golden_data.h"
#include "spyhop/error.h"

namespace spyhop {
namespace {

using testing::HasSubstr;

constexpr char kParam[] = "messages[0].content[1].image_url";

std::string load(const std::string& url, const FetchPolicy& policy = {}, const ImageLimits& limits = {}) {
  return load_image_bytes(url, policy, limits, kParam);
}

/// The message of the error, whose param has to be the one passed in.
std::string refusal(const std::string& url, ErrorCode code, const FetchPolicy& policy = {}, const ImageLimits& limits = {}) {
  try {
    ADD_FAILURE() << "loaded " << load(url, policy, limits).size() << " bytes";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), code) << error.what();
    EXPECT_EQ(error.param(), kParam);
    return error.what();
  }
  return "";
}

TEST(LoadImageBytes, DecodesBase64DataUrls) {
  const std::string bytes = golden_file("images/one_pixel.png");
  const std::string text = base64_encode(bytes);
  EXPECT_EQ(load("data:image/png;base64," + text), bytes);
  EXPECT_EQ(load("DATA:Image/PNG;charset=utf-8;BASE64," + text), bytes);
  EXPECT_EQ(load("data:application/octet-stream;base64," + text), bytes);
  EXPECT_EQ(load("data:;base64," + text), bytes);
  EXPECT_EQ(load("data:image/png;base64," + text.substr(0, 10) + "\n " + text.substr(10)), bytes);
  EXPECT_EQ(load("data:image/png;base64," + text.substr(0, text.find('='))), bytes);
}

TEST(LoadImageBytes, DecodesPercentEncodedDataUrls) {
  EXPECT_EQ(load("data:image/png,%89PNG%0D%0A"), "\x89PNG\r\n");
  EXPECT_EQ(load("data:,P6"), "P6");
  EXPECT_EQ(load("data:image/gif;base64,Zm9v%0AYmE%3D"), "fooba");
  EXPECT_EQ(load("data:image/gif,"), "");
}

TEST(LoadImageBytes, RefusesMalformedDataUrls) {
  EXPECT_THAT(refusal("data:image/png;base64", ErrorCode::kInvalidRequest), HasSubstr("','"));
  EXPECT_THAT(refusal("data:image/png;base64,****", ErrorCode::kInvalidRequest), HasSubstr("base64"));
  EXPECT_THAT(refusal("data:text/html;base64,Zm9v", ErrorCode::kInvalidRequest), HasSubstr("text/html"));
  EXPECT_THAT(refusal("data:" + std::string(5000, 'x') + ",", ErrorCode::kInvalidRequest), HasSubstr("','"));
}

TEST(LoadImageBytes, RefusesDataUrlsOverTheByteLimit) {
  ImageLimits limits;
  limits.max_bytes = 1000;
  const std::string fits = base64_encode(std::string(1000, 'x'));
  EXPECT_EQ(load("data:image/png;base64," + fits, {}, limits).size(), 1000U);
  EXPECT_EQ(load("data:image/png," + std::string(1000, 'x'), {}, limits).size(), 1000U);
  for (const size_t size : {1001, 1002, 1003, 1004, 100'000}) {
    const std::string text = base64_encode(std::string(size, 'x'));
    EXPECT_THAT(refusal("data:image/png;base64," + text, ErrorCode::kTooLarge, {}, limits), HasSubstr("1000"));
    EXPECT_THAT(refusal("data:image/png," + std::string(size, 'x'), ErrorCode::kTooLarge, {}, limits), HasSubstr("1000"));
  }
}

TEST(LoadImageBytes, RefusesOtherSchemes) {
  for (const char* url : {"file:///etc/passwd", "ftp://example.com/a.png", "/etc/passwd", "", "iVBORw0KGgo=", "javascript:1"}) {
    EXPECT_THAT(refusal(url, ErrorCode::kInvalidRequest), HasSubstr("data:, http: or https:")) << url;
  }
}

TEST(LoadImageBytes, GuardsHttpUrls) {
  for (const char* url :
       {"http://127.0.0.1/a.png", "http://169.254.169.254/latest/meta-data/", "http://[::1]/", "https://0x7f.1/"}) {
    refusal(url, ErrorCode::kForbidden);
  }
  FetchPolicy policy;
  policy.allow_remote = false;
  EXPECT_THAT(refusal("https://example.com/a.png", ErrorCode::kForbidden, policy), HasSubstr("data:"));
  refusal("http://user:secret@example.com/", ErrorCode::kInvalidRequest);
}

TEST(LoadImageBytes, FetchesHttpUrls) {
  httplib::Server server;
  server.Get("/a.png",
             [](const httplib::Request&, httplib::Response& response) { response.set_content("12345", "image/png"); });
  const int port = server.bind_to_any_port("127.0.0.1");
  std::thread thread([&server] { server.listen_after_bind(); });
  while (!server.is_running()) std::this_thread::sleep_for(std::chrono::milliseconds(1));

  const std::string origin = "http://127.0.0.1:" + std::to_string(port);
  FetchPolicy policy;
  policy.allow_private_addresses = true;
  ImageLimits limits;
  limits.max_bytes = 5;
  EXPECT_EQ(load(origin + "/a.png", policy, limits), "12345");
  limits.max_bytes = 4;
  refusal(origin + "/a.png", ErrorCode::kTooLarge, policy, limits);
  EXPECT_THAT(refusal(origin + "/missing.png", ErrorCode::kInvalidRequest, policy), HasSubstr("404"));
  server.stop();
  thread.join();
}

}  // namespace
}  // namespace spyhop
