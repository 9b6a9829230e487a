// Changing an appointment: what every change of one has in common. The record is read and changed
// on the caller's thread and put in a commit where nobody was faster; else it is done anew.
#pragma once

#include <optional>
#include <string>
#include <utility>

#include "clinicdb/clinic/identity.h"
#include "core.h"
#include "fhir/merge.h"
#include "scheduling/claims.h"
#include "scheduling/clinic_of.h"

namespace clinicdb::clinic {

struct AppointmentChangeOptions {
  std::uint64_t request_hash = 0;
  std::optional<std::uint64_t> expected_version;
  EventType event = EVENT_UNSPECIFIED;
  ClaimRules rules;
};

inline Status no_such_appointment() {
  return not_found("no such appointment").with_field("appointment.id");
}

/// `adjust(appointment, reader)` changes the record; `then(tx, before, after, response)` does in
/// the commit what follows from it. Both return Status.
template <class Response, class Adjust, class Then>
Result<Response> change_appointment(const Core& core, const CallContext& context,
                                    const std::string& id, const AppointmentChangeOptions& options,
                                    Adjust&& adjust, Then&& then) {
  RETURN_IF_ERROR(id_from_bytes(id, "appointment.id").status());
  for (int attempt = 1;; ++attempt) {
    ASSIGN_OR_RETURN(std::unique_ptr<engine::Reader> reader, core.store().view(context.tenant));
    ASSIGN_OR_RETURN(std::optional<engine::Replaced<Appointment>> current,
                     reader->get_to_replace(appointments_table(), id));
    if (!current) return no_such_appointment();
    if (options.expected_version && *options.expected_version != current->meta.version) {
      return aborted("appointment: version " + std::to_string(*options.expected_version) +
                     " was expected, it has " + std::to_string(current->meta.version))
          .with_field("appointment.version")
          .with_current_version(current->meta.version);
    }
    Appointment appointment = current->record;
    if (appointment.clinic_id().empty()) {
      // It came before its clinic did.
      ASSIGN_OR_RETURN(*appointment.mutable_clinic_id(),
                       ClinicFinder(*reader).of(appointment.room_id()));
    }
    RETURN_IF_ERROR(adjust(appointment, *reader));
    RETURN_IF_ERROR(fhir::merge(appointment));
    reader.reset();
    Result<engine::PreparedRecord> prepared =
        appointments_table().prepare(appointment, std::move(*current));  // takes its row only
    if (!prepared) return name_fields(std::move(prepared).error(), "appointment");

    Result<Response> done = core.execute<Response>(
        context, options.request_hash, [&](engine::Transaction& tx, Response& response) -> Status {
          ClaimRules rules = options.rules;
          rules.before = &current->record;
          ASSIGN_OR_RETURN(
              const engine::PutResult put,
              put_claiming(tx, appointment, *prepared, {current->meta.version, false}, rules));
          response.mutable_result()->set_id(id);
          response.mutable_result()->set_version(put.version);
          RETURN_IF_ERROR(tx.emit(static_cast<std::uint16_t>(options.event),
                                  appointment_event(appointment, put.version)));
          return then(tx, current->record, appointment, response);
        });
    if (done) return done;
    const bool again = done.error().code() == StatusCode::kAborted && !options.expected_version;
    if (!again || attempt == kSaveAttemptsMax)
      return name_fields(std::move(done).error(), "appointment");
  }
}

}  // namespace clinicdb::clinic
