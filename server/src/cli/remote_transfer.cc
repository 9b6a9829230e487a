#include "cli/remote_transfer.h"

#include <chrono>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "clinicdb/client/stream.h"
#include "clinicdb/clinic/schema/transfer.pb.h"

namespace clinicdb::server {

using clinic::ExportPart;
using clinic::ImportNews;
using clinic::ImportPart;

namespace {

using Clock = std::chrono::steady_clock;

/// Of a file, in one message.
constexpr std::size_t kPartBytes = std::size_t{48} << 10;
/// How often it is asked whether to stop.
constexpr std::chrono::milliseconds kStopLook{100};

double seconds_since(Clock::time_point started) {
  return std::chrono::duration<double>(Clock::now() - started).count();
}

bool stopped(const std::atomic<bool>* stop) { return stop != nullptr && stop->load(); }

/// Sends the files of a source, and those that are asked for again, on a thread of its own.
class FileSender {
 public:
  FileSender(clinic::fhir::ImportSource& source, client::Stream& stream)
      : source_(source), stream_(stream), thread_([this] { run(); }) {}
  ~FileSender() {
    {
      const std::lock_guard lock(mutex_);
      ends_ = true;
    }
    asked_.notify_all();
    stream_.cancel();  // of an ended stream: nothing
    thread_.join();
  }
  FileSender(const FileSender&) = delete;
  FileSender& operator=(const FileSender&) = delete;

  void send_again(std::size_t file) {
    {
      const std::lock_guard lock(mutex_);
      again_.push_back(file);
    }
    asked_.notify_all();
  }

 private:
  // An error of the stream's is told by its reader.
  void run() {
    for (std::size_t file = 0; file < source_.files().size(); ++file) {
      if (!send(file).ok()) return;
    }
    while (const std::optional<std::size_t> file = next_again()) {
      if (!send(*file).ok()) return;
    }
  }

  std::optional<std::size_t> next_again() {
    std::unique_lock lock(mutex_);
    asked_.wait(lock, [this] { return ends_ || !again_.empty(); });
    if (ends_) return std::nullopt;
    const std::size_t file = again_.front();
    again_.pop_front();
    return file;
  }

  Status send(std::size_t file) {
    ImportPart part;
    clinic::FilePart& to = *part.mutable_file();
    to.set_file(static_cast<std::uint32_t>(file));
    if (Status opened = source_.open(file); !opened.ok()) {
      to.set_failure(std::string(opened.message()));
      to.set_last(true);
      return stream_.write(part);
    }
    while (!to.last() && to.failure().empty()) {
      std::string& data = *to.mutable_data();
      data.resize(kPartBytes);
      const Result<std::size_t> got = source_.read({data.data(), data.size()});
      data.resize(got ? *got : 0);
      if (!got) to.set_failure(std::string(got.error().message()));
      to.set_last(got && *got == 0);
      RETURN_IF_ERROR(stream_.write(part));
      const std::lock_guard lock(mutex_);
      if (ends_) return cancelled("the import has ended");
    }
    return Status();
  }

  clinic::fhir::ImportSource& source_;
  client::Stream& stream_;
  std::mutex mutex_;
  // Guarded by mutex_.
  std::condition_variable asked_;
  std::deque<std::size_t> again_;
  bool ends_ = false;

  std::thread thread_;
};

clinic::fhir::ImportProblem problem_of(const clinic::ImportProblemNews& news) {
  return {news.file(), news.line(), news.path(), news.reason(), news.resources()};
}

clinic::fhir::ImportReport report_of(const clinic::ImportResult& result) {
  clinic::fhir::ImportReport report;
  report.files = result.files();
  report.resources = result.resources();
  report.imported = result.imported();
  report.unchanged = result.unchanged();
  report.failed = result.failed();
  report.deleted = result.deleted();
  report.ignored = result.ignored();
  report.problems = result.problems();
  for (const auto& counts : result.by_type())
    report.by_type[counts.type()] = {counts.imported(), counts.unchanged(), counts.failed()};
  return report;
}

/// Listens until the server has ended the import.
Result<clinic::fhir::ImportReport> hear_import(client::Stream& stream, FileSender& sender,
                                               const clinic::fhir::ImportSource& source,
                                               const clinic::fhir::ImportOptions& options) {
  std::optional<clinic::fhir::ImportReport> report;
  while (true) {
    ImportNews news;
    ASSIGN_OR_RETURN(const std::optional<bool> came, stream.read_within(news, kStopLook));
    if (stopped(options.stop)) return cancelled("stopped; what was committed stays");
    if (!came) continue;
    if (!*came) break;
    switch (news.news_case()) {
      case ImportNews::kProblem:
        if (options.on_problem) options.on_problem(problem_of(news.problem()));
        break;
      case ImportNews::kProgress:
        if (options.on_progress) {
          options.on_progress({news.progress().files_done(), source.files().size(),
                               news.progress().bytes_done(), source.bytes_total(),
                               news.progress().resources()});
        }
        break;
      case ImportNews::kAgain:
        if (news.again() >= source.files().size())
          return internal_error("the server asks for a file that there is not");
        sender.send_again(news.again());
        break;
      case ImportNews::kReport:
        report = report_of(news.report());
        break;
      case ImportNews::NEWS_NOT_SET:
        break;  // of a server that is newer
    }
  }
  if (!report) return internal_error("the server ended the import without a report");
  return *std::move(report);
}

/// An export's parts, as the files they are of.
class PartsTaker {
 public:
  PartsTaker(clinic::fhir::ExportSink& sink, const clinic::fhir::ExportOptions& options)
      : sink_(sink), options_(options) {}

