// Schedule and Slot in and out: whose time they open and close, and that nothing of them is lost.
#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "clinicdb/clinic/availability.h"
#include "clinicdb/clinic/people.h"
#include "clinicdb/clinic/scheduling.h"
#include "fhir_fixture.h"

namespace clinicdb::clinic::fhir {
namespace {

constexpr std::int64_t kMinuteUs = 60'000'000;
constexpr std::int64_t kNine = 2'051'254'800'000'000;  // 2035-01-01T09:00:00Z, a Monday

const std::string kPeople =
    R"({"resourceType":"Practitioner","id":"lia","name":[{"family":"Sá"}]})"
    "\n"
    R"({"resourceType":"Practitioner","id":"rui","name":[{"family":"Reis"}]})"
    "\n"
    R"({"resourceType":"Location","id":"sala","name":"Sala 1"})"
    "\n";

std::string schedule(const std::string& actors, const std::string& more = "") {
  std::string list;
  for (std::size_t at = 0; at < actors.size();) {
    const std::size_t end = std::min(actors.find(' ', at), actors.size());
    list += (list.empty() ? R"({"reference":")" : R"(,{"reference":")") +
            actors.substr(at, end - at) + R"(","display":"x"})";
    at = end + 1;
  }
  return R"({"resourceType":"Schedule","id":"agenda","text":{"status":"generated","div":"<div/>"},)"
         R"("identifier":[{"system":"urn:s","value":"46"}],)" +
         more + R"("serviceType":[{"coding":[{"code":"75"}]}],"actor":[)" + list +
         R"(],"planningHorizon":{"start":"2035-01-01T08:00:00-03:00","end":"2035-02-01"}})";
}

std::string slot(const std::string& id, const std::string& status, const std::string& from,
                 const std::string& until) {
  return R"({"resourceType":"Slot","id":")" + id +
         R"(","identifier":[{"system":"urn:t","value":")" + id +
         R"("}],"schedule":{"reference":"Schedule/agenda"},"status":")" + status +
         R"(","start":"2035-01-01T)" + from + R"(:00.000Z","end":"2035-01-01T)" + until +
         R"(:00Z","overbooked":false,"comment":"férias"})";
}

class Agenda : public FhirFixture {
 public:
  Agenda() { REQUIRE(import_text(kPeople).failed == 0); }

  CallContext context() const { return CallContext::system(tenant); }
  static std::string who(const std::string& id) { return key_of(RESOURCE_TYPE_PRACTITIONER, id); }
  /// Minutes behind nine at which half an hour of the professional is free on the day.
  std::vector<std::int64_t> free(const std::string& professional, const std::string& site = "") {
    FindSlotsRequest request;
    request.add_professional_ids(who(professional));
    request.set_clinic_id(site);
    request.set_from_us(kNine - 60 * kMinuteUs);
    request.set_until_us(kNine + 600 * kMinuteUs);
    request.set_duration_minutes(30);
    request.set_step_minutes(30);
    const auto found = clinic->availability().find_slots(context(), request);
    if (!found) FAIL(found.error().to_string());
    std::vector<std::int64_t> minutes;
    for (const Slot& slot : (*found)->slots())
      minutes.push_back((slot.start_us() - kNine) / kMinuteUs);
    return minutes;
  }
  std::string site(const std::string& slug) {
    PutClinicRequest request;
    request.mutable_clinic()->set_slug(slug);
    request.mutable_clinic()->set_name(slug);
    const auto put = clinic->people().put_clinic(context(), request);
    if (!put) FAIL(put.error().to_string());
    return put->result().id();
  }
  std::optional<engine::Stored<AvailabilityException>> exception(const std::string& id) {
    return stored(exceptions_table(), key_of(RESOURCE_TYPE_SLOT, id));
  }
  std::optional<engine::Stored<Hours>> hours() {
    return stored(hours_table(), key_of(RESOURCE_TYPE_SCHEDULE, "agenda"));
  }
};

using Minutes = std::vector<std::int64_t>;

