#include "bench/server_load.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <memory>
#include <thread>
#include <unordered_map>

#include "bench/population.h"
#include "clinicdb/base/random.h"
#include "clinicdb/clinic/methods.h"
#include "clinicdb/clinic/schema/appointment.pb.h"
#include "clinicdb/clinic/schema/patient.pb.h"
#include "clinicdb/clinic/schema/people.pb.h"
#include "clinicdb/clinic/schema/tenant.pb.h"
#include "clinicdb/wire/frame_reader.h"
#include "clinicdb/wire/handshake.h"
#include "clinicdb/wire/messages.h"

namespace clinicdb::bench {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::int64_t kDayUs = std::int64_t{24} * 3600 * 1'000'000;
constexpr std::int64_t kSlotUs = std::int64_t{15} * 60 * 1'000'000;
constexpr std::int64_t kShownDayUs = 1'862'000'000'000'000 / kDayUs * kDayUs;  // in 2029
constexpr std::int64_t kBookedFromUs = kShownDayUs + 400 * kDayUs;
constexpr int kShownAppointments = 20;

/// What the calls are about; the same for all threads.
struct World {
  std::vector<clinic::Patient> patients;
  std::string clinic;
  std::vector<std::string> professionals;
  std::atomic<std::uint64_t> next_slot{0};
};

class Line {
 public:
  explicit Line(std::uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ =
        ::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
    const int on = 1;
    setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }
  ~Line() { ::close(socket_); }
  Line(const Line&) = delete;
  Line& operator=(const Line&) = delete;

  int socket() const { return socket_; }
  wire::FrameWriter& writer() { return writer_; }
  wire::FrameReader& reader() { return reader_; }

  Status hello(const std::string& tenant) {
    if (!connected_) return unavailable("no server on the port");
    wire::Hello hello;
    hello.mutable_credential()->set_none(true);
    hello.set_tenant(tenant);
    wire::Offer offer;
    offer.features = 0;
    wire::add_hello(writer_, offer, hello);
    ASSIGN_OR_RETURN(const std::string payload, exchange());
    return Status();
  }
  /// One call, waited for.
  template <class Response>
  Result<Response> call(clinic::MethodId method, const google::protobuf::MessageLite& request) {
    add(1, method, request, false);
    ASSIGN_OR_RETURN(const std::string payload, exchange());
    Response response;
    if (!response.ParseFromString(payload)) return internal_error("an answer cannot be read");
    return response;
  }
  void add(std::uint32_t id, clinic::MethodId method, const google::protobuf::MessageLite& request,
           bool fresh) {
    wire::FrameHeader header;
    header.type = wire::FrameType::kRequest;
    header.id = id;
    header.code = static_cast<std::uint16_t>(method);
    if (fresh) header.flags |= wire::kFlagFresh;
    wire::add_message(writer_, header, request);
  }
  bool flush() {
    std::string_view bytes = writer_.pending();
    while (!bytes.empty()) {
      const ssize_t put = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (put <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(put));
    }
    writer_.clear();
    return true;
  }
  bool fill() {
    const std::span<char> room = reader_.prepare();
    const ssize_t got = ::recv(socket_, room.data(), room.size(), 0);
    if (got <= 0) return false;
    reader_.commit(static_cast<std::size_t>(got));
    return true;
  }

 private:
  Result<std::string> exchange() {
    if (!flush()) return unavailable("the server does not take a call");
    while (true) {
      ASSIGN_OR_RETURN(const std::optional<wire::Frame> frame, reader_.next());
      if (frame) {
        if (frame->type == wire::FrameType::kError) return wire::read_error(*frame).status;
        return std::string(frame->payload);
      }
      if (!fill()) return unavailable("the server ends the connection");
    }
  }

