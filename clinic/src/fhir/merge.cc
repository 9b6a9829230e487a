// How an edit finds its place: the body is read as an import reads it, which yields the fields it
// stands for. Where a field differs from the edited record's, and only there, the elements behind
// it are changed.
#include "fhir/merge.h"

#include <google/protobuf/util/message_differencer.h>

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "clinicdb/clinic/identity.h"
#include "fhir/consent.h"
#include "fhir/fields.h"
#include "fhir/invoice.h"
#include "fhir/json_tree.h"
#include "fhir/resource.h"
#include "fhir/schedule.h"
#include "fhir/writer.h"

namespace clinicdb::clinic::fhir {

namespace {

template <class Message>
bool same(const Message& a, const Message& b) {
  return google::protobuf::util::MessageDifferencer::Equals(a, b);
}

template <class Messages>
bool same_list(const Messages& a, const Messages& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const auto& x, const auto& y) { return same(x, y); });
}

// Gathers the changes of one object's members.
class ObjectEdit {
 public:
  ObjectEdit(const JsonTree& tree, JsonValue object) : tree_(tree), object_(object) {}

  /// The member becomes `json`; empty takes it away.
  void set(std::string_view name, const std::string& json) {
    const JsonValue member = object_.member(name);
    if (member && json.empty()) {
      edits_.push_back({member.index(), {}, JsonEdit::Kind::kRemove});
    } else if (member) {
      edits_.push_back({member.index(), json, JsonEdit::Kind::kReplace});
    } else if (!json.empty()) {
      appended_.raw(name, json);
    }
  }
  void set_string(std::string_view name, std::string_view text) {
    set(name, text.empty() ? std::string() : json_string(text));
  }
  void string(std::string_view name, std::string_view before, std::string_view after) {
    if (before != after) set_string(name, after);
  }
  template <class Strings>
  void strings(std::string_view name, const Strings& before, const Strings& after) {
    if (std::equal(before.begin(), before.end(), after.begin(), after.end())) return;
    ObjectWriter writer;
    writer.strings(name, after);
    // The writer knows how; only the value is wanted.
    const std::string members = writer.members();
    set(name, members.empty() ? members : members.substr(name.size() + 3));
    // What paired with the old values says nothing of the new ones.
    set("_" + std::string(name), {});
  }
  bool changed() const { return !edits_.empty() || !appended_.empty(); }

  std::string text() {
    std::vector<JsonEdit> edits = edits_;
    if (!appended_.empty())
      edits.push_back({object_.index(), appended_.members(), JsonEdit::Kind::kAppend});
    std::stable_sort(edits.begin(), edits.end(),
                     [](const JsonEdit& a, const JsonEdit& b) { return a.node < b.node; });
    return tree_.minified(object_, edits);
  }

 private:
  const JsonTree& tree_;
  JsonValue object_;
  std::vector<JsonEdit> edits_;
  ObjectWriter appended_;
};

void edit(const HumanName& before, const HumanName& after, ObjectEdit& out) {
  out.string("use", before.use(), after.use());
  out.string("text", before.text(), after.text());
  out.string("family", before.family(), after.family());
  out.strings("given", before.given(), after.given());
  out.strings("prefix", before.prefix(), after.prefix());
  out.strings("suffix", before.suffix(), after.suffix());
}

void edit(const ContactPoint& before, const ContactPoint& after, ObjectEdit& out) {
  if (before.system() != after.system())
    out.set_string("system", contact_system_code(after.system()));
  out.string("value", before.value(), after.value());
  out.string("use", before.use(), after.use());
  if (before.rank() != after.rank()) {
    out.set("rank", after.rank() > 0 ? std::to_string(after.rank()) : std::string());
  }
}

void edit(const Address& before, const Address& after, ObjectEdit& out) {
  out.string("use", before.use(), after.use());
  out.string("type", before.type(), after.type());
  out.string("text", before.text(), after.text());
  out.strings("line", before.lines(), after.lines());
  out.string("district", before.district(), after.district());
  out.string("city", before.city(), after.city());
  out.string("state", before.state(), after.state());
  out.string("postalCode", before.postal_code(), after.postal_code());
  out.string("country", before.country(), after.country());
}

void edit(const Identifier& before, const Identifier& after, ObjectEdit& out) {
  out.string("use", before.use(), after.use());
  if (before.type() != after.type()) out.set("type", write_identifier_type(after.type()));
  out.string("system", before.system(), after.system());
  out.string("value", before.value(), after.value());
}

