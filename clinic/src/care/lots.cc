// Lots in stock, and recall: the sessions' index by lot names the patients, so that nobody's record
// is read to find whom to call.
#include <map>
#include <utility>

#include "care/tables.h"
#include "check_parts.h"
#include "clinicdb/base/bytes.h"
#include "clinicdb/clinic/care.h"
#include "clinicdb/clinic/identifiers.h"
#include "clinicdb/clinic/tables.h"
#include "clinicdb/engine/fold.h"
#include "clinicdb/engine/key.h"
#include "command_tools.h"
#include "record_calls.h"

namespace clinicdb::clinic {

namespace {

using engine::Key;
using engine::Reader;
using engine::Transaction;

Status check_names(const std::string& product, const std::string& lot, const std::string& prefix) {
  if (product.empty()) return refuse(prefix + "product", "is needed");
  if (lot.empty()) return refuse(prefix + "lot", "is needed");
  if (product.size() > kNameBytesMax || lot.size() > kIdentifierBytesMax)
    return refuse(prefix + "product", "at most 512 bytes are possible");
  return {};
}

Status lot_in_order(Lot& lot, const Lot* current) {
  RETURN_IF_ERROR(id_from_bytes(lot.id(), "lot.id").status());
  RETURN_IF_ERROR(check_names(lot.product(), lot.lot(), "lot."));
  if (lot.has_expiry()) RETURN_IF_ERROR(check_date(lot.expiry(), false, "lot.expiry"));
  if (lot.quantity() < 0) return refuse("lot.quantity", "cannot be below 0");
  // A recall is made by a call of its own, and not taken back by an edit.
  lot.set_recalled_us(current != nullptr ? current->recalled_us() : 0);
  lot.set_recall_reason(current != nullptr ? current->recall_reason() : "");
  return {};
}

/// Visits the sessions that used the lot, by patient.
Status visit_uses(Reader& reader, const std::string& product, const std::string& lot,
                  FunctionRef<void(std::string_view patient, Time time, std::int64_t quantity,
                                   std::string_view session)>
                      visit) {
  const std::string prefix = lot_key(product, lot);
  bool corrupt = false;
  RETURN_IF_ERROR(reader
                      .scan(treatment_sessions_table().def(), SessionIndex::kLot,
                            engine::KeyRange::prefix(prefix), {},
                            [&](const engine::IndexEntry& entry) {
                              std::string_view rest = entry.key.substr(prefix.size());
                              corrupt = rest.size() != 24 || entry.covered.size() != 8;
                              if (corrupt) return false;
                              const std::string_view patient = rest.substr(0, 16);
                              rest.remove_prefix(16);
                              Time time;
                              corrupt = !Key::take_time(rest, time);
                              if (corrupt) return false;
                              visit(patient, time,
                                    static_cast<std::int64_t>(load_le64(entry.covered.data())),
                                    entry.record_key);
                              return true;
                            })
                      .status());
  if (corrupt)
    return data_loss("an index entry of table \"treatment_session\" does not carry what it should");
  return {};
}

}  // namespace

Result<PutLotResponse> Care::put_lot(const CallContext& context, PutLotRequest request) const {
  return put_record<PutLotResponse>(core_, context, {METHOD_CARE_PUT_LOT, "lot", EVENT_LOT_CHANGED},
                                    lots_table(), request, *request.mutable_lot(), &lot_in_order);
}

Result<std::shared_ptr<const GetLotResponse>> Care::get_lot(const CallContext& context,
                                                            const GetLotRequest& request) const {
  return get_record(core_, context, METHOD_CARE_GET_LOT, lots_table(), request.id(),
                    &GetLotResponse::mutable_lot);
}

Result<std::shared_ptr<const GetLotResponse>> Care::find_lot(const CallContext& context,
                                                             const FindLotRequest& request) const {
  RETURN_IF_ERROR(core_.authorise(METHOD_CARE_FIND_LOT, context));
  return find_record(core_, context, lots_table(), LotIndex::kLot,
                     lot_key(request.product(), request.lot()), &GetLotResponse::mutable_lot);
}

Result<ListLotsResponse> Care::list_lots(const CallContext& context,
                                         const ListLotsRequest& request) const {
  RETURN_IF_ERROR(core_.authorise(METHOD_CARE_LIST_LOTS, context));
  const bool of_product = !request.product().empty();
  engine::KeyRange range;
  std::string prefix;
  if (of_product) {
    prefix = Key().text(engine::fold_text(request.product())).str();
    range = engine::KeyRange::prefix(prefix);
  }
  if (request.has_expires_before()) {
    RETURN_IF_ERROR(check_date(request.expires_before(), false, "expires_before"));
    range.to = prefix + date_key(request.expires_before());
  }
  ASSIGN_OR_RETURN(const std::unique_ptr<Reader> reader, core_.store().view(context.tenant));
  if (!of_product && !request.has_expires_before())
    return list_records(*reader, lots_table(), request, &ListLotsResponse::add_lots);
  ListLotsResponse response;
  ASSIGN_OR_RETURN(
      *response.mutable_cursor(),
      read_named(*reader, lots_table(), of_product ? LotIndex::kProduct : LotIndex::kExpiry, range,
                 {false, page_limit(request.limit()), request.cursor()}, *response.mutable_lots()));
  return response;
}

Result<RecallLotResponse> Care::recall_lot(const CallContext& context,
                                           const RecallLotRequest& request) const {
  RETURN_IF_ERROR(core_.authorise(METHOD_CARE_RECALL_LOT, context));
  RETURN_IF_ERROR(check_names(request.product(), request.lot(), ""));
  if (request.reason().size() > kNameBytesMax)
    return refuse("reason", "at most 512 bytes are possible");
  const std::uint64_t hash = request_hash(context, METHOD_CARE_RECALL_LOT, request);
  const std::string id(core_.new_id().view());
  return core_.execute<RecallLotResponse>(
      context, hash, [&](Transaction& tx, RecallLotResponse& response) -> Status {
        ASSIGN_OR_RETURN(const auto key, tx.find(lots_table(), LotIndex::kLot,
                                                 lot_key(request.product(), request.lot())));
        Lot lot;
        std::optional<engine::Stored<Lot>> stored;
        if (key) {
          ASSIGN_OR_RETURN(stored, tx.get(lots_table(), *key));
          lot = stored->record;
        } else {
          lot.set_id(id);
          lot.set_product(request.product());
          lot.set_lot(request.lot());
        }
        if (lot.recalled_us() == 0) lot.set_recalled_us(tx.now().us);
        lot.set_recall_reason(request.reason());
        WriteResult& result = *response.mutable_result();
        RETURN_IF_ERROR(stored ? put_changed(tx, lots_table(), lot, *stored, result)
                               : put_new(tx, lots_table(), lot, result));
        std::string last;
        RETURN_IF_ERROR(
            visit_uses(tx, request.product(), request.lot(),
                       [&](std::string_view patient, Time, std::int64_t, std::string_view) {
                         if (patient == last) return;
                         last = patient;
                         response.set_patients(response.patients() + 1);
                       }));
        EventPayload payload;
        payload.set_id(lot.id());
        payload.set_version(result.version());
        payload.set_count(response.patients());
        return emit(tx, EVENT_LOT_RECALLED, payload);
      });
}

Result<FindLotPatientsResponse> Care::find_lot_patients(
    const CallContext& context, const FindLotPatientsRequest& request) const {
  RETURN_IF_ERROR(core_.authorise(METHOD_CARE_FIND_LOT_PATIENTS, context));
  RETURN_IF_ERROR(check_names(request.product(), request.lot(), ""));
  ASSIGN_OR_RETURN(const std::unique_ptr<Reader> reader, core_.store().view(context.tenant));
  FindLotPatientsResponse response;
  LotPatient* last = nullptr;
  RETURN_IF_ERROR(visit_uses(
      *reader, request.product(), request.lot(),
      [&](std::string_view patient, Time time, std::int64_t quantity, std::string_view session) {
        if (last == nullptr || last->patient_id() != patient) {
          last = response.add_patients();
          last->set_patient_id(patient.data(), patient.size());
        }
        LotPatient::LotSession& use = *last->add_sessions();
        use.set_session_id(session.data(), session.size());
        use.set_time_us(time.us);
        use.set_quantity(quantity);
        response.set_sessions(response.sessions() + 1);
      }));
  return response;
}

}  // namespace clinicdb::clinic
