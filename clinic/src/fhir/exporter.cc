#include "clinicdb/clinic/fhir/exporter.h"

#include <chrono>
#include <cstdio>
#include <memory>
#include <optional>
#include <utility>

#include "billing/tables.h"
#include "clinicdb/clinic/identity.h"
#include "clinicdb/clinic/tables.h"
#include "consent_table.h"
#include "fhir/resource.h"
#include "fhir/writer.h"

namespace clinicdb::clinic::fhir {

namespace {

constexpr std::uint64_t kProgressEvery = 4096;

bool stands_in_two_tables(ResourceType type) {
  return type == RESOURCE_TYPE_SCHEDULE || type == RESOURCE_TYPE_SLOT ||
         type == RESOURCE_TYPE_APPOINTMENT || type == RESOURCE_TYPE_INVOICE ||
         type == RESOURCE_TYPE_CONSENT;
}

class Exporter {
 public:
  Exporter(engine::Reader& reader, ExportSink& sink, const ExportOptions& options)
      : reader_(reader), sink_(sink), options_(options) {}

  Result<ExportReport> run() {
    RETURN_IF_ERROR(table(organizations_table()));
    RETURN_IF_ERROR(table(locations_table()));
    RETURN_IF_ERROR(table(professionals_table()));
    RETURN_IF_ERROR(table(patients_table()));
    RETURN_IF_ERROR(table(hours_table()));
    RETURN_IF_ERROR(table(exceptions_table()));
    RETURN_IF_ERROR(table(appointments_table()));
    RETURN_IF_ERROR(table(invoices_table()));
    RETURN_IF_ERROR(table(consents_table()));
    RETURN_IF_ERROR(table(records_table()));
    RETURN_IF_ERROR(finish_bundle());
    for (const auto& [type, file] : files_) RETURN_IF_ERROR(finish(file));
    files_.clear();
    RETURN_IF_ERROR(sink_.close());
    return std::move(report_);
  }

 private:
  template <class Record>
  Status table(const engine::Table<Record>& table) {
    Status failed;
    Result<engine::ScanEnd> end = reader_.scan_records(
        table, engine::KeyRange::all(), engine::ScanOptions(),
        [&](std::string_view, engine::RawRecord&& raw) {
          Result<Record> record = table.decode(raw.body);
          failed = record ? resource(std::move(record).value()) : record.error();
          return failed.ok();
        });
    RETURN_IF_ERROR(failed);
    return end.status();
  }

  template <class Record>
  Status resource(Record record) {
    std::string written;
    const AnyRecord any(std::move(record));
    const std::string* body = &body_of(any);
    if (body->empty()) {
      written = write_resource(
          any, [this](ResourceType type, std::string_view id) { return reference(type, id); });
      body = &written;
    }
    const ResourceType type = type_of(any);
    report_.bytes += body->size() + 1;
    ++report_.by_type[std::string(resource_type_name(type))];
    if (++report_.resources % kProgressEvery == 0 && options_.on_progress)
      options_.on_progress(report_.resources);
    if (options_.stop != nullptr && options_.stop->load()) return cancelled("stopped");
    return options_.format == ExportFormat::kNdjson ? line(type, *body) : entry(type, any, *body);
  }

  Status line(ResourceType type, const std::string& body) {
    auto file = files_.find(type);
    if (file == files_.end()) {
      // The records' table comes by type, so the last type's file is done; only types with an
      // entity of their own that some of them are not stand in two tables.
      for (auto at = files_.begin(); at != files_.end();) {
        if (!stands_in_two_tables(at->first)) {
          RETURN_IF_ERROR(finish(at->second));
          at = files_.erase(at);
        } else {
          ++at;
        }
      }
      ASSIGN_OR_RETURN(const std::size_t opened,
                       sink_.open(std::string(resource_type_name(type)) + ".ndjson"));
      file = files_.emplace(type, opened).first;
    }
    RETURN_IF_ERROR(sink_.append(file->second, body));
    return sink_.append(file->second, "\n");
  }

