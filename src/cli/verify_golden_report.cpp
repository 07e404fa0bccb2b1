#include "cli/verify_golden_report.h"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <tuple>

namespace spyhop {
namespace {

constexpr int kNameWidth = 36;
constexpr int kColumnWidth = 12;
constexpr int kCheckNameWidth = 28;

constexpr std::array<Column, kColumnNames.size()> kColumns = {
    Column::kIds, Column::kPixels, Column::kVision, Column::kLayers, Column::kExperts, Column::kLogits, Column::kTokens};

const char* verdict_name(Verdict verdict) {
  switch (verdict) {
    case Verdict::kPass:
      return "ok";
    case Verdict::kFail:
      return "FAIL";
    case Verdict::kNotRun:
      return "not run";
  }
  return "";
}

std::string cell(const Check* check) {
  if (check == nullptr) return "-";
  if (check->verdict == Verdict::kNotRun) return "not run";
  const std::string& summary = check->summary;
  if (check->verdict == Verdict::kFail) return summary.empty() ? "FAIL" : "FAIL " + summary;
  return summary.empty() ? "ok" : summary;
}

struct Tally {
  int pass = 0;
  int fail = 0;
  int not_run = 0;
  int partial = 0;  // of `pass`

  void count(Verdict verdict) { ++(verdict == Verdict::kPass ? pass : verdict == Verdict::kFail ? fail : not_run); }
  std::string text(const char* noun) const {
    const std::string in_part = partial > 0 ? fmt::format(" ({} in part)", partial) : "";
    return fmt::format("{} {}: {} hold{}, {} fail, {} not run", pass + fail + not_run, noun, pass, in_part, fail, not_run);
  }
};

Tally tally_cases(const GoldenReport& report) {
  Tally tally;
  for (const CaseReport& each : report.cases) {
    tally.count(each.verdict());
    tally.partial += each.partial() ? 1 : 0;
  }
  return tally;
}

Tally tally_tables(const GoldenReport& report) {
  Tally tally;
  for (const Check& each : report.tables) tally.count(each.verdict);
  return tally;
}

nlohmann::json to_json(const Check& check) {
  nlohmann::json json = {{"name", check.name}, {"verdict", verdict_name(check.verdict)}, {"summary", check.summary}};
  if (!check.detail.empty()) json["detail"] = check.detail;
  if (check.error) json["error"] = *check.error;
  return json;
}

nlohmann::json to_json(const CaseReport& report) {
  nlohmann::json columns = nlohmann::json::object();
  for (Column column : kColumns) {
    nlohmann::json checks = nlohmann::json::array();
    for (const Check& check : report.checks(column)) checks.push_back(to_json(check));
    if (!checks.empty()) columns[kColumnNames[static_cast<size_t>(column)]] = std::move(checks);
  }
  return {{"family", report.family()},
          {"case", report.name()},
          {"verdict", verdict_name(report.verdict())},
          {"seconds", report.seconds},
          {"checks", std::move(columns)}};
}

}  // namespace

Verdict CaseReport::verdict() const {
  bool any_pass = false;
  for (const auto& column : checks_) {
    for (const Check& check : column) {
      if (check.verdict == Verdict::kFail) return Verdict::kFail;
      any_pass = any_pass || check.verdict == Verdict::kPass;
    }
  }
  return any_pass ? Verdict::kPass : Verdict::kNotRun;
}

bool CaseReport::partial() const {
  const auto not_run = [](const Check& check) { return check.verdict == Verdict::kNotRun; };
  const auto any_not_run = [&](const std::vector<Check>& column) { return std::any_of(column.begin(), column.end(), not_run); };
  return verdict() == Verdict::kPass && std::any_of(checks_.begin(), checks_.end(), any_not_run);
}

const Check* CaseReport::representative(Column column) const {
  const auto rank = [](const Check& check) {
    const int verdict = check.verdict == Verdict::kFail ? 2 : check.verdict == Verdict::kNotRun ? 1 : 0;
    return std::tuple(verdict, check.error.value_or(-1), !check.summary.empty());
  };
  const Check* best = nullptr;
  for (const Check& check : checks(column)) {
    if (best == nullptr || rank(check) > rank(*best)) best = &check;
  }
  return best;
}

bool GoldenReport::holds() const {
  const Tally of_cases = tally_cases(*this);
  const Tally of_tables = tally_tables(*this);
  return of_cases.fail + of_tables.fail == 0 && of_cases.pass + of_tables.pass > 0;
}

std::string table_header() {
  std::string line = fmt::format("{:<{}}", "case", kNameWidth);
  for (const char* name : kColumnNames) line += fmt::format(" {:<{}}", name, kColumnWidth);
  return line + " seconds  verdict";
}

std::string table_row(const CaseReport& report) {
  std::string line = fmt::format("{:<{}}", report.family() + "/" + report.name(), kNameWidth);
  for (Column column : kColumns) line += fmt::format(" {:<{}}", cell(report.representative(column)), kColumnWidth);
  const char* verdict = report.partial() ? "ok, in part" : verdict_name(report.verdict());
  return line + fmt::format(" {:>7.2f}  {}", report.seconds, verdict);
}

std::string check_header() {
  return fmt::format("{:<{}} {:<8} checked", "table", kCheckNameWidth, "verdict");
}

std::string check_row(const Check& check) {
  std::string line = fmt::format("{:<{}} {:<8}", check.name, kCheckNameWidth, verdict_name(check.verdict));
  if (!check.summary.empty()) line += " " + check.summary;
  if (!check.detail.empty()) line += (check.summary.empty() ? " " : ": ") + check.detail;
  return line;
}

std::string note_lines(const CaseReport& report) {
  std::string lines;
  std::set<std::string> reasons;
  for (Column column : kColumns) {
    for (const Check& check : report.checks(column)) {
      if (check.verdict == Verdict::kNotRun) reasons.insert(check.detail);
      if (check.verdict != Verdict::kFail) continue;
      lines += fmt::format("    FAIL {} / {}: {}\n", kColumnNames[static_cast<size_t>(column)], check.name, check.detail);
    }
  }
  for (const std::string& reason : reasons) lines += fmt::format("    not run: {}\n", reason);
  return lines;
}

std::string summary_line(const GoldenReport& report) {
  return fmt::format("{}, compute {}: {}; {}: {}", report.set, report.compute, tally_cases(report).text("cases"),
                     tally_tables(report).text("tables and files"), report.holds() ? "everything checked holds" : "FAILED");
}

nlohmann::json to_json(const GoldenReport& report) {
  nlohmann::json cases = nlohmann::json::array();
  for (const CaseReport& each : report.cases) cases.push_back(to_json(each));
  nlohmann::json tables = nlohmann::json::array();
  for (const Check& each : report.tables) tables.push_back(to_json(each));
  return {{"set", report.set},
          {"compute", report.compute},
          {"holds", report.holds()},
          {"cases", std::move(cases)},
          {"tables", std::move(tables)}};
}

}  // namespace spyhop
