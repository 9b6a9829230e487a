#include "clinicdb/clinic/people.h"

#include <utility>

#include "clinicdb/clinic/check.h"
#include "clinicdb/clinic/identifiers.h"
#include "clinicdb/clinic/identity.h"
#include "clinicdb/clinic/tables.h"
#include "clinicdb/engine/fold.h"
#include "command_tools.h"
#include "fhir/merge.h"
#include "record_calls.h"

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

/// Who may do a service: those who name it, then those who may do all. Or whose licence ends.
Result<ListProfessionalsResponse> list_able(engine::Reader& reader,
                                            const ListProfessionalsRequest& request) {
  ListProfessionalsResponse response;
  auto& found = *response.mutable_professionals();
  const engine::ScanOptions options{false, page_limit(request.limit()), {}};
  if (request.has_licence_ends_before()) {
    RETURN_IF_ERROR(check_date(request.licence_ends_before(), false, "licence_ends_before"));
    const engine::KeyRange range{{}, date_key(request.licence_ends_before())};
    RETURN_IF_ERROR(read_named(reader, professionals_table(), ProfessionalIndex::kLicence, range,
                               options, found)
                        .status());
    return response;
  }
  RETURN_IF_ERROR(id_from_bytes(request.service_id(), "service_id").status());
  for (const std::string& prefix : {request.service_id(), std::string(Uuid().view())}) {
    RETURN_IF_ERROR(read_named(reader, professionals_table(), ProfessionalIndex::kService,
                               engine::KeyRange::prefix(prefix), options, found)
                        .status());
  }
  return response;
}

}  // namespace

Result<PutClinicResponse> People::put_clinic(const CallContext& context,
                                             PutClinicRequest request) const {
  return put_record<PutClinicResponse>(
      core_, context, {METHOD_PEOPLE_PUT_CLINIC, "clinic", EVENT_CLINIC_CHANGED}, clinics_table(),
      request, *request.mutable_clinic(), &in_order);
}

Result<PutUserResponse> People::put_user(const CallContext& context, PutUserRequest request) const {
  return put_record<PutUserResponse>(core_, context,
                                     {METHOD_PEOPLE_PUT_USER, "user", EVENT_USER_CHANGED},
                                     users_table(), request, *request.mutable_user(), &in_order);
}

Result<PutProfessionalResponse> People::put_professional(const CallContext& context,
                                                         PutProfessionalRequest request) const {
  return put_record<PutProfessionalResponse>(
      core_, context, {METHOD_PEOPLE_PUT_PROFESSIONAL, "professional", EVENT_PROFESSIONAL_CHANGED},
      professionals_table(), request, *request.mutable_professional(), &in_order);
}

Result<PutOrganizationResponse> People::put_organization(const CallContext& context,
                                                         PutOrganizationRequest request) const {
  return put_record<PutOrganizationResponse>(
      core_, context, {METHOD_PEOPLE_PUT_ORGANIZATION, "organization", EVENT_ORGANIZATION_CHANGED},
      organizations_table(), request, *request.mutable_organization(), &in_order);
}

Result<PutLocationResponse> People::put_location(const CallContext& context,
                                                 PutLocationRequest request) const {
  return put_record<PutLocationResponse>(
      core_, context, {METHOD_PEOPLE_PUT_LOCATION, "location", EVENT_LOCATION_CHANGED},
      locations_table(), request, *request.mutable_location(), &in_order);
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
  if (!request.service_id().empty() || request.has_licence_ends_before())
    return list_able(*reader, request);
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
