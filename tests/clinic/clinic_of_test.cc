#include "scheduling/clinic_of.h"

#include <catch2/catch.hpp>
#include <string>

#include "clinicdb/clinic/people.h"
#include "fhir_fixture.h"

namespace clinicdb::clinic {
namespace {

/// Another reader, and how often whole tables were read through it.
class CountingReader final : public engine::Reader {
 public:
  explicit CountingReader(engine::Reader& inner) : inner_(inner) {}

  int scans = 0;

  TenantId tenant() const override { return inner_.tenant(); }
  Lsn lsn() const override { return inner_.lsn(); }
  Result<bool> read_row(
      const engine::TableDef& table, std::string_view key,
      FunctionRef<Status(const engine::RecordMeta&, std::string_view, std::string_view)> visit)
      override {
    return inner_.read_row(table, key, visit);
  }
  Result<std::optional<engine::RawRecord>> get_any(const engine::TableDef& table,
                                                   std::string_view key) override {
    return inner_.get_any(table, key);
  }
  Result<std::optional<std::string>> find(const engine::TableDef& table, engine::IndexNumber index,
                                          std::string_view entry) override {
    return inner_.find(table, index, entry);
  }
  Result<engine::ScanEnd> scan(const engine::TableDef& table, engine::IndexNumber index,
                               const engine::KeyRange& range, const engine::ScanOptions& options,
                               FunctionRef<bool(const engine::IndexEntry&)> visit) override {
    return inner_.scan(table, index, range, options, visit);
  }
  Result<engine::ScanEnd> scan_claims(const engine::TableDef& table, engine::IndexNumber index,
                                      std::string_view resource, Time from, Time to,
                                      const engine::ScanOptions& options,
                                      FunctionRef<bool(const engine::IndexEntry&)> visit) override {
    return inner_.scan_claims(table, index, resource, from, to, options, visit);
  }
  Result<engine::ScanEnd> scan_records(
      const engine::TableDef& table, const engine::KeyRange& range,
      const engine::ScanOptions& options,
      FunctionRef<bool(std::string_view, engine::RawRecord&&)> visit) override {
    ++scans;
    return inner_.scan_records(table, range, options, visit);
  }
  Status history(const engine::TableDef& table, std::string_view key,
                 FunctionRef<bool(const engine::RawRecord&)> visit) override {
    return inner_.history(table, key, visit);
  }
  Result<engine::ScanEnd> events(Lsn after, const engine::ScanOptions& options,
                                 FunctionRef<bool(const engine::Event&)> visit) override {
    return inner_.events(after, options, visit);
  }

 private:
  engine::Reader& inner_;
};

TEST_CASE("clinic_of: the clinics are read once, however often is asked") {
  fhir::FhirFixture store;
  REQUIRE(
      store.import_text(R"({"resourceType":"Organization","id":"rede","name":"Rede"})").imported ==
      1);
  const std::string rede = store.key_of(RESOURCE_TYPE_ORGANIZATION, "rede");
  std::string ids[2];
  for (const bool inactive : {false, true}) {
    PutClinicRequest request;
    request.mutable_clinic()->set_slug(inactive ? "fechada" : "centro");
    request.mutable_clinic()->set_name("x");
    request.mutable_clinic()->set_inactive(inactive);
    request.mutable_clinic()->set_organization_id(rede);
    const auto put = store.clinic->people().put_clinic(CallContext::system(store.tenant), request);
    REQUIRE(put);
    ids[inactive ? 1 : 0] = put->result().id();
  }
  const auto view = store.clinic->store().view(store.tenant);
  REQUIRE(view);
  CountingReader reader(**view);
  ClinicFinder clinics(reader);
  for (int i = 0; i < 100; ++i) {
    CHECK(*clinics.of({}) == ids[0]);
    CHECK(*clinics.of({}, rede) == ids[0]);
    CHECK(*clinics.of_location({}) == "");
  }
  CHECK(reader.scans == 1);
}

}  // namespace
}  // namespace clinicdb::clinic
