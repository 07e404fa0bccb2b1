// The files of src/playground as they were when the program was built: the page needs nothing but the program.
#pragma once

#include <string_view>
#include <vector>

namespace spyhop {

struct PlaygroundFile {
  std::string_view path;  // below src/playground, such as "chat/main.js"
  std::string_view content_type;
  std::string_view etag;  // of the bytes, quotes included
  std::string_view bytes;
};

/// Every file that browsers load.
const std::vector<PlaygroundFile>& playground_files();

}  // namespace spyhop
