#include "net/transfer_streams.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "clinicdb/wire/messages.h"

namespace clinicdb::server {

using clinic::ExportPart;
using clinic::FilePart;
using clinic::ImportNews;
using clinic::ImportPart;

namespace {

/// Of a file, in one message.
constexpr std::size_t kPartBytes = std::size_t{48} << 10;

Status send(StreamPipe& pipe, const google::protobuf::MessageLite& message) {
  std::string bytes;
  wire::append_stream_message(bytes, message);
  return pipe.write(bytes);
}

/// The files that come through a pipe, one after another. Whatever is wrong with the stream itself
/// stops the pipe, and so the import: half a file is never taken for a whole one.
class PipedFiles final : public clinic::fhir::ImportSource {
 public:
  PipedFiles(const clinic::ImportBegin& begin, StreamPipe& pipe)
      : names_(begin.names().begin(), begin.names().end()),
        once_(begin.once().begin(), begin.once().end()),
        pipe_(pipe) {
    once_.resize(names_.size());
  }

  const std::vector<std::string>& files() const override { return names_; }
  std::uint64_t bytes_total() const override { return 0; }
  bool can_read_again(std::size_t file) const override { return !once_[file]; }

  Status open(std::size_t file) override {
    // What the importer did not care to read of the last one.
    while (!ended_) RETURN_IF_ERROR(next_part());
    part_.Clear();
    used_ = 0;
    if (file < begun_) {
      ImportNews news;
      news.set_again(static_cast<std::uint32_t>(file));
      RETURN_IF_ERROR(send(pipe_, news));
    }
    begun_ = std::max(begun_, file + 1);
    file_ = file;
    ended_ = false;
    RETURN_IF_ERROR(next_part());
    return part_.last() && !part_.failure().empty() ? unavailable(part_.failure()) : Status();
  }

  Result<std::size_t> read(std::span<char> room) override {
    while (used_ == part_.data().size()) {
      if (!part_.failure().empty()) return unavailable(part_.failure());
      if (ended_) return std::size_t{0};
      RETURN_IF_ERROR(next_part());
    }
    const std::size_t count = std::min(room.size(), part_.data().size() - used_);
    std::memcpy(room.data(), part_.data().data() + used_, count);
    used_ += count;
    return count;
  }

 private:
  Status next_part() {
    Status status = take_part();
    if (!status.ok()) {
      ended_ = true;
      pipe_.stop(status);
    }
    return status;
  }

  Status take_part() {
    while (true) {
      ASSIGN_OR_RETURN(const std::optional<std::string_view> message, messages_.next());
      if (message) {
        ImportPart part;
        RETURN_IF_ERROR(wire::parse_message(*message, "an import", part));
        if (!part.has_file() || part.file().file() != file_) {
          return invalid_argument("a part of file " + std::to_string(part.file().file()) +
                                  " where file " + std::to_string(file_) + " is due");
        }
        part_ = std::move(*part.mutable_file());
        used_ = 0;
        ended_ = part_.last() || !part_.failure().empty();
        return Status();
      }
      ASSIGN_OR_RETURN(const std::string bytes, pipe_.read());
      if (bytes.empty()) {
        return invalid_argument("the stream ends within file " + std::to_string(file_) + " of " +
                                std::to_string(names_.size()));
      }
      messages_.feed(bytes);
    }
  }

  const std::vector<std::string> names_;
  std::vector<bool> once_;
  StreamPipe& pipe_;
  wire::StreamMessages messages_{kImportMessageBytesMax};
  std::size_t begun_ = 0;  // files that were opened at least once
  std::size_t file_ = 0;   // that is read
  bool ended_ = true;      // its last part has come
  FilePart part_;
  std::size_t used_ = 0;  // of the part's data
};

ImportNews news_of(const clinic::fhir::ImportProblem& problem) {
  ImportNews news;
  clinic::ImportProblemNews& to = *news.mutable_problem();
  to.set_file(problem.file);
  to.set_line(problem.line);
  to.set_path(problem.path);
  to.set_reason(problem.reason);
  to.set_resources(problem.resources);
  return news;
}

ImportNews news_of(const clinic::fhir::ImportReport& report) {
  ImportNews news;
  clinic::ImportResult& to = *news.mutable_report();
  to.set_files(report.files);
  to.set_resources(report.resources);
  to.set_imported(report.imported);
  to.set_unchanged(report.unchanged);
  to.set_failed(report.failed);
  to.set_deleted(report.deleted);
  to.set_ignored(report.ignored);
  to.set_problems(report.problems);
  for (const auto& [type, counts] : report.by_type) {
    clinic::ImportResult::TypeCounts& of_type = *to.add_by_type();
    of_type.set_type(type);
    of_type.set_imported(counts.imported);
    of_type.set_unchanged(counts.unchanged);
    of_type.set_failed(counts.failed);
  }
  return news;
}

/// Half of the cores, unless fewer are asked for: others are served meanwhile.
std::size_t threads_for(std::uint32_t asked) {
  const std::size_t cores = std::max<std::size_t>(1, std::thread::hardware_concurrency());
  return asked == 0 ? (cores + 1) / 2 : std::min<std::size_t>(asked, cores);
}

/// An export's files, into a pipe.
class PipedFolder final : public clinic::fhir::ExportSink {
 public:
  explicit PipedFolder(StreamPipe& pipe) : pipe_(pipe) {}

