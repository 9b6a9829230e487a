#include "message_pool.h"

#include <catch2/catch.hpp>
#include <string>
#include <thread>
#include <vector>

#include "client_limits.h"
#include "clinicdb/clinic/schema/appointment.pb.h"
#include "clinicdb/clinic/schema/patient.pb.h"

namespace clinicdb::client {

namespace {

using clinic::GetPatientResponse;
using clinic::ListDayResponse;

std::shared_ptr<google::protobuf::MessageLite> take_day(MessagePool& pool, std::size_t bytes = 1) {
  return pool.take(ListDayResponse::default_instance(), bytes);
}

ListDayResponse& as_day(const std::shared_ptr<google::protobuf::MessageLite>& message) {
  return dynamic_cast<ListDayResponse&>(*message);
}

}  // namespace

TEST_CASE("message_pool: what was let go of comes back, empty and with its memory", "[client]") {
  const auto pool = MessagePool::create();
  auto first = take_day(*pool);
  as_day(first).set_zone("America/Sao_Paulo, and more than lies in the text itself");
  as_day(first).add_entries()->set_title("Ana");
  const void* const place = first.get();
  const std::size_t capacity = as_day(first).zone().capacity();
  first.reset();
  const auto second = take_day(*pool);
  CHECK(second.get() == place);
  CHECK(as_day(second).ByteSizeLong() == 0);
  CHECK(as_day(second).mutable_zone()->capacity() == capacity);
}

TEST_CASE("message_pool: nobody is given what another still has, nor another type", "[client]") {
  const auto pool = MessagePool::create();
  auto day = take_day(*pool);
  const std::shared_ptr<const google::protobuf::MessageLite> shared = day;
  const void* const place = day.get();
  day.reset();
  CHECK(take_day(*pool).get() != place);
  const auto patient = pool->take(GetPatientResponse::default_instance(), 1);
  CHECK(dynamic_cast<GetPatientResponse*>(patient.get()) != nullptr);
}

TEST_CASE("message_pool: it keeps few, and none that held much", "[client]") {
  const auto pool = MessagePool::create();
  std::vector<std::shared_ptr<google::protobuf::MessageLite>> taken;
  std::vector<const void*> places;
  for (std::size_t i = 0; i < kPooledAnswersMax + 1; ++i) {
    taken.push_back(take_day(*pool));
    places.push_back(taken.back().get());
  }
  while (!taken.empty()) taken.pop_back();  // the last one first: the first finds no room
  for (std::size_t i = 0; i < kPooledAnswersMax; ++i) {
    taken.push_back(take_day(*pool));
    CHECK(taken.back().get() == places[1 + i]);
  }
  taken.clear();
  std::weak_ptr<google::protobuf::MessageLite> large = take_day(*pool, kPooledAnswerBytesMax + 1);
  CHECK(large.expired());
  for (std::size_t i = 0; i < kPooledAnswersMax; ++i) taken.push_back(take_day(*pool));
  const auto fresh = take_day(*pool);
  CHECK(std::find(places.begin() + 1, places.end(), fresh.get()) == places.end());
}

TEST_CASE("message_pool: answers outlive it, on any thread", "[client]") {
  auto pool = MessagePool::create();
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([taken = take_day(*pool), pool = pool.get()]() mutable {
      as_day(taken).set_zone("UTC");
      for (int i = 0; i < 1000; ++i) taken = take_day(*pool);
    });
  }
  for (std::thread& thread : threads) thread.join();
  auto last = take_day(*pool);
  pool.reset();
  as_day(last).add_entries()->set_title("Bia");
  last.reset();
  SUCCEED("the sanitizers have nothing to say");
}

}  // namespace clinicdb::client
