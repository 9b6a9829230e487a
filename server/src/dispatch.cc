#include "dispatch.h"

#include <string>
#include <type_traits>
#include <utility>

namespace clinicdb::server {
namespace {

using clinic::CallContext;
using clinic::Clinic;
using clinic::MethodId;
using google::protobuf::Message;

template <class Response>
Result<AnyAnswer> answer(Result<std::shared_ptr<const Response>> response) {
  if (!response) return std::move(response).error();
  return AnyAnswer(std::move(response).value());
}

template <class Response>
Result<AnyAnswer> answer(Result<Response> response) {
  if (!response) return std::move(response).error();
  return AnyAnswer(std::make_shared<const Response>(std::move(response).value()));
}

/// `call` with the request as the message that it must be.
template <class Request, class Call>
Result<AnyAnswer> with(const Message& request, Call call) {
  if (request.GetDescriptor() != Request::descriptor()) {
    return invalid_argument("the request is a " + std::string(request.GetTypeName()) +
                            ", the method takes a " + Request::descriptor()->full_name());
  }
  return answer(call(static_cast<const Request&>(request)));
}

Result<AnyAnswer> no_such_method(MethodId method) {
  return unimplemented("there is no method " + std::to_string(method));
}

Result<AnyAnswer> dispatch_tenants(Clinic& clinic, MethodId method, const CallContext& context,
                                   const Message& request) {
  const auto& tenants = clinic.tenants();
  switch (method) {
    case clinic::METHOD_TENANTS_CREATE:
      return with<clinic::CreateTenantRequest>(
          request, [&](const auto& r) { return tenants.create(context, r); });
    case clinic::METHOD_TENANTS_GET:
      return with<clinic::GetTenantRequest>(request,
                                            [&](const auto& r) { return tenants.get(context, r); });
    case clinic::METHOD_TENANTS_FIND:
      return with<clinic::FindTenantRequest>(
          request, [&](const auto& r) { return tenants.find(context, r); });
    case clinic::METHOD_TENANTS_LIST:
      return with<clinic::ListTenantsRequest>(
          request, [&](const auto& r) { return tenants.list(context, r); });
    case clinic::METHOD_TENANTS_UPDATE_PROFILE:
      return with<clinic::UpdateTenantProfileRequest>(
          request, [&](const auto& r) { return tenants.update_profile(context, r); });
    case clinic::METHOD_TENANTS_DELETE:
      return with<clinic::DeleteTenantRequest>(
          request, [&](const auto& r) { return tenants.remove(context, r); });
    default:
      return no_such_method(method);
  }
}

Result<AnyAnswer> dispatch_people(Clinic& clinic, MethodId method, const CallContext& context,
                                  const Message& request) {
  const auto& people = clinic.people();
  switch (method) {
    case clinic::METHOD_PEOPLE_PUT_CLINIC:
      return with<clinic::PutClinicRequest>(
          request, [&](const auto& r) { return people.put_clinic(context, r); });
    case clinic::METHOD_PEOPLE_GET_CLINIC:
      return with<clinic::GetClinicRequest>(
          request, [&](const auto& r) { return people.get_clinic(context, r); });
    case clinic::METHOD_PEOPLE_LIST_CLINICS:
      return with<clinic::ListClinicsRequest>(
          request, [&](const auto& r) { return people.list_clinics(context, r); });
    case clinic::METHOD_PEOPLE_PUT_USER:
      return with<clinic::PutUserRequest>(
          request, [&](const auto& r) { return people.put_user(context, r); });
    case clinic::METHOD_PEOPLE_GET_USER:
      return with<clinic::GetUserRequest>(
          request, [&](const auto& r) { return people.get_user(context, r); });
    case clinic::METHOD_PEOPLE_FIND_USER:
      return with<clinic::FindUserRequest>(
          request, [&](const auto& r) { return people.find_user(context, r); });
    case clinic::METHOD_PEOPLE_LIST_USERS:
      return with<clinic::ListUsersRequest>(
          request, [&](const auto& r) { return people.list_users(context, r); });
    case clinic::METHOD_PEOPLE_PUT_PROFESSIONAL:
      return with<clinic::PutProfessionalRequest>(
          request, [&](const auto& r) { return people.put_professional(context, r); });
    case clinic::METHOD_PEOPLE_GET_PROFESSIONAL:
      return with<clinic::GetProfessionalRequest>(
          request, [&](const auto& r) { return people.get_professional(context, r); });
    case clinic::METHOD_PEOPLE_FIND_PROFESSIONAL:
      return with<clinic::FindProfessionalRequest>(
          request, [&](const auto& r) { return people.find_professional(context, r); });
    case clinic::METHOD_PEOPLE_LIST_PROFESSIONALS:
      return with<clinic::ListProfessionalsRequest>(
          request, [&](const auto& r) { return people.list_professionals(context, r); });
    case clinic::METHOD_PEOPLE_PUT_ORGANIZATION:
      return with<clinic::PutOrganizationRequest>(
          request, [&](const auto& r) { return people.put_organization(context, r); });
    case clinic::METHOD_PEOPLE_GET_ORGANIZATION:
      return with<clinic::GetOrganizationRequest>(
          request, [&](const auto& r) { return people.get_organization(context, r); });
    case clinic::METHOD_PEOPLE_LIST_ORGANIZATIONS:
      return with<clinic::ListOrganizationsRequest>(
          request, [&](const auto& r) { return people.list_organizations(context, r); });
    case clinic::METHOD_PEOPLE_PUT_LOCATION:
      return with<clinic::PutLocationRequest>(
          request, [&](const auto& r) { return people.put_location(context, r); });
    case clinic::METHOD_PEOPLE_GET_LOCATION:
      return with<clinic::GetLocationRequest>(
          request, [&](const auto& r) { return people.get_location(context, r); });
    case clinic::METHOD_PEOPLE_LIST_LOCATIONS:
      return with<clinic::ListLocationsRequest>(
          request, [&](const auto& r) { return people.list_locations(context, r); });
    default:
      return no_such_method(method);
  }
}

Result<AnyAnswer> dispatch_patients(Clinic& clinic, MethodId method, const CallContext& context,
                                    const Message& request) {
  const auto& patients = clinic.patients();
  switch (method) {
    case clinic::METHOD_PATIENTS_REGISTER:
      return with<clinic::RegisterPatientRequest>(
          request, [&](const auto& r) { return patients.register_patient(context, r); });
    case clinic::METHOD_PATIENTS_UPDATE:
      return with<clinic::UpdatePatientRequest>(
          request, [&](const auto& r) { return patients.update(context, r); });
    case clinic::METHOD_PATIENTS_GET:
      return with<clinic::GetPatientRequest>(
          request, [&](const auto& r) { return patients.get(context, r); });
    case clinic::METHOD_PATIENTS_FIND_BY_CPF:
      return with<clinic::FindPatientByCpfRequest>(
          request, [&](const auto& r) { return patients.find_by_cpf(context, r.cpf()); });
    case clinic::METHOD_PATIENTS_FIND_BY_CNS:
      return with<clinic::FindPatientByCnsRequest>(
          request, [&](const auto& r) { return patients.find_by_cns(context, r.cns()); });
    case clinic::METHOD_PATIENTS_FIND_BY_MRN:
      return with<clinic::FindPatientByMrnRequest>(request, [&](const auto& r) {
        return patients.find_by_mrn(context, r.system(), r.value());
      });
    case clinic::METHOD_PATIENTS_SEARCH:
      return with<clinic::SearchPatientsRequest>(
          request, [&](const auto& r) { return patients.search(context, r); });
    case clinic::METHOD_PATIENTS_TIMELINE:
      return with<clinic::PatientTimelineRequest>(
          request, [&](const auto& r) { return patients.timeline(context, r); });
    case clinic::METHOD_PATIENTS_REMOVE:
      return with<clinic::RemovePatientRequest>(
          request, [&](const auto& r) { return patients.remove(context, r); });
    case clinic::METHOD_PATIENTS_HISTORY:
      return with<clinic::PatientHistoryRequest>(
          request, [&](const auto& r) { return patients.history(context, r); });
    default:
      return no_such_method(method);
  }
}

Result<AnyAnswer> dispatch_records(Clinic& clinic, MethodId method, const CallContext& context,
                                   const Message& request) {
  const auto& records = clinic.records();
  switch (method) {
    case clinic::METHOD_RECORDS_PUT:
      return with<clinic::PutRecordRequest>(request,
                                            [&](const auto& r) { return records.put(context, r); });
    case clinic::METHOD_RECORDS_GET:
      return with<clinic::GetRecordRequest>(request,
                                            [&](const auto& r) { return records.get(context, r); });
    case clinic::METHOD_RECORDS_HISTORY:
      return with<clinic::RecordHistoryRequest>(
          request, [&](const auto& r) { return records.history(context, r); });
    case clinic::METHOD_RECORDS_LIST_BY_TYPE:
      return with<clinic::ListRecordsByTypeRequest>(
          request, [&](const auto& r) { return records.list_by_type(context, r); });
    case clinic::METHOD_RECORDS_LIST_BY_CODE:
      return with<clinic::ListRecordsByCodeRequest>(
          request, [&](const auto& r) { return records.list_by_code(context, r); });
    case clinic::METHOD_RECORDS_LIST_BY_TIME:
      return with<clinic::ListRecordsByTimeRequest>(
          request, [&](const auto& r) { return records.list_by_time(context, r); });
    case clinic::METHOD_RECORDS_FIND_BY_IDENTIFIER:
      return with<clinic::FindRecordsByIdentifierRequest>(
          request, [&](const auto& r) { return records.find_by_identifier(context, r); });
    default:
      return no_such_method(method);
  }
}

Result<AnyAnswer> dispatch_scheduling(Clinic& clinic, MethodId method, const CallContext& context,
                                      const Message& request) {
  const auto& scheduling = clinic.scheduling();
  switch (method) {
    case clinic::METHOD_SCHEDULING_BOOK:
      return with<clinic::BookAppointmentRequest>(
          request, [&](const auto& r) { return scheduling.book(context, r); });
    case clinic::METHOD_SCHEDULING_CANCEL:
      return with<clinic::CancelAppointmentRequest>(
          request, [&](const auto& r) { return scheduling.cancel(context, r); });
    case clinic::METHOD_SCHEDULING_GET:
      return with<clinic::GetAppointmentRequest>(
          request, [&](const auto& r) { return scheduling.get(context, r); });
    case clinic::METHOD_SCHEDULING_LIST_DAY:
      return with<clinic::ListDayRequest>(
          request, [&](const auto& r) { return scheduling.list_day(context, r); });
    case clinic::METHOD_SCHEDULING_HISTORY:
      return with<clinic::AppointmentHistoryRequest>(
          request, [&](const auto& r) { return scheduling.history(context, r); });
    default:
      return no_such_method(method);
  }
}

}  // namespace

Result<AnyAnswer> dispatch(Clinic& clinic, MethodId method, const CallContext& context,
                           const Message& request) {
  const clinic::MethodInfo* info = clinic::find_method(method);
  if (info == nullptr) return no_such_method(method);
  if (info->service == "TenantService") return dispatch_tenants(clinic, method, context, request);
  if (info->service == "PeopleService") return dispatch_people(clinic, method, context, request);
  if (info->service == "PatientService") return dispatch_patients(clinic, method, context, request);
  if (info->service == "RecordService") return dispatch_records(clinic, method, context, request);
  if (info->service == "SchedulingService")
    return dispatch_scheduling(clinic, method, context, request);
  return no_such_method(method);
}

}  // namespace clinicdb::server
