#include "clinicdb/clinic/care.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <chrono>
#include <set>

#include "care/tables.h"
#include "clinic_fixture.h"
#include "clinicdb/base/random.h"
#include "clinicdb/clinic/digest.h"

namespace clinicdb::clinic {
namespace {

struct Room {
  Room() { patient = clinic.patient("Ana"); }
  std::string add_lot(const std::string& lot, std::int64_t quantity, const Date& expiry) {
    PutLotRequest request;
    request.mutable_lot()->set_product("Botox");
    request.mutable_lot()->set_lot(lot);
    request.mutable_lot()->set_quantity(quantity);
    *request.mutable_lot()->mutable_expiry() = expiry;
    return must(clinic->care().put_lot(clinic.context(), request)).result().id();
  }
  std::string add_plan(std::uint32_t sessions) {
    PutPlanRequest request;
    request.mutable_plan()->set_patient_id(patient);
    request.mutable_plan()->set_name("Toxina");
    request.mutable_plan()->set_sessions(sessions);
    return must(clinic->care().put_plan(clinic.context(), request)).result().id();
  }
  Result<AddSessionResponse> add_session(const std::string& plan, const std::string& lot = {},
                                         std::int64_t quantity = 0) {
    AddSessionRequest request;
    TreatmentSession& session = *request.mutable_session();
    session.set_plan_id(plan);
    session.set_patient_id(patient);
    session.add_areas("glabela");
    if (!lot.empty()) {
      LotUse& use = *session.add_lots();
      use.set_product("BOTOX");
      use.set_lot(lot);
      use.set_quantity(quantity);
    }
    return clinic->care().add_session(clinic.context(), request);
  }
  FindLotPatientsResponse find(const std::string& lot) {
    FindLotPatientsRequest request;
    request.set_product("botox");
    request.set_lot(lot);
    return must(clinic->care().find_lot_patients(clinic.context(), request));
  }
  ClinicFixture clinic;
  std::string patient;
};

TEST_CASE("care: sessions are counted, and the last one completes the plan") {
  Room room;
  const std::string plan = room.add_plan(2);
  CHECK(must(room.add_session(plan)).number() == 1);
  const AddSessionResponse last = must(room.add_session(plan));
  CHECK(last.number() == 2);
  CHECK(last.left() == 0);
  const Status refused = room.add_session(plan).status();
  CHECK(refused.code() == StatusCode::kFailedPrecondition);
  GetPlanRequest get;
  get.set_id(plan);
  CHECK(must(room.clinic->care().get_plan(room.clinic.context(), get))->plan().status() ==
        PLAN_STATUS_COMPLETED);
  ListSessionsRequest list;
  list.set_plan_id(plan);
  const ListSessionsResponse sessions =
      must(room.clinic->care().list_sessions(room.clinic.context(), list));
  REQUIRE(sessions.sessions_size() == 2);
  CHECK(sessions.sessions(1).number() == 2);
}

TEST_CASE("care: a session takes what it used from the lot, and no lot is used that must not be") {
  Room room;
  const std::string good = room.add_lot("A1", 50'000, make_date(2030, 1, 1));
  room.add_lot("OLD", 50'000, make_date(2020, 1, 1));
  const std::string plan = room.add_plan(10);
  must(room.add_session(plan, "a1", 20'000));
  GetLotRequest get;
  get.set_id(good);
  CHECK(must(room.clinic->care().get_lot(room.clinic.context(), get))->lot().quantity() == 30'000);
  const auto refused = [&](const std::string& lot, std::int64_t quantity) {
    const Status status = room.add_session(plan, lot, quantity).status();
    CHECK(status.code() == StatusCode::kFailedPrecondition);
    CHECK(status.field() == "session.lots");
    return std::string(status.message());
  };
  CHECK(refused("A1", 30'001).find("30000 thousandths left") != std::string::npos);
  CHECK(refused("OLD", 1).find("expired") != std::string::npos);
  RecallLotRequest recall;
  recall.set_product("Botox");
  recall.set_lot("A1");
  CHECK(must(room.clinic->care().recall_lot(room.clinic.context(), recall)).patients() == 1);
  CHECK(refused("A1", 1).find("recalled") != std::string::npos);
  // A lot that is not kept in stock is noted all the same.
  must(room.add_session(plan, "ELSEWHERE", 1));
  CHECK(room.find("ELSEWHERE").patients_size() == 1);
}

TEST_CASE(
    "care: a recall finds every patient a lot was used on, each once, whatever the spelling") {
  Room room;
  std::set<std::string> wanted;
  for (int i = 0; i < 30; ++i) {
    room.patient = room.clinic.patient("P" + std::to_string(i));
    must(room.add_session({}, i % 3 == 0 ? "X-7" : "X-70", 1'000));
    if (i % 3 == 0) {
      must(room.add_session({}, "x-7", 500));
      wanted.insert(room.patient);
    }
  }
  const FindLotPatientsResponse found = room.find("X-7");
  CHECK(found.sessions() == 20);
  std::set<std::string> seen;
  for (const LotPatient& patient : found.patients()) {
    CHECK(seen.insert(patient.patient_id()).second);
    CHECK(patient.sessions_size() == 2);
  }
  CHECK(seen == wanted);
  CHECK(room.find("X").patients_size() == 0);
  CHECK(must(room.clinic->store().verify({})).problem_count == 0);
}

TEST_CASE("care: a recall takes milliseconds among a hundred thousand sessions", "[.slow]") {
  Room room;
  constexpr int kSessions = 100'000;
  constexpr int kBatch = 1'000;
  for (int from = 0; from < kSessions; from += kBatch) {
    must(room.clinic->store().execute(
        room.clinic.context().tenant, {}, [&](engine::Transaction& tx) -> Result<std::string> {
          for (int i = from; i < from + kBatch; ++i) {
            TreatmentSession session;
            session.set_id(std::string(Uuid::v7(room.clinic.clock(), system_random()).view()));
            session.set_patient_id(
                sha256(std::to_string(i % 10'000)).substr(0, Uuid().bytes.size()));
            session.set_time_us(i);
            LotUse& use = *session.add_lots();
            use.set_product("Botox");
            use.set_lot("L" + std::to_string(i % 200));
            RETURN_IF_ERROR(tx.put(treatment_sessions_table(), session).status());
          }
          return std::string();
        }));
  }
  std::vector<double> times;
  for (int i = 0; i < 200; ++i) {
    const auto began = std::chrono::steady_clock::now();
    const FindLotPatientsResponse found = room.find("L" + std::to_string(i));
    times.push_back(
        std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - began)
            .count());
    CHECK(found.sessions() == kSessions / 200);
  }
  std::sort(times.begin(), times.end());
  WARN("500 sessions of 50 patients: p50 " << times[100] << " ms, p99 " << times[198] << " ms");
  CHECK(times[198] < 50);
}

TEST_CASE("care: lots by product and by what expires first") {
  Room room;
  room.add_lot("B", 1, make_date(2027, 5, 1));
  room.add_lot("A", 1, make_date(2027, 3, 1));
  ListLotsRequest request;
  request.set_product("BOTOX");
  const ListLotsResponse all = must(room.clinic->care().list_lots(room.clinic.context(), request));
  REQUIRE(all.lots_size() == 2);
  CHECK(all.lots(0).lot() == "A");
  *request.mutable_expires_before() = make_date(2027, 4, 1);
  CHECK(must(room.clinic->care().list_lots(room.clinic.context(), request)).lots_size() == 1);
  request.clear_product();
  CHECK(must(room.clinic->care().list_lots(room.clinic.context(), request)).lots_size() == 1);
  PutLotRequest twin;
  twin.mutable_lot()->set_product("botox");
  twin.mutable_lot()->set_lot("a");
  CHECK(room.clinic->care().put_lot(room.clinic.context(), twin).status().code() ==
        StatusCode::kAlreadyExists);
}

// Files.

std::string content_of(std::size_t size, char seed) {
  std::string content(size, seed);
  for (std::size_t i = 0; i < size; i += 1000) content[i] = static_cast<char>(i / 1000 % 251);
  return content;
}

struct Upload {
  Room& room;
  std::string content;
  std::string id;
  std::uint32_t chunks = 0;

  Upload(Room& its_room, std::string its_content)
      : room(its_room), content(std::move(its_content)) {
    BeginAttachmentRequest request;
    Attachment& attachment = *request.mutable_attachment();
    attachment.set_patient_id(room.patient);
    attachment.set_name("antes.jpg");
    attachment.set_content_type("image/jpeg");
    attachment.set_size(content.size());
    attachment.set_sha256(sha256(content));
    const BeginAttachmentResponse begun =
        must(room.clinic->care().begin_attachment(room.clinic.context(), request));
    id = begun.result().id();
    chunks = begun.chunks();
  }
  Result<PutChunkResponse> put(std::uint32_t index, std::string data) {
    PutChunkRequest request;
    request.set_attachment_id(id);
    request.set_index(index);
    request.set_sha256(sha256(data));
    request.set_data(std::move(data));
    return room.clinic->care().put_chunk(room.clinic.context(), request);
  }
  Result<PutChunkResponse> put(std::uint32_t index) {
    return put(index, content.substr(index * kChunkBytes, kChunkBytes));
  }
  Status finish() {
    FinishAttachmentRequest request;
    request.set_id(id);
    return room.clinic->care().finish_attachment(room.clinic.context(), request).status();
  }
  std::string read() {
    std::string all;
    for (std::uint32_t i = 0; i < chunks; ++i) {
      ReadChunkRequest request;
      request.set_attachment_id(id);
      request.set_index(i);
      all += must(room.clinic->care().read_chunk(room.clinic.context(), request)).data();
    }
    return all;
  }
};

std::size_t chunk_count(Room& room) {
  std::size_t count = 0;
  const auto reader = must(room.clinic->store().view(room.clinic.context().tenant));
  must(reader->scan_records(chunks_table().def(), engine::KeyRange::all(), {},
                            [&](std::string_view, engine::RawRecord&&) { return ++count > 0; }));
  return count;
}

TEST_CASE("care: a file comes in chunks, in any order, and goes out as it came") {
  Room room;
  Upload upload(room, content_of(2 * kChunkBytes + 1234, 'a'));
  REQUIRE(upload.chunks == 3);
  must(upload.put(2));
  must(upload.put(0));
  CHECK(upload.finish().code() == StatusCode::kFailedPrecondition);
  must(upload.put(1));
  must(upload.put(1));
  REQUIRE(upload.finish().ok());
  CHECK(upload.finish().ok());
  CHECK(upload.read() == upload.content);
  CHECK(upload.put(0).status().code() == StatusCode::kFailedPrecondition);
  ListAttachmentsRequest list;
  list.set_patient_id(room.patient);
  CHECK(
      must(room.clinic->care().list_attachments(room.clinic.context(), list)).attachments_size() ==
      1);
}

TEST_CASE("care: what is the same is kept once, across files") {
  Room room;
  const std::string content = content_of(kChunkBytes + 10, 'b');
  Upload first(room, content);
  CHECK_FALSE(must(first.put(0)).known());
  must(first.put(1));
  REQUIRE(first.finish().ok());
  room.patient = room.clinic.patient("Bia");
  Upload second(room, content);
  CHECK(must(second.put(0)).known());
  CHECK(must(second.put(1)).known());
  REQUIRE(second.finish().ok());
  CHECK(chunk_count(room) == 2);
  CHECK(second.read() == content);
}

TEST_CASE("care: bytes that are not what was announced are refused") {
  Room room;
  Upload upload(room, content_of(1000, 'c'));
  PutChunkRequest request;
  request.set_attachment_id(upload.id);
  request.set_data(upload.content);
  request.set_sha256(std::string(32, 'x'));
  CHECK(room.clinic->care().put_chunk(room.clinic.context(), request).status().code() ==
        StatusCode::kInvalidArgument);
  CHECK(upload.put(0, upload.content.substr(1)).status().field() == "data");
  CHECK(upload.put(1, upload.content).status().field() == "index");
  must(upload.put(0, content_of(1000, 'd')));
  CHECK(upload.finish().code() == StatusCode::kDataLoss);
  must(upload.put(0));
  CHECK(upload.finish().ok());
  BeginAttachmentRequest large;
  large.mutable_attachment()->set_patient_id(room.patient);
  large.mutable_attachment()->set_name("x");
  large.mutable_attachment()->set_sha256(std::string(32, 'x'));
  large.mutable_attachment()->set_size(kAttachmentBytesMax + 1);
  CHECK(room.clinic->care().begin_attachment(room.clinic.context(), large).status().field() ==
        "attachment.size");
}

TEST_CASE("care: an upload that was given up is removed with the chunks that nobody else has") {
  Room room;
  Upload kept(room, content_of(100, 'e'));
  must(kept.put(0));
  Upload given_up(room, content_of(kChunkBytes + 100, 'e'));
  must(given_up.put(0));
  RemoveAttachmentRequest remove;
  remove.set_id(given_up.id);
  must(room.clinic->care().remove_attachment(room.clinic.context(), remove));
  CHECK(chunk_count(room) == 1);
  REQUIRE(kept.finish().ok());
  remove.set_id(kept.id);
  CHECK(room.clinic->care().remove_attachment(room.clinic.context(), remove).status().code() ==
        StatusCode::kFailedPrecondition);
}

}  // namespace
}  // namespace clinicdb::clinic