  int socket_;
  bool connected_ = false;
  wire::FrameReader reader_{wire::FrameLimits{wire::kBodyBytesMaxDefault, false}};
  wire::FrameWriter writer_;
};

Status fill_world(const ServerLoadOptions& options, const std::string& tenant, World& world) {
  Line store(options.port);
  RETURN_IF_ERROR(store.hello(""));
  clinic::CreateTenantRequest create;
  create.set_slug(tenant);
  RETURN_IF_ERROR(
      store.call<clinic::CreateTenantResponse>(clinic::METHOD_TENANTS_CREATE, create).status());
  Line line(options.port);
  RETURN_IF_ERROR(line.hello(tenant));
  clinic::PutClinicRequest site;
  site.mutable_clinic()->set_slug("centro");
  site.mutable_clinic()->set_name("Centro");
  ASSIGN_OR_RETURN(const auto placed,
                   line.call<clinic::PutClinicResponse>(clinic::METHOD_PEOPLE_PUT_CLINIC, site));
  world.clinic = placed.result().id();
  SeededRandom random(1);
  for (std::uint64_t i = 0; i < options.professionals; ++i) {
    clinic::PutProfessionalRequest put;
    put.mutable_professional()->add_names()->set_text("Doutora Ana Souza");
    ASSIGN_OR_RETURN(const auto made, line.call<clinic::PutProfessionalResponse>(
                                          clinic::METHOD_PEOPLE_PUT_PROFESSIONAL, put));
    world.professionals.push_back(made.result().id());
    for (int slot = 0; slot < kShownAppointments; ++slot) {
      clinic::BookAppointmentRequest book;
      clinic::Appointment& appointment = *book.mutable_appointment();
      appointment.set_clinic_id(world.clinic);
      appointment.set_professional_id(made.result().id());
      appointment.set_start_us(kShownDayUs + kDayUs / 2 + slot * kSlotUs);
      appointment.set_end_us(appointment.start_us() + kSlotUs);
      appointment.set_title("Consulta");
      RETURN_IF_ERROR(
          line.call<clinic::BookAppointmentResponse>(clinic::METHOD_SCHEDULING_BOOK, book)
              .status());
    }
  }
  for (std::uint64_t i = 0; i < options.patients; ++i) {
    clinic::RegisterPatientRequest request;
    *request.mutable_patient() = make_patient(random, i);
    ASSIGN_OR_RETURN(const auto made, line.call<clinic::RegisterPatientResponse>(
                                          clinic::METHOD_PATIENTS_REGISTER, request));
    request.mutable_patient()->set_id(made.result().id());
    world.patients.push_back(request.patient());
  }
  return Status();
}

/// Adds calls of one kind to a line. Of one thread.
class Caller {
 public:
  Caller(World& world, std::string operation, std::uint64_t seed) : world_(world), random_(seed) {
    fresh_ = operation.rfind("fresh-", 0) == 0;
    operation_ = fresh_ ? operation.substr(6) : std::move(operation);
  }
  static bool knows(const std::string& operation) {
    const std::string name = operation.rfind("fresh-", 0) == 0 ? operation.substr(6) : operation;
    for (const char* each : {"get", "cpf", "search", "day", "update", "book", "mix"}) {
      if (name == each) return true;
    }
    return false;
  }
  void add(Line& line, std::uint32_t id) {
    if (operation_ != "mix") return add(line, id, operation_);
    const std::uint64_t of = random_.below(100);
    add(line, id,
        of < 40   ? "get"
        : of < 55 ? "cpf"
        : of < 70 ? "day"
        : of < 80 ? "search"
        : of < 90 ? "update"
                  : "book");
  }

 private:
  clinic::Patient& patient() { return world_.patients[random_.below(world_.patients.size())]; }
  const std::string& professional() {
    return world_.professionals[random_.below(world_.professionals.size())];
  }
  void add(Line& line, std::uint32_t id, std::string_view operation) {
    if (operation == "get") {
      clinic::GetPatientRequest request;
      request.set_id(patient().id());
      line.add(id, clinic::METHOD_PATIENTS_GET, request, fresh_);
    } else if (operation == "cpf") {
      clinic::FindPatientByCpfRequest request;
      request.set_cpf(patient().cpf());
      line.add(id, clinic::METHOD_PATIENTS_FIND_BY_CPF, request, fresh_);
    } else if (operation == "search") {
      const std::string& name = patient().names(0).text();
      clinic::SearchPatientsRequest request;
      std::size_t end = std::min(name.size(), name.find(' ') + 3);
      while (end < name.size() && (static_cast<unsigned char>(name[end]) & 0xc0) == 0x80) ++end;
      request.set_text(name.substr(0, end));  // a word, and how the next one begins
      request.set_limit(20);
      line.add(id, clinic::METHOD_PATIENTS_SEARCH, request, fresh_);
    } else if (operation == "day") {
      clinic::ListDayRequest request;
      request.set_kind(clinic::RESOURCE_KIND_PROFESSIONAL);
      request.set_id(professional());
      request.mutable_day()->set_year(2029);
      request.mutable_day()->set_month(1);
      request.mutable_day()->set_day(1);
      line.add(id, clinic::METHOD_SCHEDULING_LIST_DAY, request, fresh_);
    } else if (operation == "update") {
      clinic::UpdatePatientRequest request;
      *request.mutable_patient() = patient();
      change_patient(*request.mutable_patient(), ChangeKind::kContact, random_);
      line.add(id, clinic::METHOD_PATIENTS_UPDATE, request, false);
    } else {
      const std::uint64_t slot = world_.next_slot++;
      clinic::BookAppointmentRequest request;
      clinic::Appointment& appointment = *request.mutable_appointment();
      const std::size_t count = world_.professionals.size();
      appointment.set_clinic_id(world_.clinic);
      appointment.set_professional_id(world_.professionals[slot % count]);
      appointment.set_patient_id(world_.patients[slot % world_.patients.size()].id());
      appointment.set_start_us(kBookedFromUs + static_cast<std::int64_t>(slot / count) * kSlotUs);
      appointment.set_end_us(appointment.start_us() + kSlotUs);
      appointment.set_title("Consulta");
      line.add(id, clinic::METHOD_SCHEDULING_BOOK, request, false);
    }
  }

