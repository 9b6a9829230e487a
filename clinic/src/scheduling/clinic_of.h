// Which clinic something is at that came without saying so, as all that comes as FHIR does. The
// rule is in docs/scheduling.md.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "clinicdb/base/function_ref.h"
#include "clinicdb/base/result.h"
#include "clinicdb/engine/transaction.h"

namespace clinicdb::clinic {

/// Asked many times, it reads the tenant's clinics once, when it first needs them: so one lasts no
/// longer than a commit. Thread-compatible.
class ClinicFinder {
 public:
  /// `reader` outlives it.
  explicit ClinicFinder(engine::Reader& reader) : reader_(reader) {}

  /// The clinic that the location belongs to: its own, or that of the nearest place it is part of,
  /// or the only one of the organisation that manages one of these. Empty where none of them says,
  /// and for no location.
  Result<std::string> of_location(std::string_view location_id);
  /// The same; where the location does not say, the organisation's only clinic, and where that does
  /// not, the tenant's only one, unless that is known to be another organisation's. Of clinics in
  /// use. Either id may be empty.
  Result<std::string> of(std::string_view location_id, std::string_view organization_id = {});

 private:
  struct Site {
    std::string id;
    std::string organization_id;
  };

  /// The only one that `accept` takes; empty for none, and for several.
  Result<std::string> only(FunctionRef<bool(const Site&)> accept);
  Result<std::string> only_of_organization(std::string_view id);

  engine::Reader& reader_;
  std::optional<std::vector<Site>> sites_;  // those in use
};

}  // namespace clinicdb::clinic
