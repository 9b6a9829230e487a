// The clinic's services as clinic/schema/*.proto declare them, for programs that write C++ of them
// while building.
#pragma once

#include <google/protobuf/descriptor.h>

#include <fstream>
#include <iostream>
#include <set>
#include <string>
#include <vector>

#include "clinicdb/clinic/schema/options.pb.h"

namespace clinicdb::client {

using google::protobuf::MethodDescriptor;
using google::protobuf::ServiceDescriptor;

/// Of the files that were named on the command line.
inline std::vector<const ServiceDescriptor*> all_services;

inline const std::vector<const ServiceDescriptor*>& services() { return all_services; }

inline bool take_file(const std::string& name) {
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
inline std::string snake_case(const std::string& name) {
  std::string snake;
  for (const char c : name) {
    const bool upper = c >= 'A' && c <= 'Z';
    if (upper && !snake.empty()) snake += '_';
    snake += upper ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return snake;
}

/// "PatientService" → "patient".
inline std::string subject(const ServiceDescriptor& service) {
  const std::string name = snake_case(service.name());
  return name.substr(0, name.rfind("_service"));
}

inline clinic::MethodId id_of(const MethodDescriptor& method) {
  return method.options().GetExtension(clinic::method_id);
}

/// METHOD_PATIENTS_GET of PatientService.Get → "patients".
inline std::string accessor(const ServiceDescriptor& service) {
  const MethodDescriptor& method = *service.method(0);
  std::string name = clinic::MethodId_Name(id_of(method)).substr(std::string("METHOD_").size());
  for (char& c : name) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return name.substr(0, name.size() - snake_case(method.name()).size() - 1);
}

/// The function's name; words of C++ are followed by what they are done to.
inline std::string function(const MethodDescriptor& method) {
  static const std::set<std::string> kWords = {"register", "delete", "new", "union", "export"};
  const std::string name = snake_case(method.name());
  return kWords.count(name) == 0 ? name : name + "_" + subject(*method.service());
}

inline bool reads(const MethodDescriptor& method) {
  const auto action = method.options().GetExtension(clinic::audit_action);
  return action == clinic::AUDIT_ACTION_READ || action == clinic::AUDIT_ACTION_SEARCH;
}

/// Its messages go as a stream, which open_stream is for.
inline bool streams(const MethodDescriptor& method) {
  return method.client_streaming() || method.server_streaming();
}

inline bool only_streams(const ServiceDescriptor& service) {
  for (int m = 0; m < service.method_count(); ++m) {
    if (!streams(*service.method(m))) return false;
  }
  return true;
}

inline std::string constant(const MethodDescriptor& method) {
  return "k" + method.service()->name() + method.name();
}

inline std::string answer_type(const MethodDescriptor& method) {
  const std::string response = "clinic::" + method.output_type()->name();
  return reads(method) ? "Result<std::shared_ptr<const " + response + ">>"
                       : "Result<" + response + ">";
}

inline bool write_file(const std::string& path, const std::string& text) {
  std::ofstream out(path, std::ios::binary);
  out << text;
  out.close();
  if (!out) std::cerr << "cannot write " << path << '\n';
  return static_cast<bool>(out);
}

}  // namespace clinicdb::client
