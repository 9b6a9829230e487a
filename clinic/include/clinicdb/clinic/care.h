// Care: treatment plans and their sessions, the lots of products that were used, and the files of a
// patient. See clinic.h for what holds for all services; methods are those of CareService in
// clinic/schema/care.proto, the rules are docs/clinic-rules.md. Thread-safe.
#pragma once

#include <cstddef>
#include <memory>

#include "clinicdb/base/result.h"
#include "clinicdb/clinic/context.h"
#include "clinicdb/clinic/schema/care.pb.h"

namespace clinicdb::clinic {

class Core;

/// The largest file, and the size of its chunks, of which the last may be smaller.
constexpr std::size_t kAttachmentBytesMax = std::size_t{64} << 20;
constexpr std::size_t kChunkBytes = std::size_t{512} << 10;

class Care {
 public:
  explicit Care(const Core& core) : core_(core) {}

  Result<PutLotResponse> put_lot(const CallContext& context, PutLotRequest request) const;
  Result<std::shared_ptr<const GetLotResponse>> get_lot(const CallContext& context,
                                                        const GetLotRequest& request) const;
  Result<std::shared_ptr<const GetLotResponse>> find_lot(const CallContext& context,
                                                         const FindLotRequest& request) const;
  Result<ListLotsResponse> list_lots(const CallContext& context,
                                     const ListLotsRequest& request) const;
  /// From now on nobody can use the lot. One that is not in stock is entered, so that it is known.
  Result<RecallLotResponse> recall_lot(const CallContext& context,
                                       const RecallLotRequest& request) const;
  /// Every patient it was used on, with when and how much.
  Result<FindLotPatientsResponse> find_lot_patients(const CallContext& context,
                                                    const FindLotPatientsRequest& request) const;

  Result<PutPlanResponse> put_plan(const CallContext& context, PutPlanRequest request) const;
  Result<std::shared_ptr<const GetPlanResponse>> get_plan(const CallContext& context,
                                                          const GetPlanRequest& request) const;
  Result<ListPlansResponse> list_plans(const CallContext& context,
                                       const ListPlansRequest& request) const;

  /// The next of its plan's sessions; takes what it used from the lots in stock, in the same
  /// commit. kFailedPrecondition where the plan is not active or all its sessions are done, or a
  /// lot was recalled, has expired, or has not as much.
  Result<AddSessionResponse> add_session(const CallContext& context,
                                         AddSessionRequest request) const;
  Result<std::shared_ptr<const GetSessionResponse>> get_session(
      const CallContext& context, const GetSessionRequest& request) const;
  Result<ListSessionsResponse> list_sessions(const CallContext& context,
                                             const ListSessionsRequest& request) const;

  // A file comes in pieces: begin, every chunk, finish. What was begun and not finished can be
  // taken up again: get_attachment says which chunks are missing.
  Result<BeginAttachmentResponse> begin_attachment(const CallContext& context,
                                                   BeginAttachmentRequest request) const;
  /// kDataLoss when the bytes do not have the checksum.
  Result<PutChunkResponse> put_chunk(const CallContext& context,
                                     const PutChunkRequest& request) const;
  /// kFailedPrecondition while chunks are missing; kDataLoss when the whole does not have its
  /// checksum.
  Result<FinishAttachmentResponse> finish_attachment(const CallContext& context,
                                                     const FinishAttachmentRequest& request) const;
  Result<std::shared_ptr<const GetAttachmentResponse>> get_attachment(
      const CallContext& context, const GetAttachmentRequest& request) const;
  /// Checked against its checksum before it is given: kDataLoss otherwise.
  Result<ReadChunkResponse> read_chunk(const CallContext& context,
                                       const ReadChunkRequest& request) const;
  Result<ListAttachmentsResponse> list_attachments(const CallContext& context,
                                                   const ListAttachmentsRequest& request) const;
  Result<RemoveAttachmentResponse> remove_attachment(const CallContext& context,
                                                     const RemoveAttachmentRequest& request) const;

 private:
  const Core& core_;
};

}  // namespace clinicdb::clinic
