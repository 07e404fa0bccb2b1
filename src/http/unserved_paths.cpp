#include "http/unserved_paths.h"

#include <array>

namespace spyhop {
namespace {

struct UnservedPath {
  const char* prefix;
  const char* why;
};

constexpr const char* kTextOnly = "the models of this server read texts and images and write texts";
constexpr const char* kStateless = "this server keeps no files, jobs or assistants";

constexpr std::array<UnservedPath, 16> kUnserved{{
    {"/v1/embeddings", kTextOnly},
    {"/v1/audio", kTextOnly},
    {"/v1/images/generations", kTextOnly},
    {"/v1/images/edits", kTextOnly},
    {"/v1/images/variations", kTextOnly},
    {"/v1/videos", kTextOnly},
    {"/v1/realtime", kTextOnly},
    {"/v1/moderations", kTextOnly},
    {"/v1/rerank", kTextOnly},
    {"/v1/score", kTextOnly},
    {"/v1/files", kStateless},
    {"/v1/batches", kStateless},
    {"/v1/fine_tuning", kStateless},
    {"/v1/assistants", kStateless},
    {"/v1/threads", kStateless},
    {"/v1/conversations", kStateless},
}};

}  // namespace

std::string why_unserved(const std::string& path) {
  for (const UnservedPath& unserved : kUnserved) {
    const std::string prefix = unserved.prefix;
    if (path.compare(0, prefix.size(), prefix) != 0) continue;
    if (path.size() == prefix.size() || path[prefix.size()] == '/') return unserved.why;
  }
  return "";
}

}  // namespace spyhop