template <class Message>
std::string edited(const JsonTree& tree, JsonValue item, const Message& before,
                   const Message& after) {
  ObjectEdit out(tree, item);
  edit(before, after, out);
  return out.text();
}

// For each of `after`, the item of `before` that it was: an equal one, at the same place if
// possible, else the one at its place that no other is equal to.
template <class Messages>
std::vector<std::optional<int>> pair_up(const Messages& before, const Messages& after) {
  std::vector<bool> used(static_cast<std::size_t>(before.size()), false);
  std::vector<std::optional<int>> pairs(static_cast<std::size_t>(after.size()));
  const auto take = [&](int a, int b) {
    pairs[static_cast<std::size_t>(a)] = b;
    used[static_cast<std::size_t>(b)] = true;
  };
  for (int i = 0; i < std::min(before.size(), after.size()); ++i) {
    if (same(before.Get(i), after.Get(i))) take(i, i);
  }
  for (int i = 0; i < after.size(); ++i) {
    for (int j = 0; j < before.size() && !pairs[static_cast<std::size_t>(i)]; ++j) {
      if (!used[static_cast<std::size_t>(j)] && same(before.Get(j), after.Get(i))) take(i, j);
    }
  }
  for (int i = 0; i < std::min(before.size(), after.size()); ++i) {
    if (!pairs[static_cast<std::size_t>(i)] && !used[static_cast<std::size_t>(i)]) take(i, i);
  }
  return pairs;
}

std::string as_array(const std::vector<std::string>& items) {
  std::string json;
  for (const std::string& item : items) {
    if (item.empty()) continue;
    json.push_back(json.empty() ? '[' : ',');
    json.append(item);
  }
  return json.empty() ? json : json + "]";
}

// A list of which every item stands for one of the body's: names, contacts, addresses, identifiers.
template <class Messages>
void edit_list(const JsonTree& tree, std::string_view name, const Messages& before,
               const Messages& after, ObjectEdit& out) {
  if (same_list(before, after)) return;
  std::vector<JsonValue> items;
  for (const JsonValue item : tree.root().member(name).children()) items.push_back(item);
  const std::vector<std::optional<int>> pairs = pair_up(before, after);
  std::vector<std::string> texts;
  for (int i = 0; i < after.size(); ++i) {
    const std::optional<int> from = pairs[static_cast<std::size_t>(i)];
    texts.push_back(
        from ? edited(tree, items[static_cast<std::size_t>(*from)], before.Get(*from), after.Get(i))
             : write(after.Get(i)));
  }
  out.set(name, as_array(texts));
}

// A patient's identifiers stand in four fields; those of the body are told apart as an import does
// it.
void edit_patient_identifiers(const JsonTree& tree, const Patient& before, const Patient& after,
                              ObjectEdit& out) {
  if (before.cpf() == after.cpf() && before.cns() == after.cns() &&
      same_list(before.mrn(), after.mrn()) &&
      same_list(before.identifiers(), after.identifiers())) {
    return;
  }
  const std::vector<std::optional<int>> mrn_pairs = pair_up(before.mrn(), after.mrn());
  const std::vector<std::optional<int>> other_pairs =
      pair_up(before.identifiers(), after.identifiers());
  const auto successor = [](const std::vector<std::optional<int>>& pairs,
                            int was) -> std::optional<int> {
    const auto found = std::find(pairs.begin(), pairs.end(), std::optional<int>(was));
    if (found == pairs.end()) return std::nullopt;
    return static_cast<int>(found - pairs.begin());
  };
  std::vector<std::string> texts;
  bool cpf_seen = false;
  bool cns_seen = false;
  int mrn = 0;
  int other = 0;
  const ReferenceMap none;
  FieldReader reader(none);
  for (const JsonValue item : tree.root().member("identifier").children()) {
    Identifier identifier;
    reader.identifier(item, identifier);
    const IdentifierRole role = patient_identifier_role(identifier);
    const auto national = [&](bool& seen, const std::string& was, const std::string& is) {
      seen = true;
      if (was == is) return texts.push_back(item.minified());
      if (is.empty()) return;
      ObjectEdit value(tree, item);
      value.set_string("value", is);
      texts.push_back(value.text());
    };
    if (role == IdentifierRole::kCpf && !cpf_seen) {
      national(cpf_seen, before.cpf(), after.cpf());
    } else if (role == IdentifierRole::kCns && !cns_seen) {
      national(cns_seen, before.cns(), after.cns());
    } else if (role == IdentifierRole::kMrn) {
      if (const auto to = successor(mrn_pairs, mrn))
        texts.push_back(edited(tree, item, before.mrn(mrn), after.mrn(*to)));
      ++mrn;
    } else {
      if (const auto to = successor(other_pairs, other)) {
        texts.push_back(edited(tree, item, before.identifiers(other), after.identifiers(*to)));
      }
      ++other;
    }
  }
  if (!cpf_seen) texts.push_back(write_cpf(after.cpf()));
  if (!cns_seen) texts.push_back(write_cns(after.cns()));
  for (int i = 0; i < after.mrn_size(); ++i) {
    if (mrn_pairs[static_cast<std::size_t>(i)]) continue;
    Identifier added = after.mrn(i);
    if (added.type().empty()) added.set_type("MR");
    texts.push_back(write(added));
  }
  for (int i = 0; i < after.identifiers_size(); ++i) {
    if (!other_pairs[static_cast<std::size_t>(i)]) texts.push_back(write(after.identifiers(i)));
  }
  out.set("identifier", as_array(texts));
}

