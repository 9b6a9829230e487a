#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>

#include "clinicdb/clinic/fhir/generator.h"
#include "clinicdb/clinic/identifiers.h"
#include "fhir/resource.h"
#include "support/temporary_directory.h"

using namespace clinicdb;
using namespace clinicdb::clinic;
using namespace clinicdb::clinic::fhir;

namespace {

std::map<std::string, std::string> contents(const std::string& directory) {
  std::map<std::string, std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    std::ostringstream text;
    text << std::ifstream(entry.path(), std::ios::binary).rdbuf();
    files[entry.path().filename().string()] = text.str();
  }
  return files;
}

GeneratorReport generate(const std::string& directory, GeneratorOptions options) {
  Result<GeneratorReport> report = generate_fhir(directory, options);
  if (!report) FAIL(report.error().to_string());
  return *report;
}

}  // namespace

TEST_CASE("generator: the same seed gives the same bytes, another seed others") {
  const test::TemporaryDirectory directory;
  GeneratorOptions options;
  options.patients = 5;
  generate(directory.path("a"), options);
  generate(directory.path("b"), options);
  options.seed = 2;
  generate(directory.path("c"), options);
  REQUIRE(contents(directory.path("a")) == contents(directory.path("b")));
  REQUIRE(contents(directory.path("a")) != contents(directory.path("c")));
}

TEST_CASE("generator: every line is a resource that the reader takes, and references lead to one") {
  const test::TemporaryDirectory directory;
  GeneratorOptions options;
  options.patients = 30;
  const GeneratorReport report = generate(directory.path(), options);
  std::set<std::string> ids;
  std::set<std::string> cpfs;
  std::set<std::string> cnss;
  std::vector<std::string> references;
  std::uint64_t resources = 0;
  std::uint64_t bytes = 0;
  JsonTree tree;
  for (const auto& [name, text] : contents(directory.path())) {
    bytes += text.size();
    std::istringstream lines(text);
    std::uint64_t of_type = 0;
    for (std::string line; std::getline(lines, line); ++of_type) {
      REQUIRE(tree.parse_copy(line).ok());
      const Result<ResourceType> type = read_resource_type(tree.root());
      REQUIRE(type);
      REQUIRE(name == std::string(resource_type_name(*type)) + ".ndjson");
      const Result<std::string> id = read_id(tree.root());
      REQUIRE(ids.insert(std::string(resource_type_name(*type)) + "/" + *id).second);
      const Result<RecordIdentity> identity = identity_of(*type, *id);
      REQUIRE(identity->fhir_id.empty());
      const Result<AnyRecord> record = read_resource(tree.root(), *type, *identity, {});
      INFO(line);
      REQUIRE(record);
      if (const auto* patient = std::get_if<Patient>(&*record)) {
        REQUIRE(cpfs.insert(patient->cpf()).second);
        REQUIRE(cnss.insert(patient->cns()).second);
        REQUIRE(parse_cpf(patient->cpf(), "cpf"));
        REQUIRE(parse_cns(patient->cns(), "cns"));
        REQUIRE(patient->mrn_size() == 1);
      }
      for (const JsonValue reference : tree.root().strings_below(kReferenceMember)) {
        if (reference.text().front() != '#') references.emplace_back(reference.text());
      }
      ++resources;
    }
    REQUIRE(report.by_type.at(name.substr(0, name.find('.'))) == of_type);
  }
  REQUIRE(resources == report.resources);
  REQUIRE(bytes == report.bytes);
  REQUIRE(cpfs.size() == 30);
  for (const std::string& reference : references) REQUIRE(ids.count(reference) == 1);
}

TEST_CASE("generator: sizes and mix are near Synthea's") {
  const test::TemporaryDirectory directory;
  GeneratorOptions options;
  options.resources = 20'000;
  const GeneratorReport report = generate(directory.path(), options);
  REQUIRE(report.resources >= options.resources);
  const double mean = static_cast<double>(report.bytes) / static_cast<double>(report.resources);
  REQUIRE(mean > 1'200);
  REQUIRE(mean < 1'500);
  const double observations =
      static_cast<double>(report.by_type.at("Observation")) / static_cast<double>(report.resources);
  REQUIRE(observations > 0.42);
  REQUIRE(observations < 0.54);
}

TEST_CASE("generator: no two appointments of a professional overlap") {
  const test::TemporaryDirectory directory;
  GeneratorOptions options;
  options.patients = 40;
  options.clinics = 1;
  generate(directory.path(), options);
  std::map<std::pair<std::string, std::int64_t>, std::int64_t>
      taken;  // professional and start, to end
  std::istringstream lines(contents(directory.path()).at("Appointment.ndjson"));
  JsonTree tree;
  for (std::string line; std::getline(lines, line);) {
    REQUIRE(tree.parse_copy(line).ok());
    const Result<AnyRecord> record = read_resource(
        tree.root(), RESOURCE_TYPE_APPOINTMENT, *identity_of(RESOURCE_TYPE_APPOINTMENT, "x"), {});
    REQUIRE(record);
    const Appointment& appointment = std::get<Appointment>(*record);
    REQUIRE(taken
                .emplace(std::pair(appointment.professional_id(), appointment.start_us()),
                         appointment.end_us())
                .second);
  }
  REQUIRE(taken.size() > 40);
  for (auto at = taken.begin(); std::next(at) != taken.end(); ++at) {
    const auto after = std::next(at);
    if (at->first.first == after->first.first) REQUIRE(at->second <= after->first.second);
  }
}

TEST_CASE("generator: options out of range and files in the way are refused") {
  const test::TemporaryDirectory directory;
  GeneratorOptions options;
  options.years = 0;
  REQUIRE(generate_fhir(directory.path(), options).error().field() == "years");
  options.years = 1;
  options.patients = 1;
  REQUIRE(generate_fhir(directory.path(), options));
  REQUIRE(generate_fhir(directory.path(), options).error().code() == StatusCode::kAlreadyExists);
}
