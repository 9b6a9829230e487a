#include "fhir/import_item.h"

#include <algorithm>
#include <utility>

#include "billing/tables.h"
#include "clinicdb/clinic/tables.h"
#include "consent_table.h"
#include "scheduling/claims.h"

namespace clinicdb::clinic::fhir {

namespace {

/// Of a record's id, with which keys end.
constexpr std::size_t kIdBytes = 16;

using engine::RawRecord;
using engine::TableDef;
using engine::Transaction;

// Minified, references mapped, with `id`.
std::string body_text(const JsonTree& tree, JsonValue resource, const std::string& id,
                      const ReferenceMap& references) {
  std::vector<JsonEdit> edits;
  const JsonValue own = resource.member("id");
  if (!own) {
    // Behind resourceType, by putting both in the place of its value.
    const JsonValue type = resource.member("resourceType");
    std::string text(type.raw());
    text.append(",\"id\":");
    append_json_string(text, id);
    edits.push_back({type.index(), std::move(text)});
  } else if (own.text() != id) {
    edits.push_back({own.index(), json_string(id)});
  }
  if (!references.empty()) {
    for (const JsonValue reference : resource.strings_below(kReferenceMember)) {
      if (std::optional<std::string> mapped = mapped_reference(references, reference.text())) {
        edits.push_back({reference.index(), json_string(*mapped)});
      }
    }
  }
  std::sort(edits.begin(), edits.end(),
            [](const JsonEdit& a, const JsonEdit& b) { return a.node < b.node; });
  return tree.minified(resource, edits);
}

Result<AnyRecord> decode(const TableDef& table, std::string_view body) {
  ASSIGN_OR_RETURN(const std::shared_ptr<const void> record, table.decode(body));
  const auto as =
      [&]<class Message>(const engine::Table<Message>& typed) -> std::optional<AnyRecord> {
    if (typed.def().id != table.id) return std::nullopt;
    return AnyRecord(*static_cast<const Message*>(record.get()));
  };
  if (auto found = as(records_table())) return *std::move(found);
  if (auto found = as(patients_table())) return *std::move(found);
  if (auto found = as(professionals_table())) return *std::move(found);
  if (auto found = as(organizations_table())) return *std::move(found);
  if (auto found = as(locations_table())) return *std::move(found);
  if (auto found = as(hours_table())) return *std::move(found);
  if (auto found = as(exceptions_table())) return *std::move(found);
  if (auto found = as(appointments_table())) return *std::move(found);
  if (auto found = as(invoices_table())) return *std::move(found);
  if (auto found = as(consents_table())) return *std::move(found);
  return internal_error("table " + table.name + " holds no FHIR resources");
}

// What FHIR has no element for stays as it was entered in the store.
struct CarryOver {
  void operator()(const Patient& stored, Patient& incoming) const {
    *incoming.mutable_insurance() = stored.insurance();
    *incoming.mutable_flags() = stored.flags();
    incoming.set_note(stored.note());
  }
  void operator()(const Professional& stored, Professional& incoming) const {
    if (stored.has_council()) *incoming.mutable_council() = stored.council();
    *incoming.mutable_specialties() = stored.specialties();
    if (incoming.cpf().empty()) incoming.set_cpf(stored.cpf());
    if (stored.has_licence_expiry()) *incoming.mutable_licence_expiry() = stored.licence_expiry();
    *incoming.mutable_service_ids() = stored.service_ids();
    incoming.set_colour(stored.colour());
  }
  void operator()(const Organization& stored, Organization& incoming) const {
    if (incoming.cnpj().empty()) incoming.set_cnpj(stored.cnpj());
  }
  void operator()(const Location& stored, Location& incoming) const {
    incoming.set_clinic_id(stored.clinic_id());
    incoming.set_bookable(incoming.bookable() || stored.bookable());
  }
  void operator()(const Hours& stored, Hours& incoming) const {
    if (incoming.clinic_id().empty()) incoming.set_clinic_id(stored.clinic_id());
    if (incoming.zone().empty()) incoming.set_zone(stored.zone());
    if (!incoming.weekly().empty() || !incoming.breaks().empty()) return;
    *incoming.mutable_weekly() = stored.weekly();
    *incoming.mutable_breaks() = stored.breaks();
  }
  void operator()(const AvailabilityException& stored, AvailabilityException& incoming) const {
    // A Slot of ours has no Schedule's clinic to take.
    const bool same_place =
        incoming.kind() == stored.kind() && incoming.resource_id() == stored.resource_id();
    if (incoming.hours_id().empty() && same_place) incoming.set_clinic_id(stored.clinic_id());
  }
  void operator()(const Appointment& stored, Appointment& incoming) const {
    // In another room it may be at another clinic; else it stays where it was entered.
    const bool same_room = incoming.room_id() == stored.room_id();
    if (incoming.clinic_id().empty() || (same_room && !stored.clinic_id().empty()))
      incoming.set_clinic_id(stored.clinic_id());
    incoming.set_service_id(stored.service_id());
    incoming.set_buffer_before_minutes(stored.buffer_before_minutes());
    incoming.set_buffer_after_minutes(stored.buffer_after_minutes());
    *incoming.mutable_equipment_ids() = stored.equipment_ids();
    *incoming.mutable_equipment_units() = stored.equipment_units();
    incoming.set_capacity(stored.capacity());
    incoming.set_series_id(stored.series_id());
    incoming.set_series_number(stored.series_number());
    incoming.set_arrived_us(stored.arrived_us());
    incoming.set_started_us(stored.started_us());
    incoming.set_completed_us(stored.completed_us());
    // R4 tells fewer states apart than we do.
    if (appointment_status_code(stored.status()) == appointment_status_code(incoming.status()))
      incoming.set_status(stored.status());
    // Who is elsewhere than the group is no longer in it.
    if (incoming.start_us() == stored.start_us() && incoming.end_us() == stored.end_us()) {
      incoming.set_session_id(stored.session_id());
      incoming.set_seat(stored.seat());
    }
    if (stored.has_overbooking()) {
      *incoming.mutable_overbooking() = stored.overbooking();
      forget_moved_overbooking(stored, incoming);
    }
    if (stored.has_cancellation() && incoming.status() == APPOINTMENT_STATUS_CANCELLED) {
      *incoming.mutable_cancellation() = stored.cancellation();
    }
  }
  void operator()(const ClinicalRecord& stored, ClinicalRecord& incoming) const {
    if (incoming.has_encounter()) {
      const Encounter& before = stored.encounter();
      Encounter& encounter = *incoming.mutable_encounter();
      const bool same_place = encounter.location_id() == before.location_id();
      if (encounter.clinic_id().empty() || (same_place && !before.clinic_id().empty()))
        encounter.set_clinic_id(before.clinic_id());
    }
    incoming.set_text(stored.text());
  }
  void operator()(const Invoice& stored, Invoice& incoming) const {
    // A number of ours is never given up.
    incoming.set_series(stored.series());
    incoming.set_number(stored.number());
    if (!stored.clinic_id().empty()) incoming.set_clinic_id(stored.clinic_id());
    incoming.set_created_us(stored.created_us());
  }
  void operator()(const Consent& stored, Consent& incoming) const {
    incoming.set_attachment_id(stored.attachment_id());
    if (stored.withdrawn_us() != 0 && incoming.withdrawn_us() != 0) {
      incoming.set_withdrawn_us(stored.withdrawn_us());
      incoming.set_withdraw_reason(stored.withdraw_reason());
    }
  }
  template <class A, class B>
  void operator()(const A&, B&) const {}  // of different tables: nothing in common
};

// The entity's own table of a type of which some resources are none, and stay clinical records:
// appointments that hold no time, invoices whose sums do not add up. nullptr for other types.
const TableDef* own_table(ResourceType type) {
  switch (type) {
    case RESOURCE_TYPE_SCHEDULE:
      return &hours_table().def();
    case RESOURCE_TYPE_SLOT:
      return &exceptions_table().def();
    case RESOURCE_TYPE_APPOINTMENT:
      return &appointments_table().def();
    case RESOURCE_TYPE_INVOICE:
      return &invoices_table().def();
    case RESOURCE_TYPE_CONSENT:
      return &consents_table().def();
    default:
      return nullptr;
  }
}

// Of the two tables that such a type lives in, the one that the item is not for.
const TableDef* other_home(const ImportItem& item, std::string& key) {
  const TableDef* own = own_table(item.type);
  if (own == nullptr) return nullptr;
  const std::string_view id =
      std::string_view(item.prepared.key).substr(item.prepared.key.size() - kIdBytes);
  if (item.prepared.table->id == records_table().def().id) {
    key = id;
    return own;
  }
  key = record_key(item.type, id);
  return &records_table().def();
}

// "W/\"2\"" asks for version 2: the one that the body itself says it is, else the store's.
Status check_version(std::string_view if_match, const std::optional<RawRecord>& stored,
                     const AnyRecord* record) {
  if (if_match.empty()) return Status();
  std::string_view wanted = if_match;
  if (wanted.starts_with("W/")) wanted.remove_prefix(2);
  if (wanted.size() >= 2 && wanted.front() == '"' && wanted.back() == '"')
    wanted = wanted.substr(1, wanted.size() - 2);
  if (!stored || stored->meta.deleted || record == nullptr) {
    return failed_precondition("ifMatch asks for a version of a record that is not there");
  }
  JsonTree tree;
  if (!body_of(*record).empty() && tree.parse_copy(body_of(*record)).ok()) {
    const JsonValue version = tree.root().member("meta").member("versionId");
    if (version.is_string() && version.text() == wanted) return Status();
  }
  if (std::to_string(stored->meta.version) == wanted) return Status();
  return failed_precondition("ifMatch asks for another version of the record than the current one");
}

// Whether any version of the record, deleted or not, had this body.
Result<bool> had_body(Transaction& tx, const TableDef& table, std::string_view key,
                      const std::string& body) {
  bool found = false;
  Status failed;
  RETURN_IF_ERROR(tx.history(table, key, [&](const RawRecord& version) {
    if (version.meta.deleted) return true;
    Result<AnyRecord> record = decode(table, version.body);
    if (!record) {
      failed = record.error();
      return false;
    }
    found = body_of(*record) == body;
    return !found;
  }));
  RETURN_IF_ERROR(failed);
  return found;
}

// What has been signed is amended, not written over; who was merged is written no more.
Status check_editable(const AnyRecord& current) {
  const auto* record = std::get_if<ClinicalRecord>(&current);
  if (record != nullptr && record->has_signature())
    return failed_precondition("the record is signed: it can be amended, not edited");
  const auto* patient = std::get_if<Patient>(&current);
  if (patient != nullptr && !patient->replaced_by_id().empty()) {
    return failed_precondition("the patient was merged into " +
                               Uuid::from_bytes(patient->replaced_by_id()).to_string());
  }
  return {};
}

/// Of an import everything may be named in a refusal.
ClaimRules claim_rules(const Appointment* before) { return {true, false, before}; }

/// Puts a record that is not there. Holds that have expired give way to an appointment.
Result<engine::PutResult> put_new(Transaction& tx, const ImportItem& item,
                                  const engine::PutOptions& options) {
  Result<engine::PutResult> put = tx.put(item.prepared, options);
  const bool conflict = !put && put.error().code() == StatusCode::kFailedPrecondition &&
                        put.error().field() == "claims";
  if (!conflict) return put;
  ASSIGN_OR_RETURN(AnyRecord record, decode(*item.prepared.table, item.prepared.body));
  return put_claiming(tx, std::get<Appointment>(record), item.prepared, options,
                      claim_rules(nullptr));
}

/// Fills what the resource leaves to other records of the store.
struct Complete {
  ImportCommit& commit;
  const ImportItem& item;