template <class Message>
void edit_birth_date(const Message& before, const Message& after, ObjectEdit& out) {
  if (before.has_birth_date() == after.has_birth_date() &&
      same(before.birth_date(), after.birth_date()))
    return;
  out.set("birthDate", after.has_birth_date() ? write_date(after.birth_date()) : std::string());
}

template <class Message>
void edit_active(const Message& before, const Message& after, ObjectEdit& out) {
  if (before.inactive() != after.inactive()) out.set("active", after.inactive() ? "false" : "true");
}

Status cannot_change(std::string_view field) {
  return invalid_argument(std::string(field) + ": cannot be changed on a record that came as FHIR")
      .with_field(field);
}

// One overload a record type: what differs between `before`, which is what the body says, and
// `after`.

Status edit_record(const JsonTree& tree, const Patient& before, const Patient& after,
                   ObjectEdit& out) {
  edit_list(tree, "name", before.names(), after.names(), out);
  edit_birth_date(before, after, out);
  if (before.gender() != after.gender()) out.set_string("gender", gender_code(after.gender()));
  edit_patient_identifiers(tree, before, after, out);
  edit_list(tree, "telecom", before.telecom(), after.telecom(), out);
  edit_list(tree, "address", before.addresses(), after.addresses(), out);
  edit_active(before, after, out);
  const bool date_changed = before.has_deceased_date() != after.has_deceased_date() ||
                            !same(before.deceased_date(), after.deceased_date());
  if (before.deceased() != after.deceased() || date_changed) {
    const bool dated = after.deceased() && after.has_deceased_date();
    out.set("deceasedDateTime", dated ? write_date(after.deceased_date()) : std::string());
    out.set("deceasedBoolean", dated ? std::string() : after.deceased() ? "true" : "false");
  }
  return Status();
}

Status edit_record(const JsonTree& tree, const Professional& before, const Professional& after,
                   ObjectEdit& out) {
  edit_list(tree, "name", before.names(), after.names(), out);
  edit_birth_date(before, after, out);
  if (before.gender() != after.gender()) out.set_string("gender", gender_code(after.gender()));
  edit_list(tree, "identifier", before.identifiers(), after.identifiers(), out);
  edit_list(tree, "telecom", before.telecom(), after.telecom(), out);
  edit_list(tree, "address", before.addresses(), after.addresses(), out);
  edit_active(before, after, out);
  return Status();
}

Status edit_record(const JsonTree& tree, const Organization& before, const Organization& after,
                   ObjectEdit& out) {
  out.string("name", before.name(), after.name());
  out.strings("alias", before.aliases(), after.aliases());
  edit_list(tree, "identifier", before.identifiers(), after.identifiers(), out);
  edit_list(tree, "telecom", before.telecom(), after.telecom(), out);
  edit_list(tree, "address", before.addresses(), after.addresses(), out);
  edit_active(before, after, out);
  if (before.part_of_id() != after.part_of_id()) return cannot_change("organization.part_of_id");
  return Status();
}

