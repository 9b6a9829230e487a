#include "load/batch.h"

#include <utility>

#include "clinicdb/clinic/identity.h"
#include "clinicdb/clinic/schema/event.pb.h"
#include "clinicdb/clinic/tables.h"
#include "clinicdb/engine/key.h"
#include "zones.h"

namespace clinicdb::clinic::load {

namespace {

constexpr std::size_t kRecordsACommit = 500;

Status take_month(std::string_view time_bytes, std::string& month) {
  Time start;
  if (!engine::Key::take_time(time_bytes, start)) return data_loss("an index entry has no time");
  ASSIGN_OR_RETURN(const Date day, local_day(kDefaultZone, start));
  month = std::to_string(day.year()) + "-" + std::to_string(100 + day.month()).substr(1);
  return {};
}

}  // namespace

std::string record_id(ResourceType type, const std::string& fhir_id) {
  return std::string(identity_of(type, fhir_id)->id.view());
}

Status Batch::open(const std::string& slug) {
  const Result<engine::TenantInfo> found = store_.find_tenant(slug);
  if (!found && found.error().code() != StatusCode::kNotFound) return found.error();
  if (found) {
    tenant_ = found->id;
    return {};
  }
  ASSIGN_OR_RETURN(const engine::TenantInfo made, store_.create_tenant(slug));
  tenant_ = made.id;
  TenantProfile profile;
  profile.set_display_name(slug);
  profile.set_zone(std::string(kDefaultZone));
  return add(tenant_profiles_table().prepare(profile));
}

Status Batch::add(Result<engine::PreparedRecord> record) {
  if (!record) return std::move(record).error();
  pending_.push_back(std::move(record).value());
  return pending_.size() < kRecordsACommit ? Status() : commit();
}

Status Batch::commit() {
  if (pending_.empty()) return {};
  std::uint64_t loaded = 0;
  std::uint64_t unchanged = 0;
  const Result<engine::Committed> done =
      store_.execute(tenant_, {}, [&](engine::Transaction& tx) -> Result<std::string> {
        loaded = unchanged = 0;
        std::uint64_t written = 0;
        for (const engine::PreparedRecord& record : pending_) {
          ASSIGN_OR_RETURN(const engine::PutResult put, tx.put(record, {{}, true, false}));
          const bool same = put.effect == engine::PutEffect::kUnchanged;
          written += same ? 0 : 1;
          if (record.table == &appointments_table().def()) ++(same ? unchanged : loaded);
        }
        if (written == 0) return std::string();
        EventPayload payload;
        payload.set_count(written);
        RETURN_IF_ERROR(tx.emit(EVENT_RESOURCES_IMPORTED, payload.SerializeAsString()));
        return std::string();
      });
  if (!done) return done.error();
  report_.loaded += loaded;
  report_.unchanged += unchanged;
  pending_.clear();
  return {};
}

Status Batch::count_months(const std::string& slug, const std::string& clinic_id) {
  ASSIGN_OR_RETURN(const std::unique_ptr<engine::Reader> reader, store_.view(tenant_));
  Status failure;
  RETURN_IF_ERROR(reader
                      ->scan(appointments_table().def(), AppointmentIndex::kClinicStart,
                             engine::KeyRange::prefix(clinic_id), {},
                             [&](const engine::IndexEntry& entry) {
                               std::string month;
                               failure = take_month(entry.key.substr(clinic_id.size()), month);
                               if (failure.ok()) ++report_.months[slug][month];
                               return failure.ok();
                             })
                      .status());
  return failure;
}

}  // namespace clinicdb::clinic::load
