// Commands: the tree of the program's words, and what each of them does.
//
//   auto slug = std::make_shared<std::string>();
//   commands.group("tenant", "Clinic groups");
//   commands
//       .add("tenant show", "Describe a tenant", Needs::kStore, {"clinicdb tenant show sorriso"},
//            [slug](Session& session) { return show_tenant(session, *slug); })
//       .text("SLUG", *slug, "The tenant's short name")
//       .required();
//
// One file a family of commands: each has a function in commands.h that adds it. The parser, CLI11,
// is seen by the files alone that make the tree and walk it, for it takes long to compile.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "cli/exit_code.h"
#include "cli/session.h"
#include "clinicdb/base/result.h"

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace clinicdb::server {

/// Which of the common options a command takes beside --json.
enum class Needs {
  kNothing,
  kConfig,         ///< --config
  kStore,          ///< --data, --config
  kStoreOrTenant,  ///< as kStore, with --tenant that may be left out
  kData,           ///< --data, --config, or --connect with what goes with it
  kTenant,         ///< as kData, with --tenant
};

/// What a command does once its options are read. An error is shown, and becomes the exit code.
using Run = std::function<Result<ExitCode>(Session& session)>;

/// An option or argument of a command, to be described further. A handle; copies are of one option.
class CommandOption {
 public:
  explicit CommandOption(CLI::Option* option) : option_(option) {}

  CommandOption& required();
  /// What help calls its value: "DIR".
  CommandOption& type(const std::string& name);
  /// One of these, and nothing else.
  CommandOption& choices(const std::vector<std::string>& values);
  /// Not together with `other`.
  CommandOption& excludes(CommandOption other);

 private:
  CLI::Option* option_;
};

/// A command, to be given options. A name with "--" is an option, another an argument by its place.
/// Values are set when the command line has been read. A handle.
class Command {
 public:
  explicit Command(CLI::App* app) : app_(app) {}

  CommandOption text(const std::string& name, std::string& value, const std::string& help);
  /// May be given again and again.
  CommandOption texts(const std::string& name, std::vector<std::string>& values,
                      const std::string& help);
  /// From `minimum` to `maximum`; help shows the default, which `value` has.
  CommandOption number(const std::string& name, std::uint64_t& value, std::uint64_t minimum,
                       std::uint64_t maximum, const std::string& help);
  CommandOption flag(const std::string& name, bool& value, const std::string& help);
  /// From the first word that is no option of this command: that and all that follow, as they are.
  void rest(std::vector<std::string>& values);

 private:
  CLI::App* app_;
};

class Commands {
 public:
  /// Adds to `root`, whose options are those of `session`. Both outlive it.
  Commands(CLI::App& root, Session& session) : root_(root), session_(session) {}

  CLI::App& root() { return root_; }
  /// A word that only has words below it.
  void group(const std::string& name, const std::string& description);
  /// A command: its words ("tenant show"), of which all but the last are groups. `examples` end its
  /// help.
  Command add(const std::string& words, const std::string& description, Needs needs,
              const std::vector<std::string>& examples, Run run);
  /// What the words that were read are to do; nullptr for a word that only has words below it.
  const Run* chosen() const;

 private:
  CLI::App& root_;
  Session& session_;
  std::map<const CLI::App*, Run> runs_;
};

}  // namespace clinicdb::server