Status edit_record(const JsonTree& tree, const Location& before, const Location& after,
                   ObjectEdit& out) {
  out.string("name", before.name(), after.name());
  edit_list(tree, "identifier", before.identifiers(), after.identifiers(), out);
  edit_list(tree, "telecom", before.telecom(), after.telecom(), out);
  if (!same(before.address(), after.address())) {
    const JsonValue address = tree.root().member("address");
    out.set("address", address ? edited(tree, address, before.address(), after.address())
                               : write(after.address()));
  }
  if (before.inactive() != after.inactive())
    out.set_string("status", after.inactive() ? "inactive" : "active");
  if (before.organization_id() != after.organization_id())
    return cannot_change("location.organization_id");
  if (before.part_of_id() != after.part_of_id()) return cannot_change("location.part_of_id");
  return Status();
}

Status edit_record(const JsonTree&, const Appointment& before, const Appointment& after,
                   ObjectEdit& out) {
  if (before.patient_id() != after.patient_id()) return cannot_change("appointment.patient_id");
  if (before.professional_id() != after.professional_id())
    return cannot_change("appointment.professional_id");
  if (before.room_id() != after.room_id()) return cannot_change("appointment.room_id");
  if (before.status() != after.status())
    out.set_string("status", appointment_status_code(after.status()));
  if (before.start_us() != after.start_us())
    out.set_string("start", format_instant(Time{after.start_us()}));
  if (before.end_us() != after.end_us())
    out.set_string("end", format_instant(Time{after.end_us()}));
  out.string("description", before.title(), after.title());
  out.string("comment", before.note(), after.note());
  if (before.status() != after.status() && !after.cancellation().reason().empty()) {
    out.set("cancelationReason",
            ObjectWriter().string("text", after.cancellation().reason()).object());
  }
  return Status();
}

// Of an invoice and a consent that came as FHIR only the state changes: what they are about was
// agreed on elsewhere.
Status edit_record(const JsonTree&, const Invoice& before, const Invoice& after, ObjectEdit& out) {
  if (!same_list(before.items(), after.items())) return cannot_change("invoice.items");
  out.string("status", invoice_status_code(before), invoice_status_code(after));
  out.string("cancelledReason", before.cancel_reason(), after.cancel_reason());
  return Status();
}

Status edit_record(const JsonTree&, const Consent& before, const Consent& after, ObjectEdit& out) {
  if (before.purpose() != after.purpose()) return cannot_change("consent.purpose");
  out.string("status", consent_status_code(before), consent_status_code(after));
  return Status();
}

Status edit_record(const JsonTree& tree, const Hours& before, const Hours& after, ObjectEdit& out) {
  if (before.kind() != after.kind()) return cannot_change("hours.kind");
  if (before.resource_id() != after.resource_id()) return cannot_change("hours.resource_id");
  if (before.location_id() != after.location_id()) return cannot_change("hours.location_id");
  edit_list(tree, "identifier", before.identifiers(), after.identifiers(), out);
  if (write_horizon(before) != write_horizon(after)) {
    const JsonValue horizon = tree.root().member("planningHorizon");
    ObjectEdit period(tree, horizon);
    const auto day = [&](std::string_view name, bool was, const Date& from, bool is,
                         const Date& to) {
      if (was != is || !same(from, to)) period.set(name, is ? write_date(to) : std::string());
    };
    day("start", before.has_valid_from(), before.valid_from(), after.has_valid_from(),
        after.valid_from());
    day("end", before.has_valid_until(), before.valid_until(), after.has_valid_until(),
        after.valid_until());
    const std::string edited_period = horizon ? period.text() : write_horizon(after);
    out.set("planningHorizon", edited_period == "{}" ? std::string() : edited_period);
  }
  if (const std::string ours = hours_extensions(after); hours_extensions(before) != ours) {
    std::vector<std::string> items;
    for (const JsonValue item : tree.root().member("extension").children()) {
      if (!is_hours_extension(item)) items.push_back(item.minified());
    }
    items.push_back(ours);
    out.set("extension", as_array(items));
  }
  return Status();
}

Status edit_record(const JsonTree& tree, const AvailabilityException& before,
                   const AvailabilityException& after, ObjectEdit& out) {
  // Of one that names its Schedule, the Schedule says whose it is.
  if (before.hours_id() != after.hours_id()) return cannot_change("exception.hours_id");
  if (before.hours_id().empty() && before.resource_id() != after.resource_id())
    return cannot_change("exception.resource_id");
  edit_list(tree, "identifier", before.identifiers(), after.identifiers(), out);
  if (before.works() != after.works()) out.set_string("status", slot_status_code(after));
  if (before.start_us() != after.start_us())
    out.set_string("start", format_instant(Time{after.start_us()}));
  if (before.end_us() != after.end_us())
    out.set_string("end", format_instant(Time{after.end_us()}));
  out.string("comment", before.reason(), after.reason());
  return Status();
}

