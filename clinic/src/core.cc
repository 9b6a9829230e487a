#include "core.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

namespace clinicdb::clinic {

ArgumentBytes& ArgumentBytes::raw(std::string_view bytes) {
  if (long_.empty() && size_ + bytes.size() <= short_.size()) {
    std::copy(bytes.begin(), bytes.end(), short_.begin() + static_cast<std::ptrdiff_t>(size_));
    size_ += bytes.size();
    return *this;
  }
  if (long_.empty()) long_.assign(short_.data(), size_);
  long_.append(bytes);
  return *this;
}

Uuid Core::new_id() const {
  if (random_ == nullptr) return Uuid::v7(clock_, system_random());
  const std::lock_guard lock(random_mutex_);
  return Uuid::v7(clock_, *random_);
}

std::uint64_t request_hash(const CallContext& context, MethodId method,
                           const google::protobuf::Message& request) {
  if (!context.request_id) return 0;
  std::string bytes;
  {
    google::protobuf::io::StringOutputStream stream(&bytes);
    google::protobuf::io::CodedOutputStream coded(&stream);
    coded.SetSerializationDeterministic(true);
    coded.WriteLittleEndian32(static_cast<std::uint32_t>(method));
    request.SerializeToCodedStream(&coded);
  }
  std::uint64_t hash = 0xcbf29ce484222325u;
  for (const char c : bytes) hash = (hash ^ static_cast<std::uint8_t>(c)) * 0x100000001b3u;
  return hash;
}

void set_meta(const engine::RecordMeta& from, RecordMeta& to) {
  to.set_version(from.version);
  to.set_created_us(from.created.us);
  if (!from.created_by.is_nil())
    to.set_created_by(from.created_by.view().data(), from.created_by.bytes.size());
  to.set_updated_us(from.updated.us);
  if (!from.updated_by.is_nil())
    to.set_updated_by(from.updated_by.view().data(), from.updated_by.bytes.size());
  to.set_created_lsn(from.created_lsn.value);
  to.set_updated_lsn(from.updated_lsn.value);
  to.set_deleted(from.deleted);
}

Status name_fields(Status status, std::string_view noun) {
  if (status.ok() || status.field().find('.') != std::string_view::npos) return status;
  std::string path(noun);
  path += '.';
  if (status.code() == StatusCode::kAlreadyExists) {
    path += status.field().empty() ? std::string_view("id") : status.field();
    return already_exists(path + ": another record of this tenant has it").with_field(path);
  }
  if (status.field().empty()) return status;
  path += status.field();
  return std::move(status).with_field(path);
}

Status parse_body(std::string_view body, google::protobuf::Message& part) {
  if (part.ParseFromArray(body.data(), static_cast<int>(body.size()))) return {};
  return data_loss("a stored " + part.GetDescriptor()->name() + " of " +
                   std::to_string(body.size()) + " bytes cannot be decoded");
}

}  // namespace clinicdb::clinic
