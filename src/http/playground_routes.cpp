#include "http/playground_routes.h"

#include <algorithm>
#include <string>

#include "http/playground_files.h"
#include "spyhop/error.h"

namespace spyhop {
namespace {

// Nothing from elsewhere, nothing inline, no markup made of strings; pictures may come from files that the user gives the page.
constexpr const char* kContentPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; "
    "trusted-types 'none'";

const PlaygroundFile& find_file(std::string_view path) {
  const std::vector<PlaygroundFile>& files = playground_files();
  const auto found = std::find_if(files.begin(), files.end(), [&](const PlaygroundFile& file) { return file.path == path; });
  if (found != files.end()) return *found;
  throw Error(ErrorCode::kNotFound, "there is no /playground/" + std::string(path) + "; the page is at /");
}

void answer_file(const RouteCall& call, const PlaygroundFile& file) {
  httplib::Response& response = call.response;
  response.set_header("ETag", std::string(file.etag));
  response.set_header("Cache-Control", "no-cache");  // may be kept, but is asked for again: another build has other files
  response.set_header("Content-Security-Policy", kContentPolicy);
  response.set_header("Cross-Origin-Opener-Policy", "same-origin");
  response.set_header("Permissions-Policy", "camera=(self), microphone=(), geolocation=()");
  response.set_header("Referrer-Policy", "no-referrer");
  response.set_header("X-Content-Type-Options", "nosniff");
  const std::string known = call.request.get_header_value("If-None-Match");
  if (known == "*" || known.find(file.etag) != std::string::npos) {
    response.status = 304;
    response.set_header("Content-Length", std::to_string(file.bytes.size()));
    return;
  }
  response.status = 200;
  response.set_content(file.bytes.data(), file.bytes.size(), std::string(file.content_type));
}

void answer_root(const RouteCall& call) {
  call.response.set_header("Vary", "Accept");
  if (call.request.get_header_value("Accept").find("text/html") == std::string::npos) {
    throw Error(
        ErrorCode::kNotFound,
        "there is nothing for programs at /; browsers find the playground here, the API is at /v1, such as GET /v1/models");
  }
  answer_file(call, find_file("index.html"));
}

}  // namespace

Routes playground_routes(const ServerState& state) {
  if (!state.config.playground) return {};
  return {{"GET", "/", answer_root, /*is_probe=*/true},
          {"GET", "/playground/{file}", [](RouteCall& call) { answer_file(call, find_file(call.path_values[0])); },
           /*is_probe=*/true}};
}

}  // namespace spyhop
