// An independent look at a tenant's appointments: from the records alone, without the claims that
// keep them apart.
#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "clinicdb/clinic/clinic.h"
#include "clinicdb/clinic/tables.h"

namespace clinicdb::clinic {

struct ScheduleSweep {
  std::map<std::string, Appointment> appointments;  ///< by id
  std::vector<std::string> problems;                ///< what must never be, one line each
};

/// Reads all records and sweeps over each resource's intervals by start: overlaps, groups with more
/// participants than seats, seats taken twice, offers without a hold and holds without an offer.
inline ScheduleSweep sweep_schedule(engine::Store& store, TenantId tenant) {
  ScheduleSweep sweep;
  const Result<std::unique_ptr<engine::Reader>> reader = store.view(tenant);
  if (!reader) {
    sweep.problems.push_back(reader.error().to_string());
    return sweep;
  }
  struct Interval {
    std::int64_t start, end;
    std::string id;
  };
  std::map<std::string, std::vector<Interval>> by_resource;
  std::map<std::string, int> participants;
  const auto note = [&](const Status& status) {
    if (!status.ok()) sweep.problems.push_back(status.to_string());
  };
  note((*reader)
           ->scan_records(appointments_table().def(), engine::KeyRange::all(), {},
                          [&](std::string_view key, engine::RawRecord&& raw) {
                            Appointment a;
                            if (!a.ParseFromString(raw.body)) return false;
                            sweep.appointments[std::string(key)] = a;
                            return true;
                          })
           .status());
  for (const auto& [id, a] : sweep.appointments) {
    if (a.status() == APPOINTMENT_STATUS_CANCELLED || a.status() == APPOINTMENT_STATUS_NO_SHOW)
      continue;
    const std::int64_t before = a.start_us() - a.buffer_before_minutes() * std::int64_t{60'000'000};
    const std::int64_t after = a.end_us() + a.buffer_after_minutes() * std::int64_t{60'000'000};
    if (!a.patient_id().empty())
      by_resource["patient " + a.patient_id()].push_back({a.start_us(), a.end_us(), id});
    if (!a.session_id().empty()) {
      by_resource["seat " + a.session_id() + std::to_string(a.seat())].push_back(
          {a.start_us(), a.end_us(), id});
      ++participants[a.session_id()];
      continue;
    }
    if (a.has_overbooking()) continue;
    if (!a.professional_id().empty())
      by_resource["professional " + a.professional_id()].push_back({before, after, id});
    if (!a.room_id().empty()) by_resource["room " + a.room_id()].push_back({before, after, id});
    for (int i = 0; i < a.equipment_ids_size(); ++i)
      by_resource["unit " + a.equipment_ids(i) + std::to_string(a.equipment_units(i))].push_back(
          {before, after, id});
  }
  for (auto& [resource, list] : by_resource) {
    std::sort(list.begin(), list.end(),
              [](const Interval& a, const Interval& b) { return a.start < b.start; });
    for (std::size_t i = 1; i < list.size(); ++i) {
      if (list[i - 1].end > list[i].start)
        sweep.problems.push_back("two at a time: " + resource.substr(0, resource.find(' ')));
    }
  }
  for (const auto& [group, count] : participants) {
    const auto found = sweep.appointments.find(group);
    if (found == sweep.appointments.end() || count > static_cast<int>(found->second.capacity()))
      sweep.problems.push_back("a group with " + std::to_string(count) + " participants");
  }
  note((*reader)
           ->scan_records(waitlist_table().def(), engine::KeyRange::all(), {},
                          [&](std::string_view, engine::RawRecord&& raw) {
                            WaitlistEntry entry;
                            if (!entry.ParseFromString(raw.body)) return false;
                            const auto hold = sweep.appointments.find(entry.hold_id());
                            const bool there = hold != sweep.appointments.end();
                            if (entry.status() == WAITLIST_STATUS_OFFERED &&
                                (!there || hold->second.status() != APPOINTMENT_STATUS_HELD ||
                                 hold->second.waitlist_id() != entry.id()))
                              sweep.problems.push_back("an offer without its hold");
                            if (entry.status() == WAITLIST_STATUS_BOOKED &&
                                (!there || hold->second.patient_id() != entry.patient_id()))
                              sweep.problems.push_back("an accepted offer without its booking");
                            return true;
                          })
           .status());
  return sweep;
}

}  // namespace clinicdb::clinic