TEST_CASE("fhir schedule: free slots open a professional's time, busy ones close it") {
  Agenda store;
  const std::string text =
      schedule("Practitioner/lia HealthcareService/h Location/sala") + "\n" +
      slot("a", "free", "09:00", "11:00") + "\n" + slot("b", "busy", "09:30", "10:00") + "\n" +
      slot("c", "free", "14:00", "15:00") + "\n" + slot("d", "busy-tentative", "14:00", "14:30") +
      "\n" + slot("e", "entered-in-error", "14:30", "15:00") + "\n";
  CHECK(store.free("lia").empty());
  CHECK(store.import_text(text).imported == 6);
  CHECK(store.free("lia") == Minutes{0, 60, 90, 330});
  CHECK(store.free("rui").empty());
  // Again, and nothing changes; what goes out is what came in.
  CHECK(store.import_text(text).unchanged == 6);
  const auto out = store.exported();
  for (std::size_t at = 0; at < text.size();) {
    const std::string line = text.substr(at, text.find('\n', at) - at);
    const std::size_t id = line.find(R"("id":")") + 6;
    const std::string type =
        line.find(R"("Schedule","id")") != std::string::npos ? "Schedule/" : "Slot/";
    CHECK(out.at(type + line.substr(id, line.find('"', id) - id)) == line);
    at += line.size() + 1;
  }
  // The slot of a mistake is no time of anybody's.
  CHECK_FALSE(store.exception("e"));
  // A correction is seen at once, also by who asked before.
  CHECK(store.import_text(slot("b", "free", "09:30", "10:00")).imported == 1);
  CHECK(store.free("lia") == Minutes{0, 30, 60, 90, 330});
  CHECK(store.import_text(slot("a", "entered-in-error", "09:00", "11:00")).imported == 1);
  CHECK(store.free("lia") == Minutes{30, 330});
  CHECK(store
            .import_text(R"({"resourceType":"Bundle","type":"transaction","entry":[{"request":)"
                         R"({"method":"DELETE","url":"Slot/c"}}]})")
            .deleted == 1);
  CHECK(store.free("lia") == Minutes{30});
  store.verify();
}

TEST_CASE("fhir schedule: slots may come before their schedule, and follow it") {
  Agenda store;
  CHECK(store.import_text(slot("a", "free", "09:00", "10:00")).imported == 1);
  REQUIRE(store.exception("a"));
  CHECK(store.exception("a")->record.resource_id().empty());
  CHECK(store.free("lia").empty());
  CHECK(store.import_text(schedule("Practitioner/lia")).imported == 1);
  CHECK(store.free("lia") == Minutes{0, 30});
  CHECK(store.import_text(slot("a", "free", "09:00", "10:00")).unchanged == 1);
  // Somebody else's.
  CHECK(store.import_text(schedule("Practitioner/rui")).imported == 1);
  CHECK(store.free("lia").empty());
  CHECK(store.free("rui") == Minutes{0, 30});
  // Not in use, and in use again, with a version of its own.
  CHECK(store.import_text(schedule("Practitioner/rui", R"("active":false,)")).imported == 1);
  CHECK_FALSE(store.hours());
  CHECK(store.free("rui").empty());
  CHECK(store.import_text(schedule("Practitioner/rui", R"("active":true,)")).imported == 1);
  CHECK(store.free("rui") == Minutes{0, 30});
  CHECK(store
            .import_text(R"({"resourceType":"Bundle","type":"transaction","entry":[{"request":)"
                         R"({"method":"DELETE","url":"Schedule/agenda"}}]})")
            .deleted == 1);
  CHECK(store.free("rui").empty());
  CHECK(store.exported().count("Slot/a") == 1);
  store.verify();
}

