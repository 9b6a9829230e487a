// A store with one tenant in a directory of its own, to import into and export from.
#pragma once

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "clinicdb/clinic/clinic.h"
#include "clinicdb/clinic/fhir/exporter.h"
#include "clinicdb/clinic/fhir/importer.h"
#include "clinicdb/clinic/identity.h"
#include "clinicdb/clinic/tables.h"
#include "fhir/json_tree.h"
#include "support/temporary_directory.h"

namespace clinicdb::clinic::fhir {

class FhirFixture {
 public:
  FhirFixture() {
    ClinicOptions options;
    options.store.log_segment_bytes = std::size_t{4} << 20;
    options.store.write_buffer_bytes = std::size_t{8} << 20;
    options.store.block_cache_bytes = std::size_t{8} << 20;
    options.store.disk_reserve_bytes = 0;
    Result<std::unique_ptr<Clinic>> opened = Clinic::open(directory.path("store"), options);
    if (!opened) FAIL(opened.error().to_string());
    clinic = std::move(opened).value();
    Result<engine::TenantInfo> made = clinic->store().create_tenant("sorriso");
    if (!made) FAIL(made.error().to_string());
    tenant = made->id;
  }

  std::string write(const std::string& name, const std::string& text) {
    const std::string path = directory.path(name);
    std::filesystem::create_directories(std::filesystem::path(path).parent_path());
    std::ofstream(path, std::ios::binary) << text;
    return path;
  }

  ImportReport import_paths(const std::vector<std::string>& paths, std::size_t threads = 2) {
    problems.clear();
    ImportOptions options = import_options;
    options.threads = threads;
    options.on_problem = [this](const ImportProblem& problem) { problems.push_back(problem); };
    Result<ImportReport> report = import_fhir(clinic->store(), tenant, paths, options);
    if (!report) FAIL(report.error().to_string());
    REQUIRE(report->imported + report->unchanged + report->failed == report->resources);
    return *report;
  }

  /// Imports one text as one file.
  ImportReport import_text(const std::string& text) {
    return import_paths({write("in/" + std::to_string(++texts_) + ".json", text)});
  }

  /// What is exported, "Type/id" to JSON.
  std::map<std::string, std::string> exported() {
    const std::string out = directory.path("out" + std::to_string(++exports_));
    Result<ExportReport> report = export_fhir(clinic->store(), tenant, out, {});
    if (!report) FAIL(report.error().to_string());
    std::map<std::string, std::string> resources;
    std::uint64_t lines = 0;
    for (const auto& entry : std::filesystem::directory_iterator(out)) {
      std::ifstream file(entry.path());
      for (std::string line; std::getline(file, line); ++lines) {
        JsonTree tree;
        REQUIRE(tree.parse_copy(line).ok());
        const std::string type(tree.root().member("resourceType").text());
        REQUIRE(entry.path().filename() == type + ".ndjson");
        resources[type + "/" + std::string(tree.root().member("id").text())] = line;
      }
    }
    REQUIRE(lines == report->resources);
    REQUIRE(resources.size() == report->resources);
    return resources;
  }

  template <class Record>
  std::optional<engine::Stored<Record>> stored(const engine::Table<Record>& table,
                                               const std::string& key) {
    Result<std::unique_ptr<engine::Reader>> reader = clinic->store().view(tenant);
    REQUIRE(reader);
    auto found = (*reader)->get(table, key);
    if (!found) FAIL(found.error().to_string());
    return *found;
  }
  static std::string key_of(ResourceType type, std::string_view fhir_id) {
    return std::string(identity_of(type, fhir_id)->id.view());
  }

  /// Nothing in the store contradicts itself.
  void verify() {
    Result<engine::VerifyReport> report = clinic->store().verify({});
    if (!report) FAIL(report.error().to_string());
    for (const std::string& problem : report->problems) FAIL_CHECK(problem);
    REQUIRE(report->problem_count == 0);
  }

  test::TemporaryDirectory directory;
  std::unique_ptr<Clinic> clinic;
  TenantId tenant;
  std::vector<ImportProblem> problems;
  ImportOptions import_options;

 private:
  int texts_ = 0;
  int exports_ = 0;
};

}  // namespace clinicdb::clinic::fhir
