// An import and an export whose files are at the other end of a stream: the importer and exporter
// that an embedded store has, between messages of clinic/schema/transfer.proto.
#pragma once

#include "clinicdb/clinic/clinic.h"
#include "clinicdb/clinic/schema/transfer.pb.h"
#include "net/stream_pipe.h"

namespace clinicdb::server {

/// What one message of an import may hold.
constexpr std::size_t kImportMessageBytesMax = std::size_t{256} << 10;

/// Runs the import that `begin` describes, with the files that come through the pipe; its problems,
/// its progress and its report go back. A pipe that is stopped ends it behind the last whole
/// bundle: the pipe's reason. REQUIRES: on a thread that may block.
Status run_import(clinic::Clinic& clinic, const clinic::CallContext& context,
                  const clinic::ImportBegin& begin, StreamPipe& pipe);

/// Runs the export; its files, its progress and its report go through the pipe. As run_import.
Status run_export(clinic::Clinic& clinic, const clinic::CallContext& context,
                  const clinic::ExportRequest& request, StreamPipe& pipe);

}  // namespace clinicdb::server
