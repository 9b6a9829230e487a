// One row of the no-show file, read and judged: what is wrong with it, and what is made of that.
// Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "clinicdb/clinic/schema/appointment.pb.h"
#include "clinicdb/clinic/schema/common.pb.h"

namespace clinicdb::clinic::load {

/// The columns that are read, in this order.
const std::vector<std::string>& noshow_columns();

struct NoshowRow {
  std::string patient_id;      ///< FHIR id and record number
  std::string appointment_id;  ///< FHIR id
  std::string place;           ///< as written
  std::string slug;            ///< the tenant's
  Gender gender = GENDER_UNKNOWN;
  int birth_year = 0;  ///< 0: not known
  Date day;
  bool came = false;
  bool known = false;                 ///< whether `came` is known
  std::vector<std::string> flags;     ///< "hypertension", ...
  std::vector<std::string> repaired;  ///< kinds of dirt that were repaired
  std::string refused;                ///< the kind that it is refused for; empty: it is loaded
};

NoshowRow read_noshow_row(const std::vector<std::string>& fields, bool complete);

/// "SÃO PEDRO" as "sao-pedro"; empty where nothing is left.
std::string slug_of(std::string_view place);

}  // namespace clinicdb::clinic::load
