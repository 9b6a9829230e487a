// What commands that list records page by page have in common.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

#include "cli/command.h"
#include "cli/session.h"

namespace clinicdb::server {

struct PageOptions {
  std::string name;
  std::string cursor;
  std::uint64_t limit = 50;
};

inline void add_page_options(Command& command, PageOptions& options, bool by_name) {
  if (by_name) {
    command.text("NAME", options.name, "What a word of the name begins with; else all");
  }
  command.number("--limit", options.limit, 1, 100'000, "How many at most");
  command.text("--cursor", options.cursor, "Go on where an earlier page ended");
}

/// Asks for pages until `limit` records were seen or there are no more; returns the next cursor.
/// `take` returns the size of what it took.
template <class Response, class Request, class Take>
Result<std::string> each_page(Target& target, const clinic::CallContext& context,
                              clinic::MethodId method, Request request, std::uint64_t limit,
                              const Take& take) {
  std::uint64_t seen = 0;
  do {
    request.set_limit(static_cast<std::uint32_t>(limit - seen));
    ASSIGN_OR_RETURN(const auto page, ask<Response>(target, method, context, request));
    seen += take(*page);
    request.set_cursor(page->cursor());
  } while (!request.cursor().empty() && seen < limit);
  return request.cursor();
}

/// Opens the session first; of --tenant.
template <class Response, class Request, class Take>
Result<std::string> each_page(Session& session, clinic::MethodId method, const Request& request,
                              std::uint64_t limit, const Take& take) {
  ASSIGN_OR_RETURN(Target * target, session.open(Access::kRead));
  ASSIGN_OR_RETURN(const clinic::CallContext context, session.tenant_context());
  return each_page<Response>(*target, context, method, request, limit, take);
}

inline void show_list(Session& session, const char* name, Json records, const TextTable& table,
                      const std::string& cursor) {
  if (session.json()) {
    session.show(Json{{name, std::move(records)}, {"cursor", cursor_text(cursor)}});
    return;
  }
  if (table.empty()) {
    session.say("None found.");
  } else {
    session.show(table);
  }
  if (!cursor.empty()) session.say("There are more: --cursor " + cursor_text(cursor));
}

}  // namespace clinicdb::server
