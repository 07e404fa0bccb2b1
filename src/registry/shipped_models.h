// models/*.json as they were when the program was built: it knows its models wherever it is copied to.
#pragma once

#include <string_view>
#include <vector>

namespace spyhop {

struct ShippedFile {
  const char* name;  // "deepseek-vl2.json"
  std::string_view text;
};

/// Every file of models/, schemas aside.
const std::vector<ShippedFile>& shipped_model_files();

}  // namespace spyhop
