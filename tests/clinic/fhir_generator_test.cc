#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>

#include "clinicdb/clinic/fhir/generator.h"
#include "clinicdb/clinic/identifiers.h"
#include "fhir/fhir_time.h"
#include "fhir/resource.h"
#include "fhir_fixture.h"
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

namespace {

struct Counted {
  std::map<std::pair<std::string, std::int64_t>, std::uint64_t> by_day;  // of a clinic
  std::map<std::int64_t, std::uint64_t> by_second;
  std::uint64_t same_day = 0;
  std::uint64_t appointments = 0;
};

constexpr std::int64_t kDayUs = std::int64_t{24} * 3600 * 1'000'000;

// Appointments as the reader sees them, by the clinic of their room; none may meet another.
Counted count_bookings(const std::map<std::string, std::string>& files) {
  JsonTree tree;
  std::map<std::string, std::string> clinic_of;
  std::istringstream locations(files.at("Location.ndjson"));
  for (std::string line; std::getline(locations, line);) {
    REQUIRE(tree.parse_copy(line).ok());
    clinic_of["Location/" + std::string(tree.root().member("id").text())] =
        tree.root().member("managingOrganization").member("reference").text();
  }
  Counted counted;
  std::map<std::pair<std::string, std::int64_t>, std::int64_t> taken;
  std::istringstream lines(files.at("Appointment.ndjson"));
  for (std::string line; std::getline(lines, line); ++counted.appointments) {
    REQUIRE(tree.parse_copy(line).ok());
    const Result<AnyRecord> record = read_resource(
        tree.root(), RESOURCE_TYPE_APPOINTMENT, *identity_of(RESOURCE_TYPE_APPOINTMENT, "x"), {});
    REQUIRE(record);
    const Appointment& appointment = std::get<Appointment>(*record);
    for (const std::string& who : {appointment.professional_id(), appointment.patient_id()})
      REQUIRE(taken.emplace(std::pair(who, appointment.start_us()), appointment.end_us()).second);
    const JsonValue created = tree.root().member("created");
    if (!created) continue;
    const std::int64_t booked = parse_date_time(created.text())->us;
    REQUIRE(booked < appointment.start_us());
    const auto day = [](std::int64_t us) { return (us - 3 * kDayUs / 24) / kDayUs; };
    if (day(booked) == day(appointment.start_us())) ++counted.same_day;
    ++counted.by_second[booked];
    for (const JsonValue participant : tree.root().member("participant").children()) {
      const auto found =
          clinic_of.find(std::string(participant.member("actor").member("reference").text()));
      if (found != clinic_of.end()) ++counted.by_day[{found->second, day(appointment.start_us())}];
    }
  }
  for (auto at = taken.begin(); std::next(at) != taken.end(); ++at) {
    const auto after = std::next(at);
    if (at->first.first == after->first.first) REQUIRE(at->second <= after->first.second);
  }
  return counted;
}

}  // namespace

TEST_CASE("generator: bookings have the shape of the year that was measured") {
  const test::TemporaryDirectory directory;
  GeneratorOptions options;
  options.patients = 1;
  options.years = 1;
  options.clinics = 81;
  options.booking_days = 6;
  const GeneratorReport report = generate(directory.path(), options);
  CHECK(report.by_type.at("Schedule") > 81);
  const Counted counted = count_bookings(contents(directory.path()));
  std::vector<std::uint64_t> days;
  for (const auto& [clinic, count] : counted.by_day) days.push_back(count);
  REQUIRE(days.size() == std::size_t{81} * 6);
  std::sort(days.begin(), days.end());
  CHECK(days[days.size() / 2] > 30);
  CHECK(days[days.size() / 2] < 46);
  CHECK(days[days.size() * 99 / 100] > 220);
  CHECK(days.back() < 380);
  std::uint64_t booked = 0;
  std::uint64_t most_in_a_second = 0;
  for (const auto& [second, count] : counted.by_second) {
    booked += count;
    most_in_a_second = std::max(most_in_a_second, count);
  }
  const double same_day = static_cast<double>(counted.same_day) / static_cast<double>(booked);
  CHECK(same_day > 0.32);
  CHECK(same_day < 0.38);
  CHECK(most_in_a_second > 10);
  CHECK(most_in_a_second <= 30);
}

TEST_CASE("generator: a calendar is imported without a refusal, and exported as it was") {
  FhirFixture store;
  GeneratorOptions options;
  options.patients = 20;
  options.years = 1;
  options.clinics = 2;
  options.booking_days = 3;
  const std::string made = store.directory.path("made");
  const GeneratorReport report = generate(made, options);
  const ImportReport imported = store.import_paths({made});
  CHECK(imported.failed == 0);
  CHECK(imported.imported == report.resources);
  std::set<std::string> given;
  for (const auto& [name, text] : contents(made)) {
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) given.insert(line);
  }
  std::set<std::string> found;
  for (const auto& [name, line] : store.exported()) found.insert(line);
  CHECK(given == found);
  store.verify();
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
