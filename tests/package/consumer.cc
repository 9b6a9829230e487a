// A program that embeds ClinicDB: the example of README.md, and then records of its own beside the
// clinic's. It knows nothing of the source tree but what the package gives it.
#include <clinicdb/clinic/clinic.h>
#include <clinicdb/engine/key.h>

#include <cstdio>
#include <memory>
#include <string>

using namespace clinicdb;          // NOLINT
using namespace clinicdb::clinic;  // NOLINT

namespace {

// [example]
Status book_twice(const std::string& directory) {
  ASSIGN_OR_RETURN(const std::unique_ptr<Clinic> clinic, Clinic::open(directory, {}));

  CreateTenantRequest create;
  create.set_slug("sorriso");
  ASSIGN_OR_RETURN(const auto made,
                   clinic->tenants().create(CallContext::system(TenantId{}), create));
  const auto context = CallContext::system(TenantId{made.tenant().number()});

  PutClinicRequest centro;
  centro.mutable_clinic()->set_slug("centro");
  centro.mutable_clinic()->set_name("Sorriso Centro");
  ASSIGN_OR_RETURN(const auto site, clinic->people().put_clinic(context, centro));

  PutProfessionalRequest dentist;
  dentist.mutable_professional()->add_names()->set_text("Dra. Lúcia Prado");
  ASSIGN_OR_RETURN(const auto lucia, clinic->people().put_professional(context, dentist));

  RegisterPatientRequest patient;
  patient.mutable_patient()->add_names()->set_text("Ana Conceição Souza");
  ASSIGN_OR_RETURN(const auto ana, clinic->patients().register_patient(context, patient));

  BookAppointmentRequest request;  // half an hour, from 2026-03-02 12:00 UTC
  request.mutable_appointment()->set_clinic_id(site.result().id());
  request.mutable_appointment()->set_professional_id(lucia.result().id());
  request.mutable_appointment()->set_patient_id(ana.result().id());
  request.mutable_appointment()->set_start_us(1'772'452'800'000'000);
  request.mutable_appointment()->set_end_us(1'772'454'600'000'000);
  RETURN_IF_ERROR(clinic->scheduling().book(context, request).status());
  // Durable now. The same time once more is refused, and the error names the field.
  return clinic->scheduling().book(context, request).status();
}
// [end]

/// The application's own record type, beside the clinic's.
struct Locker {
  std::string number;
  std::string holder;
};

const engine::Table<Locker>& lockers() {
  static const auto* const kTable = new engine::Table<Locker>(
      engine::Table<Locker>(
          engine::TableId{0x1000}, "locker",
          [](const Locker& locker, std::string& body) {
            body = engine::Key().text(locker.number).text(locker.holder).str();
          },
          [](std::string_view body) -> Result<Locker> {
            Locker locker;
            if (!engine::Key::take_text(body, locker.number) ||
                !engine::Key::take_text(body, locker.holder)) {
              return data_loss("not a locker");
            }
            return locker;
          },
          [](const Locker& locker) { return engine::Key().text(locker.number).str(); })
          .ordered(1, "holder",
                   [](const Locker& locker, engine::IndexEntries& out) {
                     out.add(engine::Key().text(locker.holder));
                   })
          .personal({"holder"}));
  return *kTable;
}

/// Puts two lockers in one transaction and finds one by who holds it.
Status keep_own_records(const std::string& directory) {
  ClinicOptions options;
  options.tables = {&lockers().def()};
  ASSIGN_OR_RETURN(const std::unique_ptr<Clinic> clinic, Clinic::open(directory, options));
  engine::Store& store = clinic->store();
  ASSIGN_OR_RETURN(const engine::TenantInfo tenant, store.find_tenant("sorriso"));
  const auto put_both = [](engine::Transaction& transaction) -> Result<std::string> {
    RETURN_IF_ERROR(transaction.put(lockers(), Locker{"12", "Ana"}).status());
    RETURN_IF_ERROR(transaction.put(lockers(), Locker{"7", "Bruno"}).status());
    return std::string("two");
  };
  ASSIGN_OR_RETURN(const engine::Committed committed, store.transact(tenant.id, {}, put_both));
  if (committed.answer != "two") return internal_error("the transaction's answer was lost");

  ASSIGN_OR_RETURN(const std::unique_ptr<engine::Reader> reader, store.view(tenant.id));
  std::string key;
  ASSIGN_OR_RETURN(const engine::ScanEnd end,
                   reader->scan(lockers(), 1, engine::KeyRange::prefix(engine::Key().text("Bruno")),
                                {}, [&](const engine::IndexEntry& entry) {
                                  key = entry.record_key;
                                  return true;
                                }));
  if (end.visited != 1) return internal_error("the index does not find one locker");
  ASSIGN_OR_RETURN(const auto found, reader->get(lockers(), key));
  if (!found || found->record.number != "7") return internal_error("the record does not read back");
  return {};
}

int run(const std::string& directory) {
  const Status refused = book_twice(directory);
  if (refused.code() != StatusCode::kFailedPrecondition ||
      refused.field() != "appointment.professional_id") {
    std::printf("the double booking was not refused: %s\n", refused.to_string().c_str());
    return 1;
  }
  std::printf("refused, as it must be: %s\n", refused.to_string().c_str());
  const Status kept = keep_own_records(directory);
  std::printf("own records: %s\n", kept.to_string().c_str());
  return kept.ok() ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::printf("usage: %s EMPTY_DIRECTORY\n", argv[0]);
    return 2;
  }
  return run(argv[1]);
}
