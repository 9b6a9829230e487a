// Billing's tables, like clinicdb/clinic/tables.h. Numbers are permanent. Immutable: thread-safe.
#pragma once

#include "clinicdb/base/clock.h"
#include "clinicdb/clinic/schema/billing.pb.h"
#include "clinicdb/engine/table.h"

namespace clinicdb::clinic {

const engine::Table<Price>& prices_table();                // 0x0150
const engine::Table<Invoice>& invoices_table();            // 0x0151
const engine::Table<Payment>& payments_table();            // 0x0152
const engine::Table<FiscalSeries>& fiscal_series_table();  // 0x0153; key: the series
const engine::Table<Packet>& packets_table();              // 0x0154
const engine::Table<PacketUse>& packet_uses_table();       // 0x0155

struct PriceIndex {
  static constexpr engine::IndexNumber kCode = 1;  ///< unique: folded code
  static constexpr engine::IndexNumber kName = 2;  ///< tokens
};
struct InvoiceIndex {
  static constexpr engine::IndexNumber kNumber = 1;   ///< unique: number_key
  static constexpr engine::IndexNumber kPatient = 2;  ///< ordered: patient (16), created descending
  static constexpr engine::IndexNumber kStatus = 3;   ///< ordered: status (u8), created
  /// ordered: due (date_key), instalment (u16), of those that are not paid; covered:
  /// OpenInstalment.
  static constexpr engine::IndexNumber kOpen = 4;
  /// ordered: issued, professional (16); covered: CommissionCovered.
  static constexpr engine::IndexNumber kCommission = 5;
  static constexpr engine::IndexNumber kAppointment = 6;  ///< ordered: appointment (16)
  /// ordered: identifier_key, of those that came as FHIR with an identifier.
  static constexpr engine::IndexNumber kIdentifier = 7;
};
struct PaymentIndex {
  static constexpr engine::IndexNumber kProvider = 1;  ///< unique: text provider's number
  static constexpr engine::IndexNumber kInvoice = 2;   ///< ordered: invoice (16), time
  static constexpr engine::IndexNumber kTime = 3;      ///< ordered: time
  static constexpr engine::IndexNumber kPatient = 4;   ///< ordered: patient (16), time descending
};
struct PacketIndex {
  static constexpr engine::IndexNumber kPatient = 1;  ///< ordered: patient (16), sold descending
  static constexpr engine::IndexNumber kInvoice = 2;  ///< ordered: invoice (16)
};
struct PacketUseIndex {
  static constexpr engine::IndexNumber kPacket = 1;  ///< ordered: packet (16), time
  static constexpr engine::IndexNumber kAppointment =
      2;  ///< unique: appointment (16), if it counts
};

std::string number_key(std::string_view series, std::uint64_t number);

/// 24 bytes: patient (16), open cents (i64 LE).
struct OpenInstalment {
  std::string_view patient_id;
  std::int64_t cents = 0;
  [[nodiscard]] static bool decode(std::string_view bytes, OpenInstalment& out);
};
/// 24 bytes: net cents, commission cents, earned cents (i64 LE each).
struct CommissionCovered {
  std::int64_t net_cents = 0;
  std::int64_t commission_cents = 0;
  std::int64_t earned_cents = 0;
  [[nodiscard]] static bool decode(std::string_view bytes, CommissionCovered& out);
};

}  // namespace clinicdb::clinic
