// Treatment plans and their sessions. A session is the next of its plan and takes what it used from
// the lots in stock, all in the commit that adds it.
#include <algorithm>
#include <utility>

#include "billing/tables.h"
#include "care/tables.h"
#include "check_parts.h"
#include "clinicdb/clinic/care.h"
#include "clinicdb/clinic/tables.h"
#include "clinicdb/engine/key.h"
#include "command_tools.h"
#include "patient_links.h"
#include "record_calls.h"
#include "zones.h"

namespace clinicdb::clinic {

namespace {

using engine::Reader;
using engine::Transaction;

constexpr std::uint32_t kSessionsMax = 1000;

template <class Strings>
Status check_texts(const Strings& texts, const std::string& field) {
  if (static_cast<std::size_t>(texts.size()) > kListItemsMax)
    return refuse(field, "at most 256 are possible");
  for (const std::string& text : texts) {
    if (text.empty() || text.size() > kNameBytesMax) return refuse(field, "1 to 512 bytes each");
  }
  return {};
}

EventPayload payload_of(const std::string& id, std::uint64_t version, const std::string& patient,
                        const std::string& professional) {
  EventPayload payload;
  payload.set_id(id);
  payload.set_version(version);
  payload.set_patient_id(patient);
  payload.set_professional_id(professional);
  return payload;
}

Status check_plan(Reader& reader, TreatmentPlan& plan, const TreatmentPlan* current) {
  if (plan.name().empty()) return refuse("plan.name", "is needed");
  if (plan.name().size() > kNameBytesMax)
    return refuse("plan.name", "at most 512 bytes are possible");
  if (plan.note().size() > kNoteBytesMax) return refuse("plan.note", "at most 64 KiB are possible");
  if (plan.sessions() == 0 || plan.sessions() > kSessionsMax)
    return refuse("plan.sessions", "1 to 1,000");
  RETURN_IF_ERROR(check_texts(plan.areas(), "plan.areas"));
  RETURN_IF_ERROR(check_there(reader, services_table(), plan.service_id(), "plan.service_id"));
  RETURN_IF_ERROR(
      check_there(reader, professionals_table(), plan.professional_id(), "plan.professional_id"));
  RETURN_IF_ERROR(check_there(reader, packets_table(), plan.packet_id(), "plan.packet_id"));
  plan.set_done(current != nullptr ? current->done() : 0);
  if (plan.sessions() < plan.done()) {
    return refuse("plan.sessions", std::to_string(plan.done()) + " are done already");
  }
  if (current != nullptr && current->patient_id() != plan.patient_id())
    return refuse("plan.patient_id", "a plan stays its patient's");
  if (plan.status() != PLAN_STATUS_CANCELLED) {
    plan.set_status(plan.done() == plan.sessions() ? PLAN_STATUS_COMPLETED : PLAN_STATUS_ACTIVE);
  }
  return {};
}

/// Lots that are named twice become one, so that the index has one entry of each.
Status unite_lots(TreatmentSession& session) {
  if (static_cast<std::size_t>(session.lots_size()) > kListItemsMax)
    return refuse("session.lots", "at most 256 are possible");
  google::protobuf::RepeatedPtrField<LotUse> united;
  for (const LotUse& use : session.lots()) {
    if (use.product().empty() || use.lot().empty())
      return refuse("session.lots", "product and lot are needed");
    if (use.quantity() < 0) return refuse("session.lots.quantity", "cannot be below 0");
    const auto same = std::find_if(united.begin(), united.end(), [&](const LotUse& other) {
      return lot_key(use.product(), use.lot()) == lot_key(other.product(), other.lot());
    });
    if (same == united.end()) {
      *united.Add() = use;
    } else {
      same->set_quantity(same->quantity() + use.quantity());
    }
  }
  session.mutable_lots()->Swap(&united);
  return {};
}

/// What is used of a lot in stock leaves it. A lot that is not in stock is noted in the session
/// alone: a clinic need not keep stock to be able to recall.
Status take_lot(Transaction& tx, const LotUse& use, const Date& today) {
  const std::string what = "session.lots: lot " + use.lot() + " of " + use.product();
  ASSIGN_OR_RETURN(const auto key,
                   tx.find(lots_table(), LotIndex::kLot, lot_key(use.product(), use.lot())));
  if (!key) return {};
  ASSIGN_OR_RETURN(const auto stored, tx.get(lots_table(), *key));
  Lot lot = stored->record;
  const auto refuse_lot = [&](const std::string& why) {
    return failed_precondition(what + " " + why).with_field("session.lots");
  };
  if (lot.recalled_us() != 0) return refuse_lot("was recalled");
  if (lot.has_expiry() && date_key(lot.expiry()) < date_key(today))
    return refuse_lot("has expired");
  if (lot.quantity() < use.quantity()) {
    return refuse_lot("has " + std::to_string(lot.quantity()) + " thousandths left, not " +
                      std::to_string(use.quantity()));
  }
  if (use.quantity() == 0) return {};
  lot.set_quantity(lot.quantity() - use.quantity());
  WriteResult ignored;
  return put_changed(tx, lots_table(), lot, *stored, ignored);
}

Result<Date> today_at_tenant(Reader& reader, Time now) {
  ASSIGN_OR_RETURN(const auto profile, reader.get(tenant_profiles_table(), kTenantProfileKey));
  const std::string zone = profile ? profile->record.zone() : std::string();
  return local_day(zone.empty() ? kDefaultZone : std::string_view(zone), now);
}

}  // namespace

Result<PutPlanResponse> Care::put_plan(const CallContext& context, PutPlanRequest request) const {
  TreatmentPlan& given = *request.mutable_plan();
  RETURN_IF_ERROR(core_.authorise(METHOD_CARE_PUT_PLAN, context, given.id()));
  const std::uint64_t hash = request_hash(context, METHOD_CARE_PUT_PLAN, request);
  if (given.id().empty()) given.set_id(std::string(core_.new_id().view()));
  RETURN_IF_ERROR(id_from_bytes(given.id(), "plan.id").status());
  RETURN_IF_ERROR(id_from_bytes(given.patient_id(), "plan.patient_id").status());
  return core_.execute<PutPlanResponse>(
      context, hash, [&](Transaction& tx, PutPlanResponse& response) -> Status {
        ASSIGN_OR_RETURN(const auto stored, tx.get(treatment_plans_table(), given.id()));
        if (stored) RETURN_IF_ERROR(check_version(expected_version(request), stored->meta));
        TreatmentPlan plan = given;
        RETURN_IF_ERROR(check_plan(tx, plan, stored ? &stored->record : nullptr));
        RETURN_IF_ERROR(check_patient(tx, plan.patient_id(), "plan.patient_id"));
        if (plan.start_us() == 0)
          plan.set_start_us(stored ? stored->record.start_us() : tx.now().us);
        WriteResult& result = *response.mutable_result();
        RETURN_IF_ERROR(stored ? put_changed(tx, treatment_plans_table(), plan, *stored, result)
                               : put_new(tx, treatment_plans_table(), plan, result));
        return emit(
            tx, EVENT_PLAN_CHANGED,
            payload_of(plan.id(), result.version(), plan.patient_id(), plan.professional_id()));
      });
}

Result<std::shared_ptr<const GetPlanResponse>> Care::get_plan(const CallContext& context,
                                                              const GetPlanRequest& request) const {
  return get_record(core_, context, METHOD_CARE_GET_PLAN, treatment_plans_table(), request.id(),
                    &GetPlanResponse::mutable_plan);
}

Result<ListPlansResponse> Care::list_plans(const CallContext& context,
                                           const ListPlansRequest& request) const {
  RETURN_IF_ERROR(core_.authorise(METHOD_CARE_LIST_PLANS, context, request.patient_id()));
  RETURN_IF_ERROR(id_from_bytes(request.patient_id(), "patient_id").status());
  ASSIGN_OR_RETURN(const std::unique_ptr<Reader> reader, core_.store().view(context.tenant));
  ListPlansResponse response;
  ASSIGN_OR_RETURN(*response.mutable_cursor(),
                   read_named(*reader, treatment_plans_table(), PlanIndex::kPatient,
                              engine::KeyRange::prefix(request.patient_id()),
                              {false, page_limit(request.limit()), request.cursor()},
                              *response.mutable_plans()));
  return response;
}

Result<AddSessionResponse> Care::add_session(const CallContext& context,
                                             AddSessionRequest request) const {
  TreatmentSession& given = *request.mutable_session();
  RETURN_IF_ERROR(core_.authorise(METHOD_CARE_ADD_SESSION, context, given.patient_id()));
  const std::uint64_t hash = request_hash(context, METHOD_CARE_ADD_SESSION, request);
  if (given.id().empty()) given.set_id(std::string(core_.new_id().view()));
  RETURN_IF_ERROR(id_from_bytes(given.id(), "session.id").status());
  RETURN_IF_ERROR(check_texts(given.areas(), "session.areas"));
  RETURN_IF_ERROR(unite_lots(given));
  if (given.note().size() > kNoteBytesMax)
    return refuse("session.note", "at most 64 KiB are possible");
  return core_.execute<AddSessionResponse>(
      context, hash, [&](Transaction& tx, AddSessionResponse& response) -> Status {
        TreatmentSession session = given;
        session.set_number(1);
        if (session.time_us() == 0) session.set_time_us(tx.now().us);
        std::optional<engine::Stored<TreatmentPlan>> plan;
        if (!session.plan_id().empty()) {
          ASSIGN_OR_RETURN(
              plan, must_get(tx, treatment_plans_table(), session.plan_id(), "session.plan_id"));
          if (plan->record.status() != PLAN_STATUS_ACTIVE)
            return refuse_state("session.plan_id",
                                "the plan is " + PlanStatus_Name(plan->record.status()));
          if (session.patient_id().empty()) session.set_patient_id(plan->record.patient_id());
          if (session.patient_id() != plan->record.patient_id())
            return refuse("session.patient_id", "the plan is another patient's");
          session.set_number(plan->record.done() + 1);
        }
        RETURN_IF_ERROR(id_from_bytes(session.patient_id(), "session.patient_id").status());
        RETURN_IF_ERROR(check_patient(tx, session.patient_id(), "session.patient_id"));
        RETURN_IF_ERROR(check_there(tx, professionals_table(), session.professional_id(),
                                    "session.professional_id"));
        RETURN_IF_ERROR(check_there(tx, appointments_table(), session.appointment_id(),
                                    "session.appointment_id"));
        for (const std::string& id : session.attachment_ids())
          RETURN_IF_ERROR(check_there(tx, attachments_table(), id, "session.attachment_ids"));
        ASSIGN_OR_RETURN(const Date today, today_at_tenant(tx, tx.now()));
        for (const LotUse& use : session.lots()) RETURN_IF_ERROR(take_lot(tx, use, today));
        if (plan) {
          TreatmentPlan changed = plan->record;
          changed.set_done(session.number());
          if (changed.done() == changed.sessions()) changed.set_status(PLAN_STATUS_COMPLETED);
          WriteResult of_plan;
          RETURN_IF_ERROR(put_changed(tx, treatment_plans_table(), changed, *plan, of_plan));
          response.set_left(changed.sessions() - changed.done());
        }
        RETURN_IF_ERROR(
            put_new(tx, treatment_sessions_table(), session, *response.mutable_result()));
        response.set_number(session.number());
        return emit(tx, EVENT_SESSION_DONE,
                    payload_of(session.id(), 1, session.patient_id(), session.professional_id()));
      });
}

Result<std::shared_ptr<const GetSessionResponse>> Care::get_session(
    const CallContext& context, const GetSessionRequest& request) const {
  return get_record(core_, context, METHOD_CARE_GET_SESSION, treatment_sessions_table(),
                    request.id(), &GetSessionResponse::mutable_session);
}

Result<ListSessionsResponse> Care::list_sessions(const CallContext& context,
                                                 const ListSessionsRequest& request) const {
  RETURN_IF_ERROR(core_.authorise(METHOD_CARE_LIST_SESSIONS, context, request.patient_id()));
  const bool of_plan = !request.plan_id().empty();
  const std::string& prefix = of_plan ? request.plan_id() : request.patient_id();
  RETURN_IF_ERROR(id_from_bytes(prefix, of_plan ? "plan_id" : "patient_id").status());
  ASSIGN_OR_RETURN(const std::unique_ptr<Reader> reader, core_.store().view(context.tenant));
  ListSessionsResponse response;
  ASSIGN_OR_RETURN(*response.mutable_cursor(),
                   read_named(*reader, treatment_sessions_table(),
                              of_plan ? SessionIndex::kPlan : SessionIndex::kPatient,
                              engine::KeyRange::prefix(prefix),
                              {false, page_limit(request.limit()), request.cursor()},
                              *response.mutable_sessions()));
  return response;
}

}  // namespace clinicdb::clinic
