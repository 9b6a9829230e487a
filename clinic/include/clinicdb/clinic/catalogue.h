// Catalogue: the services that a tenant offers and the equipment they take. See clinic.h for what
// holds for all services; methods are those of CatalogueService in clinic/schema/catalogue.proto.
// Thread-safe.
#pragma once

#include <memory>

#include "clinicdb/base/result.h"
#include "clinicdb/clinic/context.h"
#include "clinicdb/clinic/schema/catalogue.pb.h"

namespace clinicdb::clinic {

class Core;

class Catalogue {
 public:
  explicit Catalogue(const Core& core) : core_(core) {}

  // A put makes the record where its id is empty or new, and replaces it otherwise. A service's
  // code that another has is kAlreadyExists, with field(). What is booked already keeps the time
  // that it was booked with.
  Result<PutServiceResponse> put_service(const CallContext& context,
                                         PutServiceRequest request) const;
  Result<PutEquipmentResponse> put_equipment(const CallContext& context,
                                             PutEquipmentRequest request) const;

  Result<std::shared_ptr<const GetServiceResponse>> get_service(
      const CallContext& context, const GetServiceRequest& request) const;
  Result<std::shared_ptr<const GetEquipmentResponse>> get_equipment(
      const CallContext& context, const GetEquipmentRequest& request) const;

  // By id, or by word of the name where a name is asked for.
  Result<ListServicesResponse> list_services(const CallContext& context,
                                             const ListServicesRequest& request) const;
  Result<ListEquipmentResponse> list_equipment(const CallContext& context,
                                               const ListEquipmentRequest& request) const;

 private:
  const Core& core_;
};

}  // namespace clinicdb::clinic
