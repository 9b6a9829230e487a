// Files in chunks. A chunk is kept under the SHA-256 of its bytes, so that the same photograph,
// sent twice or attached to two records, is kept once; a file is the list of its chunks. Each chunk
// is a commit of its own: an upload that is cut off goes on where it was. Whole files are read and
// checked on the caller's thread, chunk by chunk, never on the writer.
#include <algorithm>
#include <utility>

#include "care/tables.h"
#include "check_parts.h"
#include "clinicdb/clinic/care.h"
#include "clinicdb/clinic/digest.h"
#include "clinicdb/clinic/tables.h"
#include "command_tools.h"
#include "patient_links.h"
#include "record_calls.h"

namespace clinicdb::clinic {

namespace {

using engine::Reader;
using engine::Transaction;

std::uint32_t chunk_count(std::uint64_t size) {
  return static_cast<std::uint32_t>((size + kChunkBytes - 1) / kChunkBytes);
}

std::size_t bytes_of_chunk(const Attachment& attachment, std::uint32_t index) {
  const std::uint64_t from = std::uint64_t{index} * kChunkBytes;
  return static_cast<std::size_t>(std::min<std::uint64_t>(kChunkBytes, attachment.size() - from));
}

Status check(const Attachment& attachment) {
  RETURN_IF_ERROR(id_from_bytes(attachment.id(), "attachment.id").status());
  RETURN_IF_ERROR(id_from_bytes(attachment.patient_id(), "attachment.patient_id").status());
  if (attachment.name().empty() || attachment.name().size() > kNameBytesMax)
    return refuse("attachment.name", "1 to 512 bytes");
  if (attachment.content_type().size() > 127)
    return refuse("attachment.content_type", "at most 127 bytes are possible");
  if (attachment.size() == 0 || attachment.size() > kAttachmentBytesMax)
    return refuse("attachment.size", "from 1 byte to 64 MiB");
  if (attachment.sha256().size() != kSha256Bytes)
    return refuse("attachment.sha256", "32 bytes are needed");
  return {};
}

Status check_record(Reader& reader, const Attachment& attachment) {
  if (attachment.record_id().empty()) return {};
  ASSIGN_OR_RETURN(
      const auto record,
      reader.get(records_table(), record_key(attachment.record_type(), attachment.record_id())));
  if (record && record->record.patient_id() == attachment.patient_id()) return {};
  return not_found("attachment.record_id: the patient has no such record")
      .with_field("attachment.record_id");
}

EventPayload payload_of(const Attachment& attachment, std::uint64_t version) {
  EventPayload payload;
  payload.set_id(attachment.id());
  payload.set_version(version);
  payload.set_patient_id(attachment.patient_id());
  return payload;
}

Status must_be_open(const Attachment& attachment, std::string_view field) {
  if (!attachment.complete()) return {};
  return failed_precondition(std::string(field) + ": the file is complete").with_field(field);
}

/// A chunk's bytes, checked against the name they are kept under.
Result<std::string> read_data(Reader& reader, const std::string& digest) {
  ASSIGN_OR_RETURN(auto chunk, reader.get(chunks_table(), digest));
  if (!chunk) return data_loss("a chunk of an attachment is not there");
  if (sha256(chunk->record.data()) != digest)
    return data_loss("a chunk of an attachment does not have its checksum");
  return std::move(*chunk->record.mutable_data());
}

}  // namespace

Result<BeginAttachmentResponse> Care::begin_attachment(const CallContext& context,
                                                       BeginAttachmentRequest request) const {
  Attachment& given = *request.mutable_attachment();
  RETURN_IF_ERROR(core_.authorise(METHOD_CARE_BEGIN_ATTACHMENT, context, given.patient_id()));
  const std::uint64_t hash = request_hash(context, METHOD_CARE_BEGIN_ATTACHMENT, request);
  if (given.id().empty()) given.set_id(std::string(core_.new_id().view()));
  RETURN_IF_ERROR(check(given));
  given.clear_chunks();
  for (std::uint32_t i = 0; i < chunk_count(given.size()); ++i) given.add_chunks();
  given.set_complete(false);
  return core_.execute<BeginAttachmentResponse>(
      context, hash, [&](Transaction& tx, BeginAttachmentResponse& response) -> Status {
        RETURN_IF_ERROR(check_patient(tx, given.patient_id(), "attachment.patient_id"));
        RETURN_IF_ERROR(check_record(tx, given));
        Attachment attachment = given;
        attachment.set_created_us(tx.now().us);
        RETURN_IF_ERROR(put_new(tx, attachments_table(), attachment, *response.mutable_result()));
        response.set_chunks(static_cast<std::uint32_t>(attachment.chunks_size()));
        response.set_chunk_bytes(kChunkBytes);
        return emit(tx, EVENT_ATTACHMENT_BEGUN, payload_of(attachment, 1));
      });
}

Result<PutChunkResponse> Care::put_chunk(const CallContext& context,
                                         const PutChunkRequest& request) const {
  RETURN_IF_ERROR(core_.authorise(METHOD_CARE_PUT_CHUNK, context, request.attachment_id()));
  const std::string digest = sha256(request.data());
  if (digest != request.sha256()) {
    return invalid_argument("data: the bytes do not have their checksum; send the chunk again")
        .with_field("data");
  }
  Chunk chunk;
  chunk.set_data(request.data());
  ASSIGN_OR_RETURN(const engine::PreparedRecord prepared, chunks_table().prepare(chunk));
  return core_.execute<PutChunkResponse>(
      context, request_hash(context, METHOD_CARE_PUT_CHUNK, request),
      [&](Transaction& tx, PutChunkResponse& response) -> Status {
        ASSIGN_OR_RETURN(const auto stored, must_get(tx, attachments_table(),
                                                     request.attachment_id(), "attachment_id"));
        RETURN_IF_ERROR(must_be_open(stored.record, "attachment_id"));
        Attachment attachment = stored.record;
        if (request.index() >= static_cast<std::uint32_t>(attachment.chunks_size())) {
          return refuse("index",
                        "the file has " + std::to_string(attachment.chunks_size()) + " chunks");
        }
        if (request.data().size() != bytes_of_chunk(attachment, request.index())) {
          return refuse("data", "the chunk has " +
                                    std::to_string(bytes_of_chunk(attachment, request.index())) +
                                    " bytes, not " + std::to_string(request.data().size()));
        }
        ASSIGN_OR_RETURN(const bool known, tx.read(chunks_table().def(), digest,
                                                   [](const engine::RecordMeta&, std::string_view) {
                                                     return Status();
                                                   }));
        response.set_known(known);
        if (!known) RETURN_IF_ERROR(tx.put(prepared, {}).status());
        attachment.set_chunks(static_cast<int>(request.index()), digest);
        return put_changed(tx, attachments_table(), attachment, stored, *response.mutable_result());
      });
}

Result<FinishAttachmentResponse> Care::finish_attachment(
    const CallContext& context, const FinishAttachmentRequest& request) const {
  RETURN_IF_ERROR(core_.authorise(METHOD_CARE_FINISH_ATTACHMENT, context, request.id()));
  std::uint64_t version = 0;
  {
    ASSIGN_OR_RETURN(const std::unique_ptr<Reader> reader, core_.store().view(context.tenant));
    ASSIGN_OR_RETURN(const auto stored, must_get(*reader, attachments_table(), request.id(), "id"));
    version = stored.meta.version;
    if (!stored.record.complete()) {
      Sha256 whole;
      for (int i = 0; i < stored.record.chunks_size(); ++i) {
        if (stored.record.chunks(i).empty())
          return failed_precondition("id: chunk " + std::to_string(i) + " is missing")
              .with_field("id");
        ASSIGN_OR_RETURN(const std::string data, read_data(*reader, stored.record.chunks(i)));
        whole.add(data);
      }
      if (whole.take() != stored.record.sha256())
        return data_loss("id: the whole does not have its checksum").with_field("id");
    }
  }
  return core_.execute<FinishAttachmentResponse>(
      context, request_hash(context, METHOD_CARE_FINISH_ATTACHMENT, request),
      [&](Transaction& tx, FinishAttachmentResponse& response) -> Status {
        ASSIGN_OR_RETURN(const auto stored, must_get(tx, attachments_table(), request.id(), "id"));
        response.mutable_result()->set_id(request.id());
        response.mutable_result()->set_version(stored.meta.version);
        response.mutable_result()->set_unchanged(stored.record.complete());
        if (stored.record.complete()) return {};
        RETURN_IF_ERROR(check_version(version, stored.meta));
        Attachment attachment = stored.record;
        attachment.set_complete(true);
        RETURN_IF_ERROR(
            put_changed(tx, attachments_table(), attachment, stored, *response.mutable_result()));
        return emit(tx, EVENT_ATTACHMENT_ADDED,
                    payload_of(attachment, response.result().version()));
      });
}

Result<std::shared_ptr<const GetAttachmentResponse>> Care::get_attachment(
    const CallContext& context, const GetAttachmentRequest& request) const {
  return get_record(core_, context, METHOD_CARE_GET_ATTACHMENT, attachments_table(), request.id(),
                    &GetAttachmentResponse::mutable_attachment);
}

Result<ReadChunkResponse> Care::read_chunk(const CallContext& context,
                                           const ReadChunkRequest& request) const {
  RETURN_IF_ERROR(core_.authorise(METHOD_CARE_READ_CHUNK, context, request.attachment_id()));
  ASSIGN_OR_RETURN(const std::unique_ptr<Reader> reader, core_.store().view(context.tenant));
  ASSIGN_OR_RETURN(const auto stored, must_get(*reader, attachments_table(),
                                               request.attachment_id(), "attachment_id"));
  if (!stored.record.complete()) {
    return failed_precondition("attachment_id: the file is not complete")
        .with_field("attachment_id");
  }
  if (request.index() >= static_cast<std::uint32_t>(stored.record.chunks_size())) {
    return refuse("index",
                  "the file has " + std::to_string(stored.record.chunks_size()) + " chunks");
  }
  const std::string& digest = stored.record.chunks(static_cast<int>(request.index()));
  ReadChunkResponse response;
  ASSIGN_OR_RETURN(*response.mutable_data(), read_data(*reader, digest));
  response.set_sha256(digest);
  return response;
}

Result<ListAttachmentsResponse> Care::list_attachments(
    const CallContext& context, const ListAttachmentsRequest& request) const {
  RETURN_IF_ERROR(core_.authorise(METHOD_CARE_LIST_ATTACHMENTS, context, request.patient_id()));
  RETURN_IF_ERROR(id_from_bytes(request.patient_id(), "patient_id").status());
  ASSIGN_OR_RETURN(const std::unique_ptr<Reader> reader, core_.store().view(context.tenant));
  ListAttachmentsResponse response;
  ASSIGN_OR_RETURN(*response.mutable_cursor(),
                   read_named(*reader, attachments_table(), AttachmentIndex::kPatient,
                              engine::KeyRange::prefix(request.patient_id()),
                              {false, page_limit(request.limit()), request.cursor()},
                              *response.mutable_attachments()));
  return response;
}

Result<RemoveAttachmentResponse> Care::remove_attachment(
    const CallContext& context, const RemoveAttachmentRequest& request) const {
  RETURN_IF_ERROR(core_.authorise(METHOD_CARE_REMOVE_ATTACHMENT, context, request.id()));
  return core_.execute<RemoveAttachmentResponse>(
      context, request_hash(context, METHOD_CARE_REMOVE_ATTACHMENT, request),
      [&](Transaction& tx, RemoveAttachmentResponse& response) -> Status {
        ASSIGN_OR_RETURN(const auto stored, must_get(tx, attachments_table(), request.id(), "id"));
        RETURN_IF_ERROR(must_be_open(stored.record, "id"));
        RETURN_IF_ERROR(tx.remove(attachments_table(), request.id(), stored.meta.version));
        // Chunks that no other file has go along.
        for (const std::string& digest : stored.record.chunks()) {
          if (digest.empty()) continue;
          ASSIGN_OR_RETURN(const engine::ScanEnd used,
                           tx.scan(attachments_table(), AttachmentIndex::kChunk,
                                   engine::KeyRange::prefix(digest), {false, 1, {}},
                                   [](const engine::IndexEntry&) { return true; }));
          if (used.visited != 0) continue;
          const Status removed = tx.remove(chunks_table(), digest, std::nullopt);
          // A chunk that the file has twice is gone already.
          if (!removed.ok() && removed.code() != StatusCode::kNotFound) return removed;
        }
        response.mutable_result()->set_id(request.id());
        response.mutable_result()->set_version(stored.meta.version + 1);
        return emit(tx, EVENT_ATTACHMENT_GIVEN_UP,
                    payload_of(stored.record, stored.meta.version + 1));
      });
}

}  // namespace clinicdb::clinic
