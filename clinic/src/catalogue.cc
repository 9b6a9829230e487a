#include "clinicdb/clinic/catalogue.h"

#include "clinicdb/clinic/check.h"
#include "clinicdb/clinic/tables.h"
#include "record_calls.h"

namespace clinicdb::clinic {

namespace {

Status in_order(Service& service, const Service*) { return check(service); }
Status in_order(Equipment& equipment, const Equipment*) { return check(equipment); }

}  // namespace

Result<PutServiceResponse> Catalogue::put_service(const CallContext& context,
                                                  PutServiceRequest request) const {
  return put_record<PutServiceResponse>(
      core_, context, {METHOD_CATALOGUE_PUT_SERVICE, "service", EVENT_SERVICE_CHANGED},
      services_table(), request, *request.mutable_service(), &in_order);
}

Result<PutEquipmentResponse> Catalogue::put_equipment(const CallContext& context,
                                                      PutEquipmentRequest request) const {
  return put_record<PutEquipmentResponse>(
      core_, context, {METHOD_CATALOGUE_PUT_EQUIPMENT, "equipment", EVENT_EQUIPMENT_CHANGED},
      equipment_table(), request, *request.mutable_equipment(), &in_order);
}

Result<std::shared_ptr<const GetServiceResponse>> Catalogue::get_service(
    const CallContext& context, const GetServiceRequest& request) const {
  return get_record(core_, context, METHOD_CATALOGUE_GET_SERVICE, services_table(), request.id(),
                    &GetServiceResponse::mutable_service);
}

Result<std::shared_ptr<const GetEquipmentResponse>> Catalogue::get_equipment(
    const CallContext& context, const GetEquipmentRequest& request) const {
  return get_record(core_, context, METHOD_CATALOGUE_GET_EQUIPMENT, equipment_table(), request.id(),
                    &GetEquipmentResponse::mutable_equipment);
}

Result<ListServicesResponse> Catalogue::list_services(const CallContext& context,
                                                      const ListServicesRequest& request) const {
  RETURN_IF_ERROR(core_.authorise(METHOD_CATALOGUE_LIST_SERVICES, context));
  ASSIGN_OR_RETURN(const std::unique_ptr<engine::Reader> reader,
                   core_.store().view(context.tenant));
  return list_named(*reader, services_table(), ServiceIndex::kName, request,
                    &ListServicesResponse::add_services);
}

Result<ListEquipmentResponse> Catalogue::list_equipment(const CallContext& context,
                                                        const ListEquipmentRequest& request) const {
  RETURN_IF_ERROR(core_.authorise(METHOD_CATALOGUE_LIST_EQUIPMENT, context));
  ASSIGN_OR_RETURN(const std::unique_ptr<engine::Reader> reader,
                   core_.store().view(context.tenant));
  return list_records(*reader, equipment_table(), request, &ListEquipmentResponse::add_equipment);
}

}  // namespace clinicdb::clinic
