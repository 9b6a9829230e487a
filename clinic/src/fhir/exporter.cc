#include "clinicdb/clinic/fhir/exporter.h"

#include <fcntl.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <utility>

#include "billing/tables.h"
#include "clinicdb/clinic/identity.h"
#include "clinicdb/clinic/tables.h"
#include "consent_table.h"
#include "fhir/resource.h"
#include "fhir/writer.h"

namespace clinicdb::clinic::fhir {

namespace {

constexpr std::size_t kBufferBytes = std::size_t{256} << 10;
constexpr std::uint64_t kProgressEvery = 4096;

// A file that gets its name when it is whole: written as .NAME.part, synced, renamed.
class OutputFile {
 public:
  OutputFile(const std::string& directory, const std::string& name, bool gzip)
      : part_(directory + "/." + name + ".part"), path_(directory + "/" + name), gzip_(gzip) {}
  ~OutputFile() {
    if (deflating_) deflateEnd(&stream_);
    if (descriptor_ >= 0) {
      ::close(descriptor_);
      ::unlink(part_.c_str());
    }
  }
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  Status open() {
    descriptor_ = ::open(part_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (descriptor_ < 0) return status_from_errno(errno, "make", part_);
    if (gzip_) {
      if (deflateInit2(&stream_, Z_DEFAULT_COMPRESSION, Z_DEFLATED, 16 + MAX_WBITS, 8,
                       Z_DEFAULT_STRATEGY) != Z_OK) {
        return resource_exhausted("no memory to pack " + path_);
      }
      deflating_ = true;
    }
    return Status();
  }

  Status append(std::string_view text) {
    buffer_.append(text);
    return buffer_.size() < kBufferBytes ? Status() : drain(false);
  }

  Status finish() {
    RETURN_IF_ERROR(drain(true));
    // L7's lesson holds here too: after a failed sync nothing is known of the file, so it gets no
    // name.
    if (::fsync(descriptor_) != 0) return status_from_errno(errno, "sync", part_);
    const int descriptor = std::exchange(descriptor_, -1);
    if (::close(descriptor) != 0) return status_from_errno(errno, "close", part_);
    if (std::rename(part_.c_str(), path_.c_str()) != 0)
      return status_from_errno(errno, "rename", part_);
    return Status();
  }

 private:
  Status drain(bool last) {
    if (!gzip_) {
      RETURN_IF_ERROR(write_all(buffer_));
      buffer_.clear();
      return Status();
    }
    stream_.next_in = reinterpret_cast<Bytef*>(buffer_.data());
    stream_.avail_in = static_cast<uInt>(buffer_.size());
    std::string packed(kBufferBytes, '\0');
    int outcome = Z_OK;
    do {
      stream_.next_out = reinterpret_cast<Bytef*>(packed.data());
      stream_.avail_out = static_cast<uInt>(packed.size());
      outcome = deflate(&stream_, last ? Z_FINISH : Z_NO_FLUSH);
      if (outcome == Z_STREAM_ERROR) return internal_error("cannot pack " + path_);
      RETURN_IF_ERROR(write_all({packed.data(), packed.size() - stream_.avail_out}));
    } while (last ? outcome != Z_STREAM_END : stream_.avail_out == 0);
    buffer_.clear();
    return Status();
  }

  Status write_all(std::string_view rest) {
    while (!rest.empty()) {
      const ssize_t done = ::write(descriptor_, rest.data(), rest.size());
      if (done < 0 && errno == EINTR) continue;
      if (done < 0) return status_from_errno(errno, "write", part_);
      rest.remove_prefix(static_cast<std::size_t>(done));
    }
    return Status();
  }

  std::string part_;
  std::string path_;
  bool gzip_;
  int descriptor_ = -1;
  std::string buffer_;
  z_stream stream_{};
  bool deflating_ = false;
};

Status sync_directory(const std::string& directory) {
  const int descriptor = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return status_from_errno(errno, "open folder", directory);
  const int outcome = ::fsync(descriptor);
  const int reason = errno;
  ::close(descriptor);
  return outcome == 0 ? Status() : status_from_errno(reason, "sync folder", directory);
}

bool stands_in_two_tables(ResourceType type) {
  return type == RESOURCE_TYPE_APPOINTMENT || type == RESOURCE_TYPE_INVOICE ||
         type == RESOURCE_TYPE_CONSENT;
}

class Exporter {
 public:
  Exporter(engine::Reader& reader, const std::string& directory, const ExportOptions& options)
      : reader_(reader), directory_(directory), options_(options) {}

