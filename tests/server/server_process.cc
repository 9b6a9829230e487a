#include "server_process.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <thread>
#include <utility>

extern char** environ;

namespace clinicdb::server {

namespace {

/// More than server.drain_seconds, and what closing a large store takes under a sanitizer.
constexpr auto kStopMax = std::chrono::minutes(3);

/// The number behind the last of these words in the line; 0: it has none.
std::uint16_t number_behind(const std::string& line, std::string_view words) {
  const std::size_t at = line.rfind(words);
  if (at == std::string::npos) return 0;
  return static_cast<std::uint16_t>(std::atoi(line.c_str() + at + words.size()));
}

}  // namespace

ServerProcess::ServerProcess(std::string program, std::string data, std::vector<std::string> words,
                             std::string said)
    : program_(std::move(program)),
      data_(std::move(data)),
      words_(std::move(words)),
      said_(std::move(said)) {}

ServerProcess::~ServerProcess() {
  if (pid_ != 0) kill_now();
}

Status ServerProcess::start() {
  int out[2];
  if (pipe2(out, O_CLOEXEC) != 0) return unavailable("no pipe");
  std::vector<std::string> words{program_,   "serve",
                                 "--data",   data_,
                                 "--listen", "127.0.0.1:" + std::to_string(port_),
                                 "--admin",  "127.0.0.1:0",
                                 "--json",   "--open-on-loopback"};
  words.insert(words.end(), words_.begin(), words_.end());
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, said_.c_str(),
                                   O_WRONLY | O_CREAT | O_APPEND, 0644);
  const int failed =
      posix_spawn(&pid_, program_.c_str(), &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  close(out[1]);
  std::string line;
  if (failed == 0) {
    for (char c = 0; read(out[0], &c, 1) == 1 && c != '\n';) line += c;
  } else {
    pid_ = 0;
  }
  close(out[0]);
  port_ = number_behind(line, "\"port\":");
  admin_port_ = number_behind(line, "\"admin\":\"127.0.0.1:");
  if (port_ == 0 || admin_port_ == 0)
    return unavailable(program_ + " does not start; it says \"" + line + "\"");
  return Status();
}

void ServerProcess::kill_now() {
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
  pid_ = 0;
}

void ServerProcess::tell(int signal) const { kill(pid_, signal); }

Status ServerProcess::stop() {
  tell(SIGTERM);
  const auto until = std::chrono::steady_clock::now() + kStopMax;
  int status = 0;
  while (waitpid(pid_, &status, WNOHANG) == 0) {
    if (std::chrono::steady_clock::now() > until)
      return internal_error("the server does not end after SIGTERM");
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return ended(status);
}

Status ServerProcess::check_alive() {
  int status = 0;
  if (waitpid(pid_, &status, WNOHANG) == 0) return Status();
  const Status how = ended(status);
  return how.ok() ? internal_error("the server has ended by itself") : how;
}

Status ServerProcess::ended(int status) {
  pid_ = 0;
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return Status();
  return internal_error(
      WIFEXITED(status) ? "the server ended with exit code " + std::to_string(WEXITSTATUS(status))
                        : "the server ended by signal " + std::to_string(WTERMSIG(status)));
}

Result<std::uint64_t> ServerProcess::resident_bytes() const {
  std::ifstream file("/proc/" + std::to_string(pid_) + "/status");
  for (std::string line; std::getline(file, line);) {
    if (line.rfind("VmRSS:", 0) == 0)
      return std::uint64_t{1024} * std::strtoull(line.c_str() + 6, nullptr, 10);
  }
  return unavailable("there is no resident memory to be read");
}

}  // namespace clinicdb::server
