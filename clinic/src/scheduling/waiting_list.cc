#include "scheduling/waiting_list.h"

#include <algorithm>

#include "scheduling/claims.h"
#include "scheduling/clinic_zone.h"
#include "zones.h"

namespace clinicdb::clinic {

namespace {

/// The entry's hours and weekdays, against the freed time as local time.
bool suits_day(const WaitlistEntry& entry, const Zone& zone, TimeSpan span) {
  if (entry.weekdays() == 0 && entry.from_minute() == 0 && entry.until_minute() == 0) return true;
  const LocalTime start = zone.local(Time{span.start_us});
  if (entry.weekdays() != 0 &&
      ((entry.weekdays() >> static_cast<unsigned>(weekday_of(start.day))) & 1u) == 0)
    return false;
  if (start.minute < static_cast<std::int32_t>(entry.from_minute())) return false;
  const std::int64_t minutes = (span.end_us - span.start_us) / kMinuteUs;
  return entry.until_minute() == 0 ||
         start.minute + minutes <= static_cast<std::int64_t>(entry.until_minute());
}

bool suits_place(const WaitlistEntry& entry, const FreedTime& freed) {
  const auto& wanted = entry.professional_ids();
  return wanted.empty() ||
         std::find(wanted.begin(), wanted.end(), freed.professional_id) != wanted.end();
}

/// What the entry would take of the freed time: from its beginning, as long as it needs.
std::optional<TimeSpan> wanted_span(const WaitlistEntry& entry, const FreedTime& freed) {
  const TimeSpan span{freed.span.start_us,
                      freed.span.start_us + entry.duration_minutes() * kMinuteUs};
  if (span.end_us > freed.span.end_us) return std::nullopt;
  if (span.start_us < entry.from_us()) return std::nullopt;
  if (entry.until_us() != 0 && span.end_us > entry.until_us()) return std::nullopt;
  const auto& declined = entry.declined_starts_us();
  if (std::find(declined.begin(), declined.end(), span.start_us) != declined.end())
    return std::nullopt;
  return span;
}

Appointment make_hold(const Uuid& id, const WaitlistEntry& entry, const FreedTime& freed,
                      TimeSpan span, Time now) {
  Appointment hold;
  hold.set_id(std::string(id.view()));
  hold.set_clinic_id(freed.clinic_id);
  hold.set_professional_id(freed.professional_id);
  hold.set_room_id(freed.room_id);
  hold.set_patient_id(entry.patient_id());
  hold.set_service_id(entry.service_id());
  hold.set_start_us(span.start_us);
  hold.set_end_us(span.end_us);
  hold.set_status(APPOINTMENT_STATUS_HELD);
  hold.set_hold_until_us(std::min(now.us + kOfferUs, span.start_us));
  hold.set_waitlist_id(entry.id());
  return hold;
}

Status take_from_service(engine::Transaction& tx, Appointment& hold) {
  if (hold.service_id().empty()) return {};
  ASSIGN_OR_RETURN(const std::optional<engine::Stored<Service>> service,
                   tx.get(services_table(), hold.service_id()));
  if (!service) return {};
  hold.set_title(std::string(cut_text(service->record.name(), kTitleBytesMax)));
  hold.set_buffer_before_minutes(service->record.buffer_before_minutes());
  hold.set_buffer_after_minutes(service->record.buffer_after_minutes());
  *hold.mutable_equipment_ids() = service->record.equipment_ids();
  return choose_units(tx, hold);
}

}  // namespace

Result<std::optional<WaitlistOffer>> offer_time(FunctionRef<Uuid()> new_id, engine::Transaction& tx,
                                                const FreedTime& freed) {
  const std::optional<WaitlistOffer> nobody;
  if (freed.span.start_us <= tx.now().us) return nobody;
  std::vector<std::string> ids;
  RETURN_IF_ERROR(tx.scan(waitlist_table().def(), WaitlistIndex::kRank,
                          engine::KeyRange::prefix(freed.clinic_id),
                          {false, kOfferCandidatesMax, {}},
                          [&](const engine::IndexEntry& entry) {
                            ids.emplace_back(entry.record_key);
                            return true;
                          })
                      .status());
  if (ids.empty()) return nobody;
  std::vector<engine::CacheTag> unused;
  ASSIGN_OR_RETURN(const std::string name, zone_for(tx, {}, freed.clinic_id, unused));
  ASSIGN_OR_RETURN(const Zone zone, Zone::find(name, "zone"));
  for (const std::string& id : ids) {
    ASSIGN_OR_RETURN(std::optional<engine::Stored<WaitlistEntry>> found,
                     tx.get(waitlist_table(), id));
    if (!found || found->record.status() != WAITLIST_STATUS_WAITING) continue;
    WaitlistEntry& entry = found->record;
    const std::optional<TimeSpan> span = wanted_span(entry, freed);
    if (!span || !suits_place(entry, freed) || !suits_day(entry, zone, *span)) continue;
    Appointment hold = make_hold(new_id(), entry, freed, *span, tx.now());
    RETURN_IF_ERROR(take_from_service(tx, hold));
    Result<engine::PreparedRecord> prepared = appointments_table().prepare(hold);
    if (!prepared) return std::move(prepared).error();
    const Result<engine::PutResult> put =
        put_claiming(tx, hold, *prepared, {std::uint64_t{0}, false}, {});
    // That patient is elsewhere then, or somebody else has the time: the next one.
    if (!put && put.error().code() == StatusCode::kFailedPrecondition) continue;
    if (!put) return put.error();
    RETURN_IF_ERROR(tx.emit(EVENT_APPOINTMENT_HELD, appointment_event(hold, put->version)));
    entry.set_status(WAITLIST_STATUS_OFFERED);
    entry.set_hold_id(hold.id());
    RETURN_IF_ERROR(tx.put(waitlist_table(), entry, {found->meta.version, false}).status());
    EventPayload payload;
    payload.set_id(entry.id());
    payload.set_version(found->meta.version + 1);
    payload.set_patient_id(entry.patient_id());
    payload.set_start_us(span->start_us);
    RETURN_IF_ERROR(tx.emit(EVENT_WAITLIST_OFFERED, payload.SerializeAsString()));
    return std::optional<WaitlistOffer>(WaitlistOffer{id, hold.id()});
  }
  return nobody;
}

Result<std::optional<WaitlistOffer>> offer_time(const Core& core, engine::Transaction& tx,
                                                const FreedTime& freed) {
  return offer_time([&] { return core.new_id(); }, tx, freed);
}

bool is_offered(const Appointment& appointment) {
  return appointment.session_id().empty() && appointment.capacity() < 2;
}

FreedTime freed_time(const Appointment& appointment) {
  return {appointment.clinic_id(),
          appointment.professional_id(),
          appointment.room_id(),
          {appointment.start_us(), appointment.end_us()}};
}

Status settle_offer(engine::Transaction& tx, const Appointment& hold) {
  if (hold.waitlist_id().empty()) return {};
  ASSIGN_OR_RETURN(std::optional<engine::Stored<WaitlistEntry>> entry,
                   tx.get(waitlist_table(), hold.waitlist_id()));
  if (!entry || entry->record.hold_id() != hold.id()) return {};
  entry->record.set_status(WAITLIST_STATUS_BOOKED);
  ASSIGN_OR_RETURN(const engine::PutResult put,
                   tx.put(waitlist_table(), entry->record, {entry->meta.version, false}));
  EventPayload payload;
  payload.set_id(entry->record.id());
  payload.set_version(put.version);
  payload.set_patient_id(entry->record.patient_id());
  return tx.emit(EVENT_WAITLIST_CHANGED, payload.SerializeAsString());
}

}  // namespace clinicdb::clinic
