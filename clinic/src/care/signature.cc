#include "care/signature.h"

#include "clinicdb/clinic/digest.h"
#include "clinicdb/engine/key.h"

namespace clinicdb::clinic::care {

namespace {

/// As in patient_links.cc: inside of a JSON text the quotes would have backslashes before them.
void replace_reference(std::string& body, std::string_view from, std::string_view to) {
  if (from == to || from.empty()) return;
  const std::string was = "\"reference\":\"" + std::string(from) + "\"";
  const std::string is = "\"reference\":\"" + std::string(to) + "\"";
  for (std::size_t at = body.find(was); at != std::string::npos; at = body.find(was, at)) {
    body.replace(at, was.size(), is);
    at += is.size();
  }
}

}  // namespace

std::string content_hash(const ClinicalRecord& record, const Signature& signature,
                         std::string_view patient_reference) {
  ClinicalRecord content = record;
  content.clear_signature();
  content.clear_addenda();
  content.set_patient_id(signature.patient_id());
  replace_reference(*content.mutable_fhir(), patient_reference, signature.patient_reference());
  return sha256(content.SerializeAsString());
}

std::string addendum_hash(std::string_view before, const Addendum& addendum) {
  engine::Key bytes;
  bytes.raw(before).text(addendum.author_id());
  bytes.u64(static_cast<std::uint64_t>(addendum.time_us())).raw(addendum.text());
  return sha256(bytes);
}

const std::string& last_hash(const ClinicalRecord& record) {
  return record.addenda().empty() ? record.signature().sha256()
                                  : record.addenda(record.addenda_size() - 1).sha256();
}

}  // namespace clinicdb::clinic::care