TEST_CASE("fhir schedule: one that comes after more slots than one commit changes") {
  Agenda store;
  store.import_options.slots_per_commit = 4;
  std::string slots;
  const int count = GENERATE(4, 5, 11);
  Minutes opened;
  for (int i = 0; i < count; ++i) {
    const std::string hour = std::to_string(9 + i);
    const std::string from = (hour.size() < 2 ? "0" : "") + hour;
    slots +=
        slot(std::string(1, static_cast<char>('a' + i)), "free", from + ":00", from + ":30") + "\n";
    if (i < 10) opened.push_back(60 * i);  // what `free` looks at
  }
  REQUIRE(store.import_text(slots).imported == static_cast<std::uint64_t>(count));
  CHECK(store.free("lia").empty());
  // Among others of its commit, which go in all the same.
  CHECK(store
            .import_text(R"({"resourceType":"Patient","id":"p"})"
                         "\n" +
                         schedule("Practitioner/lia") + "\n" +
                         R"({"resourceType":"Patient","id":"q"})")
            .imported == 3);
  CHECK(store.problems.empty());
  CHECK(store.free("lia") == opened);
  // Somebody else's, at a clinic; an older version again, which moves nothing; not in use.
  CHECK(store.import_text(schedule("Practitioner/rui")).imported == 1);
  CHECK(store.free("lia").empty());
  CHECK(store.free("rui") == opened);
  CHECK(store.import_text(schedule("Practitioner/lia")).unchanged == 1);
  CHECK(store.free("rui") == opened);
  CHECK(store.import_text(schedule("Practitioner/rui", R"("active":false,)")).imported == 1);
  CHECK_FALSE(store.hours());
  CHECK(store.free("rui").empty());
  CHECK(store.import_text(slots).unchanged == static_cast<std::uint64_t>(count));
  store.verify();
}

TEST_CASE("fhir schedule: whose hours cannot be told is kept as a record, and so is their slot") {
  Agenda store;
  const std::string actors =
      GENERATE("Practitioner/lia Practitioner/rui", "Patient/p", "Practitioner/lia Device/laser",
               "PractitionerRole/r", "HealthcareService/h Location/sala", "Location/a Location/b");
  CAPTURE(actors);
  CHECK(store.import_text(schedule(actors) + "\n" + slot("a", "free", "09:00", "10:00")).imported ==
        2);
  CHECK_FALSE(store.hours());
  CHECK(store.free("lia").empty());
  CHECK(store.exported().at("Schedule/agenda") == schedule(actors));
  CHECK(store.exported().at("Slot/a") == slot("a", "free", "09:00", "10:00"));
}

TEST_CASE("fhir schedule: what R4 forbids is refused with its path") {
  Agenda store;
  const auto refused = [&](std::string text, const std::string& path) {
    CAPTURE(text);
    CHECK(store.import_text(text).failed == 1);
    REQUIRE(store.problems.size() == 1);
    CHECK(store.problems[0].path == path);
  };
  refused(slot("a", "open", "09:00", "10:00"), "status");
  refused(slot("a", "free", "09:00", "10h00"), "end");
  refused(R"({"resourceType":"Slot","id":"a","status":"free","start":"2035-01-01T09:00:00Z",)"
          R"("end":"2035-01-01T10:00:00Z"})",
          "");
  refused(R"({"resourceType":"Schedule","id":"x","active":true})", "");
  refused(schedule("Practitioner/lia",
                   R"("extension":[{"url":"urn:clinicdb:zone","valueString":"Mars/Base"}],)"),
          "extension[0].valueString");
  std::string stretches;
  for (int i = 0; i < 65; ++i) {
    stretches += R"({"url":"urn:clinicdb:weekly-hours","valueString":"1 )" +
                 std::to_string(10 + i / 60) + ":" + std::to_string(10 + i % 60 % 50) +
                 R"(-23:59"},)";
  }
  stretches.pop_back();
  refused(schedule("Practitioner/lia", R"("extension":[)" + stretches + "],"), "extension");
  // Longer than time that is added may be: kept, and opens nothing.
  std::string days = slot("a", "free", "09:00", "10:00");
  days.replace(days.find(R"("end":"2035-01-01)"), 17, R"("end":"2035-01-05)");
  CHECK(store.import_text(days).imported == 1);
  CHECK_FALSE(store.exception("a"));
}

