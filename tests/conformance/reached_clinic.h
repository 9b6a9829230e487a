// ReachedClinic: the clinic's services as a test calls them, and three ways to reach them: in this
// process, over TCP and over TLS. Which of them, CLINICDB_REACH says: "embedded", as is the case
// without it, "tcp" or "tls". So the same tests show that the same calls mean the same everywhere:
//
//   clinic->patients().register_patient(context, request)
//
// Over the network each context has a client that logs in with the context's tenant, user, rights
// and session. The store is this process's own in any case, and may be looked at. Thread-safe.
#pragma once

#include <memory>

#include "clinicdb/base/clock.h"
#include "clinicdb/clinic/clinic.h"
#include "conformance/reached_services.h"

namespace clinicdb::client {
class Client;
}

namespace clinicdb::clinic {

class ReachedPatientsById : public ReachedPatients {
 public:
  using ReachedPatients::get;
  using ReachedPatients::ReachedPatients;
  using Found = Result<std::shared_ptr<const GetPatientResponse>>;
  Found get(const CallContext& context, const Uuid& id) const;
  Found find_by_cpf(const CallContext& context, std::string_view cpf) const;
  Found find_by_cns(const CallContext& context, std::string_view cns) const;
  Found find_by_mrn(const CallContext& context, std::string_view system,
                    std::string_view value) const;
};

class ReachedSchedulingById : public ReachedScheduling {
 public:
  using ReachedScheduling::get;
  using ReachedScheduling::ReachedScheduling;
  Result<std::shared_ptr<const GetAppointmentResponse>> get(const CallContext& context,
                                                            const Uuid& id) const;
};

class ReachedClinic {
 public:
  /// `clinic` and `clock`, its store's, outlive it.
  ReachedClinic(Clinic& clinic, const Clock& clock);
  ~ReachedClinic();
  ReachedClinic(const ReachedClinic&) = delete;
  ReachedClinic& operator=(const ReachedClinic&) = delete;

  engine::Store& store() { return clinic_.store(); }
  ReachedAvailability availability() { return ReachedAvailability(*this); }
  ReachedBilling billing() { return ReachedBilling(*this); }
  ReachedCalendar calendar() { return ReachedCalendar(*this); }
  ReachedCare care() { return ReachedCare(*this); }
  ReachedCatalogue catalogue() { return ReachedCatalogue(*this); }
  ReachedConsents consents() { return ReachedConsents(*this); }
  ReachedDuplicates duplicates() { return ReachedDuplicates(*this); }
  ReachedFeed feed() { return ReachedFeed(*this); }
  ReachedPatientsById patients() { return ReachedPatientsById(*this); }
  ReachedPeople people() { return ReachedPeople(*this); }
  ReachedRecords records() { return ReachedRecords(*this); }
  ReachedSchedulingById scheduling() { return ReachedSchedulingById(*this); }
  ReachedSeries series() { return ReachedSeries(*this); }
  ReachedTenants tenants() { return ReachedTenants(*this); }
  ReachedWaitlist waitlist() { return ReachedWaitlist(*this); }

  bool is_served() const { return served_ != nullptr; }
  Clinic& embedded() { return clinic_; }
  const Clock& clock() const { return clock_; }
  /// Who calls for this context. REQUIRES: is_served().
  client::Client& client(const CallContext& context);

 private:
  struct Served;
  Clinic& clinic_;
  const Clock& clock_;
  std::unique_ptr<Served> served_;  // nullptr: embedded
};

}  // namespace clinicdb::clinic
