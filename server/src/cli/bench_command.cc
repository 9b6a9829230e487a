// bench: handed over to clinicdb-bench, which stands beside this program where it was built with
// the tests. It links SQLite and the engine's insides, which the product does not.
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "cli/command.h"
#include "cli/commands.h"

namespace clinicdb::server {

namespace {

/// Returns only when it could not be run.
Status hand_over(const std::vector<std::string>& words) {
  std::error_code error;
  const std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe", error);
  if (error) return status_from_errno(error.value(), "read", "/proc/self/exe");
  const std::string program = self.parent_path() / "clinicdb-bench";
  std::vector<char*> arguments;
  std::vector<std::string> texts = words;
  texts.insert(texts.begin(), "clinicdb-bench");
  for (std::string& text : texts) arguments.push_back(text.data());
  arguments.push_back(nullptr);
  execv(program.c_str(), arguments.data());
  if (errno == ENOENT) {
    return not_found(program + ": is not there; build the tests, as ./dev bench does");
  }
  return status_from_errno(errno, "run", program);
}

}  // namespace

void add_bench_command(Commands& commands) {
  auto words = std::make_shared<std::vector<std::string>>();
  commands
      .add("bench", "Measure: beside raw RocksDB, raw fdatasync and SQLite", Needs::kNothing,
           {"clinicdb bench write", "clinicdb bench read --json", "clinicdb bench read --help"},
           [words](Session& session) -> Result<ExitCode> {
             if (session.json()) words->push_back("--json");
             return hand_over(*words);
           })
      .rest(*words);
}

}  // namespace clinicdb::server
