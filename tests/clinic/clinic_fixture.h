// A clinic in a temporary directory, with one tenant, and short ways to fill it.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "clinicdb/base/clock.h"
#include "clinicdb/clinic/clinic.h"
#include "conformance/reached_clinic.h"
#include "support/temporary_directory.h"

namespace clinicdb::clinic {

/// Requires what a test takes for granted: an error ends it, with its text.
template <class T>
T must(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().to_string());
  return std::move(result).value();
}
inline void must(const Status& status) {
  if (!status.ok()) throw std::runtime_error(status.to_string());
}

class ClinicFixture {
 public:
  explicit ClinicFixture(ClinicOptions options = {});

  Clinic& operator*() { return *clinic_; }
  /// Its services, by the way that CLINICDB_REACH says.
  ReachedClinic* operator->() { return reached_.get(); }
  /// All rights, for the tenant "sorriso".
  CallContext context() const { return CallContext::system(tenant_); }
  CallContext new_tenant(std::string_view slug);
  void reopen();
  FakeClock& clock() { return clock_; }

  /// A patient with this name; the id.
  std::string patient(std::string_view name);
  std::string professional(std::string_view name);
  std::string room(std::string_view name);
  std::string clinic_site(std::string_view slug, std::string_view zone = {});

 private:
  test::TemporaryDirectory directory_;
  FakeClock clock_;
  ClinicOptions options_;
  std::unique_ptr<Clinic> clinic_;
  std::unique_ptr<ReachedClinic> reached_;
  TenantId tenant_;
};

/// A patient as entered at the desk.
Patient make_patient(std::string_view name, std::string_view cpf = {});
Date make_date(int year, int month, int day);
/// Microseconds since the Unix epoch of a UTC time.
std::int64_t utc_us(int year, int month, int day, int hour, int minute = 0);

}  // namespace clinicdb::clinic