  Status take(const ExportPart& part) {
    switch (part.part_case()) {
      case ExportPart::kOpen:
        return open(part.open());
      case ExportPart::kFile:
        if (part.file().file() >= open_.size() || !open_[part.file().file()])
          return internal_error("the server sends a part of a file that is not open");
        RETURN_IF_ERROR(sink_.append(part.file().file(), part.file().data()));
        if (!part.file().last()) return Status();
        open_[part.file().file()] = false;
        return sink_.finish(part.file().file());
      case ExportPart::kResources:
        if (options_.on_progress) options_.on_progress(part.resources());
        return Status();
      case ExportPart::kReport:
        report_.emplace();
        report_->files = part.report().files();
        report_->resources = part.report().resources();
        report_->bytes = part.report().bytes();
        for (const auto& count : part.report().by_type())
          report_->by_type[count.type()] = count.resources();
        return sink_.close();
      case ExportPart::PART_NOT_SET:
        return Status();  // of a server that is newer
    }
    return Status();
  }

  std::optional<clinic::fhir::ExportReport>& report() { return report_; }

 private:
  // The name is the server's: nothing of it may lead out of the folder.
  Status open(const clinic::ExportFile& file) {
    if (file.name().empty() || file.name().front() == '.' ||
        file.name().find('/') != std::string::npos || file.file() != open_.size())
      return internal_error("the server names a file that is none of an export's");
    open_.push_back(true);
    return sink_.open(file.name()).status();
  }

  clinic::fhir::ExportSink& sink_;
  const clinic::fhir::ExportOptions& options_;
  std::vector<bool> open_;  // by file; false: whole
  std::optional<clinic::fhir::ExportReport> report_;
};

}  // namespace

Result<clinic::fhir::ImportReport> import_over(client::Client& client,
                                               const std::vector<std::string>& paths,
                                               const clinic::fhir::ImportOptions& options) {
  const Clock::time_point started = Clock::now();
  ASSIGN_OR_RETURN(const std::unique_ptr<clinic::fhir::ImportSource> source,
                   clinic::fhir::open_import_files(paths));
  ImportPart first;
  clinic::ImportBegin& begin = *first.mutable_begin();
  for (std::size_t i = 0; i < source->files().size(); ++i) {
    begin.add_names(source->files()[i]);
    begin.add_once(!source->can_read_again(i));
  }
  begin.set_threads(static_cast<std::uint32_t>(options.threads));
  begin.set_unpack_searchsets(options.unpack_searchsets);
  begin.set_progress(static_cast<bool>(options.on_progress));
  ASSIGN_OR_RETURN(const std::unique_ptr<client::Stream> stream,
                   client::Stream::open(client, client::kTransferServiceImport, first, {}));
  Result<clinic::fhir::ImportReport> report = [&] {
    FileSender sender(*source, *stream);
    return hear_import(*stream, sender, *source, options);
  }();
  if (!report) return report;
  report->seconds = seconds_since(started);
  if (report->seconds > 0)
    report->resources_per_second = static_cast<double>(report->resources) / report->seconds;
  return report;
}

Result<clinic::fhir::ExportReport> export_over(client::Client& client, const std::string& directory,
                                               const clinic::fhir::ExportOptions& options) {
  const Clock::time_point started = Clock::now();
  ASSIGN_OR_RETURN(const std::unique_ptr<clinic::fhir::ExportSink> folder,
                   clinic::fhir::open_export_folder(directory, options.gzip));
  clinic::ExportRequest request;
  request.set_format(options.format == clinic::fhir::ExportFormat::kBundle
                         ? clinic::TRANSFER_FORMAT_BUNDLE
                         : clinic::TRANSFER_FORMAT_NDJSON);
  request.set_bundle_resources(options.bundle_resources);
  ASSIGN_OR_RETURN(const std::unique_ptr<client::Stream> stream,
                   client::Stream::open(client, client::kTransferServiceExport, request, {}));
  stream->end_sending();
  PartsTaker taker(*folder, options);
  while (true) {
    ExportPart part;
    ASSIGN_OR_RETURN(const std::optional<bool> came, stream->read_within(part, kStopLook));
    if (stopped(options.stop)) return cancelled("stopped");
    if (!came) continue;
    if (!*came) break;
    RETURN_IF_ERROR(taker.take(part));
  }
  if (!taker.report()) return internal_error("the server ended the export without a report");
  taker.report()->seconds = seconds_since(started);
  return *std::move(taker.report());
}

}  // namespace clinicdb::server
