// Patients: registration, retrieval, search, and the patient's timeline. See clinic.h for what
// holds for all services; methods are those of PatientService in clinic/schema/patient.proto.
// Thread-safe.
#pragma once

#include <memory>
#include <string_view>

#include "clinicdb/base/result.h"
#include "clinicdb/clinic/context.h"
#include "clinicdb/clinic/schema/patient.pb.h"

namespace clinicdb::clinic {

class Core;

class Patients {
 public:
  explicit Patients(const Core& core) : core_(core) {}

  /// A new patient. kAlreadyExists, field() "patient.cpf", "patient.cns", "patient.mrn" or
  /// "patient.id", when another patient of this tenant has it.
  Result<RegisterPatientResponse> register_patient(const CallContext& context,
                                                   RegisterPatientRequest request) const;
  /// Replaces a patient's fields; a FHIR body that it was born with is kept, merged with the
  /// fields.
  Result<UpdatePatientResponse> update(const CallContext& context,
                                       UpdatePatientRequest request) const;
  /// Leaves a tombstone, and the history. kFailedPrecondition while the patient has clinical
  /// records or appointments, which the law has kept.
  Result<RemovePatientResponse> remove(const CallContext& context,
                                       const RemovePatientRequest& request) const;

  Result<std::shared_ptr<const GetPatientResponse>> get(const CallContext& context,
                                                        const Uuid& id) const;
  Result<std::shared_ptr<const GetPatientResponse>> get(const CallContext& context,
                                                        const GetPatientRequest& request) const;
  /// With or without punctuation. A number that is not valid is nobody's: nullptr.
  Result<std::shared_ptr<const GetPatientResponse>> find_by_cpf(const CallContext& context,
                                                                std::string_view cpf) const;
  Result<std::shared_ptr<const GetPatientResponse>> find_by_cns(const CallContext& context,
                                                                std::string_view cns) const;
  Result<std::shared_ptr<const GetPatientResponse>> find_by_mrn(const CallContext& context,
                                                                std::string_view system,
                                                                std::string_view value) const;

  /// What is asked is described at SearchPatientsRequest. A page may be short of `limit`, even
  /// empty, and still have a cursor: how much of an index one call looks at is bounded.
  Result<std::shared_ptr<const SearchPatientsResponse>> search(
      const CallContext& context, const SearchPatientsRequest& request) const;
  /// Encounters and clinical records, newest first. Takes the right to read records.
  Result<std::shared_ptr<const PatientTimelineResponse>> timeline(
      const CallContext& context, const PatientTimelineRequest& request) const;
  /// Every version, newest first; empty for an id that never was.
  Result<PatientHistoryResponse> history(const CallContext& context,
                                         const PatientHistoryRequest& request) const;

 private:
  const Core& core_;
};

}  // namespace clinicdb::clinic