  Result<ExportReport> run() {
    RETURN_IF_ERROR(table(organizations_table()));
    RETURN_IF_ERROR(table(locations_table()));
    RETURN_IF_ERROR(table(professionals_table()));
    RETURN_IF_ERROR(table(patients_table()));
    RETURN_IF_ERROR(table(appointments_table()));
    RETURN_IF_ERROR(table(invoices_table()));
    RETURN_IF_ERROR(table(consents_table()));
    RETURN_IF_ERROR(table(records_table()));
    RETURN_IF_ERROR(finish_bundle());
    for (auto& [type, file] : files_) RETURN_IF_ERROR(finish(*file));
    files_.clear();
    RETURN_IF_ERROR(sync_directory(directory_));
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
    std::unique_ptr<OutputFile>& file = files_[type];
    if (!file) {
      // The records' table comes by type, so the last type's file is done; only appointments,
      // invoices and consents stand in two tables.
      for (auto at = files_.begin(); at != files_.end();) {
        if (at->second && !stands_in_two_tables(at->first)) {
          RETURN_IF_ERROR(finish(*at->second));
          at = files_.erase(at);
        } else {
          ++at;
        }
      }
      ASSIGN_OR_RETURN(files_[type], open(std::string(resource_type_name(type)) + ".ndjson"));
      return append(*files_[type], body);
    }
    return append(*file, body);
  }
  static Status append(OutputFile& file, const std::string& body) {
    RETURN_IF_ERROR(file.append(body));
    return file.append("\n");
  }

  Status entry(ResourceType type, const AnyRecord& record, const std::string& body) {
    if (!bundle_) {
      char name[32];
      std::snprintf(name, sizeof name, "bundle-%06llu.json",
                    static_cast<unsigned long long>(++bundles_));
      ASSIGN_OR_RETURN(bundle_, open(name));
      RETURN_IF_ERROR(bundle_->append(R"({"resourceType":"Bundle","type":"batch","entry":[)"));
    } else {
      RETURN_IF_ERROR(bundle_->append(",\n"));
    }
    const std::string url = std::visit(
        [&](const auto& message) { return fhir_reference(type, message.id(), message.fhir_id()); },
        record);
    RETURN_IF_ERROR(bundle_->append("{\"resource\":"));
    RETURN_IF_ERROR(bundle_->append(body));
    RETURN_IF_ERROR(
        bundle_->append(",\"request\":{\"method\":\"PUT\",\"url\":" + json_string(url) + "}}"));
    return ++in_bundle_ < options_.bundle_resources ? Status() : finish_bundle();
  }

  Status finish_bundle() {
    if (!bundle_) return Status();
    RETURN_IF_ERROR(bundle_->append("]}\n"));
    RETURN_IF_ERROR(finish(*bundle_));
    bundle_.reset();
    in_bundle_ = 0;
    return Status();
  }

  Result<std::unique_ptr<OutputFile>> open(const std::string& name) {
    auto file = std::make_unique<OutputFile>(directory_, options_.gzip ? name + ".gz" : name,
                                             options_.gzip);
    RETURN_IF_ERROR(file->open());
    return file;
  }
  Status finish(OutputFile& file) {
    ++report_.files;
    return file.finish();
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
      default:
        fhir_id = found(records_table(), record_key(type, id));
    }
    return fhir_reference(type, id, fhir_id);
  }

  engine::Reader& reader_;
  const std::string& directory_;
  const ExportOptions& options_;
  ExportReport report_;
  std::map<ResourceType, std::unique_ptr<OutputFile>> files_;
  std::unique_ptr<OutputFile> bundle_;
  std::uint64_t bundles_ = 0;
  std::uint64_t in_bundle_ = 0;
};

}  // namespace

Result<ExportReport> export_fhir(engine::Store& store, TenantId tenant,
                                 const std::string& directory, const ExportOptions& options) {
  if (options.bundle_resources == 0) {
    return invalid_argument("a bundle holds at least one resource").with_field("bundle_resources");
  }
  const auto started = std::chrono::steady_clock::now();
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error) return status_from_errno(error.value(), "make folder", directory);
  ASSIGN_OR_RETURN(const std::unique_ptr<engine::Reader> reader, store.view(tenant));
  ASSIGN_OR_RETURN(ExportReport report, Exporter(*reader, directory, options).run());
  if (options.on_progress) options.on_progress(report.resources);
  report.seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
  return report;
}

}  // namespace clinicdb::clinic::fhir
