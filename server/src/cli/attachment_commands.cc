// attachment add, list, get, remove.
#include <fstream>
#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "cli/commands.h"
#include "cli/tenant_call.h"
#include "cli/terminal.h"
#include "cli/time_text.h"
#include "clinicdb/clinic/digest.h"
#include "clinicdb/clinic/schema/care.pb.h"

namespace clinicdb::server {

namespace {

struct AddOptions {
  std::string patient;
  std::string file;
  std::string type = "application/octet-stream";
};

Status unreadable(const std::string& file) {
  return status_from_errno(errno == 0 ? EIO : errno, "read", file);
}

/// The file's size and checksum, from one pass over it.
Status measure(const std::string& file, std::uint64_t& size, std::string& digest) {
  errno = 0;
  std::ifstream in(file, std::ios::binary);
  clinic::Sha256 whole;
  std::string piece(std::size_t{1} << 16, '\0');
  size = 0;
  while (in) {
    in.read(piece.data(), static_cast<std::streamsize>(piece.size()));
    const auto got = static_cast<std::size_t>(in.gcount());
    whole.add(std::string_view(piece).substr(0, got));
    size += got;
  }
  if (!in.eof()) return unreadable(file);
  digest = whole.take();
  return {};
}

Result<ExitCode> add(Session& session, const AddOptions& options) {
  clinic::BeginAttachmentRequest begin;
  clinic::Attachment& attachment = *begin.mutable_attachment();
  ASSIGN_OR_RETURN(*attachment.mutable_patient_id(), parse_patient_id(options.patient, "PATIENT"));
  std::uint64_t size = 0;
  RETURN_IF_ERROR(measure(options.file, size, *attachment.mutable_sha256()));
  attachment.set_size(size);
  attachment.set_content_type(options.type);
  attachment.set_name(options.file.substr(options.file.find_last_of('/') + 1));
  ASSIGN_OR_RETURN(Target * target, session.open(Access::kChange));
  ASSIGN_OR_RETURN(const clinic::CallContext context, session.tenant_context());
  ASSIGN_OR_RETURN(const auto begun,
                   ask<clinic::BeginAttachmentResponse>(
                       *target, clinic::METHOD_CARE_BEGIN_ATTACHMENT, context, begin));
  std::ifstream in(options.file, std::ios::binary);
  std::uint32_t known = 0;
  for (std::uint32_t i = 0; i < begun->chunks(); ++i) {
    clinic::PutChunkRequest put;
    put.set_attachment_id(begun->result().id());
    put.set_index(i);
    std::string& data = *put.mutable_data();
    data.resize(begun->chunk_bytes());
    in.read(data.data(), static_cast<std::streamsize>(data.size()));
    data.resize(static_cast<std::size_t>(in.gcount()));
    put.set_sha256(clinic::sha256(data));
    ASSIGN_OR_RETURN(const auto done, ask<clinic::PutChunkResponse>(
                                          *target, clinic::METHOD_CARE_PUT_CHUNK, context, put));
    known += done->known() ? 1 : 0;
  }
  clinic::FinishAttachmentRequest finish;
  finish.set_id(begun->result().id());
  RETURN_IF_ERROR(ask<clinic::FinishAttachmentResponse>(
                      *target, clinic::METHOD_CARE_FINISH_ATTACHMENT, context, finish)
                      .status());
  if (session.json()) {
    session.show(Json{{"id", id_text(finish.id())},
                      {"size", size},
                      {"chunks", begun->chunks()},
                      {"known_chunks", known}});
  } else {
    session.say("Added attachment " + id_text(finish.id()) + ": " + with_commas(size) +
                " bytes in " + with_commas(begun->chunks()) + " chunks, " + with_commas(known) +
                " of them known.");
  }
  return ExitCode::kDone;
}

Result<ExitCode> list(Session& session, const std::string& patient) {
  clinic::ListAttachmentsRequest request;
  ASSIGN_OR_RETURN(*request.mutable_patient_id(), parse_patient_id(patient, "PATIENT"));
  request.set_limit(1000);
  return call_tenant<clinic::ListAttachmentsResponse>(
      session, Access::kRead, clinic::METHOD_CARE_LIST_ATTACHMENTS, request,
      [&](const auto& found) {
        TextTable table({{"ID"}, {"TIME"}, {"NAME"}, {"TYPE"}, {"BYTES", Align::kRight}, {""}});
        for (const clinic::Attachment& attachment : found.attachments()) {
          table.add({id_text(attachment.id()),
                     format_local(Time{attachment.created_us()}, session.zone()), attachment.name(),
                     attachment.content_type(), with_commas(attachment.size()),
                     attachment.complete() ? "" : "not complete"});
        }
        show_or_say(session, table, "This patient has no attachments.");
      });
}

struct GetOptions {
  std::string id;
  std::string output;
};

Result<ExitCode> get(Session& session, const GetOptions& options) {
  clinic::GetAttachmentRequest request;
  ASSIGN_OR_RETURN(*request.mutable_id(), parse_id(options.id, "ID"));
  ASSIGN_OR_RETURN(Target * target, session.open(Access::kRead));
  ASSIGN_OR_RETURN(const clinic::CallContext context, session.tenant_context());
  ASSIGN_OR_RETURN(const auto found,
                   ask<clinic::GetAttachmentResponse>(*target, clinic::METHOD_CARE_GET_ATTACHMENT,
                                                      context, request));
  if (found == nullptr) return not_found("ID: there is no such attachment");
  errno = 0;
  std::ofstream out(options.output, std::ios::binary | std::ios::trunc);
  for (int i = 0; i < found->attachment().chunks_size(); ++i) {
    clinic::ReadChunkRequest read;
    read.set_attachment_id(request.id());
    read.set_index(static_cast<std::uint32_t>(i));
    ASSIGN_OR_RETURN(const auto chunk, ask<clinic::ReadChunkResponse>(
                                           *target, clinic::METHOD_CARE_READ_CHUNK, context, read));
    out.write(chunk->data().data(), static_cast<std::streamsize>(chunk->data().size()));
  }
  out.close();
  if (!out) return status_from_errno(errno == 0 ? EIO : errno, "write", options.output);
  if (session.json()) {
    session.show(to_json(*found));
  } else {
    session.say("Wrote " + with_commas(found->attachment().size()) + " bytes to " + options.output +
                ".");
  }
  return ExitCode::kDone;
}

Result<ExitCode> remove_attachment(Session& session, const std::string& id) {
  clinic::RemoveAttachmentRequest request;
  ASSIGN_OR_RETURN(*request.mutable_id(), parse_id(id, "ID"));
  return call_tenant<clinic::RemoveAttachmentResponse>(
      session, Access::kChange, clinic::METHOD_CARE_REMOVE_ATTACHMENT, request,
      [&](const auto& done) { session.show_written("Removed attachment", done.result()); });
}

}  // namespace

void add_attachment_commands(Commands& commands) {
  commands.group("attachment", "A patient's files: add, list, get, remove");
  auto added = std::make_shared<AddOptions>();
  Command add_command = commands.add(
      "attachment add", "Attach a file, up to 64 MiB; what the store knows is not kept twice",
      Needs::kTenant,
      {example("attachment add", std::string(kExampleId) + " before.jpg --type image/jpeg")},
      [added](Session& session) { return add(session, *added); });
  add_command.text("PATIENT", added->patient, "A patient's id").required();
  add_command.text("FILE", added->file, "What to attach").required();
  add_command.text("--type", added->type, "Its media type").type("TYPE");
  auto patient = std::make_shared<std::string>();
  commands
      .add("attachment list", "Show a patient's files", Needs::kTenant,
           {example("attachment list", kExampleId)},
           [patient](Session& session) { return list(session, *patient); })
      .text("PATIENT", *patient, "A patient's id")
      .required();
  auto got = std::make_shared<GetOptions>();
  Command get_command =
      commands.add("attachment get", "Write a file out, checked chunk by chunk", Needs::kTenant,
                   {example("attachment get", std::string(kExampleId) + " --output before.jpg")},
                   [got](Session& session) { return get(session, *got); });
  get_command.text("ID", got->id, "The attachment's id").required();
  get_command.text("--output", got->output, "File to write").type("FILE").required();
  auto removed = std::make_shared<std::string>();
  commands
      .add("attachment remove",
           "Give up a file that was begun and never finished; a whole one stays", Needs::kTenant,
           {example("attachment remove", kExampleId)},
           [removed](Session& session) { return remove_attachment(session, *removed); })
      .text("ID", *removed, "The attachment's id")
      .required();
}

}  // namespace clinicdb::server
