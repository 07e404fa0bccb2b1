#include "prompt/image_source.h"

#include <algorithm>
#include <string_view>

#include "common/address_guard.h"
#include "common/encoding.h"
#include "common/http_client.h"
#include "spyhop/error.h"

namespace spyhop {
namespace {

constexpr std::string_view kDataScheme = "data:";

std::string lower_case(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

bool ends_with(std::string_view text, std::string_view end) {
  return text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
}

void check_bytes(size_t num_bytes, const ImageLimits& limits) {
  if (num_bytes <= limits.max_bytes) return;
  throw Error(ErrorCode::kTooLarge,
              "the image is " + std::to_string(num_bytes) + " bytes; allowed are at most " + std::to_string(limits.max_bytes));
}

void check_media_type(const std::string& media_type) {
  const std::string type = media_type.substr(0, std::min(media_type.find(';'), media_type.size()));
  if (type.empty() || type.rfind("image/", 0) == 0 || type == "application/octet-stream") return;
  throw Error(ErrorCode::kInvalidRequest, "the media type of the data: URL is '" + type.substr(0, 64) +
                                              "'; allowed: image/..., application/octet-stream or none");
}

/// A lower bound of the bytes that the data of a data: URL decodes to.
size_t least_bytes(std::string_view data, bool is_base64) {
  size_t num_chars = 0;  // escapes counted as the one character they stand for, which may be white space
  for (size_t i = 0; i < data.size(); ++i) {
    const bool is_escape = data[i] == '%';
    if (is_escape) i += 2;
    if (!is_base64 || (!is_escape && data[i] > ' ')) ++num_chars;
  }
  if (!is_base64) return num_chars;
  const size_t num_groups = num_chars / 4;
  return num_groups == 0 ? 0 : num_groups * 3 - 2;
}

/// data:[media type][;base64],data (RFC 2397).
std::string load_data_url(std::string_view url, const ImageLimits& limits) {
  constexpr std::string_view kBase64 = ";base64";
  constexpr size_t kMaxHeader = 1024;
  const size_t comma = url.substr(0, kMaxHeader).find(',');
  if (comma == std::string_view::npos) throw Error(ErrorCode::kInvalidRequest, "the data: URL has no ',' in front of its data");
  std::string media_type = lower_case(url.substr(kDataScheme.size(), comma - kDataScheme.size()));
  const std::string_view data = url.substr(comma + 1);
  const bool is_base64 = ends_with(media_type, kBase64);
  if (is_base64) media_type.resize(media_type.size() - kBase64.size());
  check_media_type(media_type);

  check_bytes(least_bytes(data, is_base64), limits);
  std::string bytes = data.find('%') == std::string_view::npos ? std::string(data) : percent_decode(data);
  if (is_base64) bytes = base64_decode(bytes);
  check_bytes(bytes.size(), limits);
  return bytes;
}

std::chrono::milliseconds time_left(std::chrono::steady_clock::time_point deadline) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
  if (left.count() > 0) return left;
  throw Error(ErrorCode::kTimeout, "the request's time is over before its images were fetched");
}

std::string fetch_image(const std::string& url, const FetchPolicy& policy, const ImageLimits& limits) {
  HttpGet request;
  request.url = url;
  request.max_bytes = limits.max_bytes;
  request.max_redirects = policy.max_redirects;
  request.connect_timeout = policy.connect_timeout;
  request.total_timeout = std::min(policy.total_timeout, time_left(policy.deadline));
  HttpResponse response = http_get(request, AddressGuard(policy));
  if (response.status == 200) return std::move(response.body);
  throw Error(ErrorCode::kInvalidRequest,
              "the image's server answered with status " + std::to_string(response.status) + " instead of 200");
}

}  // namespace

std::string load_image_bytes(const std::string& url, const FetchPolicy& policy, const ImageLimits& limits,
                             const std::string& param) {
  const std::string scheme = lower_case(url.substr(0, std::min(url.find(':') + 1, size_t{9})));
  try {
    if (scheme == kDataScheme) return load_data_url(url, limits);
    if (scheme == "http:" || scheme == "https:") return fetch_image(url, policy, limits);
  } catch (const Error& error) {
    throw Error(error.code(), error.what(), param);
  }
  throw Error(ErrorCode::kInvalidRequest,
              "an image is given by a data:, http: or https: URL; this one begins with '" +
                  url.substr(0, std::min(url.find(':') + 1, size_t{16})) + "'",
              param);
}

}  // namespace spyhop
