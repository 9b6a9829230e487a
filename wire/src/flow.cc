#include "clinicdb/wire/flow.h"

#include <string>
#include <utility>

#include "clinicdb/base/check.h"

namespace clinicdb::wire {

void SendWindow::spend(std::uint32_t bytes) {
  CLINICDB_CHECK(bytes <= bytes_);
  bytes_ -= bytes;
}

Status SendWindow::grant(std::uint32_t bytes) {
  if (bytes == 0) return invalid_argument("a window update of no bytes");
  if (bytes > kWindowBytesMax - bytes_) {
    return invalid_argument("a window update of " + std::to_string(bytes) +
                            " bytes opens the window beyond " + std::to_string(kWindowBytesMax));
  }
  bytes_ += bytes;
  return {};
}

Status ReceiveWindow::receive(std::uint32_t bytes) {
  if (bytes > open_) {
    return resource_exhausted("stream data of " + std::to_string(bytes) + " bytes where " +
                              std::to_string(open_) + " were granted");
  }
  open_ -= bytes;
  return {};
}

std::uint32_t ReceiveWindow::consume(std::uint32_t bytes) {
  CLINICDB_CHECK(bytes <= held());
  to_grant_ += bytes;
  if (to_grant_ < window_ / 2 || to_grant_ == 0) return 0;
  open_ += to_grant_;
  return std::exchange(to_grant_, 0);
}

}  // namespace clinicdb::wire
