// Writes services.h and async_services.h: the client's side of the clinic's services, as
// clinic/schema/*.proto declare them. Run while building:
//
//   clinicdb_client_codegen FOLDER clinicdb/clinic/schema/patient.proto ...
#include <set>
#include <sstream>

#include "declared.h"

namespace clinicdb::client {
namespace {

void write_constants(std::ostream& out) {
  for (const ServiceDescriptor* service : services()) {
    for (int m = 0; m < service->method_count(); ++m) {
      const MethodDescriptor& method = *service->method(m);
      out << "constexpr Method " << constant(method)
          << "{clinic::" << clinic::MethodId_Name(id_of(method)) << ", \"" << service->name() << "."
          << method.name() << "\", " << (reads(method) ? "true" : "false") << ", clinic::"
          << clinic::CachePolicy_Name(method.options().GetExtension(clinic::cache_policy))
          << "};\n";
    }
  }
}

void write_method(std::ostream& out, const MethodDescriptor& method, bool async) {
  const std::string request = "clinic::" + method.input_type()->name();
  const std::string response = "clinic::" + method.output_type()->name();
  out << "  /// " << method.service()->name() << "." << method.name() << ", takes "
      << clinic::AccessRight_Name(method.options().GetExtension(clinic::access_right)) << ".\n";
  if (async) {
    // By value: the coroutine may outlive what its caller gave.
    out << "  asio::awaitable<" << answer_type(method) << "> " << function(method) << "(" << request
        << " request, CallOptions options = {}) const {\n"
        << "    Result<Answer> answer = co_await async_call(*client_, " << constant(method)
        << ", request, " << response << "::default_instance(), options);\n"
        << "    co_return " << (reads(method) ? "as_read<" : "as_write<") << response
        << ">(std::move(answer));\n  }\n";
  } else {
    out << "  " << answer_type(method) << " " << function(method) << "(const " << request
        << "& request, const CallOptions& options = {}) const {\n"
        << "    return " << (reads(method) ? "read<" : "write<") << response << ">(*caller_, "
        << constant(method) << ", request, options);\n  }\n";
  }
}

void write_service(std::ostream& out, const ServiceDescriptor& service, bool async) {
  if (only_streams(service)) return;
  const std::string name = (async ? "Async" : "") + service.name();
  const std::string who = async ? "Client" : "Caller";
  const std::string member = async ? "client" : "caller";
  out << "/// Thread-safe.\nclass " << name << " {\n public:\n"
      << "  /// `" << member << "` outlives it.\n"
      << "  explicit " << name << "(" << who << "& " << member << ") : " << member << "_(&"
      << member << ") {}\n\n";
  for (int m = 0; m < service.method_count(); ++m) {
    if (!streams(*service.method(m))) write_method(out, *service.method(m), async);
  }
  out << "\n private:\n  " << who << "* " << member << "_;\n};\n\n";
}

void write_services(std::ostream& out, bool async) {
  const std::string name = async ? "AsyncServices" : "Services";
  const std::string who = async ? "Client" : "Caller";
  out << "/// All services. Thread-safe.\nclass " << name << " {\n public:\n"
      << "  /// `caller` outlives it.\n"
      << "  explicit " << name << "(" << who << "& caller) : caller_(&caller) {}\n\n";
  for (const ServiceDescriptor* service : services()) {
    if (only_streams(*service)) continue;
    const std::string type = (async ? "Async" : "") + service->name();
    out << "  " << type << " " << accessor(*service) << "() const { return " << type
        << "(*caller_); }\n";
  }
  out << "\n private:\n  " << who << "* caller_;\n};\n\n";
}

std::string header(bool async) {
  std::ostringstream out;
  out << "// Derived from clinic/schema/*.proto while building: "
      << (async ? "see async.h.\n" : "see client.h.\n") << "#pragma once\n\n";
  if (async) {
    out << "#include <memory>\n#include <utility>\n\n#include \"clinicdb/client/async.h\"\n\n";
  } else {
    out << "#include <memory>\n\n#include \"clinicdb/client/call.h\"\n";
    std::set<std::string> files;
    for (const ServiceDescriptor* service : services()) files.insert(service->file()->name());
    for (const std::string& file : files) {
      out << "#include \"" << file.substr(0, file.size() - std::string("proto").size())
          << "pb.h\"\n";
    }
    out << "\n";
  }
  out << "namespace clinicdb::client {\n\n";
  if (async) {
    out << "template <class Response>\n"
           "Result<std::shared_ptr<const Response>> as_read(Result<Answer> answer) {\n"
           "  if (!answer) return std::move(answer).error();\n"
           "  return std::static_pointer_cast<const Response>(*std::move(answer));\n}\n\n"
           "template <class Response>\n"
           "Result<Response> as_write(Result<Answer> answer) {\n"
           "  if (!answer) return std::move(answer).error();\n"
           "  if (*answer == nullptr) return internal_error(\"the server answers a change with "
           "nothing\");\n"
           "  return static_cast<const Response&>(**answer);\n}\n\n";
  } else {
    write_constants(out);
    out << "\n";
  }
  for (const ServiceDescriptor* service : services()) write_service(out, *service, async);
  write_services(out, async);
  out << "}  // namespace clinicdb::client\n";
  return out.str();
}

}  // namespace
}  // namespace clinicdb::client

int main(int argc, char** argv) {
  if (argc < 3) {
    std::cerr << "usage: clinicdb_client_codegen FOLDER PROTO...\n";
    return 2;
  }
  for (int i = 2; i < argc; ++i) {
    if (!clinicdb::client::take_file(argv[i])) return 1;
  }
  const std::string folder = argv[1];
  const bool written =
      clinicdb::client::write_file(folder + "/services.h", clinicdb::client::header(false)) &&
      clinicdb::client::write_file(folder + "/async_services.h", clinicdb::client::header(true));
  return written ? 0 : 1;
}