  World& world_;
  SeededRandom random_;
  std::string operation_;
  bool fresh_ = false;
};

struct ThreadFigures {
  std::vector<float> latencies_us;
  std::uint64_t errors = 0;
  Status status;
};

/// One thread's connections, until `until`.
void drive(const ServerLoadOptions& options, const std::string& tenant, World& world,
           const std::string& operation, int thread, int connections, Clock::time_point until,
           ThreadFigures& figures) {
  Caller caller(world, operation, static_cast<std::uint64_t>(thread) + 77);
  struct Driven {
    std::unique_ptr<Line> line;
    std::vector<Clock::time_point> began;
  };
  const auto depth = static_cast<std::size_t>(options.depth);
  std::vector<Driven> lines;
  const int events = epoll_create1(0);
  for (int i = 0; i < connections; ++i) {
    lines.push_back({std::make_unique<Line>(options.port), std::vector<Clock::time_point>(depth)});
    figures.status = lines.back().line->hello(tenant);
    if (!figures.status.ok()) return;
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u32 = static_cast<std::uint32_t>(i);
    epoll_ctl(events, EPOLL_CTL_ADD, lines.back().line->socket(), &event);
  }
  const auto begin_call = [&](Driven& driven, std::size_t slot) {
    caller.add(*driven.line, static_cast<std::uint32_t>(slot + 1));
    driven.began[slot] = Clock::now();
  };
  std::size_t in_flight = 0;
  for (Driven& driven : lines) {
    for (std::size_t slot = 0; slot < depth; ++slot, ++in_flight) begin_call(driven, slot);
    driven.line->flush();
  }
  std::vector<epoll_event> ready(static_cast<std::size_t>(connections));
  while (in_flight > 0) {
    const int count = epoll_wait(events, ready.data(), connections, 5000);
    if (count <= 0) {
      figures.status = deadline_exceeded("the server does not answer");
      break;
    }
    for (int i = 0; i < count; ++i) {
      Driven& driven = lines[ready[static_cast<std::size_t>(i)].data.u32];
      if (!driven.line->fill()) {
        figures.status = unavailable("the server ended a connection");
        ::close(events);
        return;
      }
      while (true) {
        Result<std::optional<wire::Frame>> frame = driven.line->reader().next();
        if (!frame || !*frame) break;
        const wire::FrameType type = (*frame)->type;
        if (type != wire::FrameType::kResponse && type != wire::FrameType::kError) continue;
        const Clock::time_point now = Clock::now();
        const std::size_t slot = (*frame)->id - 1;
        if (type == wire::FrameType::kError) {
          if (figures.errors++ == 0) figures.status = wire::read_error(**frame).status;
        }
        figures.latencies_us.push_back(
            std::chrono::duration<float, std::micro>(now - driven.began[slot]).count());
        if (now < until) {
          begin_call(driven, slot);
        } else {
          --in_flight;
        }
      }
      driven.line->flush();
    }
  }
  ::close(events);
}

double quantile(std::vector<float>& sorted, double part) {
  if (sorted.empty()) return 0;
  return sorted[std::min(sorted.size() - 1,
                         static_cast<std::size_t>(part * static_cast<double>(sorted.size())))];
}

}  // namespace

Result<std::vector<ServerFigures>> run_server_load(const ServerLoadOptions& options,
                                                   const std::vector<std::string>& operations) {
  for (const std::string& operation : operations) {
    if (!Caller::knows(operation)) return invalid_argument(operation + " is no operation");
  }
  World world;
  const std::string tenant =
      "load-" + std::to_string(Clock::now().time_since_epoch().count() % 1'000'000'000);
  RETURN_IF_ERROR(fill_world(options, tenant, world));
  std::vector<ServerFigures> all;
  for (const std::string& operation : operations) {
    std::vector<ThreadFigures> parts(static_cast<std::size_t>(options.threads));
    std::vector<std::thread> threads;
    const Clock::time_point began = Clock::now();
    const auto until = began + std::chrono::duration_cast<Clock::duration>(
                                   std::chrono::duration<double>(options.seconds));
    for (int t = 0; t < options.threads; ++t) {
      const int share = options.connections / options.threads +
                        (t < options.connections % options.threads ? 1 : 0);
      threads.emplace_back([&, t, share] {
        if (share > 0)
          drive(options, tenant, world, operation, t, share, until,
                parts[static_cast<std::size_t>(t)]);
      });
    }
    for (std::thread& thread : threads) thread.join();
    const double took = std::chrono::duration<double>(Clock::now() - began).count();
    ServerFigures figures;
    figures.operation = operation;
    std::vector<float> latencies;
    for (ThreadFigures& part : parts) {
      if (!part.status.ok()) return std::move(part.status).with_context(operation);
      figures.errors += part.errors;
      latencies.insert(latencies.end(), part.latencies_us.begin(), part.latencies_us.end());
    }
    std::sort(latencies.begin(), latencies.end());
    figures.per_second = static_cast<double>(latencies.size()) / took;
    figures.p50_us = quantile(latencies, 0.50);
    figures.p95_us = quantile(latencies, 0.95);
    figures.p99_us = quantile(latencies, 0.99);
    all.push_back(figures);
  }
  return all;
}

}  // namespace clinicdb::bench
