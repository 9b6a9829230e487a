// The pipeline of an import.
//
//   threads 2..n   take the next piece of input (one at a time, under `input_mutex_`), make it
//   ready calling thread commits what is ready, in the order of the input
//
// A piece gets its place in the order when it is taken. No piece is taken that is more than
// `window_` places ahead of the commits, which bounds memory. With one thread the calling one does
// both in turn.
#include "clinicdb/clinic/fhir/importer.h"

#include <chrono>
#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <utility>

#include "fhir/import_work.h"
#include "fhir/limits.h"

namespace clinicdb::clinic::fhir {

namespace {

constexpr std::int64_t kProgressEveryMs = 100;

// A piece of a file, or the reason why there is no more of it.
struct Taken {
  std::uint64_t place = 0;
  std::size_t file = 0;
  std::optional<InputPiece> piece;
  std::optional<ImportProblem> problem;
  std::uint64_t bytes_done = 0;  // of all files, as stored
  std::size_t size = 0;          // of the piece
};

// Walks through the files. Guarded by the pipeline's input mutex.
class Pieces {
 public:
  explicit Pieces(ImportSource& source) : source_(source), files_(source.files()) {}

  /// Nothing at the end of the last file.
  std::optional<Taken> next() {
    while (file_ < files_.size()) {
      Taken taken;
      taken.file = file_;
      Result<std::optional<InputPiece>> piece = read();
      if (!piece) {
        taken.problem = ImportProblem{files_[file_], input_ ? input_->error_line() : 0, "",
                                      std::string(piece.error().message()), 0};
      }
      taken.bytes_done = bytes_before_ + (input_ ? input_->bytes_read() : 0);
      if (!piece || !*piece) {
        if (input_) bytes_before_ += input_->bytes_read();
        input_.reset();
        ++file_;
        if (piece) continue;
      } else {
        taken.piece = std::move(**piece);
        taken.size = taken.piece->text().size();
      }
      taken.place = place_++;
      return taken;
    }
    return std::nullopt;
  }

 private:
  Result<std::optional<InputPiece>> read() {
    if (!input_) {
      ASSIGN_OR_RETURN(input_, Input::open(source_, file_));
    }
    return input_->next();
  }

  ImportSource& source_;
  const std::vector<std::string>& files_;
  std::size_t file_ = 0;
  std::unique_ptr<Input> input_;
  std::uint64_t bytes_before_ = 0;
  std::uint64_t place_ = 0;
};

struct Ready {
  Taken taken;  // without its text
  PreparedPiece prepared;
};

Ready make_ready(Preparer& preparer, Taken taken) {
  Ready ready;
  if (taken.piece) ready.prepared = preparer.prepare(*taken.piece);
  taken.piece.reset();
  ready.taken = std::move(taken);
  return ready;
}

class Pipeline {
 public:
  Pipeline(ImportSource& source, std::size_t threads, bool unpack_searchsets)
      : pieces_(source),
        unpack_searchsets_(unpack_searchsets),
        window_(threads * kChunksInFlightPerThread),
        calling_(unpack_searchsets) {
    for (std::size_t i = 1; i < threads; ++i) workers_.emplace_back([this] { work(); });
  }
  ~Pipeline() {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      stopped_ = true;
    }
    room_.notify_all();
    for (std::thread& worker : workers_) worker.join();
  }
  Pipeline(const Pipeline&) = delete;
  Pipeline& operator=(const Pipeline&) = delete;

  /// The next piece in order; nothing at the end. Called by the committing thread.
  std::optional<Ready> next() {
    if (workers_.empty()) {
      std::optional<Taken> taken = pieces_.next();
      if (!taken) return std::nullopt;
      return make_ready(calling_, std::move(*taken));
    }
    std::unique_lock<std::mutex> lock(mutex_);
    // The piece that was handed out last has been committed by now.
    bytes_in_flight_ -= std::exchange(bytes_handed_out_, 0);
    room_.notify_all();
    arrived_.wait(lock, [this] {
      return ready_.count(committed_) != 0 || (ended_at_ && *ended_at_ == committed_);
    });
    const auto found = ready_.find(committed_);
    if (found == ready_.end()) return std::nullopt;
    Ready ready = std::move(found->second);
    ready_.erase(found);
    ++committed_;
    bytes_handed_out_ = ready.taken.size;
    lock.unlock();
    room_.notify_all();
    return ready;
  }

 private:
  void work() {
    Preparer preparer(unpack_searchsets_);
    while (std::optional<Taken> taken = take()) {
      Ready ready = make_ready(preparer, std::move(*taken));
      const std::lock_guard<std::mutex> lock(mutex_);
      const std::uint64_t place = ready.taken.place;
      ready_.emplace(place, std::move(ready));
      if (place == committed_) arrived_.notify_one();
    }
  }

