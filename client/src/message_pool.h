// MessagePool: messages to parse answers into. A message of many parts costs more to allocate, part
// by part and text by text, than to parse; one that everybody has let go of keeps its parts, and
// its texts their memory, for the next answer of its type. Few are kept, and no large ones.
//
// Thread-safe: an answer may be let go of on any thread, also after the client is gone.
#pragma once

#include <google/protobuf/message_lite.h>

#include <cstddef>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

namespace clinicdb::client {

class MessagePool : public std::enable_shared_from_this<MessagePool> {
 public:
  static std::shared_ptr<MessagePool> create();

  /// An empty message of `type`, a default instance, for an answer of so many bytes.
  std::shared_ptr<google::protobuf::MessageLite> take(const google::protobuf::MessageLite& type,
                                                      std::size_t bytes);

 private:
  using Message = std::unique_ptr<google::protobuf::MessageLite>;
  MessagePool() = default;
  void give(const google::protobuf::MessageLite& type, Message message);

  std::mutex mutex_;
  // Guarded by mutex_.
  std::unordered_map<const google::protobuf::MessageLite*, std::vector<Message>> free_;
};

}  // namespace clinicdb::client
