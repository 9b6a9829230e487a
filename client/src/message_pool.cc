#include "message_pool.h"

#include <utility>

#include "client_limits.h"

namespace clinicdb::client {

std::shared_ptr<MessagePool> MessagePool::create() {
  return std::shared_ptr<MessagePool>(new MessagePool());
}

std::shared_ptr<google::protobuf::MessageLite> MessagePool::take(
    const google::protobuf::MessageLite& type, std::size_t bytes) {
  // One that has held a large answer would hold its memory for small ones.
  if (bytes > kPooledAnswerBytesMax)
    return std::shared_ptr<google::protobuf::MessageLite>(type.New());
  Message message;
  {
    const std::lock_guard lock(mutex_);
    if (std::vector<Message>& free = free_[&type]; !free.empty()) {
      message = std::move(free.back());
      free.pop_back();
    }
  }
  if (message == nullptr) message.reset(type.New());
  google::protobuf::MessageLite* const taken = message.release();
  return {taken, [pool = shared_from_this(), &type](google::protobuf::MessageLite* back) {
            pool->give(type, Message(back));
          }};
}

void MessagePool::give(const google::protobuf::MessageLite& type, Message message) {
  message->Clear();
  const std::lock_guard lock(mutex_);
  std::vector<Message>& free = free_[&type];
  if (free.size() < kPooledAnswersMax) free.push_back(std::move(message));
}

}  // namespace clinicdb::client
