// The kinds of work that callers bring to the pipeline: a command, a prepared transaction, a change
// to the store's own range. Request ids (R1) are kept here, for the first two alike.
#pragma once

#include <optional>
#include <string>

#include "clinicdb/engine/store.h"
#include "commit/group.h"
#include "commit/pipeline.h"

namespace clinicdb::engine {

/// What is kept with a request's commit.
struct RequestRecord {
  std::uint64_t request_hash = 0;
  LogPosition position;
  std::string answer;
};
std::string encode_request(const RequestRecord& record);
Result<RequestRecord> decode_request(std::string_view value);

/// The answer of an earlier call with this id, or nothing. kInvalidArgument when the id is no
/// UUIDv7, has no session, or came with other content; kFailedPrecondition when its time lies
/// outside the window.
Result<std::optional<RequestRecord>> find_request(const State& state, TenantId tenant,
                                                  const CallContext& context, Time now);

/// kNotFound unless the tenant is there.
Status check_tenant(const Published& published, TenantId tenant);

/// A trusted command, run on the writer.
class CommandWork final : public Work {
 public:
  CommandWork(TenantId tenant, const CallContext& context, Command command)
      : tenant_(tenant), context_(context), command_(command) {}
  Result<std::string> run(GroupContext& group) override;

 private:
  TenantId tenant_;
  const CallContext& context_;
  Command command_;
};

/// A transaction that ran on its caller's thread, on the view of `began`.
class TransactionWork final : public Work {
 public:
  TransactionWork(const Pipeline& pipeline, Lsn began, const CallContext& context,
                  const TransactionOver& transaction, const Overlay& changes, const ReadSet& reads,
                  std::string answer)
      : pipeline_(pipeline),
        began_(began),
        context_(context),
        transaction_(transaction),
        changes_(changes),
        reads_(reads),
        answer_(std::move(answer)) {}
  /// kAborted when what it read has changed.
  Result<std::string> run(GroupContext& group) override;

 private:
  const Pipeline& pipeline_;
  Lsn began_;
  const CallContext& context_;
  const TransactionOver& transaction_;
  const Overlay& changes_;
  const ReadSet& reads_;
  std::string answer_;
};

/// A change to the store's own range.
class SystemWork final : public Work {
 public:
  SystemWork(FunctionRef<Result<std::string>(GroupContext&)> fn, bool exclusive)
      : fn_(fn), exclusive_(exclusive) {}
  Result<std::string> run(GroupContext& group) override { return fn_(group); }
  bool exclusive() const override { return exclusive_; }

 private:
  FunctionRef<Result<std::string>(GroupContext&)> fn_;
  bool exclusive_;
};

}  // namespace clinicdb::engine
