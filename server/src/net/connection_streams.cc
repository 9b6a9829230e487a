#include "net/connection_streams.h"

#include <functional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "clinicdb/wire/messages.h"
#include "net/connection.h"
#include "net/io_thread.h"
#include "net/transfer_streams.h"

namespace clinicdb::server {

namespace {

/// A peer that neither sends nor takes anything for so long does not keep a thread.
constexpr std::int64_t kStallNsMax = 60'000'000'000;

template <class Message>
Result<Message> parse(std::string_view body) {
  Message message;
  RETURN_IF_ERROR(wire::parse_message(body, "a stream's request", message));
  return message;
}

}  // namespace

struct ConnectionStreams::Stream {
  Stream(const Call& its_call, const clinic::CallContext& its_context)
      : call(its_call), context(its_context) {}

  const Call call;
  const clinic::CallContext context;
  bool opened = false;
  /// The work is done, and what it left in the pipe is to be sent.
  std::optional<Status> outcome;

  // Import, Export.
  std::shared_ptr<StreamPipe> pipe;
  std::function<Status(clinic::Clinic&, const clinic::CallContext&, StreamPipe&)> work;

  // Follow.
  std::optional<clinic::ReadEventsRequest> next_page;
  bool reading = false;
  bool more = true;  // there may be events that were not read
  std::string page;  // [page_begin, end) is to be sent
  std::size_t page_begin = 0;
};

ConnectionStreams::ConnectionStreams(Connection& connection, ProtocolSession& session,
                                     IoThread& thread, ServiceParts& parts)
    : connection_(connection), session_(session), thread_(thread), parts_(parts) {}

ConnectionStreams::~ConnectionStreams() = default;

ConnectionStreams::Shared ConnectionStreams::find(std::uint32_t id) const {
  const auto found = streams_.find(id);
  return found == streams_.end() ? nullptr : found->second;
}

bool ConnectionStreams::is_open(const Shared& stream) const {
  return find(stream->call.id) == stream;
}

Result<ConnectionStreams::Shared> ConnectionStreams::make(const Call& call,
                                                          const clinic::CallContext& context,
                                                          std::string_view body) {
  auto stream = std::make_shared<Stream>(call, context);
  switch (call.method) {
    case clinic::METHOD_TRANSFER_IMPORT: {
      ASSIGN_OR_RETURN(clinic::ImportPart part, parse<clinic::ImportPart>(body));
      if (!part.has_begin())
        return invalid_argument("an import begins with the names of its files").with_field("begin");
      stream->work = [begin = std::move(*part.mutable_begin())](
                         clinic::Clinic& clinic, const clinic::CallContext& who, StreamPipe& pipe) {
        return run_import(clinic, who, begin, pipe);
      };
      return stream;
    }
    case clinic::METHOD_TRANSFER_EXPORT: {
      ASSIGN_OR_RETURN(clinic::ExportRequest request, parse<clinic::ExportRequest>(body));
      stream->work = [request = std::move(request)](
                         clinic::Clinic& clinic, const clinic::CallContext& who, StreamPipe& pipe) {
        return run_export(clinic, who, request, pipe);
      };
      return stream;
    }
    case clinic::METHOD_FEED_FOLLOW: {
      ASSIGN_OR_RETURN(stream->next_page, parse<clinic::ReadEventsRequest>(body));
      return stream;
    }
    default:
      return unimplemented(clinic::MethodId_Name(call.method) + " is not served as a stream");
  }
}

void ConnectionStreams::run(const Call& call, const clinic::CallContext& context,
                            std::string_view body) {
  Result<Shared> made = make(call, context, body);
  if (!made) return session_.answer(call, made.error());
  const Shared stream = *made;
  if (stream->work) {
    std::weak_ptr<Connection> connection = connection_.weak_from_this();
    // The worker has something: its connection looks at all of its streams.
    const auto wake = [connection, inbox = &thread_.inbox(), thread = &thread_] {
      inbox->add([connection, thread] {
        if (auto alive = connection.lock()) thread->advance_soon(std::move(alive));
      });
    };
    stream->pipe = std::make_shared<StreamPipe>(wake, kStallNsMax);
    streams_.emplace(call.id, stream);
    return start_work(stream);
  }
  streams_.emplace(call.id, stream);
  if (++followed_ == 1) thread_.follow(context.tenant, &connection_);
  read_page(stream);
}

void ConnectionStreams::start_work(const Shared& stream) {
  const Status queued = parts_.stream_pool->submit(
      stream->context.tenant, [this, self = connection_.shared_from_this(), stream]() mutable {
        Status outcome = stream->pipe->reason();
        if (outcome.ok()) outcome = stream->work(*parts_.clinic, stream->context, *stream->pipe);
        Inbox& inbox = thread_.inbox();
        inbox.add([this, self = std::move(self), stream, outcome = std::move(outcome)] {
          if (!is_open(stream)) return;
          stream->outcome = outcome;
          thread_.advance_soon(self);
        });
      });
  if (!queued.ok()) {
    streams_.erase(stream->call.id);
    session_.answer(stream->call, queued);
  }
}

void ConnectionStreams::read_page(const Shared& stream) {
  stream->reading = true;
  stream->more = false;
  const Status queued =
      parts_.pool->submit(stream->context.tenant, [this, self = connection_.shared_from_this(),
                                                   stream, request = *stream->next_page]() mutable {
        Result<clinic::ReadEventsResponse> page =
            parts_.clinic->feed().follow(stream->context, request);
        Inbox& inbox = thread_.inbox();
        inbox.add([this, self = std::move(self), stream, page = std::move(page)] {
          stream->reading = false;
          if (!is_open(stream)) return;
          if (!page) {
            end(stream, page.error());
            return thread_.advance_soon(self);
          }
          stream->next_page->set_after_lsn(page->next_after_lsn());
          stream->next_page->set_cursor(page->cursor());
          if (!page->cursor().empty()) stream->more = true;
          // That there was nothing new is said once, so that the caller knows it stands.
          if (page->events_size() > 0 || !page->cursor().empty() || !stream->opened)
            wire::append_stream_message(stream->page, *page);
          thread_.advance_soon(self);
        });
      });
  if (!queued.ok()) {
    stream->reading = false;
    end(stream, queued);
  }
}

void ConnectionStreams::data(std::uint32_t id, std::string_view bytes) {
  const Shared stream = find(id);
  if (stream != nullptr && stream->pipe) return stream->pipe->deliver(bytes);
  session_.stream_consumed(id, bytes.size());  // a feed is only listened to
}

void ConnectionStreams::ended(std::uint32_t id, const Status& why) {
  const Shared stream = find(id);
  if (stream == nullptr) return;
  if (!why.ok())
    return end(stream, cancelled("the caller has ended the stream: " + std::string(why.message())));
  if (stream->pipe) stream->pipe->end_input();
}

void ConnectionStreams::cancel(std::uint32_t id) {
  if (const Shared stream = find(id)) end(stream, cancelled("the caller does not wait any more"));
}

void ConnectionStreams::committed() {
  for (const auto& [id, stream] : streams_) stream->more = true;
  thread_.advance_soon(connection_.shared_from_this());
}

bool ConnectionStreams::send(Stream& stream, std::string_view bytes) {
  if (bytes.empty()) return false;
  if (!std::exchange(stream.opened, true)) session_.open_stream(stream.call);
  session_.send_stream(stream.call.id, bytes);
  return true;
}

bool ConnectionStreams::fill() {
  if (streams_.empty()) return false;
  bool sent = false;
  std::vector<Shared> all;
  all.reserve(streams_.size());
  for (const auto& [id, stream] : streams_) all.push_back(stream);
  for (const Shared& stream : all) sent = fill(stream) || sent;
  return sent;
}

bool ConnectionStreams::fill(const Shared& stream) {
  bool sent = false;
  const std::uint32_t id = stream->call.id;
  if (stream->pipe) {
    session_.stream_consumed(id, stream->pipe->take_used());
    while (send(*stream, stream->pipe->take_output(session_.stream_room(id)))) sent = true;
    if (stream->outcome && (!stream->outcome->ok() || !stream->pipe->has_output())) {
      end(stream, *stream->outcome);
      return true;
    }
    return sent;
  }
  while (stream->page_begin < stream->page.size()) {
    const std::string_view rest =
        std::string_view(stream->page).substr(stream->page_begin, session_.stream_room(id));
    if (!send(*stream, rest)) return sent;
    stream->page_begin += rest.size();
    sent = true;
  }
  stream->page.clear();
  stream->page_begin = 0;
  if (stream->more && !stream->reading) read_page(stream);
  return sent;
}

void ConnectionStreams::end(const Shared& stream, const Status& why) {
  streams_.erase(stream->call.id);
  if (stream->pipe) {
    stream->pipe->stop(why.ok() ? cancelled("the stream has ended") : why);
  } else if (--followed_ == 0) {
    thread_.unfollow(stream->context.tenant, &connection_);
  }
  if (stream->opened) return session_.end_stream(stream->call, why);
  if (!why.ok()) return session_.answer(stream->call, why);
  session_.open_stream(stream->call);
  session_.end_stream(stream->call, why);
}

void ConnectionStreams::tick(std::int64_t now_ns) {
  if (streams_.empty()) return;
  std::vector<Shared> late;
  for (const auto& [id, stream] : streams_) {
    if (stream->call.deadline_ns != 0 && stream->call.deadline_ns <= now_ns) late.push_back(stream);
  }
  for (const Shared& stream : late) end(stream, deadline_exceeded("the stream's time is over"));
}

void ConnectionStreams::drain() {
  std::vector<Shared> feeds;
  for (const auto& [id, stream] : streams_) {
    if (!stream->pipe) feeds.push_back(stream);
  }
  for (const Shared& stream : feeds) end(stream, unavailable("the server stops"));
}

void ConnectionStreams::close() {
  for (const auto& [id, stream] : streams_) {
    if (stream->pipe) {
      stream->pipe->stop(cancelled("the connection was lost"));
    } else if (--followed_ == 0) {
      thread_.unfollow(stream->context.tenant, &connection_);
    }
  }
  streams_.clear();
}

}  // namespace clinicdb::server