TEST_CASE("fhir schedule: its clinic is its location's, and only there its time is open") {
  Agenda store;
  const std::string centro = store.site("centro");
  const std::string praia = store.site("praia");
  auto room = store.stored(locations_table(), FhirFixture::key_of(RESOURCE_TYPE_LOCATION, "sala"));
  PutLocationRequest request;
  *request.mutable_location() = room->record;
  request.mutable_location()->set_clinic_id(praia);
  REQUIRE(store.clinic->people().put_location(store.context(), request));
  REQUIRE(store
              .import_text(slot("a", "free", "09:00", "10:00") + "\n" +
                           schedule("Practitioner/lia Location/sala"))
              .imported == 2);
  CHECK(store.free("lia", praia) == Minutes{0, 30});
  CHECK(store.free("lia", centro).empty());
  // Moved by hand, its slots go with it.
  PutHoursRequest put;
  *put.mutable_hours() = store.hours()->record;
  put.mutable_hours()->set_clinic_id(centro);
  REQUIRE(store.clinic->availability().put_hours(store.context(), put));
  CHECK(store.free("lia", centro) == Minutes{0, 30});
  CHECK(store.free("lia", praia).empty());
  RemoveHoursRequest remove;
  remove.set_id(put.hours().id());
  REQUIRE(store.clinic->availability().remove_hours(store.context(), remove));
  CHECK(store.free("lia", centro).empty());
  store.verify();
}

TEST_CASE("fhir schedule: edits through the services go out, and nothing else changes") {
  Agenda store;
  REQUIRE(
      store.import_text(schedule("Practitioner/lia") + "\n" + slot("a", "free", "09:00", "10:00"))
          .imported == 2);
  PutExceptionRequest request;
  *request.mutable_exception() = store.exception("a")->record;
  request.mutable_exception()->set_works(false);
  request.mutable_exception()->set_reason("congresso");
  // Whose it is, its schedule says, whatever is asked for.
  request.mutable_exception()->set_resource_id(Agenda::who("rui"));
  REQUIRE(store.clinic->availability().put_exception(store.context(), request));
  CHECK(store.exception("a")->record.resource_id() == Agenda::who("lia"));
  std::string expected = slot("a", "busy-unavailable", "09:00", "10:00");
  expected.replace(expected.find("férias"), std::string("férias").size(), "congresso");
  CHECK(store.exported().at("Slot/a") == expected);
  CHECK(store.import_text(slot("a", "free", "09:00", "10:00")).unchanged == 1);

  // Hours of ours beside it: R4 has no element for them.
  PutHoursRequest put;
  *put.mutable_hours() = store.hours()->record;
  WeeklyHours& monday = *put.mutable_hours()->add_weekly();
  monday.set_weekday(1);
  monday.set_from_minute(6 * 60);  // of São Paulo: nine UTC
  monday.set_until_minute(8 * 60);
  put.mutable_hours()->mutable_valid_until()->set_day(2);
  REQUIRE(store.clinic->availability().put_hours(store.context(), put));
  CHECK(store.free("lia") == Minutes{60, 90});
  std::string body = schedule("Practitioner/lia");
  body.replace(body.find("2035-02-01"), 10, "2035-02-02");
  body.insert(body.size() - 1, R"(,"extension":[{"url":"urn:clinicdb:weekly-hours",)"
                               R"("valueString":"1 06:00-08:00"}])");
  CHECK(store.exported().at("Schedule/agenda") == body);
  PutHoursRequest other = put;
  other.mutable_hours()->set_resource_id(Agenda::who("rui"));
  const auto refused = store.clinic->availability().put_hours(store.context(), other);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().field() == "hours.resource_id");
  // A correction from outside knows nothing of them, and leaves them.
  CHECK(store.import_text(schedule("Practitioner/lia", R"("active":true,)")).imported == 1);
  CHECK(store.hours()->record.weekly_size() == 1);
  store.verify();
}

