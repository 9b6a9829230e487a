// Session: one run of the program: what its common options say, what it is addressed to, and where
// its output goes.
//
// Confined to the main thread.
#pragma once

#include <iosfwd>
#include <memory>
#include <string>
#include <string_view>

#include "cli/exit_code.h"
#include "cli/message_json.h"
#include "cli/table.h"
#include "cli/target.h"
#include "cli/terminal.h"
#include "clinicdb/base/result.h"
#include "clinicdb/clinic/schema/common.pb.h"
#include "clinicdb/clinic/schema/resource_type.pb.h"

namespace clinicdb::server {

/// What the options that commands share are set to.
struct CommonOptions {
  std::string data;    ///< the store's directory
  std::string tenant;  ///< its slug
  std::string config;  ///< settings file; empty: none
  bool json = false;
  ServerAddress server;  ///< instead of the directory, when its endpoint is not empty
};

class Session {
 public:
  /// Output goes to `out` and `error`, which outlive it.
  Session(Terminal terminal, std::ostream& out, std::ostream& error);

  CommonOptions& options() { return options_; }
  const Terminal& terminal() const { return terminal_; }
  bool json() const { return options_.json; }

  /// Opens what --data or --connect names. At most once a session.
  Result<Target*> open(Access access);
  /// For calls on --tenant. kNotFound when there is none. REQUIRES: open.
  Result<clinic::CallContext> tenant_context();
  /// Name of the tenant's zone. REQUIRES: tenant_context.
  const std::string& zone() const { return zone_; }
  /// Closes what was opened; OK when nothing was.
  Status close();

  /// What the command is to show, in the form that was asked for. JSON is one line.
  void show(const Json& json);
  void show(const TextTable& table);
  void say(std::string_view text);
  /// The outcome of a write: "Registered patient ID." or, where it was so already, that it was.
  void show_written(std::string_view what, const clinic::WriteResult& result);
  /// To standard error.
  void note(std::string_view text);
  /// An error, and what to do; with --json also {"error": ...} on standard output.
  void show_error(const Status& status);
  /// OK, or that standard output took not all of it.
  Status flush();

 private:
  const Terminal terminal_;
  std::ostream& out_;
  std::ostream& error_;
  CommonOptions options_;
  std::unique_ptr<Target> target_;
  std::string zone_;
};

/// The id that `text` means: a UUID, or a FHIR id, with "Type/" before it or without, as bytes.
/// kInvalidArgument, field() `option`, when it cannot be one.
Result<std::string> parse_record_id(clinic::ResourceType type, std::string_view text,
                                    std::string_view option);

}  // namespace clinicdb::server
