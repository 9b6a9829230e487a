// Writes reached_services.h and reached_services.cc: the clinic's services as tests call them, with
// a context and a request, wherever the clinic is. Run while building:
//
//   clinicdb_conformance_codegen FOLDER clinicdb/clinic/schema/patient.proto ...
#include <sstream>

#include "declared.h"

namespace clinicdb::client {
namespace {

/// "patients" -> "ReachedPatients".
std::string reached_class(const ServiceDescriptor& service) {
  std::string name = accessor(service);
  name.front() = static_cast<char>(name.front() - 'a' + 'A');
  return "Reached" + name;
}

std::string embedded_class(const ServiceDescriptor& service) {
  return "std::remove_reference_t<decltype(std::declval<Clinic&>()." + accessor(service) + "())>";
}

/// Embedded callers look a number up without a message: reached_clinic.h has these by hand.
bool takes_no_message(const MethodDescriptor& method) {
  static const std::set<std::string> kNames = {"find_by_cpf", "find_by_cns", "find_by_mrn"};
  return kNames.count(function(method)) != 0;
}

/// As the embedded services call it.
std::string name_of(const MethodDescriptor& method) {
  return function(method) == "delete_tenant" ? "remove" : function(method);
}

std::string parameters(const MethodDescriptor& method) {
  return "(const CallContext& context, const " + method.input_type()->name() + "& request) const";
}

std::string declarations() {
  std::ostringstream out;
  out << "// Derived from clinic/schema/*.proto while building: see reached_clinic.h.\n"
         "#pragma once\n\n#include <type_traits>\n#include <utility>\n\n"
         "#include \"clinicdb/clinic/clinic.h\"\n\nnamespace clinicdb::clinic {\n\n"
         "class ReachedClinic;\n\n";
  for (const ServiceDescriptor* service : services()) {
    if (only_streams(*service)) continue;
    out << "class " << reached_class(*service) << " {\n public:\n"
        << "  using Embedded = " << embedded_class(*service) << ";\n"
        << "  explicit " << reached_class(*service)
        << "(ReachedClinic& clinic) : clinic_(clinic) {}\n";
    for (int m = 0; m < service->method_count(); ++m) {
      const MethodDescriptor& method = *service->method(m);
      if (takes_no_message(method) || streams(method)) continue;
      out << "  auto " << name_of(method) << parameters(method)
          << "\n      -> decltype(std::declval<const Embedded&>()." << name_of(method)
          << "(context, request));\n";
    }
    out << "\n protected:\n  ReachedClinic& clinic_;\n};\n\n";
  }
  out << "}  // namespace clinicdb::clinic\n";
  return out.str();
}

std::string definitions() {
  std::ostringstream out;
  out << "// Derived from clinic/schema/*.proto while building: see reached_clinic.h.\n"
         "#include \"conformance/reached_call.h\"\n\nnamespace clinicdb::clinic {\n\n";
  for (const ServiceDescriptor* service : services()) {
    if (only_streams(*service)) continue;
    for (int m = 0; m < service->method_count(); ++m) {
      const MethodDescriptor& method = *service->method(m);
      if (takes_no_message(method) || streams(method)) continue;
      out << "auto " << reached_class(*service) << "::" << name_of(method) << parameters(method)
          << "\n    -> decltype(std::declval<const Embedded&>()." << name_of(method)
          << "(context, request)) {\n"
          << "  using Reply = decltype(std::declval<const Embedded&>()." << name_of(method)
          << "(context, request));\n"
          << "  if (clinic_.is_served())\n    return served_call<Reply>(clinic_, client::"
          << constant(method) << ", context, request);\n"
          << "  return clinic_.embedded()." << accessor(*service) << "()." << name_of(method)
          << "(context, request);\n}\n\n";
    }
  }
  out << "}  // namespace clinicdb::clinic\n";
  return out.str();
}

}  // namespace
}  // namespace clinicdb::client

int main(int argc, char** argv) {
  if (argc < 3) {
    std::cerr << "usage: clinicdb_conformance_codegen FOLDER PROTO...\n";
    return 2;
  }
  for (int i = 2; i < argc; ++i) {
    if (!clinicdb::client::take_file(argv[i])) return 1;
  }
  const std::string folder = argv[1];
  const bool written = clinicdb::client::write_file(folder + "/reached_services.h",
                                                    clinicdb::client::declarations()) &&
                       clinicdb::client::write_file(folder + "/reached_services.cc",
                                                    clinicdb::client::definitions());
  return written ? 0 : 1;
}