TEST_CASE("fhir schedule: hours and exceptions of ours open the same time in another store") {
  Agenda store;
  PutHoursRequest put;
  Hours& hours = *put.mutable_hours();
  hours.set_kind(RESOURCE_KIND_PROFESSIONAL);
  hours.set_resource_id(Agenda::who("lia"));
  hours.set_zone("UTC");
  hours.mutable_valid_from()->set_year(2035);
  hours.mutable_valid_from()->set_month(1);
  hours.mutable_valid_from()->set_day(1);
  WeeklyHours& stretch = *hours.add_weekly();
  stretch.set_weekday(1);
  stretch.set_from_minute(9 * 60);
  stretch.set_until_minute(12 * 60);
  WeeklyHours& pause = *hours.add_breaks();
  pause.set_from_minute(10 * 60);
  pause.set_until_minute(10 * 60 + 30);
  REQUIRE(store.clinic->availability().put_hours(store.context(), put));
  const auto except = [&](const std::string& who, std::int64_t from, std::int64_t until,
                          bool works) {
    PutExceptionRequest request;
    AvailabilityException& exception = *request.mutable_exception();
    exception.set_kind(RESOURCE_KIND_PROFESSIONAL);
    exception.set_resource_id(Agenda::who(who));
    exception.set_start_us(kNine + from * kMinuteUs);
    exception.set_end_us(kNine + until * kMinuteUs);
    exception.set_works(works);
    REQUIRE(store.clinic->availability().put_exception(store.context(), request));
  };
  except("lia", 120, 150, false);
  except("rui", 0, 30, true);
  PutExceptionRequest at_site;  // only there
  at_site.mutable_exception()->set_kind(RESOURCE_KIND_PROFESSIONAL);
  at_site.mutable_exception()->set_resource_id(Agenda::who("rui"));
  at_site.mutable_exception()->set_clinic_id(store.site("centro"));
  at_site.mutable_exception()->set_start_us(kNine + 240 * kMinuteUs);
  at_site.mutable_exception()->set_end_us(kNine + 270 * kMinuteUs);
  at_site.mutable_exception()->set_works(true);
  REQUIRE(store.clinic->availability().put_exception(store.context(), at_site));
  const std::string norte = store.site("norte");
  const Minutes lia{0, 30, 90, 150};
  REQUIRE(store.free("lia") == lia);
  REQUIRE(store.free("rui", norte) == Minutes{0});
  std::string text;
  for (const auto& [name, json] : store.exported()) text += json + "\n";
  REQUIRE(store.import_paths({store.write("again.ndjson", text)}).failed == 0);
  CHECK(store.free("rui", norte) == Minutes{0});
  Agenda other;
  REQUIRE(other.import_paths({other.write("in.ndjson", text)}).failed == 0);
  CHECK(other.free("lia") == lia);
  CHECK(other.free("rui") == Minutes{0, 240});  // its clinic is not FHIR's
  CHECK(other.exported() == store.exported());
}

