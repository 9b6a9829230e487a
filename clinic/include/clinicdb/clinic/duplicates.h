// Duplicates: patients who are in the store twice, found by likeness, merged into one, and taken
// apart again. See clinic.h for what holds for all services; methods are those of DuplicateService
// in clinic/schema/duplicate.proto, the rules are docs/clinic-rules.md. Thread-safe.
#pragma once

#include <memory>

#include "clinicdb/base/result.h"
#include "clinicdb/clinic/context.h"
#include "clinicdb/clinic/schema/duplicate.pb.h"

namespace clinicdb::clinic {

class Core;

class Duplicates {
 public:
  explicit Duplicates(const Core& core) : core_(core) {}

  /// Who else may be this patient, with the reasons. Looks at the patients of a few blocks, never
  /// at all. kNotFound where `patient_id` names nobody.
  Result<FindDuplicatesResponse> find(const CallContext& context,
                                      const FindDuplicatesRequest& request) const;
  /// A page of the pairs of the tenant.
  Result<ListDuplicatesResponse> list(const CallContext& context,
                                      const ListDuplicatesRequest& request) const;

  /// kFailedPrecondition, saying which, when one of both was merged already, when both have
  /// appointments at one time, or the two are one; kResourceExhausted when there is more to move
  /// than one commit takes.
  Result<MergePatientsResponse> merge(const CallContext& context,
                                      const MergePatientsRequest& request) const;
  /// Both patients as they were; what was edited of the kept one since stays. What was added to the
  /// kept patient since stays there. kFailedPrecondition when it was undone before, kAlreadyExists,
  /// naming the field, when an identifier has become another's.
  Result<UndoMergeResponse> undo_merge(const CallContext& context,
                                       const UndoMergeRequest& request) const;
  Result<std::shared_ptr<const GetMergeResponse>> get_merge(const CallContext& context,
                                                            const GetMergeRequest& request) const;
  Result<ListMergesResponse> list_merges(const CallContext& context,
                                         const ListMergesRequest& request) const;

 private:
  const Core& core_;
};

}  // namespace clinicdb::clinic
