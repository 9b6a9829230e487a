// Clinic: the whole of ClinicDB inside this process: a store with the clinic's tables and the
// services on it.
//
//   Result<std::unique_ptr<Clinic>> clinic = Clinic::open("data", {});
//   CreateTenantRequest create;
//   create.set_slug("sorriso");
//   Result<CreateTenantResponse> made =
//   (*clinic)->tenants().create(CallContext::system(TenantId{}), create); CallContext context =
//   CallContext::system(TenantId{made->tenant().number()}); RegisterPatientRequest request;
//   request.mutable_patient()->add_names()->set_text("Ana Souza");
//   Result<RegisterPatientResponse> ana = (*clinic)->patients().register_patient(context, request);
//
// Thread-safe, and so is every service.
//
// What holds for all services: a call takes a CallContext and the request message of its method, as
// declared in clinic/schema. A read returns a shared, immutable answer; nullptr where the record
// that was asked for does not exist. A write returns when it is durable; OK means done,
// kUnknownOutcome neither done nor refused (R2). kPermissionDenied: the context lacks the right
// that the method declares. kNotFound: the tenant, or a record that the request refers to, does not
// exist. kInvalidArgument: field() names the field that was wrong. kAborted: the record is not at
// expected_version; current_version() is where it is.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "clinicdb/base/result.h"
#include "clinicdb/clinic/availability.h"
#include "clinicdb/clinic/billing.h"
#include "clinicdb/clinic/calendar.h"
#include "clinicdb/clinic/care.h"
#include "clinicdb/clinic/catalogue.h"
#include "clinicdb/clinic/consents.h"
#include "clinicdb/clinic/context.h"
#include "clinicdb/clinic/duplicates.h"
#include "clinicdb/clinic/feed.h"
#include "clinicdb/clinic/methods.h"
#include "clinicdb/clinic/patients.h"
#include "clinicdb/clinic/people.h"
#include "clinicdb/clinic/records.h"
#include "clinicdb/clinic/scheduling.h"
#include "clinicdb/clinic/series.h"
#include "clinicdb/clinic/tenants.h"
#include "clinicdb/clinic/transfer.h"
#include "clinicdb/clinic/waitlist.h"
#include "clinicdb/engine/store.h"

namespace clinicdb::clinic {

struct ClinicOptions {
  engine::StoreOptions store;
  /// Sees every call before it is done. Empty: none. It costs each call what it costs.
  AuditHook audit;
  /// The embedding application's own tables, numbered from 0x1000. Not owned; outlive the clinic.
  std::vector<const engine::TableDef*> tables;
};

class Clinic {
 public:
  /// Opens or makes the store in `directory`. Errors are those of engine::Store::open.
  static Result<std::unique_ptr<Clinic>> open(const std::string& directory, ClinicOptions options);
  ~Clinic();
  Clinic(const Clinic&) = delete;
  Clinic& operator=(const Clinic&) = delete;

  /// Waits for running calls, flushes and releases the directory. Later calls return
  /// kFailedPrecondition.
  Status close();

  engine::Store& store();
  Availability& availability();
  Calendar& calendar();
  Billing& billing();
  Care& care();
  Catalogue& catalogue();
  Consents& consents();
  Duplicates& duplicates();
  Feed& feed();
  Patients& patients();
  People& people();
  Records& records();
  Scheduling& scheduling();
  SeriesBookings& series();
  Tenants& tenants();
  Transfer& transfer();
  Waitlist& waitlist();

 private:
  struct Parts;
  explicit Clinic(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace clinicdb::clinic
