// Report: what a benchmark found, as text for people or as one line of JSON.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace clinicdb::bench {

class Report {
 public:
  /// Notes the machine, and the time and load at the beginning.
  explicit Report(std::string benchmark);

  /// How it was run.
  void setting(const std::string& name, const nlohmann::json& value);
  void heading(const std::string& text);
  void figure(const std::string& name, double value, const std::string& unit);
  /// A figure that is to be at least, or at most, `bar`.
  void at_least(const std::string& name, double value, double bar, const std::string& unit);
  void at_most(const std::string& name, double value, double bar, const std::string& unit);
  /// Each round's values, for whoever wants to see the spread; in JSON only.
  void rounds(const std::string& name, const std::vector<double>& values);

  /// Prints to standard output.
  void print(bool json) const;
  bool all_met() const { return missed_ == 0; }

 private:
  struct Line {
    std::string name;  ///< empty: a heading
    std::string text;
  };
  void bar(const std::string& name, double value, double bar, const std::string& unit, bool least);

  nlohmann::json json_;
  std::vector<Line> lines_;
  std::size_t missed_ = 0;
};

}  // namespace clinicdb::bench