TEST_CASE("fhir schedule: what is cancelled or moved here frees the slots that it came with") {
  Agenda store;
  store.site("centro");
  const std::string booked =
      R"({"resourceType":"Appointment","id":"x","status":"booked","start":"2035-01-01T09:00:00Z",)"
      R"("end":"2035-01-01T10:00:00Z","slot":[{"reference":"Slot/b"},{"reference":"Slot/c"},)"
      R"({"reference":"Slot/none"}],"participant":[{"actor":{"reference":"Practitioner/lia"},)"
      R"("status":"accepted"}]})";
  REQUIRE(store
              .import_text(schedule("Practitioner/lia") + "\n" +
                           slot("a", "free", "08:30", "12:00") + "\n" +
                           slot("b", "busy", "09:00", "09:30") + "\n" +
                           slot("c", "busy-unavailable", "09:30", "10:00") + "\n" +
                           slot("d", "busy", "11:00", "11:30") + "\n" + booked)
              .imported == 6);
  CHECK(store.free("lia") == Minutes{-30, 60, 90, 150});
  if (GENERATE(true, false)) {
    CancelAppointmentRequest cancel;
    cancel.set_id(FhirFixture::key_of(RESOURCE_TYPE_APPOINTMENT, "x"));
    REQUIRE(store.clinic->scheduling().cancel(store.context(), cancel));
    CHECK(store.free("lia") == Minutes{-30, 0, 60, 90, 150});
  } else {
    RescheduleAppointmentRequest move;
    move.set_id(FhirFixture::key_of(RESOURCE_TYPE_APPOINTMENT, "x"));
    move.set_start_us(kNine + 60 * kMinuteUs);
    move.set_end_us(kNine + 90 * kMinuteUs);
    REQUIRE(store.clinic->scheduling().reschedule(store.context(), move));
    CHECK(store.free("lia") == Minutes{-30, 0, 90, 150});
  }
  const auto out = store.exported();
  CHECK(out.at("Slot/b") == slot("b", "free", "09:00", "09:30"));
  CHECK(out.at("Slot/c") == slot("c", "busy-unavailable", "09:30", "10:00"));
  CHECK(out.at("Slot/d") == slot("d", "busy", "11:00", "11:30"));
  store.verify();
}

TEST_CASE("fhir schedule: a move frees only the slots that an appointment was in, and left") {
  Agenda store;
  store.site("centro");
  const auto appointment = [](const std::string& id, const std::string& from,
                              const std::string& until, const std::string& named) {
    return R"({"resourceType":"Appointment","id":")" + id +
           R"(","status":"booked","start":"2035-01-01T)" + from + R"(:00Z","end":"2035-01-01T)" +
           until + R"(:00Z","slot":[{"reference":"Slot/)" + named +
           R"("}],"participant":[{"actor":{"reference":"Practitioner/lia"},"status":"accepted"}]})";
  };
  REQUIRE(store
              .import_text(schedule("Practitioner/lia") + "\n" +
                           slot("b", "busy", "09:00", "10:00") + "\n" +
                           appointment("x", "09:00", "09:30", "b"))
              .imported == 3);
  const auto move = [&](std::int64_t minute) {
    RescheduleAppointmentRequest request;
    request.set_id(FhirFixture::key_of(RESOURCE_TYPE_APPOINTMENT, "x"));
    request.set_start_us(kNine + minute * kMinuteUs);
    request.set_end_us(kNine + (minute + 30) * kMinuteUs);
    REQUIRE(store.clinic->scheduling().reschedule(store.context(), request));
  };
  const auto is_open = [&] { return store.exception("b")->record.works(); };
  move(30);
  CHECK_FALSE(is_open());  // it is in there still
  move(120);
  CHECK(is_open());
  // Taken by another since.
  REQUIRE(store
              .import_text(slot("b", "busy", "09:00", "10:10") + "\n" +
                           appointment("y", "09:00", "10:00", "b"))
              .failed == 0);
  REQUIRE_FALSE(is_open());
  move(180);
  CHECK_FALSE(is_open());
}

TEST_CASE("fhir schedule: a bundle's slots find their schedule by its identifier") {
  Agenda store;
  REQUIRE(store.import_text(schedule("Practitioner/lia")).imported == 1);
  std::string body = slot("a", "free", "09:00", "10:00");
  body.replace(body.find("Schedule/agenda"), 15, "Schedule?identifier=urn:s|46");
  const std::string text =
      R"({"resourceType":"Bundle","type":"transaction","entry":[{"resource":)" + body +
      R"(,"request":{"method":"PUT","url":"Slot/a"}},{"request":{"method":"DELETE",)"
      R"("url":"Slot?identifier=urn:t|none"}}]})";
  REQUIRE(store.import_text(text).imported == 1);
  CHECK(store.free("lia") == Minutes{0, 30});
  CHECK(store.exported().at("Slot/a") == slot("a", "free", "09:00", "10:00"));
}

}  // namespace
}  // namespace clinicdb::clinic::fhir