  std::optional<Taken> take() {
    const std::lock_guard<std::mutex> input(input_mutex_);
    {
      std::unique_lock<std::mutex> lock(mutex_);
      room_.wait(lock, [this] {
        return stopped_ || bytes_in_flight_ == 0 ||
               (taken_ < committed_ + window_ && bytes_in_flight_ < kBytesInFlightMax);
      });
      if (stopped_ || ended_at_) return std::nullopt;
    }
    std::optional<Taken> taken = pieces_.next();
    const std::lock_guard<std::mutex> lock(mutex_);
    if (taken) {
      ++taken_;
      bytes_in_flight_ += taken->size;
    } else {
      ended_at_ = taken_;
      arrived_.notify_one();
    }
    return taken;
  }

  // Guarded by input_mutex_, which is taken before mutex_.
  std::mutex input_mutex_;
  Pieces pieces_;

  // Constant after construction.
  bool unpack_searchsets_;
  std::uint64_t window_;
  std::vector<std::thread> workers_;
  // The calling thread's own.
  Preparer calling_;

  std::mutex mutex_;
  std::condition_variable room_;
  std::condition_variable arrived_;
  // Guarded by mutex_.
  std::unordered_map<std::uint64_t, Ready> ready_;
  std::uint64_t taken_ = 0;
  std::uint64_t committed_ = 0;
  std::size_t bytes_in_flight_ = 0;
  std::size_t bytes_handed_out_ = 0;  // of them, with the committing thread
  std::optional<std::uint64_t> ended_at_;
  bool stopped_ = false;
};

// Tells of progress, some times a second.
class Progress {
 public:
  Progress(const ImportOptions& options, const ImportReport& report, const ImportSource& source)
      : options_(options), report_(report) {
    state_.files = source.files().size();
    state_.bytes = source.bytes_total();
  }
  void step(std::uint64_t files_done, std::uint64_t bytes_done, bool last) {
    if (!options_.on_progress) return;
    const auto now = std::chrono::steady_clock::now();
    if (!last && now - told_ < std::chrono::milliseconds(kProgressEveryMs)) return;
    told_ = now;
    state_.files_done = files_done;
    state_.bytes_done = bytes_done;
    state_.resources = report_.resources;
    options_.on_progress(state_);
  }

 private:
  const ImportOptions& options_;
  const ImportReport& report_;
  ImportProgress state_;
  std::chrono::steady_clock::time_point told_;
};

Status run(engine::Store& store, TenantId tenant, ImportSource& source,
           const ImportOptions& options, std::size_t threads, ImportReport& report) {
  const std::vector<std::string>& files = source.files();
  const auto stopped = [&] { return options.stop != nullptr && options.stop->load(); };
  Committer committer(store, tenant, source, options, report);
  Progress progress(options, report, source);
  std::uint64_t bytes_done = 0;
  {
    Pipeline pipeline(source, threads, options.unpack_searchsets);
    while (std::optional<Ready> ready = pipeline.next()) {
      if (stopped()) return cancelled("stopped; what was committed stays");
      if (ready->taken.problem) {
        ++report.problems;
        ++report.failed;
        ++report.resources;
        if (options.on_problem) options.on_problem(*ready->taken.problem);
        continue;
      }
      RETURN_IF_ERROR(committer.commit(files[ready->taken.file], std::move(ready->prepared)));
      bytes_done = ready->taken.bytes_done;
      progress.step(ready->taken.file, bytes_done, false);
    }
  }
  if (stopped()) return cancelled("stopped; what was committed stays");
  RETURN_IF_ERROR(committer.finish());
  progress.step(files.size(), bytes_done, true);
  return Status();
}

}  // namespace

Result<ImportReport> import_fhir(engine::Store& store, TenantId tenant,
                                 const std::vector<std::string>& paths,
                                 const ImportOptions& options) {
  RETURN_IF_ERROR(store.tenant(tenant).status());
  ASSIGN_OR_RETURN(const std::unique_ptr<ImportSource> files, open_import_files(paths));
  return import_fhir(store, tenant, *files, options);
}

Result<ImportReport> import_fhir(engine::Store& store, TenantId tenant, ImportSource& source,
                                 const ImportOptions& options) {
  const auto started = std::chrono::steady_clock::now();
  RETURN_IF_ERROR(store.tenant(tenant).status());
  std::size_t threads = options.threads;
  if (threads == 0) threads = std::max<std::size_t>(1, std::thread::hardware_concurrency());
  ImportReport report;
  report.files = source.files().size();
  try {
    RETURN_IF_ERROR(run(store, tenant, source, options, threads, report));
  } catch (const std::bad_alloc&) {
    return resource_exhausted("not enough memory to import");
  } catch (const std::system_error& error) {
    return resource_exhausted(std::string("no thread to import with: ") + error.what());
  }
  report.seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
  if (report.seconds > 0)
    report.resources_per_second = static_cast<double>(report.resources) / report.seconds;
  return report;
}

}  // namespace clinicdb::clinic::fhir
