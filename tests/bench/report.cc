#include "bench/report.h"

#include <rocksdb/version.h>
#include <sqlite3.h>
#include <sys/utsname.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <thread>

namespace clinicdb::bench {

namespace {

std::string cpu_model() {
  std::ifstream file("/proc/cpuinfo");
  std::string line;
  while (std::getline(file, line)) {
    if (line.rfind("model name", 0) == 0) return line.substr(line.find(':') + 2);
  }
  return "unknown";
}

std::uint64_t memory_mib() {
  std::ifstream file("/proc/meminfo");
  std::string word;
  std::uint64_t kib = 0;
  file >> word >> kib;
  return kib / 1024;
}

nlohmann::json machine() {
  utsname system{};
  uname(&system);
  std::array<double, 3> load{};
  getloadavg(load.data(), 3);
  return {{"cpu", cpu_model()},
          {"cpus", std::thread::hardware_concurrency()},
          {"memory_mib", memory_mib()},
          {"kernel", system.release},
          {"load_at_start", load[0]},
          {"rocksdb", std::to_string(ROCKSDB_MAJOR) + "." + std::to_string(ROCKSDB_MINOR) + "." +
                          std::to_string(ROCKSDB_PATCH)},
          {"sqlite", sqlite3_libversion()}};
}

/// Three or more significant digits, and thousands apart.
std::string number_text(double value) {
  std::array<char, 64> text{};
  const double size = std::abs(value);
  std::snprintf(text.data(), text.size(),
                size >= 100  ? "%.0f"
                : size >= 10 ? "%.1f"
                             : "%.2f",
                value);
  std::string digits(text.data());
  if (size >= 10'000) {
    for (std::size_t at = digits.size(); at > 3;) digits.insert(at -= 3, ",");
  }
  return digits;
}

}  // namespace

Report::Report(std::string benchmark) {
  json_["benchmark"] = std::move(benchmark);
  json_["machine"] = machine();
  json_["figures"] = nlohmann::json::array();
}

void Report::setting(const std::string& name, const nlohmann::json& value) {
  json_["settings"][name] = value;
}

void Report::heading(const std::string& text) { lines_.push_back({"", text}); }

void Report::figure(const std::string& name, double value, const std::string& unit) {
  json_["figures"].push_back({{"name", name}, {"value", value}, {"unit", unit}});
  lines_.push_back({name, number_text(value) + " " + unit});
}

void Report::bar(const std::string& name, double value, double bar, const std::string& unit,
                 bool least) {
  const bool met = least ? value >= bar : value <= bar;
  if (!met) ++missed_;
  json_["figures"].push_back({{"name", name},
                              {"value", value},
                              {"unit", unit},
                              {least ? "at_least" : "at_most", bar},
                              {"met", met}});
  lines_.push_back({name, number_text(value) + " " + unit + "   (" +
                              (least ? "at least " : "at most ") + number_text(bar) +
                              (met ? ": met)" : ": MISSED)")});
}

void Report::at_least(const std::string& name, double value, double least,
                      const std::string& unit) {
  bar(name, value, least, unit, true);
}

void Report::at_most(const std::string& name, double value, double most, const std::string& unit) {
  bar(name, value, most, unit, false);
}

void Report::rounds(const std::string& name, const std::vector<double>& values) {
  json_["rounds"][name] = values;
}

void Report::print(bool json) const {
  if (json) {
    std::printf("%s\n", json_.dump().c_str());
    return;
  }
  const nlohmann::json& machine = json_["machine"];
  std::printf(
      "%s: %s, %u CPUs, %llu MiB, Linux %s, load %.2f, RocksDB %s, SQLite %s\n",
      json_["benchmark"].get<std::string>().c_str(), machine["cpu"].get<std::string>().c_str(),
      machine["cpus"].get<unsigned>(), machine["memory_mib"].get<unsigned long long>(),
      machine["kernel"].get<std::string>().c_str(), machine["load_at_start"].get<double>(),
      machine["rocksdb"].get<std::string>().c_str(), machine["sqlite"].get<std::string>().c_str());
  if (json_.contains("settings")) {
    for (const auto& [name, value] : json_["settings"].items())
      std::printf("  %s %s", name.c_str(), value.dump().c_str());
    std::printf("\n");
  }
  std::size_t width = 0;
  for (const Line& line : lines_) width = std::max(width, line.name.size());
  for (const Line& line : lines_) {
    if (line.name.empty()) {
      std::printf("\n%s\n", line.text.c_str());
    } else {
      std::printf("  %-*s  %s\n", static_cast<int>(width), line.name.c_str(), line.text.c_str());
    }
  }
  std::fflush(stdout);
}

}  // namespace clinicdb::bench