// The elements of a clinical record differ from type to type; those that every type spells alike
// can be edited.
Status edit_record(const JsonTree& tree, const ClinicalRecord& before, const ClinicalRecord& after,
                   ObjectEdit& out) {
  if (before.patient_id() != after.patient_id()) return cannot_change("record.patient_id");
  if (before.encounter_id() != after.encounter_id()) return cannot_change("record.encounter_id");
  if (before.author_id() != after.author_id()) return cannot_change("record.author_id");
  if (before.title() != after.title()) return cannot_change("record.title");
  const JsonValue root = tree.root();
  if (before.status() != after.status()) {
    if (!root.member("status").is_string() || after.status().empty())
      return cannot_change("record.status");
    out.set_string("status", after.status());
  }
  if (before.has_time_us() != after.has_time_us() || before.time_us() != after.time_us()) {
    const std::string_view name =
        after.type() == RESOURCE_TYPE_OBSERVATION ? "effectiveDateTime" : "";
    if (name.empty() || !root.member(name) || !after.has_time_us())
      return cannot_change("record.time_us");
    out.set_string(name, format_instant(Time{after.time_us()}));
  }
  if (!same(before.code(), after.code())) {
    const JsonValue coding = root.member("code").member("coding").first();
    if (!root.member("code").is_object() || !coding) return cannot_change("record.code");
    const JsonValue code = root.member("code");
    ObjectEdit first(tree, coding);
    first.string("system", before.code().system(), after.code().system());
    first.string("code", before.code().code(), after.code().code());
    first.string("display", before.code().display(), after.code().display());
    out.set("code", tree.minified(code, {{coding.index(), first.text()}}));
  }
  if (!same_list(before.identifiers(), after.identifiers())) {
    if (root.member("identifier").is_object()) return cannot_change("record.identifiers");
    edit_list(tree, "identifier", before.identifiers(), after.identifiers(), out);
  }
  // What the store alone knows of an encounter, its clinic, is not in the body.
  Encounter stored = before.encounter();
  stored.set_clinic_id(after.encounter().clinic_id());
  if (!same(stored, after.encounter())) return cannot_change("record.encounter");
  return Status();
}

template <class Message>
Status merge_record(Message& message, ResourceType type) {
  if (message.fhir().empty()) return Status();
  JsonTree tree;
  // A body is read before it is stored, so one that cannot be read has come with this call.
  const auto unreadable = [&](const Status& why) {
    return invalid_argument("the FHIR body cannot be read as a " +
                            std::string(resource_type_name(type)) + ": " +
                            std::string(why.message()))
        .with_field("fhir");
  };
  if (Status status = tree.parse_copy(message.fhir()); !status.ok()) return unreadable(status);
  RecordIdentity identity;
  Result<AnyRecord> read = read_resource(tree.root(), type, identity, {});
  if (!read) return unreadable(read.error());
  const Message* before = std::get_if<Message>(&*read);
  if (before == nullptr)
    return invalid_argument("the FHIR body is of another kind than the record").with_field("fhir");
  ObjectEdit out(tree, tree.root());
  RETURN_IF_ERROR(edit_record(tree, *before, message, out));
  if (out.changed()) message.set_fhir(out.text());
  return Status();
}

}  // namespace

Status merge(Patient& patient) { return merge_record(patient, RESOURCE_TYPE_PATIENT); }
Status merge(Professional& professional) {
  return merge_record(professional, RESOURCE_TYPE_PRACTITIONER);
}
Status merge(Organization& organization) {
  return merge_record(organization, RESOURCE_TYPE_ORGANIZATION);
}
Status merge(Location& location) { return merge_record(location, RESOURCE_TYPE_LOCATION); }
Status merge(ClinicalRecord& record) { return merge_record(record, record.type()); }
Status merge(Invoice& invoice) { return merge_record(invoice, RESOURCE_TYPE_INVOICE); }
Status merge(Consent& consent) { return merge_record(consent, RESOURCE_TYPE_CONSENT); }
Status merge(Hours& hours) { return merge_record(hours, RESOURCE_TYPE_SCHEDULE); }
Status merge(AvailabilityException& exception) {
  return merge_record(exception, RESOURCE_TYPE_SLOT);
}
Status merge(Appointment& appointment) {
  return merge_record(appointment, RESOURCE_TYPE_APPOINTMENT);
}

}  // namespace clinicdb::clinic::fhir
