// People: clinics, users, professionals, organisations and locations of a tenant. See clinic.h for
// what holds for all services; methods are those of PeopleService in clinic/schema/people.proto.
// Thread-safe.
#pragma once

#include <memory>

#include "clinicdb/base/result.h"
#include "clinicdb/clinic/context.h"
#include "clinicdb/clinic/schema/people.pb.h"

namespace clinicdb::clinic {

class Core;

class People {
 public:
  explicit People(const Core& core) : core_(core) {}

  // A put makes the record where its id is empty or new, and replaces it otherwise. What is unique
  // (a clinic's slug, a user's login, a professional's council entry) and another's is
  // kAlreadyExists, with field(). A FHIR body is kept and merged as Patients::update says.
  Result<PutClinicResponse> put_clinic(const CallContext& context, PutClinicRequest request) const;
  Result<PutUserResponse> put_user(const CallContext& context, PutUserRequest request) const;
  Result<PutProfessionalResponse> put_professional(const CallContext& context,
                                                   PutProfessionalRequest request) const;
  Result<PutOrganizationResponse> put_organization(const CallContext& context,
                                                   PutOrganizationRequest request) const;
  Result<PutLocationResponse> put_location(const CallContext& context,
                                           PutLocationRequest request) const;

  Result<std::shared_ptr<const GetClinicResponse>> get_clinic(
      const CallContext& context, const GetClinicRequest& request) const;
  Result<std::shared_ptr<const GetUserResponse>> get_user(const CallContext& context,
                                                          const GetUserRequest& request) const;
  Result<std::shared_ptr<const GetUserResponse>> find_user(const CallContext& context,
                                                           const FindUserRequest& request) const;
  Result<std::shared_ptr<const GetProfessionalResponse>> get_professional(
      const CallContext& context, const GetProfessionalRequest& request) const;
  Result<std::shared_ptr<const GetProfessionalResponse>> find_professional(
      const CallContext& context, const FindProfessionalRequest& request) const;
  Result<std::shared_ptr<const GetOrganizationResponse>> get_organization(
      const CallContext& context, const GetOrganizationRequest& request) const;
  Result<std::shared_ptr<const GetLocationResponse>> get_location(
      const CallContext& context, const GetLocationRequest& request) const;

  // By id, or by word of the name where a name is asked for.
  Result<ListClinicsResponse> list_clinics(const CallContext& context,
                                           const ListClinicsRequest& request) const;
  Result<ListUsersResponse> list_users(const CallContext& context,
                                       const ListUsersRequest& request) const;
  Result<ListProfessionalsResponse> list_professionals(
      const CallContext& context, const ListProfessionalsRequest& request) const;
  Result<ListOrganizationsResponse> list_organizations(
      const CallContext& context, const ListOrganizationsRequest& request) const;
  Result<ListLocationsResponse> list_locations(const CallContext& context,
                                               const ListLocationsRequest& request) const;

 private:
  const Core& core_;
};

}  // namespace clinicdb::clinic
