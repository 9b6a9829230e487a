#include "fhir/import_item.h"

#include <algorithm>
#include <utility>

#include "billing/tables.h"
#include "clinicdb/clinic/tables.h"
#include "consent_table.h"
#include "scheduling/claims.h"

namespace clinicdb::clinic::fhir {

namespace {

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
  void operator()(const Appointment& stored, Appointment& incoming) const {
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
    if (incoming.has_encounter())
      incoming.mutable_encounter()->set_clinic_id(stored.encounter().clinic_id());
    incoming.set_text(stored.text());
  }
  void operator()(const Invoice& stored, Invoice& incoming) const {
    // A number of ours is never given up.
    incoming.set_series(stored.series());
    incoming.set_number(stored.number());
    incoming.set_clinic_id(stored.clinic_id());
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
  constexpr std::size_t kIdBytes = 16;
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

/// Who was booked over what an appointment no longer claims gets it.
Status give_freed(Transaction& tx, const AnyRecord& before) {
  const auto* appointment = std::get_if<Appointment>(&before);
  if (appointment == nullptr || !claims_time(appointment->status())) return {};
  return give_freed_time(tx, *appointment);
}

/// Puts an appointment over what it was.
Result<engine::PutResult> change_appointment(Transaction& tx, const Appointment& before,
                                             Appointment& appointment,
                                             const engine::PutOptions& options) {
  if (claims_time(appointment.status()) && !claims_time(before.status()))
    RETURN_IF_ERROR(choose_units(tx, appointment));
  ASSIGN_OR_RETURN(const engine::PreparedRecord prepared,
                   appointments_table().prepare(appointment));
  ASSIGN_OR_RETURN(const engine::PutResult put,
                   put_claiming(tx, appointment, prepared, options, claim_rules(&before)));
  RETURN_IF_ERROR(give_freed(tx, before));
  return put;
}

Result<PutOutcome> put_over(Transaction& tx, const ImportItem& item, std::string_view if_match) {
  const TableDef& table = *item.prepared.table;
  ASSIGN_OR_RETURN(AnyRecord incoming, decode(table, item.prepared.body));
  ASSIGN_OR_RETURN(const std::optional<RawRecord> stored, tx.get_any(table, item.prepared.key));
  std::optional<AnyRecord> current;
  if (stored && !stored->meta.deleted) {
    ASSIGN_OR_RETURN(current, decode(table, stored->body));
    if (body_of(*current) == body_of(incoming)) return PutOutcome::kUnchanged;
  }
  ASSIGN_OR_RETURN(const bool known, had_body(tx, table, item.prepared.key, body_of(incoming)));
  if (known && if_match.empty()) return PutOutcome::kUnchanged;
  RETURN_IF_ERROR(check_version(if_match, stored, current ? &*current : nullptr));
  if (current) RETURN_IF_ERROR(check_editable(*current));
  engine::PutOptions options;
  options.skip_unchanged = true;
  if (!current) {
    RETURN_IF_ERROR(put_new(tx, item, options).status());
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
  return put.effect == engine::PutEffect::kUnchanged ? PutOutcome::kUnchanged
                                                     : PutOutcome::kImported;
}

}  // namespace

Result<ImportItem> make_item(const JsonTree& tree, JsonValue resource, ResourceType type,
                             const std::string& id, const ReferenceMap& references) {
  ASSIGN_OR_RETURN(const RecordIdentity identity, identity_of(type, id));
  ASSIGN_OR_RETURN(AnyRecord record, read_resource(resource, type, identity, references));
  set_body(record, body_text(tree, resource, id, references));
  ImportItem item;
  item.type = type;
  Result<engine::PreparedRecord> prepared = prepare(record);
  if (!prepared) return std::move(prepared).error().with_field(resource.path());
  item.prepared = std::move(prepared).value();
  return item;
}

Result<PutOutcome> put_item(Transaction& tx, const ImportItem& item, std::string_view if_match) {
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
      RETURN_IF_ERROR(give_freed(tx, before));
      return PutOutcome::kImported;
    }
  }
  if (if_match.empty()) {
    // Most are new: one look-up less for these.
    engine::PutOptions options;
    options.never_before = true;
    Result<engine::PutResult> put = put_new(tx, item, options);
    if (put) return PutOutcome::kImported;
    if (put.error().code() != StatusCode::kAlreadyExists || !put.error().field().empty())
      return std::move(put).error();
  }
  return put_over(tx, item, if_match);
}

Result<bool> remove_resource(Transaction& tx, ResourceType type, const std::string& id,
                             std::string_view if_match) {
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
    RETURN_IF_ERROR(give_freed(tx, record));
    return true;
  }
  if (!if_match.empty())
    return failed_precondition("ifMatch asks for a version of a record that is not there");
  return false;
}

}  // namespace clinicdb::clinic::fhir
