// Reports, each from one range of index entries: nothing is read that is not reported.
#include <array>
#include <map>
#include <utility>

#include "billing/tables.h"
#include "clinicdb/clinic/billing.h"
#include "clinicdb/clinic/identifiers.h"
#include "clinicdb/clinic/tables.h"
#include "clinicdb/engine/key.h"
#include "command_tools.h"
#include "record_calls.h"
#include "zones.h"

namespace clinicdb::clinic {

namespace {

using engine::Key;
using engine::Reader;

Status corrupt_invoice_entry() {
  return data_loss("an index entry of table \"invoice\" does not carry what it should");
}

Result<Date> tenant_day(Reader& reader, Time now) {
  ASSIGN_OR_RETURN(const auto profile, reader.get(tenant_profiles_table(), kTenantProfileKey));
  const std::string zone = profile ? profile->record.zone() : std::string();
  return local_day(zone.empty() ? kDefaultZone : std::string_view(zone), now);
}

bool take_date(std::string_view bytes, Date& date) {
  std::uint16_t year = 0;
  if (!Key::take_u16(bytes, year) || bytes.size() < 2) return false;
  date.set_year(year);
  date.set_month(static_cast<std::uint8_t>(bytes[0]));
  date.set_day(static_cast<std::uint8_t>(bytes[1]));
  return true;
}

void count(AgeingBucket& bucket, std::int64_t cents) {
  bucket.set_instalments(bucket.instalments() + 1);
  bucket.set_cents(bucket.cents() + cents);
}

/// The last of the buckets whose first day of being overdue has come.
int bucket_of(std::int64_t days) { return days <= 30 ? 0 : days <= 60 ? 1 : days <= 90 ? 2 : 3; }

}  // namespace

Result<AgeingResponse> Billing::ageing(const CallContext& context,
                                       const AgeingRequest& request) const {
  RETURN_IF_ERROR(core_.authorise(METHOD_BILLING_AGEING, context));
  ASSIGN_OR_RETURN(const std::unique_ptr<Reader> reader, core_.store().view(context.tenant));
  AgeingResponse response;
  Date& day = *response.mutable_day();
  if (request.has_day()) {
    RETURN_IF_ERROR(check_date(request.day(), false, "day"));
    day = request.day();
  } else {
    ASSIGN_OR_RETURN(day, tenant_day(*reader, core_.clock().now()));
  }
  constexpr std::array<std::pair<std::uint32_t, std::uint32_t>, 4> kBuckets{
      {{1, 30}, {31, 60}, {61, 90}, {91, 0}}};
  for (const auto& [from, to] : kBuckets) {
    AgeingBucket& bucket = *response.add_overdue();
    bucket.set_from_days(from);
    bucket.set_to_days(to);
  }
  const std::int64_t today = day_number(day);
  const int listed = static_cast<int>(page_limit(request.limit()));
  bool corrupt = false;
  ASSIGN_OR_RETURN(
      const engine::ScanEnd end,
      reader->scan(invoices_table().def(), InvoiceIndex::kOpen, engine::KeyRange::all(), {},
                   [&](const engine::IndexEntry& entry) {
                     Date due;
                     OpenInstalment open;
                     corrupt =
                         !take_date(entry.key, due) || !OpenInstalment::decode(entry.covered, open);
                     if (corrupt) return false;
                     response.set_open_cents(response.open_cents() + open.cents);
                     const std::int64_t days = today - day_number(due);
                     if (days <= 0) {
                       count(*response.mutable_not_due(), open.cents);
                       return true;
                     }
                     count(*response.mutable_overdue(bucket_of(days)), open.cents);
                     if (response.oldest_size() == listed) return true;
                     OverdueInstalment& overdue = *response.add_oldest();
                     overdue.set_invoice_id(entry.record_key.data(), entry.record_key.size());
                     overdue.set_patient_id(open.patient_id.data(), open.patient_id.size());
                     *overdue.mutable_due() = due;
                     overdue.set_open_cents(open.cents);
                     return true;
                   }));
  static_cast<void>(end);
  if (corrupt) return corrupt_invoice_entry();
  return response;
}

Result<CommissionsResponse> Billing::commissions(const CallContext& context,
                                                 const CommissionsRequest& request) const {
  RETURN_IF_ERROR(core_.authorise(METHOD_BILLING_COMMISSIONS, context, request.professional_id()));
  const Period& period = request.period();
  if (!period.has_start_us() || !period.has_end_us())
    return invalid_argument("period: both ends are needed").with_field("period");
  ASSIGN_OR_RETURN(const std::unique_ptr<Reader> reader, core_.store().view(context.tenant));
  std::map<std::string, ProfessionalCommission> sums;
  bool corrupt = false;
  const engine::KeyRange range{Key().time(Time{period.start_us()}).str(),
                               Key().time(Time{period.end_us()}).str()};
  ASSIGN_OR_RETURN(
      const engine::ScanEnd end,
      reader->scan(
          invoices_table().def(), InvoiceIndex::kCommission, range, {},
          [&](const engine::IndexEntry& entry) {
            CommissionCovered cents;
            corrupt = entry.key.size() != 24 || !CommissionCovered::decode(entry.covered, cents);
            if (corrupt) return false;
            const std::string professional(entry.key.substr(8));
            if (!request.professional_id().empty() && professional != request.professional_id())
              return true;
            ProfessionalCommission& sum = sums[professional];
            sum.set_professional_id(professional);
            sum.set_invoices(sum.invoices() + 1);
            sum.set_net_cents(sum.net_cents() + cents.net_cents);
            sum.set_commission_cents(sum.commission_cents() + cents.commission_cents);
            sum.set_earned_cents(sum.earned_cents() + cents.earned_cents);
            return true;
          }));
  static_cast<void>(end);
  if (corrupt) return corrupt_invoice_entry();
  CommissionsResponse response;
  for (auto& [professional, sum] : sums) *response.add_professionals() = std::move(sum);
  return response;
}

Result<ListSeriesResponse> Billing::list_series(const CallContext& context,
                                                const ListSeriesRequest&) const {
  RETURN_IF_ERROR(core_.authorise(METHOD_BILLING_LIST_SERIES, context));
  ASSIGN_OR_RETURN(const std::unique_ptr<Reader> reader, core_.store().view(context.tenant));
  ListSeriesResponse response;
  Status failure;
  RETURN_IF_ERROR(reader
                      ->scan_records(fiscal_series_table().def(), engine::KeyRange::all(),
                                     {false, kPageMax, {}},
                                     [&](std::string_view, engine::RawRecord&& raw) {
                                       failure = parse_body(raw.body, *response.add_series());
                                       return failure.ok();
                                     })
                      .status());
  if (!failure.ok()) return failure;
  return response;
}

}  // namespace clinicdb::clinic
