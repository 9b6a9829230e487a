#include "clinicdb/clinic/clinic.h"

#include <utility>

#include "clinicdb/clinic/tables.h"
#include "core.h"

namespace clinicdb::clinic {

struct Clinic::Parts {
  // In order of destruction, reversed: services, core, store, schema.
  engine::Schema schema;
  std::unique_ptr<engine::Store> store;
  std::unique_ptr<Core> core;
  std::unique_ptr<Availability> availability;
  std::unique_ptr<Calendar> calendar;
  std::unique_ptr<Billing> billing;
  std::unique_ptr<Care> care;
  std::unique_ptr<Catalogue> catalogue;
  std::unique_ptr<Consents> consents;
  std::unique_ptr<Duplicates> duplicates;
  std::unique_ptr<Feed> feed;
  std::unique_ptr<Patients> patients;
  std::unique_ptr<People> people;
  std::unique_ptr<Records> records;
  std::unique_ptr<Scheduling> scheduling;
  std::unique_ptr<SeriesBookings> series;
  std::unique_ptr<Tenants> tenants;
  std::unique_ptr<Transfer> transfer;
  std::unique_ptr<Waitlist> waitlist;
};

Result<std::unique_ptr<Clinic>> Clinic::open(const std::string& directory, ClinicOptions options) {
  auto parts = std::make_unique<Parts>();
  parts->schema = clinic_schema();
  parts->schema.tables.insert(parts->schema.tables.end(), options.tables.begin(),
                              options.tables.end());
  const Clock& clock = options.store.clock != nullptr ? *options.store.clock : system_clock();
  ASSIGN_OR_RETURN(parts->store, engine::Store::open(directory, parts->schema, options.store));
  parts->core =
      std::make_unique<Core>(*parts->store, clock, options.store.random, std::move(options.audit));
  const Core& core = *parts->core;
  parts->availability = std::make_unique<Availability>(core);
  parts->calendar = std::make_unique<Calendar>(core);
  parts->billing = std::make_unique<Billing>(core);
  parts->care = std::make_unique<Care>(core);
  parts->catalogue = std::make_unique<Catalogue>(core);
  parts->consents = std::make_unique<Consents>(core);
  parts->duplicates = std::make_unique<Duplicates>(core);
  parts->feed = std::make_unique<Feed>(core);
  parts->patients = std::make_unique<Patients>(core);
  parts->people = std::make_unique<People>(core);
  parts->records = std::make_unique<Records>(core);
  parts->scheduling = std::make_unique<Scheduling>(core);
  parts->series = std::make_unique<SeriesBookings>(core);
  parts->tenants = std::make_unique<Tenants>(core);
  parts->transfer = std::make_unique<Transfer>(core);
  parts->waitlist = std::make_unique<Waitlist>(core);
  return std::unique_ptr<Clinic>(new Clinic(std::move(parts)));
}

Clinic::Clinic(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Clinic::~Clinic() = default;

Status Clinic::close() { return parts_->store->close(); }

engine::Store& Clinic::store() { return *parts_->store; }
Availability& Clinic::availability() { return *parts_->availability; }
Calendar& Clinic::calendar() { return *parts_->calendar; }
Billing& Clinic::billing() { return *parts_->billing; }
Care& Clinic::care() { return *parts_->care; }
Catalogue& Clinic::catalogue() { return *parts_->catalogue; }
Consents& Clinic::consents() { return *parts_->consents; }
Duplicates& Clinic::duplicates() { return *parts_->duplicates; }
Feed& Clinic::feed() { return *parts_->feed; }
Patients& Clinic::patients() { return *parts_->patients; }
People& Clinic::people() { return *parts_->people; }
Records& Clinic::records() { return *parts_->records; }
Scheduling& Clinic::scheduling() { return *parts_->scheduling; }
SeriesBookings& Clinic::series() { return *parts_->series; }
Tenants& Clinic::tenants() { return *parts_->tenants; }
Transfer& Clinic::transfer() { return *parts_->transfer; }
Waitlist& Clinic::waitlist() { return *parts_->waitlist; }

}  // namespace clinicdb::clinic
