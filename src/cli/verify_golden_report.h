// What a run over a golden set found: values, and how they are printed.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include <array>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace spyhop {

enum class Verdict {
  kPass,
  kFail,
  kNotRun,  // could not be held against anything; `detail` says why
};

/// One comparison.
struct Check {
  std::string name;  // of the value compared: "vision_out_sub"
  Verdict verdict = Verdict::kPass;
  std::string summary;            // a few characters for the table: "437", "3.1e-06"
  std::string detail;             // of a failure: where, what, what it should be; of kNotRun: the reason
  std::optional<double> error{};  // the largest deviation, where the comparison has a tolerance
};

/// The columns of the table of cases.
enum class Column { kIds, kPixels, kVision, kLayers, kExperts, kLogits, kTokens };
inline constexpr std::array<const char*, 7> kColumnNames = {"ids", "pixels", "vision", "layers", "experts", "logits", "tokens"};

/// All comparisons of one case.
class CaseReport {
 public:
  CaseReport(std::string family, std::string name) : family_(std::move(family)), name_(std::move(name)) {}

  void add(Column column, Check check) { checks_[static_cast<size_t>(column)].push_back(std::move(check)); }

  const std::string& family() const { return family_; }
  const std::string& name() const { return name_; }
  const std::vector<Check>& checks(Column column) const { return checks_[static_cast<size_t>(column)]; }

  /// kFail if any check failed; kNotRun if none was made.
  Verdict verdict() const;

  /// Holds as far as it was checked, but some checks could not be made.
  bool partial() const;

  /// The check that stands for a column in the table: a failure before what was not run before a pass, among equals the largest
  /// error; null for a column without checks.
  const Check* representative(Column column) const;

  double seconds = 0;  // that the case took

 private:
  std::string family_;
  std::string name_;
  std::array<std::vector<Check>, kColumnNames.size()> checks_;
};

struct GoldenReport {
  std::string set;      // folder
  std::string compute;  // "f32" or "bf16"
  std::vector<CaseReport> cases;
  std::vector<Check> tables;  // tables, checkpoints and images of the set

  /// True when nothing failed and something was checked.
  bool holds() const;
};

/// The table's lines, without line ends.
std::string table_header();
std::string table_row(const CaseReport& report);

/// The same for tables, checkpoints and images.
std::string check_header();
std::string check_row(const Check& check);

/// Every failed check of a case, then why others were not run, one a line, indented; "" when there is nothing to say.
std::string note_lines(const CaseReport& report);

/// "108 cases: 108 hold, 0 fail, 0 not run; ...".
std::string summary_line(const GoldenReport& report);

nlohmann::json to_json(const GoldenReport& report);

}  // namespace spyhop
