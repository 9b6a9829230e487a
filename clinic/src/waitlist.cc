#include "clinicdb/clinic/waitlist.h"

#include "check_parts.h"
#include "clinicdb/clinic/tables.h"
#include "patient_links.h"
#include "record_calls.h"
#include "scheduling/claims.h"
#include "scheduling/waiting_list.h"

namespace clinicdb::clinic {

namespace {

constexpr std::uint32_t kPriorityMax = 9;
constexpr int kWaitedForMax = 64;

Status check_entry(const WaitlistEntry& entry) {
  RETURN_IF_ERROR(check_id(entry.id(), "entry.id", true));
  RETURN_IF_ERROR(check_id(entry.clinic_id(), "entry.clinic_id", true));
  RETURN_IF_ERROR(check_id(entry.patient_id(), "entry.patient_id", true));
  RETURN_IF_ERROR(check_id(entry.service_id(), "entry.service_id"));
  if (entry.professional_ids_size() > kWaitedForMax)
    return refuse("entry.professional_ids", "at most 64 are possible");
  for (const std::string& id : entry.professional_ids())
    RETURN_IF_ERROR(check_id(id, "entry.professional_ids", true));
  if (entry.duration_minutes() == 0 || entry.duration_minutes() > kServiceMinutesMax)
    return refuse("entry.duration_minutes", "a service, or from 1 minute to 24 hours, is needed");
  if (entry.priority() > kPriorityMax) return refuse("entry.priority", "0 to 9 are possible");
  if (entry.weekdays() > 127) return refuse("entry.weekdays", "bit 0 is Monday, bit 6 is Sunday");
  if (entry.until_us() != 0 && entry.until_us() <= entry.from_us())
    return refuse("entry.until_us", "it is after from_us");
  return check_size(entry.note(), kNoteBytesMax, "entry.note");
}

Result<engine::Stored<WaitlistEntry>> read_entry(engine::Reader& reader, const std::string& id) {
  ASSIGN_OR_RETURN(std::optional<engine::Stored<WaitlistEntry>> found,
                   reader.get(waitlist_table(), id));
  if (!found) return not_found("no such entry of the waiting list").with_field("id");
  return std::move(*found);
}

Result<std::uint64_t> put_entry(engine::Transaction& tx,
                                const engine::Stored<WaitlistEntry>& entry) {
  ASSIGN_OR_RETURN(const engine::PutResult put,
                   tx.put(waitlist_table(), entry.record, {entry.meta.version, false}));
  EventPayload payload;
  payload.set_id(entry.record.id());
  payload.set_version(put.version);
  payload.set_patient_id(entry.record.patient_id());
  RETURN_IF_ERROR(tx.emit(EVENT_WAITLIST_CHANGED, payload.SerializeAsString()));
  return put.version;
}

/// The hold that an entry was offered; kFailedPrecondition without.
Result<engine::Stored<Appointment>> read_offer(engine::Transaction& tx,
                                               const WaitlistEntry& entry) {
  const auto none = [] {
    return failed_precondition("there is no offer to answer").with_field("entry.status");
  };
  if (entry.status() != WAITLIST_STATUS_OFFERED) return none();
  ASSIGN_OR_RETURN(std::optional<engine::Stored<Appointment>> hold,
                   tx.get(appointments_table(), entry.hold_id()));
  if (!hold || hold->record.status() != APPOINTMENT_STATUS_HELD) return none();
  return std::move(*hold);
}

}  // namespace

Result<AddWaitlistEntryResponse> Waitlist::add(const CallContext& context,
                                               AddWaitlistEntryRequest request) const {
  WaitlistEntry& entry = *request.mutable_entry();
  RETURN_IF_ERROR(core_.authorise(METHOD_WAITLIST_ADD, context, entry.patient_id()));
  const std::uint64_t hash = request_hash(context, METHOD_WAITLIST_ADD, request);
  if (entry.id().empty()) entry.set_id(std::string(core_.new_id().view()));
  entry.set_status(WAITLIST_STATUS_WAITING);
  entry.set_since_us(core_.clock().now().us);
  entry.clear_hold_id();
  entry.clear_declined();
  entry.clear_declined_starts_us();
  {
    ASSIGN_OR_RETURN(const std::unique_ptr<engine::Reader> reader,
                     core_.store().view(context.tenant));
    if (!entry.service_id().empty()) {
      RETURN_IF_ERROR(check_id(entry.service_id(), "entry.service_id"));
      ASSIGN_OR_RETURN(const std::optional<engine::Stored<Service>> service,
                       reader->get(services_table(), entry.service_id()));
      if (!service)
        return not_found("entry.service_id: no such service").with_field("entry.service_id");
      if (entry.duration_minutes() == 0)
        entry.set_duration_minutes(service->record.duration_minutes());
    }
    RETURN_IF_ERROR(check_entry(entry));
    ASSIGN_OR_RETURN(const std::optional<engine::Stored<ClinicSite>> clinic,
                     reader->get(clinics_table(), entry.clinic_id()));
    if (!clinic) return not_found("entry.clinic_id: no such clinic").with_field("entry.clinic_id");
  }
  Result<engine::PreparedRecord> prepared = waitlist_table().prepare(entry);
  if (!prepared) return name_fields(std::move(prepared).error(), "entry");
  return core_.execute<AddWaitlistEntryResponse>(
      context, hash, [&](engine::Transaction& tx, AddWaitlistEntryResponse& response) -> Status {
        RETURN_IF_ERROR(check_patient(tx, entry.patient_id(), "entry.patient_id"));
        ASSIGN_OR_RETURN(const engine::PutResult put, tx.put(*prepared, {std::uint64_t{0}, false}));
        response.mutable_result()->set_id(entry.id());
        response.mutable_result()->set_version(put.version);
        EventPayload payload;
        payload.set_id(entry.id());
        payload.set_version(put.version);
        payload.set_patient_id(entry.patient_id());
        return tx.emit(EVENT_WAITLIST_ADDED, payload.SerializeAsString());
      });
}

Result<std::shared_ptr<const GetWaitlistEntryResponse>> Waitlist::get(
    const CallContext& context, const GetWaitlistEntryRequest& request) const {
  return get_record(core_, context, METHOD_WAITLIST_GET, waitlist_table(), request.id(),
                    &GetWaitlistEntryResponse::mutable_entry);
}

Result<ListWaitlistResponse> Waitlist::list(const CallContext& context,
                                            const ListWaitlistRequest& request) const {
  RETURN_IF_ERROR(core_.authorise(METHOD_WAITLIST_LIST, context, request.clinic_id()));
  RETURN_IF_ERROR(check_id(request.clinic_id(), "clinic_id", true));
  ASSIGN_OR_RETURN(const std::unique_ptr<engine::Reader> reader,
                   core_.store().view(context.tenant));
  std::vector<std::string> ids;
  const engine::ScanOptions options{false, page_limit(request.limit()), request.cursor()};
  ASSIGN_OR_RETURN(engine::ScanEnd end, reader->scan(waitlist_table().def(), WaitlistIndex::kRank,
                                                     engine::KeyRange::prefix(request.clinic_id()),
                                                     options, [&](const engine::IndexEntry& entry) {
                                                       ids.emplace_back(entry.record_key);
                                                       return true;
                                                     }));
  ListWaitlistResponse response;
  for (const std::string& id : ids) {
    ASSIGN_OR_RETURN(std::optional<engine::Stored<WaitlistEntry>> found,
                     reader->get(waitlist_table(), id));
    if (found) *response.add_entries() = std::move(found->record);
  }
  response.set_cursor(std::move(end.cursor));
  return response;
}

Result<WithdrawWaitlistEntryResponse> Waitlist::withdraw(
    const CallContext& context, const WithdrawWaitlistEntryRequest& request) const {
  RETURN_IF_ERROR(core_.authorise(METHOD_WAITLIST_WITHDRAW, context, request.id()));
  RETURN_IF_ERROR(check_id(request.id(), "id", true));
  return core_.execute<WithdrawWaitlistEntryResponse>(
      context, request_hash(context, METHOD_WAITLIST_WITHDRAW, request),
      [&](engine::Transaction& tx, WithdrawWaitlistEntryResponse& response) -> Status {
        ASSIGN_OR_RETURN(engine::Stored<WaitlistEntry> entry, read_entry(tx, request.id()));
        if (entry.record.status() == WAITLIST_STATUS_OFFERED) {
          ASSIGN_OR_RETURN(const engine::Stored<Appointment> hold, read_offer(tx, entry.record));
          RETURN_IF_ERROR(remove_hold(tx, hold.record));
          ASSIGN_OR_RETURN(entry, read_entry(tx, request.id()));
          entry.record.set_status(WAITLIST_STATUS_WITHDRAWN);
          ASSIGN_OR_RETURN(const std::uint64_t version, put_entry(tx, entry));
          response.mutable_result()->set_version(version);
          response.mutable_result()->set_id(request.id());
          return offer_time(core_, tx, freed_time(hold.record)).status();
        }
        if (entry.record.status() != WAITLIST_STATUS_WAITING) {
          return failed_precondition("the entry is not on the list any more")
              .with_field("entry.status");
        }
        entry.record.set_status(WAITLIST_STATUS_WITHDRAWN);
        ASSIGN_OR_RETURN(const std::uint64_t version, put_entry(tx, entry));
        response.mutable_result()->set_version(version);
        response.mutable_result()->set_id(request.id());
        return {};
      });
}

Result<AnswerWaitlistOfferResponse> Waitlist::answer(
    const CallContext& context, const AnswerWaitlistOfferRequest& request) const {
  RETURN_IF_ERROR(core_.authorise(METHOD_WAITLIST_ANSWER, context, request.id()));
  RETURN_IF_ERROR(check_id(request.id(), "id", true));
  return core_.execute<AnswerWaitlistOfferResponse>(
      context, request_hash(context, METHOD_WAITLIST_ANSWER, request),
      [&](engine::Transaction& tx, AnswerWaitlistOfferResponse& response) -> Status {
        ASSIGN_OR_RETURN(const engine::Stored<WaitlistEntry> entry, read_entry(tx, request.id()));
        ASSIGN_OR_RETURN(engine::Stored<Appointment> hold, read_offer(tx, entry.record));
        response.mutable_result()->set_id(request.id());
        response.mutable_result()->set_version(entry.meta.version + 1);
        if (!request.accept()) {
          RETURN_IF_ERROR(remove_hold(tx, hold.record));
          ASSIGN_OR_RETURN(const std::optional<WaitlistOffer> next,
                           offer_time(core_, tx, freed_time(hold.record)));
          if (next) response.set_offered_to(next->entry_id);
          return {};
        }
        if (hold.record.hold_until_us() <= tx.now().us)
          return failed_precondition("the offer has expired").with_field("entry.status");
        hold.record.set_status(APPOINTMENT_STATUS_BOOKED);
        hold.record.clear_hold_until_us();
        ASSIGN_OR_RETURN(const engine::PutResult put,
                         tx.put(appointments_table(), hold.record, {hold.meta.version, false}));
        RETURN_IF_ERROR(
            tx.emit(EVENT_APPOINTMENT_SCHEDULED, appointment_event(hold.record, put.version)));
        response.set_appointment_id(hold.record.id());
        return settle_offer(tx, hold.record);
      });
}

Result<OfferWaitlistResponse> Waitlist::offer(const CallContext& context,
                                              const OfferWaitlistRequest& request) const {
  RETURN_IF_ERROR(core_.authorise(METHOD_WAITLIST_OFFER, context, request.clinic_id()));
  RETURN_IF_ERROR(check_id(request.clinic_id(), "clinic_id", true));
  RETURN_IF_ERROR(check_id(request.professional_id(), "professional_id"));
  RETURN_IF_ERROR(check_id(request.room_id(), "room_id"));
  if (request.professional_id().empty() && request.room_id().empty())
    return refuse("professional_id", "a professional or a room is needed");
  if (request.start_us() >= request.end_us())
    return refuse("end_us", "the time ends after it starts");
  const FreedTime time{request.clinic_id(),
                       request.professional_id(),
                       request.room_id(),
                       {request.start_us(), request.end_us()}};
  return core_.execute<OfferWaitlistResponse>(
      context, request_hash(context, METHOD_WAITLIST_OFFER, request),
      [&](engine::Transaction& tx, OfferWaitlistResponse& response) -> Status {
        ASSIGN_OR_RETURN(const std::optional<WaitlistOffer> offer, offer_time(core_, tx, time));
        response.mutable_result();
        if (!offer) return {};
        response.mutable_result()->set_id(offer->entry_id);
        response.set_hold_id(offer->hold_id);
        return {};
      });
}

}  // namespace clinicdb::clinic
