#include "billing/tables.h"

#include <map>
#include <string>

#include "billing/sums.h"
#include "clinicdb/base/bytes.h"
#include "clinicdb/clinic/tables.h"
#include "clinicdb/engine/fold.h"
#include "clinicdb/engine/key.h"
#include "fhir/body_identifiers.h"
#include "table_codec.h"

namespace clinicdb::clinic {

namespace {

using engine::IndexEntries;
using engine::Key;
using engine::Table;

void append_cents(std::string& out, std::int64_t cents) {
  append_le64(out, static_cast<std::uint64_t>(cents));
}

std::int64_t cents_at(std::string_view bytes, std::size_t at) {
  return static_cast<std::int64_t>(load_le64(bytes.data() + at));
}

void add_open(const Invoice& invoice, IndexEntries& out) {
  if (invoice.status() != INVOICE_STATUS_ISSUED) return;
  for (int i = 0; i < invoice.instalments_size(); ++i) {
    const Instalment& instalment = invoice.instalments(i);
    const std::int64_t open = instalment.cents() - instalment.paid_cents();
    if (open == 0) continue;
    std::string covered = invoice.patient_id();
    append_cents(covered, open);
    out.add(Key().raw(date_key(instalment.due())).u16(static_cast<std::uint16_t>(i)), covered);
  }
}

/// Of each professional one entry. What the patient has paid of the whole is what is earned of the
/// commission.
void add_commissions(const Invoice& invoice, IndexEntries& out) {
  if (invoice.status() != INVOICE_STATUS_ISSUED) return;
  std::map<std::string, std::pair<std::int64_t, std::int64_t>> sums;
  for (const InvoiceItem& item : invoice.items()) {
    if (item.professional_id().empty()) continue;
    auto& [net, commission] = sums[item.professional_id()];
    net += item.net_cents();
    commission += item.commission_cents();
  }
  for (const auto& [professional, cents] : sums) {
    std::string covered;
    append_cents(covered, cents.first);
    append_cents(covered, cents.second);
    append_cents(covered,
                 invoice.total_cents() == 0
                     ? cents.second
                     : billing::share(cents.second, invoice.paid_cents(), invoice.total_cents()));
    out.add(Key().time(Time{invoice.issued_us()}).raw(professional), covered);
  }
}

std::string series_key(const FiscalSeries& series) { return series.series(); }

}  // namespace

std::string number_key(std::string_view series, std::uint64_t number) {
  return Key().text(series).u64(number).str();
}

bool OpenInstalment::decode(std::string_view bytes, OpenInstalment& out) {
  if (bytes.size() != 24) return false;
  out.patient_id = bytes.substr(0, 16);
  out.cents = cents_at(bytes, 16);
  return true;
}

bool CommissionCovered::decode(std::string_view bytes, CommissionCovered& out) {
  if (bytes.size() != 24) return false;
  out = {cents_at(bytes, 0), cents_at(bytes, 8), cents_at(bytes, 16)};
  return true;
}

const Table<Price>& prices_table() {
  static const Table<Price> definition =
      table<Price>(0x0150, "price")
          .unique(PriceIndex::kCode, "code",
                  [](const Price& p, IndexEntries& out) {
                    if (!p.code().empty()) out.add(engine::fold_text(p.code()));
                  })
          .tokens(PriceIndex::kName, "name",
                  [](const Price& p, IndexEntries& out) { out.add(p.name()); });
  return definition;
}

const Table<Invoice>& invoices_table() {
  static const Table<Invoice> definition =
      table<Invoice>(0x0151, "invoice")
          .unique(InvoiceIndex::kNumber, "number",
                  [](const Invoice& i, IndexEntries& out) {
                    if (i.number() != 0) out.add(number_key(i.series(), i.number()));
                  })
          .ordered(
              InvoiceIndex::kPatient, "patient",
              [](const Invoice& i, IndexEntries& out) {
                out.add(Key().raw(i.patient_id()).time_descending(Time{i.created_us()}));
              },
              16)
          .ordered(
              InvoiceIndex::kStatus, "status",
              [](const Invoice& i, IndexEntries& out) {
                out.add(Key().u8(static_cast<std::uint8_t>(i.status())).time(Time{i.created_us()}));
              })
          .ordered(InvoiceIndex::kOpen, "open", &add_open)
          .ordered(InvoiceIndex::kCommission, "commission", &add_commissions)
          .ordered(InvoiceIndex::kAppointment, "appointment",
                   [](const Invoice& i, IndexEntries& out) {
                     if (!i.appointment_id().empty()) out.add(i.appointment_id());
                   })
          .ordered(InvoiceIndex::kIdentifier, "identifier",
                   [](const Invoice& i, IndexEntries& out) {
                     fhir::add_body_identifiers(i.fhir(), out);
                   })
          .same_when([](const Invoice& a, const Invoice& b) { return a.fhir() == b.fhir(); });
  return definition;
}

const Table<Payment>& payments_table() {
  static const Table<Payment> definition =
      table<Payment>(0x0152, "payment")
          .unique(PaymentIndex::kProvider, "provider_id",
                  [](const Payment& p, IndexEntries& out) {
                    if (!p.provider_id().empty()) out.add(Key().text(p.provider_id()));
                  })
          .ordered(PaymentIndex::kInvoice, "invoice",
                   [](const Payment& p, IndexEntries& out) {
                     out.add(Key().raw(p.invoice_id()).time(Time{p.time_us()}));
                   })
          .ordered(
              PaymentIndex::kTime, "time",
              [](const Payment& p, IndexEntries& out) { out.add(Key().time(Time{p.time_us()})); })
          .ordered(PaymentIndex::kPatient, "patient", [](const Payment& p, IndexEntries& out) {
            out.add(Key().raw(p.patient_id()).time_descending(Time{p.time_us()}));
          });
  return definition;
}

const Table<FiscalSeries>& fiscal_series_table() {
  static const Table<FiscalSeries> definition =
      Table<FiscalSeries>(engine::TableId{0x0153}, "fiscal_series", &encode<FiscalSeries>,
                          &decode<FiscalSeries>, &series_key)
          .without_history();
  return definition;
}

const Table<Packet>& packets_table() {
  static const Table<Packet> definition =
      table<Packet>(0x0154, "packet")
          .ordered(
              PacketIndex::kPatient, "patient",
              [](const Packet& p, IndexEntries& out) {
                out.add(Key().raw(p.patient_id()).time_descending(Time{p.sold_us()}));
              },
              16)
          .ordered(PacketIndex::kInvoice, "invoice",
                   [](const Packet& p, IndexEntries& out) { out.add(p.invoice_id()); });
  return definition;
}

const Table<PacketUse>& packet_uses_table() {
  static const Table<PacketUse> definition =
      table<PacketUse>(0x0155, "packet_use")
          .ordered(PacketUseIndex::kPacket, "packet",
                   [](const PacketUse& u, IndexEntries& out) {
                     out.add(Key().raw(u.packet_id()).time(Time{u.time_us()}));
                   })
          .unique(PacketUseIndex::kAppointment, "appointment",
                  [](const PacketUse& u, IndexEntries& out) {
                    if (!u.appointment_id().empty() && u.returned_us() == 0)
                      out.add(u.appointment_id());
                  });
  return definition;
}

}  // namespace clinicdb::clinic
