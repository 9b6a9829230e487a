// Writes services.h and async_services.h: the client's side of the clinic's services, as
// clinic/schema/*.proto declare them. Run while building:
//
//   clinicdb_client_codegen FOLDER clinicdb/clinic/schema/patient.proto ...
#include <google/protobuf/descriptor.h>

#include <fstream>
#include <iostream>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "clinicdb/clinic/schema/options.pb.h"

namespace clinicdb::client {
namespace {

using google::protobuf::MethodDescriptor;
using google::protobuf::ServiceDescriptor;

/// Of the files that were named on the command line.
std::vector<const ServiceDescriptor*> all_services;

const std::vector<const ServiceDescriptor*>& services() { return all_services; }

bool take_file(const std::string& name) {
  const google::protobuf::FileDescriptor* file =
      google::protobuf::DescriptorPool::generated_pool()->FindFileByName(name);
  if (file == nullptr) {
    std::cerr << "no messages of " << name << " are linked in\n";
    return false;
  }
  for (int s = 0; s < file->service_count(); ++s) all_services.push_back(file->service(s));
  return true;
}

/// "FindByCpf" → "find_by_cpf".
std::string snake_case(const std::string& name) {
  std::string snake;
  for (const char c : name) {
    const bool upper = c >= 'A' && c <= 'Z';
    if (upper && !snake.empty()) snake += '_';
    snake += upper ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return snake;
}

/// "PatientService" → "patient".
std::string subject(const ServiceDescriptor& service) {
  const std::string name = snake_case(service.name());
  return name.substr(0, name.rfind("_service"));
}

clinic::MethodId id_of(const MethodDescriptor& method) {
  return method.options().GetExtension(clinic::method_id);
}

/// METHOD_PATIENTS_GET of PatientService.Get → "patients".
std::string accessor(const ServiceDescriptor& service) {
  const MethodDescriptor& method = *service.method(0);
  std::string name = clinic::MethodId_Name(id_of(method)).substr(std::string("METHOD_").size());
  for (char& c : name) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return name.substr(0, name.size() - snake_case(method.name()).size() - 1);
}

/// The function's name; words of C++ are followed by what they are done to.
std::string function(const MethodDescriptor& method) {
  static const std::set<std::string> kWords = {"register", "delete", "new", "union", "export"};
  const std::string name = snake_case(method.name());
  return kWords.count(name) == 0 ? name : name + "_" + subject(*method.service());
}

bool reads(const MethodDescriptor& method) {
  const auto action = method.options().GetExtension(clinic::audit_action);
  return action == clinic::AUDIT_ACTION_READ || action == clinic::AUDIT_ACTION_SEARCH;
}

/// Its messages go as a stream, which open_stream is for.
bool streams(const MethodDescriptor& method) {
  return method.client_streaming() || method.server_streaming();
}

bool only_streams(const ServiceDescriptor& service) {
  for (int m = 0; m < service.method_count(); ++m) {
    if (!streams(*service.method(m))) return false;
  }
  return true;
}

std::string constant(const MethodDescriptor& method) {
  return "k" + method.service()->name() + method.name();
}

std::string answer_type(const MethodDescriptor& method) {
  const std::string response = "clinic::" + method.output_type()->name();
  return reads(method) ? "Result<std::shared_ptr<const " + response + ">>"
                       : "Result<" + response + ">";
}

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

bool write_file(const std::string& path, const std::string& text) {
  std::ofstream out(path, std::ios::binary);
  out << text;
  out.close();
  if (!out) std::cerr << "cannot write " << path << '\n';
  return static_cast<bool>(out);
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
