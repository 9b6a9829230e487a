// Operation: one call of the user, over all its attempts. Lane sends it, again where that is safe,
// and tells it the outcome once, on the lane's thread.
#pragma once

#include <cstddef>
#include <memory>

#include "call.h"
#include "clinicdb/wire/frame.h"

namespace clinicdb::client {

class Connection;
class Lane;
struct Source;

class Operation : public Call {
 public:
  /// The method changes nothing, so that it may be sent again.
  bool reads = false;

  /// A Response came; its views live until this returns. May destroy the operation.
  virtual void on_answer(const wire::Frame& frame) = 0;
  /// There is no answer. May destroy the operation.
  virtual void on_failure(Status status) = 0;

 protected:
  /// The connection that the answer came on, for who keeps it.
  const std::shared_ptr<Source>& source() const { return source_; }

 private:
  friend class Lane;
  void answered(const wire::Frame& frame) final;
  void failed(Failure failure) final;

  Lane* lane_ = nullptr;
  Connection* connection_ = nullptr;  // that has it
  std::size_t endpoint_ = 0;
  int attempts_ = 0;
  std::shared_ptr<Source> source_;
};

}  // namespace clinicdb::client
