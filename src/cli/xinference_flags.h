// Options that `xinference launch` has and that mean little or nothing here.
#pragma once

#include <CLI/App.hpp>
#include <string>
#include <utility>
#include <vector>

namespace spyhop {

struct XinferenceFlags {
  std::string model_type = "LLM";
  int replica = 1;
  int n_worker = 1;
  std::string n_gpu = "auto";
  std::vector<std::pair<std::string, std::string>> refused_pairs;
  std::string refused_text;
  std::string ignored_text;
  std::vector<std::string> ignored_texts;
  bool ignored_switch = false;
};

void declare_xinference_flags(CLI::App& command, XinferenceFlags& flags);

/// Throws Error{kUnsupported} for what cannot be honoured; returns a line for each option that is ignored.
std::vector<std::string> check_xinference_flags(const CLI::App& command, const XinferenceFlags& flags);

}  // namespace spyhop
