#include "dispatch.h"

#include <array>
#include <functional>
#include <span>
#include <string>

#include "clinicdb/base/check.h"
#include "served_method.h"

namespace clinicdb::server {

using clinic::Availability;
using clinic::Billing;
using clinic::Calendar;
using clinic::CallContext;
using clinic::Care;
using clinic::Catalogue;
using clinic::Clinic;
using clinic::Consents;
using clinic::Duplicates;
using clinic::Feed;
using clinic::MethodId;
using clinic::Patients;
using clinic::People;
using clinic::Records;
using clinic::Scheduling;
using clinic::SeriesBookings;
using clinic::Tenants;
using clinic::Waitlist;

// A new service takes one line here ...
template <>
const Availability& service_of<Availability>(Clinic& clinic) {
  return clinic.availability();
}
template <>
const Calendar& service_of<Calendar>(Clinic& clinic) {
  return clinic.calendar();
}
template <>
const SeriesBookings& service_of<SeriesBookings>(Clinic& clinic) {
  return clinic.series();
}
template <>
const Waitlist& service_of<Waitlist>(Clinic& clinic) {
  return clinic.waitlist();
}
template <>
const Billing& service_of<Billing>(Clinic& clinic) {
  return clinic.billing();
}
template <>
const Care& service_of<Care>(Clinic& clinic) {
  return clinic.care();
}
template <>
const Catalogue& service_of<Catalogue>(Clinic& clinic) {
  return clinic.catalogue();
}
template <>
const Consents& service_of<Consents>(Clinic& clinic) {
  return clinic.consents();
}
template <>
const Duplicates& service_of<Duplicates>(Clinic& clinic) {
  return clinic.duplicates();
}
template <>
const Feed& service_of<Feed>(Clinic& clinic) {
  return clinic.feed();
}
template <>
const Patients& service_of<Patients>(Clinic& clinic) {
  return clinic.patients();
}
template <>
const People& service_of<People>(Clinic& clinic) {
  return clinic.people();
}
template <>
const Records& service_of<Records>(Clinic& clinic) {
  return clinic.records();
}
template <>
const Scheduling& service_of<Scheduling>(Clinic& clinic) {
  return clinic.scheduling();
}
template <>
const Tenants& service_of<Tenants>(Clinic& clinic) {
  return clinic.tenants();
}

namespace {

auto find_by_cpf(const Patients& patients, const CallContext& context,
                 const clinic::FindPatientByCpfRequest& request) {
  return patients.find_by_cpf(context, request.cpf());
}
auto find_by_cns(const Patients& patients, const CallContext& context,
                 const clinic::FindPatientByCnsRequest& request) {
  return patients.find_by_cns(context, request.cns());
}
auto find_by_mrn(const Patients& patients, const CallContext& context,
                 const clinic::FindPatientByMrnRequest& request) {
  return patients.find_by_mrn(context, request.system(), request.value());
}

// ... and a new method one here. A method that is declared and not served fails a test.
constexpr auto kServed = std::to_array<ServedMethod>({
    serve<&Tenants::create>(clinic::METHOD_TENANTS_CREATE),
    serve<&Tenants::get>(clinic::METHOD_TENANTS_GET),
    serve<&Tenants::find>(clinic::METHOD_TENANTS_FIND),
    serve<&Tenants::list>(clinic::METHOD_TENANTS_LIST),
    serve<&Tenants::update_profile>(clinic::METHOD_TENANTS_UPDATE_PROFILE),
    serve<&Tenants::remove>(clinic::METHOD_TENANTS_DELETE),

    serve<&People::put_clinic>(clinic::METHOD_PEOPLE_PUT_CLINIC),
    serve<&People::get_clinic>(clinic::METHOD_PEOPLE_GET_CLINIC),
    serve<&People::list_clinics>(clinic::METHOD_PEOPLE_LIST_CLINICS),
    serve<&People::put_user>(clinic::METHOD_PEOPLE_PUT_USER),
    serve<&People::get_user>(clinic::METHOD_PEOPLE_GET_USER),
    serve<&People::find_user>(clinic::METHOD_PEOPLE_FIND_USER),
    serve<&People::list_users>(clinic::METHOD_PEOPLE_LIST_USERS),
    serve<&People::put_professional>(clinic::METHOD_PEOPLE_PUT_PROFESSIONAL),
    serve<&People::get_professional>(clinic::METHOD_PEOPLE_GET_PROFESSIONAL),
    serve<&People::find_professional>(clinic::METHOD_PEOPLE_FIND_PROFESSIONAL),
    serve<&People::list_professionals>(clinic::METHOD_PEOPLE_LIST_PROFESSIONALS),
    serve<&People::put_organization>(clinic::METHOD_PEOPLE_PUT_ORGANIZATION),
    serve<&People::get_organization>(clinic::METHOD_PEOPLE_GET_ORGANIZATION),
    serve<&People::list_organizations>(clinic::METHOD_PEOPLE_LIST_ORGANIZATIONS),
    serve<&People::put_location>(clinic::METHOD_PEOPLE_PUT_LOCATION),
    serve<&People::get_location>(clinic::METHOD_PEOPLE_GET_LOCATION),
    serve<&People::list_locations>(clinic::METHOD_PEOPLE_LIST_LOCATIONS),

    serve<&Catalogue::put_service>(clinic::METHOD_CATALOGUE_PUT_SERVICE),
    serve<&Catalogue::get_service>(clinic::METHOD_CATALOGUE_GET_SERVICE),
    serve<&Catalogue::list_services>(clinic::METHOD_CATALOGUE_LIST_SERVICES),
    serve<&Catalogue::put_equipment>(clinic::METHOD_CATALOGUE_PUT_EQUIPMENT),
    serve<&Catalogue::get_equipment>(clinic::METHOD_CATALOGUE_GET_EQUIPMENT),
    serve<&Catalogue::list_equipment>(clinic::METHOD_CATALOGUE_LIST_EQUIPMENT),

    serve<&Patients::register_patient>(clinic::METHOD_PATIENTS_REGISTER),
    serve<&Patients::update>(clinic::METHOD_PATIENTS_UPDATE),
    serve<taking<clinic::GetPatientRequest>(&Patients::get)>(clinic::METHOD_PATIENTS_GET),
    serve<&find_by_cpf>(clinic::METHOD_PATIENTS_FIND_BY_CPF),
    serve<&find_by_cns>(clinic::METHOD_PATIENTS_FIND_BY_CNS),
    serve<&find_by_mrn>(clinic::METHOD_PATIENTS_FIND_BY_MRN),
    serve<&Patients::search>(clinic::METHOD_PATIENTS_SEARCH),
    serve<&Patients::timeline>(clinic::METHOD_PATIENTS_TIMELINE),
    serve<&Patients::remove>(clinic::METHOD_PATIENTS_REMOVE),
    serve<&Patients::history>(clinic::METHOD_PATIENTS_HISTORY),

    serve<&Duplicates::find>(clinic::METHOD_DUPLICATES_FIND),
    serve<&Duplicates::list>(clinic::METHOD_DUPLICATES_LIST),
    serve<&Duplicates::merge>(clinic::METHOD_DUPLICATES_MERGE),
    serve<&Duplicates::undo_merge>(clinic::METHOD_DUPLICATES_UNDO_MERGE),
    serve<&Duplicates::get_merge>(clinic::METHOD_DUPLICATES_GET_MERGE),
    serve<&Duplicates::list_merges>(clinic::METHOD_DUPLICATES_LIST_MERGES),

    serve<&Records::put>(clinic::METHOD_RECORDS_PUT),
    serve<&Records::get>(clinic::METHOD_RECORDS_GET),
    serve<&Records::history>(clinic::METHOD_RECORDS_HISTORY),
    serve<&Records::list_by_type>(clinic::METHOD_RECORDS_LIST_BY_TYPE),
    serve<&Records::list_by_code>(clinic::METHOD_RECORDS_LIST_BY_CODE),
    serve<&Records::list_by_time>(clinic::METHOD_RECORDS_LIST_BY_TIME),
    serve<&Records::find_by_identifier>(clinic::METHOD_RECORDS_FIND_BY_IDENTIFIER),
    serve<&Records::sign>(clinic::METHOD_RECORDS_SIGN),
    serve<&Records::add_addendum>(clinic::METHOD_RECORDS_ADD_ADDENDUM),
    serve<&Records::verify>(clinic::METHOD_RECORDS_VERIFY),
    serve<&Records::list_notes>(clinic::METHOD_RECORDS_LIST_NOTES),
    serve<&Records::list_current>(clinic::METHOD_RECORDS_LIST_CURRENT),

    serve<&Scheduling::book>(clinic::METHOD_SCHEDULING_BOOK),
    serve<&Scheduling::cancel>(clinic::METHOD_SCHEDULING_CANCEL),
    serve<taking<clinic::GetAppointmentRequest>(&Scheduling::get)>(clinic::METHOD_SCHEDULING_GET),
    serve<&Scheduling::list_day>(clinic::METHOD_SCHEDULING_LIST_DAY),
    serve<&Scheduling::history>(clinic::METHOD_SCHEDULING_HISTORY),
    serve<&Scheduling::reschedule>(clinic::METHOD_SCHEDULING_RESCHEDULE),
    serve<&Scheduling::change_status>(clinic::METHOD_SCHEDULING_CHANGE_STATUS),
    serve<&Scheduling::hold>(clinic::METHOD_SCHEDULING_HOLD),
    serve<&Scheduling::release_hold>(clinic::METHOD_SCHEDULING_RELEASE_HOLD),
    serve<&Scheduling::expire_holds>(clinic::METHOD_SCHEDULING_EXPIRE_HOLDS),

    serve<&SeriesBookings::book>(clinic::METHOD_SERIES_BOOK),
    serve<&SeriesBookings::get>(clinic::METHOD_SERIES_GET),
    serve<&SeriesBookings::edit>(clinic::METHOD_SERIES_EDIT),

    serve<&Calendar::list>(clinic::METHOD_CALENDAR_LIST),
    serve<&Calendar::list_patient>(clinic::METHOD_CALENDAR_LIST_PATIENT),
    serve<&Calendar::count>(clinic::METHOD_CALENDAR_COUNT),

    serve<&Waitlist::add>(clinic::METHOD_WAITLIST_ADD),
    serve<&Waitlist::get>(clinic::METHOD_WAITLIST_GET),
    serve<&Waitlist::list>(clinic::METHOD_WAITLIST_LIST),
    serve<&Waitlist::withdraw>(clinic::METHOD_WAITLIST_WITHDRAW),
    serve<&Waitlist::answer>(clinic::METHOD_WAITLIST_ANSWER),
    serve<&Waitlist::offer>(clinic::METHOD_WAITLIST_OFFER),

    serve<&Availability::put_hours>(clinic::METHOD_AVAILABILITY_PUT_HOURS),
    serve<&Availability::list_hours>(clinic::METHOD_AVAILABILITY_LIST_HOURS),
    serve<&Availability::remove_hours>(clinic::METHOD_AVAILABILITY_REMOVE_HOURS),
    serve<&Availability::put_exception>(clinic::METHOD_AVAILABILITY_PUT_EXCEPTION),
    serve<&Availability::list_exceptions>(clinic::METHOD_AVAILABILITY_LIST_EXCEPTIONS),
    serve<&Availability::remove_exception>(clinic::METHOD_AVAILABILITY_REMOVE_EXCEPTION),
    serve<&Availability::put_holiday>(clinic::METHOD_AVAILABILITY_PUT_HOLIDAY),
    serve<&Availability::list_holidays>(clinic::METHOD_AVAILABILITY_LIST_HOLIDAYS),
    serve<&Availability::remove_holiday>(clinic::METHOD_AVAILABILITY_REMOVE_HOLIDAY),
    serve<&Availability::find_slots>(clinic::METHOD_AVAILABILITY_FIND_SLOTS),

    serve<&Billing::put_price>(clinic::METHOD_BILLING_PUT_PRICE),
    serve<&Billing::get_price>(clinic::METHOD_BILLING_GET_PRICE),
    serve<&Billing::list_prices>(clinic::METHOD_BILLING_LIST_PRICES),
    serve<&Billing::draft_invoice>(clinic::METHOD_BILLING_DRAFT_INVOICE),
    serve<&Billing::get_invoice>(clinic::METHOD_BILLING_GET_INVOICE),
    serve<&Billing::find_invoice>(clinic::METHOD_BILLING_FIND_INVOICE),
    serve<&Billing::list_invoices>(clinic::METHOD_BILLING_LIST_INVOICES),
    serve<&Billing::invoice_history>(clinic::METHOD_BILLING_INVOICE_HISTORY),
    serve<&Billing::issue_invoice>(clinic::METHOD_BILLING_ISSUE_INVOICE),
    serve<&Billing::cancel_invoice>(clinic::METHOD_BILLING_CANCEL_INVOICE),
    serve<&Billing::pay_invoice>(clinic::METHOD_BILLING_PAY_INVOICE),
    serve<&Billing::refund_payment>(clinic::METHOD_BILLING_REFUND_PAYMENT),
    serve<&Billing::list_payments>(clinic::METHOD_BILLING_LIST_PAYMENTS),
    serve<&Billing::ageing>(clinic::METHOD_BILLING_AGEING),
    serve<&Billing::commissions>(clinic::METHOD_BILLING_COMMISSIONS),
    serve<&Billing::list_series>(clinic::METHOD_BILLING_LIST_SERIES),
    serve<&Billing::list_packets>(clinic::METHOD_BILLING_LIST_PACKETS),
    serve<&Billing::use_packet>(clinic::METHOD_BILLING_USE_PACKET),
    serve<&Billing::return_session>(clinic::METHOD_BILLING_RETURN_SESSION),
    serve<&Billing::list_packet_uses>(clinic::METHOD_BILLING_LIST_PACKET_USES),

    serve<&Consents::give>(clinic::METHOD_CONSENTS_GIVE),
    serve<&Consents::withdraw>(clinic::METHOD_CONSENTS_WITHDRAW),
    serve<&Consents::get>(clinic::METHOD_CONSENTS_GET),
    serve<&Consents::list>(clinic::METHOD_CONSENTS_LIST),
    serve<&Consents::check>(clinic::METHOD_CONSENTS_CHECK),

    serve<&Feed::read_events>(clinic::METHOD_FEED_READ_EVENTS),
    serve<&Feed::list_changes>(clinic::METHOD_FEED_LIST_CHANGES),

    serve<&Care::put_lot>(clinic::METHOD_CARE_PUT_LOT),
    serve<&Care::get_lot>(clinic::METHOD_CARE_GET_LOT),
    serve<&Care::find_lot>(clinic::METHOD_CARE_FIND_LOT),
    serve<&Care::list_lots>(clinic::METHOD_CARE_LIST_LOTS),
    serve<&Care::recall_lot>(clinic::METHOD_CARE_RECALL_LOT),
    serve<&Care::find_lot_patients>(clinic::METHOD_CARE_FIND_LOT_PATIENTS),
    serve<&Care::put_plan>(clinic::METHOD_CARE_PUT_PLAN),
    serve<&Care::get_plan>(clinic::METHOD_CARE_GET_PLAN),
    serve<&Care::list_plans>(clinic::METHOD_CARE_LIST_PLANS),
    serve<&Care::add_session>(clinic::METHOD_CARE_ADD_SESSION),
    serve<&Care::get_session>(clinic::METHOD_CARE_GET_SESSION),
    serve<&Care::list_sessions>(clinic::METHOD_CARE_LIST_SESSIONS),
    serve<&Care::begin_attachment>(clinic::METHOD_CARE_BEGIN_ATTACHMENT),
    serve<&Care::put_chunk>(clinic::METHOD_CARE_PUT_CHUNK),
    serve<&Care::finish_attachment>(clinic::METHOD_CARE_FINISH_ATTACHMENT),
    serve<&Care::get_attachment>(clinic::METHOD_CARE_GET_ATTACHMENT),
    serve<&Care::read_chunk>(clinic::METHOD_CARE_READ_CHUNK),
    serve<&Care::list_attachments>(clinic::METHOD_CARE_LIST_ATTACHMENTS),
    serve<&Care::remove_attachment>(clinic::METHOD_CARE_REMOVE_ATTACHMENT),
});

using ById = std::array<const ServedMethod*, clinic::kMethodIdsMax>;

constexpr ById by_id() {
  ById table{};
  for (const ServedMethod& method : kServed) table[static_cast<std::size_t>(method.id)] = &method;
  return table;
}
constexpr ById kById = by_id();

const ServedMethod* find_served(MethodId id) {
  return id >= 0 && id < clinic::kMethodIdsMax ? kById[static_cast<std::size_t>(id)] : nullptr;
}

Status no_such_method(MethodId method) {
  return unimplemented("there is no method " + std::to_string(method));
}

}  // namespace

std::span<const ServedMethod> served_methods() { return kServed; }

Result<AnyAnswer> dispatch(Clinic& clinic, MethodId method, const CallContext& context,
                           const google::protobuf::Message& request) {
  const ServedMethod* served = find_served(method);
  if (served == nullptr) return no_such_method(method);
  if (request.GetDescriptor() != served->request()) {
    return invalid_argument("the request is a " + std::string(request.GetTypeName()) +
                            ", the method takes a " + served->request()->full_name());
  }
  return served->call(clinic, context, request);
}

Result<AnyAnswer> dispatch_bytes(Clinic& clinic, MethodId method, const CallContext& context,
                                 std::string_view body) {
  const ServedMethod* served = find_served(method);
  if (served == nullptr) return no_such_method(method);
  return served->call_bytes(clinic, context, body);
}

}  // namespace clinicdb::server
