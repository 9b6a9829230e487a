// What the SQLite contestants share: a prepared statement, and memory for an answer.
#pragma once

#include <google/protobuf/arena.h>
#include <sqlite3.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "clinicdb/base/status.h"

namespace clinicdb::bench {

/// An answer's memory, on the stack as long as it is small.
class AnswerArena {
 public:
  AnswerArena() : arena_(options()) {}
  template <class Answer>
  Answer& make() {
    return *google::protobuf::Arena::CreateMessage<Answer>(&arena_);
  }

 private:
  google::protobuf::ArenaOptions options() {
    google::protobuf::ArenaOptions options;
    options.initial_block = block_;
    options.initial_block_size = sizeof block_;
    return options;
  }
  alignas(8) char block_[4096];
  google::protobuf::Arena arena_;
};

/// A prepared statement. Bound bytes live until the next reset.
class SqliteStatement {
 public:
  SqliteStatement(sqlite3* database, sqlite3_stmt* statement)
      : database_(database), statement_(statement) {}
  ~SqliteStatement() { sqlite3_finalize(statement_); }
  SqliteStatement(const SqliteStatement&) = delete;
  SqliteStatement& operator=(const SqliteStatement&) = delete;

  SqliteStatement& text(int at, std::string_view value) {
    sqlite3_bind_text(statement_, at, value.data(), static_cast<int>(value.size()), SQLITE_STATIC);
    return *this;
  }
  SqliteStatement& text_or_null(int at, std::string_view value) {
    if (!value.empty()) return text(at, value);
    sqlite3_bind_null(statement_, at);
    return *this;
  }
  SqliteStatement& blob(int at, std::string_view value) {
    sqlite3_bind_blob(statement_, at, value.data(), static_cast<int>(value.size()), SQLITE_STATIC);
    return *this;
  }
  SqliteStatement& number(int at, std::int64_t value) {
    sqlite3_bind_int64(statement_, at, value);
    return *this;
  }
  bool row() { return sqlite3_step(statement_) == SQLITE_ROW; }
  std::int64_t number(int column) { return sqlite3_column_int64(statement_, column); }
  std::string_view bytes(int column) {
    const void* at = sqlite3_column_blob(statement_, column);
    return {static_cast<const char*>(at),
            static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
  }
  void reset() { sqlite3_reset(statement_); }
  Status run() {
    const int code = sqlite3_step(statement_);
    sqlite3_reset(statement_);
    if (code == SQLITE_DONE) return {};
    return internal_error(std::string("SQLite: ") + sqlite3_errmsg(database_));
  }

 private:
  sqlite3* database_;
  sqlite3_stmt* statement_;
};

}  // namespace clinicdb::bench
