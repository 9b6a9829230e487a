// Records: encounters and clinical records of every FHIR type. See clinic.h for what holds for all
// services; methods are those of RecordService in clinic/schema/record.proto. Thread-safe.
#pragma once

#include <memory>

#include "clinicdb/base/result.h"
#include "clinicdb/clinic/context.h"
#include "clinicdb/clinic/schema/record.pb.h"

namespace clinicdb::clinic {

class Core;

class Records {
 public:
  explicit Records(const Core& core) : core_(core) {}

  /// Makes or replaces a record. kNotFound, field() "record.patient_id", when it names a patient
  /// that is not there; kFailedPrecondition, field() "record.signature", when it is signed.
  Result<PutRecordResponse> put(const CallContext& context, PutRecordRequest request) const;
  Result<std::shared_ptr<const GetRecordResponse>> get(const CallContext& context,
                                                       const GetRecordRequest& request) const;
  Result<RecordHistoryResponse> history(const CallContext& context,
                                        const RecordHistoryRequest& request) const;

  Result<ListRecordsResponse> list_by_type(const CallContext& context,
                                           const ListRecordsByTypeRequest& request) const;
  Result<ListRecordsResponse> list_by_code(const CallContext& context,
                                           const ListRecordsByCodeRequest& request) const;
  Result<ListRecordsResponse> list_by_time(const CallContext& context,
                                           const ListRecordsByTimeRequest& request) const;
  Result<FindRecordsByIdentifierResponse> find_by_identifier(
      const CallContext& context, const FindRecordsByIdentifierRequest& request) const;

  /// By the context's user, once. From then on the record is amended, never edited.
  Result<SignRecordResponse> sign(const CallContext& context,
                                  const SignRecordRequest& request) const;
  Result<AddAddendumResponse> add_addendum(const CallContext& context,
                                           const AddAddendumRequest& request) const;
  /// Whether what was signed, and every addendum, is as it was.
  Result<VerifyRecordResponse> verify(const CallContext& context,
                                      const VerifyRecordRequest& request) const;
  Result<ListRecordsResponse> list_notes(const CallContext& context,
                                         const ListNotesRequest& request) const;
  Result<ListCurrentResponse> list_current(const CallContext& context,
                                           const ListCurrentRequest& request) const;

 private:
  const Core& core_;
};

}  // namespace clinicdb::clinic
