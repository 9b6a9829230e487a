#include "clinicdb/clinic/people.h"

#include <utility>

#include "clinicdb/clinic/check.h"
#include "clinicdb/clinic/identifiers.h"
#include "clinicdb/clinic/identity.h"
#include "clinicdb/clinic/tables.h"
#include "clinicdb/engine/fold.h"
#include "clinicdb/engine/key.h"
#include "core.h"
#include "fhir/merge.h"

namespace clinicdb::clinic {

namespace {

template <class R>
Status in_order(R& record, const R* current) {
  if (current != nullptr) keep_fhir(record, *current);
  RETURN_IF_ERROR(fhir::merge(record));
  return check(record, record.fhir().empty() ? Strictness::kEntered : Strictness::kImported);
}
// These two are not FHIR resources.
Status in_order(ClinicSite& clinic, const ClinicSite*) { return check(clinic); }
Status in_order(User& user, const User*) { return check(user); }

/// What a put of one record type is made of.
struct PutKind {
  MethodId method;
  std::string_view noun;
  EventType event;
};

template <class Response, class R, class Request>
Result<Response> put_record(const Core& core, const CallContext& context, const PutKind& kind,
                            const engine::Table<R>& table, const Request& request, R& record) {
  RETURN_IF_ERROR(core.authorise(kind.method, context, record.id()));
  SaveOptions options{kind.noun,  Existing::kEither,
                      {},         request_hash(context, kind.method, request),
                      kind.event, kind.event};
  if (request.has_expected_version()) options.expected_version = request.expected_version();
  if (record.id().empty()) record.set_id(std::string(core.new_id().view()));
  return core.save<Response>(
      context, table, record, record.id(), options,
      [](R& edited, const R* current) { return in_order(edited, current); },
      [](engine::Transaction&) { return Status(); }, [](const R&, EventPayload&) {});
}

template <class Response, class R>
Result<Filled<Response>> fill_record(engine::Reader& reader, const engine::Table<R>& table,
                                     std::string_view key, R* (Response::*part)()) {
  ASSIGN_OR_RETURN(std::shared_ptr<const Response> answer,
                   read_answer<Response>(reader, table, key, part));
  return Filled<Response>{std::move(answer),
                          {engine::cache_tag_record(reader.tenant(), table.def().id, key)}};
}

template <class Response, class R>
Result<std::shared_ptr<const Response>> get_record(const Core& core, const CallContext& context,
                                                   MethodId method, const engine::Table<R>& table,
                                                   const std::string& id, R* (Response::*part)()) {
  RETURN_IF_ERROR(core.authorise(method, context, id));
  RETURN_IF_ERROR(id_from_bytes(id, "id").status());
  return core.cached<Response>(method, context, id, [&](engine::Reader& reader) {
    return fill_record(reader, table, id, part);
  });
}

template <class Response, class R>
Result<std::shared_ptr<const Response>> find_record(const Core& core, const CallContext& context,
                                                    const engine::Table<R>& table,
                                                    engine::IndexNumber index,
                                                    const std::string& entry,
                                                    R* (Response::*part)()) {
  return core.uncached<Response>(context, [&](engine::Reader& reader) -> Result<Filled<Response>> {
    ASSIGN_OR_RETURN(const std::optional<std::string> key, reader.find(table.def(), index, entry));
    if (!key) return Filled<Response>{};
    return fill_record(reader, table, *key, part);
  });
}

/// A page of records in order of id.
template <class Response, class R, class Request>
Result<Response> list_records(engine::Reader& reader, const engine::Table<R>& table,
                              const Request& request, R* (Response::*add)()) {
  Response response;
  Status failure;
  const engine::ScanOptions options{false, page_limit(request.limit()), request.cursor()};
  ASSIGN_OR_RETURN(engine::ScanEnd end,
                   reader.scan_records(table.def(), engine::KeyRange::all(), options,
                                       [&](std::string_view, engine::RawRecord&& raw) {
                                         failure = parse_body(raw.body, *(response.*add)());
                                         return failure.ok();
                                       }));
  if (!failure.ok()) return failure;
  response.set_cursor(std::move(end.cursor));
  return response;
}

/// A page of records with a word that begins as asked, in order of that word.
template <class Response, class R, class Request>
Result<Response> list_named(engine::Reader& reader, const engine::Table<R>& table,
                            engine::IndexNumber index, const Request& request,
                            R* (Response::*add)()) {
  if (request.name().empty()) return list_records(reader, table, request, add);
  const std::vector<std::string> words = engine::fold_query(request.name());
  if (words.size() != 1)
    return invalid_argument("name: one word, or the beginning of one, is needed")
        .with_field("name");
  std::vector<std::string> keys;
  const engine::ScanOptions options{false, page_limit(request.limit()), request.cursor()};
  ASSIGN_OR_RETURN(
      engine::ScanEnd end,
      reader.scan(table.def(), index,
                  engine::KeyRange::prefix(engine::Key().text_prefix(words.front())), options,
                  [&](const engine::IndexEntry& entry) {
                    if (std::find(keys.begin(), keys.end(), entry.record_key) == keys.end()) {
                      keys.emplace_back(entry.record_key);
                    }
                    return true;
                  }));
  Response response;
  for (const std::string& key : keys) {
    ASSIGN_OR_RETURN(const std::optional<engine::RawRecord> raw, reader.get(table.def(), key));
    if (raw) RETURN_IF_ERROR(parse_body(raw->body, *(response.*add)()));
  }
  response.set_cursor(std::move(end.cursor));
  return response;
}

}  // namespace

Result<PutClinicResponse> People::put_clinic(const CallContext& context,
                                             PutClinicRequest request) const {
  return put_record<PutClinicResponse>(core_, context,
                                       {METHOD_PEOPLE_PUT_CLINIC, "clinic", EVENT_CLINIC_CHANGED},
                                       clinics_table(), request, *request.mutable_clinic());
}

Result<PutUserResponse> People::put_user(const CallContext& context, PutUserRequest request) const {
  return put_record<PutUserResponse>(core_, context,
                                     {METHOD_PEOPLE_PUT_USER, "user", EVENT_USER_CHANGED},
                                     users_table(), request, *request.mutable_user());
}

Result<PutProfessionalResponse> People::put_professional(const CallContext& context,
                                                         PutProfessionalRequest request) const {
  return put_record<PutProfessionalResponse>(
      core_, context, {METHOD_PEOPLE_PUT_PROFESSIONAL, "professional", EVENT_PROFESSIONAL_CHANGED},
      professionals_table(), request, *request.mutable_professional());
}

Result<PutOrganizationResponse> People::put_organization(const CallContext& context,
                                                         PutOrganizationRequest request) const {
  return put_record<PutOrganizationResponse>(
      core_, context, {METHOD_PEOPLE_PUT_ORGANIZATION, "organization", EVENT_ORGANIZATION_CHANGED},
      organizations_table(), request, *request.mutable_organization());
}

Result<PutLocationResponse> People::put_location(const CallContext& context,
                                                 PutLocationRequest request) const {
  return put_record<PutLocationResponse>(
      core_, context, {METHOD_PEOPLE_PUT_LOCATION, "location", EVENT_LOCATION_CHANGED},
      locations_table(), request, *request.mutable_location());
}

Result<std::shared_ptr<const GetClinicResponse>> People::get_clinic(
    const CallContext& context, const GetClinicRequest& request) const {
  return get_record(core_, context, METHOD_PEOPLE_GET_CLINIC, clinics_table(), request.id(),
                    &GetClinicResponse::mutable_clinic);
}

Result<std::shared_ptr<const GetUserResponse>> People::get_user(
    const CallContext& context, const GetUserRequest& request) const {
  return get_record(core_, context, METHOD_PEOPLE_GET_USER, users_table(), request.id(),
                    &GetUserResponse::mutable_user);
}

Result<std::shared_ptr<const GetUserResponse>> People::find_user(
    const CallContext& context, const FindUserRequest& request) const {
  RETURN_IF_ERROR(core_.authorise(METHOD_PEOPLE_FIND_USER, context));
  return find_record(core_, context, users_table(), UserIndex::kLogin,
                     engine::fold_text(request.login()), &GetUserResponse::mutable_user);
}

Result<std::shared_ptr<const GetProfessionalResponse>> People::get_professional(
    const CallContext& context, const GetProfessionalRequest& request) const {
  return get_record(core_, context, METHOD_PEOPLE_GET_PROFESSIONAL, professionals_table(),
                    request.id(), &GetProfessionalResponse::mutable_professional);
}

Result<std::shared_ptr<const GetProfessionalResponse>> People::find_professional(
    const CallContext& context, const FindProfessionalRequest& request) const {
  RETURN_IF_ERROR(core_.authorise(METHOD_PEOPLE_FIND_PROFESSIONAL, context));
  Council council;
  ASSIGN_OR_RETURN(*council.mutable_type(),
                   parse_council_number(request.council().type(), "council.type"));
  ASSIGN_OR_RETURN(*council.mutable_number(),
                   parse_council_number(request.council().number(), "council.number"));
  ASSIGN_OR_RETURN(*council.mutable_state(), parse_uf(request.council().state(), "council.state"));
  return find_record(core_, context, professionals_table(), ProfessionalIndex::kCouncil,
                     council_key(council), &GetProfessionalResponse::mutable_professional);
}

Result<std::shared_ptr<const GetOrganizationResponse>> People::get_organization(
    const CallContext& context, const GetOrganizationRequest& request) const {
  return get_record(core_, context, METHOD_PEOPLE_GET_ORGANIZATION, organizations_table(),
                    request.id(), &GetOrganizationResponse::mutable_organization);
}

Result<std::shared_ptr<const GetLocationResponse>> People::get_location(
    const CallContext& context, const GetLocationRequest& request) const {
  return get_record(core_, context, METHOD_PEOPLE_GET_LOCATION, locations_table(), request.id(),
                    &GetLocationResponse::mutable_location);
}

Result<ListClinicsResponse> People::list_clinics(const CallContext& context,
                                                 const ListClinicsRequest& request) const {
  RETURN_IF_ERROR(core_.authorise(METHOD_PEOPLE_LIST_CLINICS, context));
  ASSIGN_OR_RETURN(const std::unique_ptr<engine::Reader> reader,
                   core_.store().view(context.tenant));
  return list_records(*reader, clinics_table(), request, &ListClinicsResponse::add_clinics);
}

Result<ListUsersResponse> People::list_users(const CallContext& context,
                                             const ListUsersRequest& request) const {
  RETURN_IF_ERROR(core_.authorise(METHOD_PEOPLE_LIST_USERS, context));
  ASSIGN_OR_RETURN(const std::unique_ptr<engine::Reader> reader,
                   core_.store().view(context.tenant));
  return list_records(*reader, users_table(), request, &ListUsersResponse::add_users);
}

Result<ListProfessionalsResponse> People::list_professionals(
    const CallContext& context, const ListProfessionalsRequest& request) const {
  RETURN_IF_ERROR(core_.authorise(METHOD_PEOPLE_LIST_PROFESSIONALS, context));
  ASSIGN_OR_RETURN(const std::unique_ptr<engine::Reader> reader,
                   core_.store().view(context.tenant));
  return list_named(*reader, professionals_table(), ProfessionalIndex::kName, request,
                    &ListProfessionalsResponse::add_professionals);
}

Result<ListOrganizationsResponse> People::list_organizations(
    const CallContext& context, const ListOrganizationsRequest& request) const {
  RETURN_IF_ERROR(core_.authorise(METHOD_PEOPLE_LIST_ORGANIZATIONS, context));
  ASSIGN_OR_RETURN(const std::unique_ptr<engine::Reader> reader,
                   core_.store().view(context.tenant));
  return list_named(*reader, organizations_table(), OrganizationIndex::kName, request,
                    &ListOrganizationsResponse::add_organizations);
}

Result<ListLocationsResponse> People::list_locations(const CallContext& context,
                                                     const ListLocationsRequest& request) const {
  RETURN_IF_ERROR(core_.authorise(METHOD_PEOPLE_LIST_LOCATIONS, context));
  ASSIGN_OR_RETURN(const std::unique_ptr<engine::Reader> reader,
                   core_.store().view(context.tenant));
  return list_named(*reader, locations_table(), LocationIndex::kName, request,
                    &ListLocationsResponse::add_locations);
}

}  // namespace clinicdb::clinic