  Status entry(ResourceType type, const AnyRecord& record, const std::string& body) {
    if (!bundle_) {
      char name[32];
      std::snprintf(name, sizeof name, "bundle-%06llu.json",
                    static_cast<unsigned long long>(++bundles_));
      ASSIGN_OR_RETURN(bundle_, sink_.open(name));
      RETURN_IF_ERROR(
          sink_.append(*bundle_, R"({"resourceType":"Bundle","type":"batch","entry":[)"));
    } else {
      RETURN_IF_ERROR(sink_.append(*bundle_, ",\n"));
    }
    const std::string url = std::visit(
        [&](const auto& message) { return fhir_reference(type, message.id(), message.fhir_id()); },
        record);
    RETURN_IF_ERROR(sink_.append(*bundle_, "{\"resource\":"));
    RETURN_IF_ERROR(sink_.append(*bundle_, body));
    RETURN_IF_ERROR(sink_.append(
        *bundle_, ",\"request\":{\"method\":\"PUT\",\"url\":" + json_string(url) + "}}"));
    return ++in_bundle_ < options_.bundle_resources ? Status() : finish_bundle();
  }

  Status finish_bundle() {
    if (!bundle_) return Status();
    RETURN_IF_ERROR(sink_.append(*bundle_, "]}\n"));
    RETURN_IF_ERROR(finish(*bundle_));
    bundle_.reset();
    in_bundle_ = 0;
    return Status();
  }

  Status finish(std::size_t file) {
    ++report_.files;
    return sink_.finish(file);
  }

  // The logical id of a record cannot be told from its key where that is a hash: the record knows
  // it.
  std::string reference(ResourceType type, std::string_view id) {
    const auto found = [&]<class Record>(const engine::Table<Record>& table, std::string_view key) {
      const auto stored = reader_.get(table, key);
      return stored && *stored ? (*stored)->record.fhir_id() : std::string();
    };
    std::string fhir_id;
    switch (type) {
      case RESOURCE_TYPE_PATIENT:
        fhir_id = found(patients_table(), id);
        break;
      case RESOURCE_TYPE_PRACTITIONER:
        fhir_id = found(professionals_table(), id);
        break;
      case RESOURCE_TYPE_ORGANIZATION:
        fhir_id = found(organizations_table(), id);
        break;
      case RESOURCE_TYPE_LOCATION:
        fhir_id = found(locations_table(), id);
        break;
      case RESOURCE_TYPE_SCHEDULE:
        fhir_id = found(hours_table(), id);
        if (fhir_id.empty()) fhir_id = found(records_table(), record_key(type, id));
        break;
      default:
        fhir_id = found(records_table(), record_key(type, id));
    }
    return fhir_reference(type, id, fhir_id);
  }

  engine::Reader& reader_;
  ExportSink& sink_;
  const ExportOptions& options_;
  ExportReport report_;
  std::map<ResourceType, std::size_t> files_;  // that are open
  std::optional<std::size_t> bundle_;
  std::uint64_t bundles_ = 0;
  std::uint64_t in_bundle_ = 0;
};

}  // namespace

Result<ExportReport> export_fhir(engine::Store& store, TenantId tenant,
                                 const std::string& directory, const ExportOptions& options) {
  if (options.bundle_resources == 0) {
    return invalid_argument("a bundle holds at least one resource").with_field("bundle_resources");
  }
  ASSIGN_OR_RETURN(const std::unique_ptr<ExportSink> folder,
                   open_export_folder(directory, options.gzip));
  return export_fhir(store, tenant, *folder, options);
}

Result<ExportReport> export_fhir(engine::Store& store, TenantId tenant, ExportSink& sink,
                                 const ExportOptions& options) {
  if (options.bundle_resources == 0) {
    return invalid_argument("a bundle holds at least one resource").with_field("bundle_resources");
  }
  const auto started = std::chrono::steady_clock::now();
  ASSIGN_OR_RETURN(const std::unique_ptr<engine::Reader> reader, store.view(tenant));
  ASSIGN_OR_RETURN(ExportReport report, Exporter(*reader, sink, options).run());
  if (options.on_progress) options.on_progress(report.resources);
  report.seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
  return report;
}

}  // namespace clinicdb::clinic::fhir
