#include "cli/man_page.h"

#include <vector>

#include "cli/text_table.h"

namespace spyhop {
namespace {

/// Text as roff shows it unchanged: a '-' is a minus, which copies as typed, and a '.' or "'" at the begin of a line is no
/// request.
std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    const bool begins_line = out.empty() || out.back() == '\n';
    if (begins_line && (c == '.' || c == '\'')) out += "\\&";
    if (c == '\\') {
      out += "\\e";
    } else if (c == '-') {
      out += "\\-";
    } else if (c == '`' || c == '\'') {
      out += c == '`' ? "\\(ga" : "\\(aq";
    } else {
      out += c;
    }
  }
  return out;
}

/// With a full stop, unless it ends with one.
std::string sentence(const std::string& text) {
  return escaped(text) + (text.empty() || text.back() == '.' ? "" : ".");
}

/// What follows the program's name: "an inference server" of "Spyhop: an inference server".
std::string tagline(const std::string& description) {
  const size_t colon = description.find(": ");
  return colon == std::string::npos ? description : description.substr(colon + 2);
}

std::string upper_case(std::string text) {
  for (char& c : text) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return text;
}

/// "[OPTION]... DIR", or "COMMAND".
std::string operands_of(const CommandInfo& command) {
  std::string text = " [\\fIOPTION\\fR]...";
  for (const OptionInfo& option : command.options) {
    if (option.names.empty())
      text += (option.is_required ? " \\fI" : " [\\fI") + escaped(option.operand) + (option.is_required ? "\\fR" : "\\fR]");
  }
  return text + (command.commands.empty() ? "" : " \\fICOMMAND\\fR");
}

std::string option_entry(const OptionInfo& option) {
  std::vector<std::string> names;
  for (const std::string& name : option.names) names.push_back("\\fB" + escaped(name) + "\\fR");
  if (option.names.empty()) names.push_back("\\fI" + escaped(option.operand) + "\\fR");
  std::string text = ".TP\n" + joined(names);
  if (option.takes_value && !option.names.empty()) {
    text += " " + (option.choices.empty() ? "\\fI" + std::string(option.is_number ? "NUMBER" : "VALUE") + "\\fR"
                                          : escaped("{" + joined(option.choices, ",") + "}"));
  }
  text += "\n" + sentence(option.description) + "\n";
  if (!option.default_value.empty()) text += "Default: " + escaped(option.default_value) + ".\n";
  if (!option.variable.empty()) text += "Variable: \\%" + escaped(option.variable) + ".\n";
  if (option.is_required) text += "Required.\n";
  return text;
}

/// Lines as they are, without filling.
std::string verbatim(const std::string& text) {
  return ".PP\n.nf\n" + escaped(text) + "\n.fi\n";
}

std::string command_section(const CommandInfo& command, const std::string& program) {
  std::string text = ".SS " + program + " " + escaped(command.path) + "\n" + sentence(command.description) + "\n";
  if (!command.aliases.empty()) text += "Also: " + escaped(joined(command.aliases)) + ".\n";
  text += ".PP\n\\fB" + program + " " + escaped(command.path) + "\\fR" + operands_of(command) + "\n";
  std::string group = "Options";
  for (const OptionInfo& option : command.options) {
    if (option.group != group) text += ".PP\n\\fI" + escaped(group = option.group) + "\\fR\n";
    text += option_entry(option);
  }
  if (!command.footer.empty()) text += verbatim(command.footer);
  return text;
}

constexpr const char* kEnd = R"(.SH CONFIGURATION
Settings of \fBspyhop launch\fR come from flags, else from variables, else from the JSON file of \fB\-\-config\fR, whose keys
are the names of flags without dashes, else from defaults.
\fBspyhop config\fR prints them with their sources.
.SH ENVIRONMENT
.TP
\fBSPYHOP_HOME\fR
Folder of what the program keeps: registered models. Default: ~/.spyhop.
.TP
\fBHF_ENDPOINT\fR, \fBHF_TOKEN\fR, \fBHF_HOME\fR, \fBHF_HUB_CACHE\fR, \fBHF_HUB_OFFLINE\fR
As for \fBhf\fR(1).
.TP
\fBMODELSCOPE_ENDPOINT\fR, \fBMODELSCOPE_API_TOKEN\fR, \fBMODELSCOPE_CACHE\fR
As for \fBmodelscope\fR(1).
.TP
\fBSSL_CERT_FILE\fR, \fBhttps_proxy\fR, \fBno_proxy\fR
Certificates to trust, and proxies.
.SH FILES
.TP
\fI~/.spyhop/models/NAME.json\fR
Models that were registered.
.TP
\fI~/.cache/huggingface\fR, \fI~/.cache/modelscope\fR
The caches of the hubs, shared with their own tools.
.SH EXIT STATUS
0 if all that was asked for was done, else another, with the reason on standard error.
.SH SIGNALS
\fBspyhop launch\fR ends running answers at the first SIGTERM or SIGINT, and quits at the second.
)";

}  // namespace

std::string man_page(const CommandInfo& root, const std::string& program, const std::string& version) {
  std::string text = ".\\\" Made by `" + program + " man`.\n.TH " + upper_case(program) + " 1 \"\" \"" + program + " " +
                     escaped(version) + "\" \"User Commands\"\n.SH NAME\n" + program + " \\- " +
                     escaped(tagline(root.description)) + "\n.SH SYNOPSIS\n\\fB" + program +
                     "\\fR \\fICOMMAND\\fR [\\fIOPTION\\fR]...\n.SH COMMANDS\n";
  for (const CommandInfo& command : root.commands) {
    text += ".TP\n\\fB" + escaped(command.name()) + "\\fR\n" + sentence(command.description) + "\n";
  }
  text += ".SH OPTIONS\n";
  for (const OptionInfo& option : root.options) text += option_entry(option);
  text += ".SH DETAILS\n";
  for (const CommandInfo* command : all_commands(root)) {
    if (!command->path.empty()) text += command_section(*command, program);
  }
  return text + kEnd;
}

}  // namespace spyhop