  Result<std::size_t> open(const std::string& name) override {
    const std::size_t file = pending_.size();
    ExportPart part;
    part.mutable_open()->set_file(static_cast<std::uint32_t>(file));
    part.mutable_open()->set_name(name);
    RETURN_IF_ERROR(send(pipe_, part));
    pending_.emplace_back();
    return file;
  }

  Status append(std::size_t file, std::string_view bytes) override {
    std::string& pending = pending_[file];
    while (!bytes.empty()) {
      const std::size_t count = std::min(bytes.size(), kPartBytes - pending.size());
      pending.append(bytes.substr(0, count));
      bytes.remove_prefix(count);
      if (pending.size() == kPartBytes) RETURN_IF_ERROR(send_part(file, false));
    }
    return Status();
  }

  Status finish(std::size_t file) override { return send_part(file, true); }
  Status close() override { return Status(); }

 private:
  Status send_part(std::size_t file, bool last) {
    ExportPart part;
    part.mutable_file()->set_file(static_cast<std::uint32_t>(file));
    part.mutable_file()->set_data(std::exchange(pending_[file], std::string()));
    part.mutable_file()->set_last(last);
    return send(pipe_, part);
  }

  StreamPipe& pipe_;
  std::vector<std::string> pending_;  // by file
};

}  // namespace

Status run_import(clinic::Clinic& clinic, const clinic::CallContext& context,
                  const clinic::ImportBegin& begin, StreamPipe& pipe) {
  PipedFiles files(begin, pipe);
  clinic::fhir::ImportOptions options;
  options.threads = threads_for(begin.threads());
  options.unpack_searchsets = begin.unpack_searchsets();
  options.stop = &pipe.stopped();
  options.on_problem = [&](const clinic::fhir::ImportProblem& problem) {
    send(pipe, news_of(problem)).ignore("the pipe was stopped, and the import stops by itself");
  };
  if (begin.progress()) {
    options.on_progress = [&](const clinic::fhir::ImportProgress& now) {
      ImportNews news;
      news.mutable_progress()->set_files_done(now.files_done);
      news.mutable_progress()->set_bytes_done(now.bytes_done);
      news.mutable_progress()->set_resources(now.resources);
      send(pipe, news).ignore("the pipe was stopped, and the import stops by itself");
    };
  }
  const Result<clinic::fhir::ImportReport> report =
      clinic.transfer().import_fhir(context, files, options);
  RETURN_IF_ERROR(pipe.reason());
  RETURN_IF_ERROR(report.status());
  return send(pipe, news_of(*report));
}

Status run_export(clinic::Clinic& clinic, const clinic::CallContext& context,
                  const clinic::ExportRequest& request, StreamPipe& pipe) {
  PipedFolder folder(pipe);
  clinic::fhir::ExportOptions options;
  options.format = request.format() == clinic::TRANSFER_FORMAT_BUNDLE
                       ? clinic::fhir::ExportFormat::kBundle
                       : clinic::fhir::ExportFormat::kNdjson;
  if (request.bundle_resources() != 0) options.bundle_resources = request.bundle_resources();
  options.stop = &pipe.stopped();
  options.on_progress = [&](std::uint64_t resources) {
    ExportPart part;
    part.set_resources(resources);
    send(pipe, part).ignore("the pipe was stopped, and the export stops by itself");
  };
  const Result<clinic::fhir::ExportReport> report =
      clinic.transfer().export_fhir(context, folder, options);
  RETURN_IF_ERROR(pipe.reason());
  RETURN_IF_ERROR(report.status());
  ExportPart part;
  clinic::ExportResult& to = *part.mutable_report();
  to.set_files(report->files);
  to.set_resources(report->resources);
  to.set_bytes(report->bytes);
  for (const auto& [type, resources] : report->by_type) {
    clinic::ExportResult::TypeCount& of_type = *to.add_by_type();
    of_type.set_type(type);
    of_type.set_resources(resources);
  }
  return send(pipe, part);
}

}  // namespace clinicdb::server