  Status operator()(Appointment& appointment) const {
    ASSIGN_OR_RETURN(*appointment.mutable_clinic_id(), commit.clinics.of(appointment.room_id()));
    return {};
  }
  Status operator()(Invoice& invoice) const {
    ASSIGN_OR_RETURN(*invoice.mutable_clinic_id(), commit.clinics.of({}, item.organization_id));
    return {};
  }
  Status operator()(ClinicalRecord& record) const {
    if (!record.has_encounter()) return {};
    Encounter& encounter = *record.mutable_encounter();
    ASSIGN_OR_RETURN(*encounter.mutable_clinic_id(),
                     commit.clinics.of(encounter.location_id(), encounter.organization_id()));
    return {};
  }
  Status operator()(Hours& hours) const {
    const bool room = hours.kind() == RESOURCE_KIND_ROOM;
    ASSIGN_OR_RETURN(*hours.mutable_clinic_id(),
                     commit.clinics.of_location(room ? hours.resource_id() : hours.location_id()));
    return {};
  }
  Status operator()(AvailabilityException& exception) const {
    return find_place(commit.tx, exception);
  }
  template <class Record>
  Status operator()(Record&) const {
    return {};
  }
};

/// Whether there is anything to complete.
bool is_incomplete(const ImportItem& item) {
  const engine::TableId table = item.prepared.table->id;
  return table == appointments_table().def().id || table == hours_table().def().id ||
         table == exceptions_table().def().id || table == invoices_table().def().id ||
         (table == records_table().def().id && item.type == RESOURCE_TYPE_ENCOUNTER);
}

/// Where the record keeps the clinic that Complete finds for it and that then stays; nullptr for
/// other records.
std::string* kept_clinic(AnyRecord& record) {
  if (auto* appointment = std::get_if<Appointment>(&record))
    return appointment->mutable_clinic_id();
  if (auto* invoice = std::get_if<Invoice>(&record)) return invoice->mutable_clinic_id();
  auto* other = std::get_if<ClinicalRecord>(&record);
  const bool encounter = other != nullptr && other->has_encounter();
  return encounter ? other->mutable_encounter()->mutable_clinic_id() : nullptr;
}

/// The clinic that a record without one has by now: it came before its clinic did. Empty for
/// others, and for one that is signed, which stays as it was.
std::string missing_clinic(AnyRecord& current, AnyRecord& incoming) {
  const std::string* stored = kept_clinic(current);
  const std::string* completed = kept_clinic(incoming);
  if (stored == nullptr || completed == nullptr || !stored->empty()) return {};
  if (!check_editable(current).ok()) return {};
  return *completed;
}

Status place_with(ImportCommit& commit, const Hours& of, const Hours* hours) {
  PlaceBounds bounds;
  bounds.changed = commit.slots_max;
  ASSIGN_OR_RETURN(const bool all, place_exceptions(commit.tx, of.id(), hours, bounds));
  if (all) return {};
  return resource_exhausted("the Schedule has more Slots than " + std::to_string(commit.slots_max));
}

/// What follows in the same commit when a record takes the place of another. Either may be missing.
Status follow_up(ImportCommit& commit, const AnyRecord* before, const AnyRecord* after) {
  Transaction& tx = commit.tx;
  const auto* hours = before == nullptr ? nullptr : std::get_if<Hours>(before);
  const auto* new_hours = after == nullptr ? nullptr : std::get_if<Hours>(after);
  if (new_hours != nullptr && (hours == nullptr || moves_exceptions(*hours, *new_hours)))
    return place_with(commit, *new_hours, new_hours);
  if (hours != nullptr && new_hours == nullptr) return place_with(commit, *hours, nullptr);

  const auto* appointment = before == nullptr ? nullptr : std::get_if<Appointment>(before);
  if (appointment == nullptr || !claims_time(appointment->status())) return {};
  // Who was booked over what it no longer claims gets it.
  RETURN_IF_ERROR(give_freed_time(tx, *appointment));
  const auto* changed = after == nullptr ? nullptr : std::get_if<Appointment>(after);
  const bool given_up = changed == nullptr || changed->status() == APPOINTMENT_STATUS_CANCELLED;
  if (given_up && is_offered(*appointment) && !appointment->clinic_id().empty() &&
      appointment->status() != APPOINTMENT_STATUS_HELD && appointment->start_us() > tx.now().us)
    commit.freed.push_back(freed_time(*appointment));
  return {};
}

/// Puts an appointment over what it was.
Result<engine::PutResult> change_appointment(Transaction& tx, const Appointment& before,
                                             Appointment& appointment,
                                             const engine::PutOptions& options) {
  if (claims_time(appointment.status()) && !claims_time(before.status()))
    RETURN_IF_ERROR(choose_units(tx, appointment));
  ASSIGN_OR_RETURN(const engine::PreparedRecord prepared,
                   appointments_table().prepare(appointment));
  return put_claiming(tx, appointment, prepared, options, claim_rules(&before));
}

Result<PutOutcome> put_over(ImportCommit& commit, const ImportItem& item,
                            std::string_view if_match) {
  Transaction& tx = commit.tx;
  const TableDef& table = *item.prepared.table;
  ASSIGN_OR_RETURN(AnyRecord incoming, decode(table, item.prepared.body));
  ASSIGN_OR_RETURN(const std::optional<RawRecord> stored, tx.get_any(table, item.prepared.key));
  std::optional<AnyRecord> current;
  if (stored && !stored->meta.deleted) {
    ASSIGN_OR_RETURN(current, decode(table, stored->body));
  }
  const bool same = current && body_of(*current) == body_of(incoming);
  const std::string clinic = same ? missing_clinic(*current, incoming) : std::string();
  if (!clinic.empty()) {
    incoming = *current;
    *kept_clinic(incoming) = clinic;
  } else {
    if (same) return PutOutcome::kUnchanged;
    ASSIGN_OR_RETURN(const bool known, had_body(tx, table, item.prepared.key, body_of(incoming)));
    if (known && if_match.empty()) return PutOutcome::kUnchanged;
  }
  RETURN_IF_ERROR(check_version(if_match, stored, current ? &*current : nullptr));
  if (current) RETURN_IF_ERROR(check_editable(*current));
  engine::PutOptions options;
  options.skip_unchanged = true;
  if (!current) {
    RETURN_IF_ERROR(put_new(tx, item, options).status());
    RETURN_IF_ERROR(follow_up(commit, nullptr, &incoming));
    return PutOutcome::kImported;
  }
  std::visit(CarryOver(), *current, incoming);
  engine::PutResult put;
  if (auto* appointment = std::get_if<Appointment>(&incoming)) {
    ASSIGN_OR_RETURN(
        put, change_appointment(tx, std::get<Appointment>(*current), *appointment, options));
  } else {
    ASSIGN_OR_RETURN(const engine::PreparedRecord prepared, prepare(incoming));
    ASSIGN_OR_RETURN(put, tx.put(prepared, options));
  }
  RETURN_IF_ERROR(follow_up(commit, &*current, &incoming));
  return put.effect == engine::PutEffect::kUnchanged ? PutOutcome::kUnchanged
                                                     : PutOutcome::kImported;
}

/// Puts an item that needs nothing of the store.
Result<PutOutcome> put_complete(ImportCommit& commit, const ImportItem& item,
                                std::string_view if_match) {
  Transaction& tx = commit.tx;
  std::string other_key;
  if (const TableDef* other = other_home(item, other_key)) {
    ASSIGN_OR_RETURN(const std::optional<RawRecord> moved, tx.get(*other, other_key));
    if (moved) {
      // It was the other kind: unless that was later (its history has this body), it moves over.
      ASSIGN_OR_RETURN(const AnyRecord incoming, decode(*item.prepared.table, item.prepared.body));
      ASSIGN_OR_RETURN(const bool known,
                       had_body(tx, *item.prepared.table, item.prepared.key, body_of(incoming)));
      if (known) return PutOutcome::kUnchanged;
      engine::PutOptions options;
      ASSIGN_OR_RETURN(const AnyRecord before, decode(*other, moved->body));
      RETURN_IF_ERROR(put_new(tx, item, options).status());
      RETURN_IF_ERROR(tx.remove(*other, other_key, std::nullopt));
      RETURN_IF_ERROR(follow_up(commit, &before, &incoming));
      return PutOutcome::kImported;
    }
  }
  if (if_match.empty()) {
    // Most are new: one look-up less for these.
    engine::PutOptions options;
    options.never_before = true;
    Result<engine::PutResult> put = put_new(tx, item, options);
    if (put && item.prepared.table->id == hours_table().def().id) {
      ASSIGN_OR_RETURN(const AnyRecord hours, decode(*item.prepared.table, item.prepared.body));
      RETURN_IF_ERROR(follow_up(commit, nullptr, &hours));
    }
    if (put) return PutOutcome::kImported;
    if (put.error().code() != StatusCode::kAlreadyExists || !put.error().field().empty())
      return std::move(put).error();
  }
  return put_over(commit, item, if_match);
}

/// The item's record with what the resource leaves to others.
Result<AnyRecord> complete_record(ImportCommit& commit, const ImportItem& item) {
  ASSIGN_OR_RETURN(AnyRecord record, decode(*item.prepared.table, item.prepared.body));
  RETURN_IF_ERROR(std::visit(
      [&](auto& message) -> Status {
        return Complete{commit, item}(message);
      },
      record));
  return record;
}

}  // namespace

Result<ImportItem> make_item(const JsonTree& tree, JsonValue resource, ResourceType type,
                             const std::string& id, const ReferenceMap& references) {
  ASSIGN_OR_RETURN(const RecordIdentity identity, identity_of(type, id));
  ASSIGN_OR_RETURN(AnyRecord record, read_resource(resource, type, identity, references));
  set_body(record, body_text(tree, resource, id, references));
  ImportItem item;
  item.type = type;
  if (type == RESOURCE_TYPE_INVOICE) {
    const JsonValue issuer = resource.member("issuer").member(kReferenceMember);
    if (const auto organization =
            referenced_id(issuer.text(), RESOURCE_TYPE_ORGANIZATION, references))
      item.organization_id = organization->view();
  }
  Result<engine::PreparedRecord> prepared = prepare(record);
  if (!prepared) return std::move(prepared).error().with_field(resource.path());
  item.prepared = std::move(prepared).value();
  return item;
}

Result<PutOutcome> put_item(ImportCommit& commit, const ImportItem& item,
                            std::string_view if_match) {
  if (!is_incomplete(item)) return put_complete(commit, item, if_match);
  ASSIGN_OR_RETURN(AnyRecord record, complete_record(commit, item));
  // As for most where the tenant has no clinic: nothing was found, nothing is to be encoded anew.
  if (const std::string* clinic = kept_clinic(record); clinic != nullptr && clinic->empty())
    return put_complete(commit, item, if_match);
  ImportItem completed;
  completed.type = item.type;
  ASSIGN_OR_RETURN(completed.prepared, prepare(record));
  return put_complete(commit, completed, if_match);
}

Result<bool> place_slots(ImportCommit& commit, const ImportItem& item, bool as_stored,
                         PlaceBounds& bounds) {
  const std::string id = item.prepared.key.substr(item.prepared.key.size() - kIdBytes);
  ASSIGN_OR_RETURN(const std::optional<engine::Stored<Hours>> stored,
                   commit.tx.get(hours_table(), id));
  if (as_stored) return place_exceptions(commit.tx, id, stored ? &stored->record : nullptr, bounds);
  ASSIGN_OR_RETURN(AnyRecord record, complete_record(commit, item));
  auto* hours = std::get_if<Hours>(&record);
  if (hours != nullptr && stored) CarryOver()(stored->record, *hours);
  return place_exceptions(commit.tx, id, hours, bounds);
}

Result<bool> remove_resource(ImportCommit& commit, ResourceType type, const std::string& id,
                             std::string_view if_match) {
  Transaction& tx = commit.tx;
  ASSIGN_OR_RETURN(const RecordIdentity identity, identity_of(type, id));
  const std::string key(identity.id.view());
  struct Home {
    const TableDef* table;
    std::string key;
  };
  std::vector<Home> homes;
  switch (type) {
    case RESOURCE_TYPE_PATIENT:
      homes.push_back({&patients_table().def(), key});
      break;
    case RESOURCE_TYPE_PRACTITIONER:
      homes.push_back({&professionals_table().def(), key});
      break;
    case RESOURCE_TYPE_ORGANIZATION:
      homes.push_back({&organizations_table().def(), key});
      break;
    case RESOURCE_TYPE_LOCATION:
      homes.push_back({&locations_table().def(), key});
      break;
    default:
      if (const TableDef* own = own_table(type)) homes.push_back({own, key});
      homes.push_back({&records_table().def(), record_key(type, key)});
  }
  for (const Home& home : homes) {
    ASSIGN_OR_RETURN(const std::optional<RawRecord> stored, tx.get(*home.table, home.key));
    if (!stored) continue;
    ASSIGN_OR_RETURN(const AnyRecord record, decode(*home.table, stored->body));
    RETURN_IF_ERROR(check_version(if_match, stored, &record));
    RETURN_IF_ERROR(check_editable(record));
    RETURN_IF_ERROR(tx.remove(*home.table, home.key, std::nullopt));
    RETURN_IF_ERROR(follow_up(commit, &record, nullptr));
    return true;
  }
  if (!if_match.empty())
    return failed_precondition("ifMatch asks for a version of a record that is not there");
  return false;
}

}  // namespace clinicdb::clinic::fhir
