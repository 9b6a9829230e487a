#include "billing/packets.h"

#include "billing/sums.h"
#include "billing/tables.h"
#include "check_parts.h"
#include "clinicdb/clinic/billing.h"
#include "clinicdb/clinic/tables.h"
#include "command_tools.h"

namespace clinicdb::clinic {

namespace billing {

Result<std::vector<Packet>> packets_sold(engine::Transaction& tx, const Invoice& invoice,
                                         const std::vector<std::string>& ids) {
  std::vector<Packet> packets;
  for (const InvoiceItem& item : invoice.items()) {
    if (item.price_id().empty()) continue;
    ASSIGN_OR_RETURN(const auto price,
                     must_get(tx, prices_table(), item.price_id(), "invoice.items.price_id"));
    if (price.record.packet_sessions() == 0) continue;
    if (packets.size() + item.quantity() > ids.size()) {
      return invalid_argument("invoice.items: one invoice sells at most " +
                              std::to_string(ids.size()) + " packets")
          .with_field("invoice.items");
    }
    for (const std::int64_t cents : split_evenly(item.net_cents(), item.quantity())) {
      Packet& packet = packets.emplace_back();
      packet.set_id(ids[packets.size() - 1]);
      packet.set_patient_id(invoice.patient_id());
      packet.set_invoice_id(invoice.id());
      packet.set_price_id(price.record.id());
      packet.set_service_id(price.record.service_id());
      packet.set_name(item.description());
      packet.set_sessions(price.record.packet_sessions());
      packet.set_cents(cents);
      packet.set_sold_us(tx.now().us);
      constexpr std::int64_t kDayUs = std::int64_t{24} * 3600 * 1'000'000;
      if (price.record.packet_days() != 0)
        packet.set_expires_us(tx.now().us + kDayUs * price.record.packet_days());
    }
  }
  return packets;
}

Status cancel_packets(engine::Transaction& tx, const std::string& invoice_id) {
  google::protobuf::RepeatedPtrField<Packet> packets;
  RETURN_IF_ERROR(read_named(tx, packets_table(), PacketIndex::kInvoice,
                             engine::KeyRange::prefix(invoice_id), {}, packets)
                      .status());
  for (Packet& packet : packets) {
    if (packet.used() == 0) continue;
    return failed_precondition("packet " + Uuid::from_bytes(packet.id()).to_string() + ": " +
                               std::to_string(packet.used()) +
                               " of its sessions are used; return them first")
        .with_field("invoice.items");
  }
  for (Packet& packet : packets) {
    packet.set_cancelled(true);
    RETURN_IF_ERROR(tx.put(packets_table(), packet).status());
  }
  return {};
}

}  // namespace billing

namespace {

using engine::Reader;
using engine::Transaction;

Status check_usable(const Packet& packet, Time now) {
  if (packet.cancelled())
    return refuse_state("packet_id", "the packet was cancelled with its invoice");
  if (packet.expires_us() != 0 && packet.expires_us() <= now.us)
    return refuse_state("packet_id", "the packet has expired");
  if (packet.used() >= packet.sessions())
    return refuse_state("packet_id", "all " + std::to_string(packet.sessions()) +
                                         " sessions of the packet are used");
  return {};
}

Status emit_use(Transaction& tx, EventType type, const PacketUse& use, const Packet& packet,
                std::uint64_t version) {
  EventPayload payload;
  payload.set_id(use.id());
  payload.set_version(version);
  payload.set_patient_id(packet.patient_id());
  payload.set_professional_id(use.professional_id());
  payload.set_count(packet.sessions() - packet.used());
  return emit(tx, type, payload);
}

}  // namespace

Result<ListPacketsResponse> Billing::list_packets(const CallContext& context,
                                                  const ListPacketsRequest& request) const {
  RETURN_IF_ERROR(core_.authorise(METHOD_BILLING_LIST_PACKETS, context, request.patient_id()));
  RETURN_IF_ERROR(id_from_bytes(request.patient_id(), "patient_id").status());
  ASSIGN_OR_RETURN(const std::unique_ptr<Reader> reader, core_.store().view(context.tenant));
  ListPacketsResponse response;
  auto& packets = *response.mutable_packets();
  RETURN_IF_ERROR(read_named(*reader, packets_table(), PacketIndex::kPatient,
                             engine::KeyRange::prefix(request.patient_id()), {false, kPageMax, {}},
                             packets)
                      .status());
  if (request.only_open()) {
    const Time now = core_.clock().now();
    packets.erase(std::remove_if(packets.begin(), packets.end(),
                                 [&](const Packet& p) { return !check_usable(p, now).ok(); }),
                  packets.end());
  }
  return response;
}

Result<UsePacketResponse> Billing::use_packet(const CallContext& context,
                                              const UsePacketRequest& request) const {
  RETURN_IF_ERROR(core_.authorise(METHOD_BILLING_USE_PACKET, context, request.packet_id()));
  const std::uint64_t hash = request_hash(context, METHOD_BILLING_USE_PACKET, request);
  const std::string id(core_.new_id().view());
  return core_.execute<UsePacketResponse>(
      context, hash, [&](Transaction& tx, UsePacketResponse& response) -> Status {
        ASSIGN_OR_RETURN(const auto stored,
                         must_get(tx, packets_table(), request.packet_id(), "packet_id"));
        RETURN_IF_ERROR(check_usable(stored.record, tx.now()));
        RETURN_IF_ERROR(
            check_there(tx, professionals_table(), request.professional_id(), "professional_id"));
        if (!request.appointment_id().empty()) {
          ASSIGN_OR_RETURN(
              const auto appointment,
              must_get(tx, appointments_table(), request.appointment_id(), "appointment_id"));
          if (appointment.record.patient_id() != stored.record.patient_id())
            return refuse_state("appointment_id", "is another patient's");
          ASSIGN_OR_RETURN(
              const auto used,
              tx.find(packet_uses_table(), PacketUseIndex::kAppointment, request.appointment_id()));
          if (used) return refuse_state("appointment_id", "has used a session already");
        }
        Packet packet = stored.record;
        packet.set_used(packet.used() + 1);
        PacketUse use;
        use.set_id(id);
        use.set_packet_id(packet.id());
        use.set_appointment_id(request.appointment_id());
        use.set_professional_id(request.professional_id());
        use.set_session(packet.used());
        use.set_time_us(tx.now().us);
        WriteResult of_packet;
        RETURN_IF_ERROR(put_changed(tx, packets_table(), packet, stored, of_packet));
        RETURN_IF_ERROR(put_new(tx, packet_uses_table(), use, *response.mutable_result()));
        response.set_session(use.session());
        response.set_left(packet.sessions() - packet.used());
        return emit_use(tx, EVENT_PACKET_SESSION_USED, use, packet, 1);
      });
}

Result<ReturnSessionResponse> Billing::return_session(const CallContext& context,
                                                      const ReturnSessionRequest& request) const {
  RETURN_IF_ERROR(core_.authorise(METHOD_BILLING_RETURN_SESSION, context, request.use_id()));
  const std::uint64_t hash = request_hash(context, METHOD_BILLING_RETURN_SESSION, request);
  return core_.execute<ReturnSessionResponse>(
      context, hash, [&](Transaction& tx, ReturnSessionResponse& response) -> Status {
        ASSIGN_OR_RETURN(const auto stored,
                         must_get(tx, packet_uses_table(), request.use_id(), "use_id"));
        if (stored.record.returned_us() != 0)
          return refuse_state("use_id", "the session was returned before");
        ASSIGN_OR_RETURN(const auto of,
                         must_get(tx, packets_table(), stored.record.packet_id(), "packet_id"));
        PacketUse use = stored.record;
        use.set_returned_us(tx.now().us);
        Packet packet = of.record;
        packet.set_used(packet.used() - 1);
        WriteResult of_packet;
        RETURN_IF_ERROR(put_changed(tx, packets_table(), packet, of, of_packet));
        RETURN_IF_ERROR(
            put_changed(tx, packet_uses_table(), use, stored, *response.mutable_result()));
        response.set_left(packet.sessions() - packet.used());
        return emit_use(tx, EVENT_PACKET_SESSION_RETURNED, use, packet,
                        response.result().version());
      });
}

Result<ListPacketUsesResponse> Billing::list_packet_uses(
    const CallContext& context, const ListPacketUsesRequest& request) const {
  RETURN_IF_ERROR(core_.authorise(METHOD_BILLING_LIST_PACKET_USES, context, request.packet_id()));
  RETURN_IF_ERROR(id_from_bytes(request.packet_id(), "packet_id").status());
  ASSIGN_OR_RETURN(const std::unique_ptr<Reader> reader, core_.store().view(context.tenant));
  ListPacketUsesResponse response;
  RETURN_IF_ERROR(read_named(*reader, packet_uses_table(), PacketUseIndex::kPacket,
                             engine::KeyRange::prefix(request.packet_id()), {false, kPageMax, {}},
                             *response.mutable_uses())
                      .status());
  return response;
}

}  // namespace clinicdb::clinic
