#include "backup/tenant_file.h"

#include <lz4.h>
#include <xxhash.h>

#include "clinicdb/base/bytes.h"
#include "clinicdb/base/check.h"
#include "store/layout.h"
#include "txn/operations.h"

namespace clinicdb::engine {

namespace {

constexpr std::size_t kFileSlugBytesMax = 63;
constexpr std::size_t kSlugOffset = 80;
constexpr std::size_t kHeaderSumOffset = kTenantHeaderBytes - 8;
constexpr std::size_t kEndSumOffset = kTenantEndBytes - Sha256::kBytes;

/// Of a block: its head's hash is the seed of its content's.
std::uint64_t hash_of(std::string_view head, std::string_view stored) {
  return XXH3_64bits_withSeed(stored.data(), stored.size(), XXH3_64bits(head.data(), head.size()));
}

bool is_event(std::string_view key) {
  return key.size() >= 2 && load_be16(key.data()) == layout::kEvents.value;
}

}  // namespace

std::string encode_tenant_header(const TenantFileHeader& header) {
  const std::string& slug = header.tenant.slug;
  CLINICDB_CHECK(!slug.empty() && slug.size() <= kFileSlugBytesMax);
  std::string bytes(kTenantHeaderBytes, '\0');
  char* out = bytes.data();
  store_le32(out, kTenantFileMagic);
  store_le16(out + 4, kTenantFileVersion);
  store_le16(out + 6, static_cast<std::uint16_t>(slug.size()));
  header.tenant.uuid.view().copy(out + 8, 16);
  store_le64(out + 24, static_cast<std::uint64_t>(header.tenant.created.us));
  header.store_id.view().copy(out + 32, 16);
  store_le64(out + 48, header.position.epoch.value);
  store_le64(out + 56, header.position.lsn.value);
  store_le64(out + 64, static_cast<std::uint64_t>(header.made.us));
  store_le64(out + 72, header.tenant.id.value);
  slug.copy(out + kSlugOffset, slug.size());
  store_le64(out + kHeaderSumOffset, XXH3_64bits(out, kHeaderSumOffset));
  return bytes;
}

Result<TenantFileHeader> decode_tenant_header(std::string_view bytes) {
  if (bytes.size() < kTenantHeaderBytes || load_le32(bytes.data()) != kTenantFileMagic) {
    return data_loss("it is not a backup of a tenant");
  }
  const char* in = bytes.data();
  if (load_le16(in + 4) > kTenantFileVersion) {
    return unimplemented("the backup has version " + std::to_string(load_le16(in + 4)) +
                         "; this program reads version " + std::to_string(kTenantFileVersion));
  }
  const std::size_t slug_bytes = load_le16(in + 6);
  if (load_le64(in + kHeaderSumOffset) != XXH3_64bits(in, kHeaderSumOffset) ||
      load_le16(in + 4) != kTenantFileVersion || slug_bytes == 0 ||
      slug_bytes > kFileSlugBytesMax) {
    return data_loss("its header is damaged");
  }
  TenantFileHeader header;
  header.tenant.uuid = Uuid::from_bytes(bytes.substr(8, 16));
  header.tenant.created.us = static_cast<std::int64_t>(load_le64(in + 24));
  header.store_id = Uuid::from_bytes(bytes.substr(32, 16));
  header.position = {Epoch{load_le64(in + 48)}, Lsn{load_le64(in + 56)}};
  header.made.us = static_cast<std::int64_t>(load_le64(in + 64));
  header.tenant.id.value = load_le64(in + 72);
  header.tenant.slug = bytes.substr(kSlugOffset, slug_bytes);
  return header;
}

struct ContentHash::State {
  XXH3_state_t* xxh3 = XXH3_createState();
  State() {
    CLINICDB_CHECK(xxh3 != nullptr);
    XXH3_64bits_reset(xxh3);
  }
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() { XXH3_freeState(xxh3); }
};

ContentHash::ContentHash() : state_(std::make_unique<State>()) {}
ContentHash::~ContentHash() = default;

void ContentHash::add(std::string_view key, std::string_view value) {
  const std::string_view counted = is_event(key) ? key.substr(0, 2) : key;
  char sizes[16];
  store_le64(sizes, counted.size());
  store_le64(sizes + 8, value.size());
  XXH3_64bits_update(state_->xxh3, sizes, sizeof sizes);
  XXH3_64bits_update(state_->xxh3, counted.data(), counted.size());
  XXH3_64bits_update(state_->xxh3, value.data(), value.size());
}

std::uint64_t ContentHash::finish() const { return XXH3_64bits_digest(state_->xxh3); }

Status TenantFileWriter::write(std::string_view bytes) {
  RETURN_IF_ERROR(file_.write_at(offset_, bytes));
  sha_.add(bytes);
  offset_ += bytes.size();
  return Status();
}

Status TenantFileWriter::begin(const TenantFileHeader& header) {
  return write(encode_tenant_header(header));
}

Status TenantFileWriter::add(std::string_view key, std::string_view value) {
  append_operation(block_, {OperationKind::kPut, key, value});
  content_.add(key, value);
  ++entries_;
  ++block_entries_;
  return block_.size() >= kTenantBlockBytes ? close_block() : Status();
}

Status TenantFileWriter::close_block() {
  if (block_.empty()) return Status();
  if (block_.size() > kTenantBlockBytesMax) {
    return internal_error("a block of " + std::to_string(block_.size()) +
                          " bytes is beyond the format's limit");
  }
  const int raw_bytes = static_cast<int>(block_.size());
  stored_.resize(static_cast<std::size_t>(LZ4_compressBound(raw_bytes)));
  const int compressed = LZ4_compress_default(block_.data(), stored_.data(), raw_bytes,
                                              static_cast<int>(stored_.size()));
  const bool smaller = compressed > 0 && compressed < raw_bytes;
  const std::string_view stored =
      smaller ? std::string_view(stored_).substr(0, static_cast<std::size_t>(compressed))
              : std::string_view(block_);
  char head[kTenantBlockHeaderBytes];
  store_le32(head, kTenantBlockMagic);
  store_le32(head + 4, block_entries_);
  store_le32(head + 8, static_cast<std::uint32_t>(block_.size()));
  store_le32(head + 12, static_cast<std::uint32_t>(stored.size()));
  store_le64(head + 16, hash_of({head, 16}, stored));
  RETURN_IF_ERROR(write({head, sizeof head}));
  RETURN_IF_ERROR(write(stored));
  block_.clear();
  block_entries_ = 0;
  ++blocks_;
  return Status();
}

Status TenantFileWriter::finish() {
  RETURN_IF_ERROR(close_block());
  std::string end(kEndSumOffset, '\0');
  store_le32(end.data(), kTenantEndMagic);
  store_le64(end.data() + 8, entries_);
  store_le64(end.data() + 16, blocks_);
  store_le64(end.data() + 24, content_.finish());
  RETURN_IF_ERROR(write(end));
  const std::string sum = sha_.finish();
  RETURN_IF_ERROR(file_.write_at(offset_, sum));
  offset_ += sum.size();
  return file_.sync();
}

Status TenantFileReader::damaged(std::string_view why) const {
  return data_loss(path_ + " at offset " + std::to_string(offset_) + ": " + std::string(why) +
                   "; this backup cannot be used");
}

Result<std::string_view> TenantFileReader::peek(std::size_t size) {
  bytes_.resize(size);
  ASSIGN_OR_RETURN(const std::size_t got, file_.read_at(offset_, bytes_.data(), size));
  if (got < size) return damaged("the file is cut short");
  return std::string_view(bytes_);
}

void TenantFileReader::pass(std::string_view bytes) {
  sha_.add(bytes);
  offset_ += bytes.size();
}

Result<TenantFileHeader> TenantFileReader::begin() {
  ASSIGN_OR_RETURN(const std::string_view bytes, peek(kTenantHeaderBytes));
  Result<TenantFileHeader> header = decode_tenant_header(bytes);
  if (!header) {
    if (header.error().code() == StatusCode::kDataLoss) return damaged(header.error().message());
    return std::move(header).error().with_context(path_);
  }
  pass(bytes);
  return header;
}

Result<bool> TenantFileReader::next_block(
    FunctionRef<Status(std::string_view, std::string_view)> take) {
  ASSIGN_OR_RETURN(std::string_view bytes, peek(kTenantBlockHeaderBytes));
  if (load_le32(bytes.data()) == kTenantEndMagic) {
    ASSIGN_OR_RETURN(bytes, peek(kTenantEndBytes));
    RETURN_IF_ERROR(read_end(bytes));
    return false;
  }
  if (load_le32(bytes.data()) != kTenantBlockMagic) return damaged("no block begins here");
  const std::size_t entries = load_le32(bytes.data() + 4);
  const std::size_t raw_bytes = load_le32(bytes.data() + 8);
  const std::size_t stored_bytes = load_le32(bytes.data() + 12);
  // lz4 expands 255-fold at most; what declares more is no block, whatever its sum says.
  if (raw_bytes > kTenantBlockBytesMax || stored_bytes > raw_bytes ||
      raw_bytes > 255 * stored_bytes) {
    return damaged("a block declares impossible sizes");
  }
  ASSIGN_OR_RETURN(bytes, peek(kTenantBlockHeaderBytes + stored_bytes));
  const std::string_view stored = bytes.substr(kTenantBlockHeaderBytes);
  if (load_le64(bytes.data() + 16) != hash_of(bytes.substr(0, 16), stored)) {
    return damaged("a block's checksum is wrong");
  }
  std::string_view raw = stored;
  if (stored_bytes != raw_bytes) {
    raw_.resize(raw_bytes);
    const int size = LZ4_decompress_safe(stored.data(), raw_.data(), static_cast<int>(stored_bytes),
                                         static_cast<int>(raw_bytes));
    if (size != static_cast<int>(raw_bytes)) return damaged("a block does not decompress");
    raw = raw_;
  }
  const auto checked = [&](const Operation& operation) -> Status {
    if (operation.kind != OperationKind::kPut || operation.key.size() < 3 ||
        operation.key <= last_key_) {
      return damaged("a block's entries are out of form or order");
    }
    last_key_ = operation.key;
    content_.add(operation.key, operation.value);
    return take(operation.key, operation.value);
  };
  const Result<std::uint32_t> count = for_each_operation(raw, checked);
  if (!count) return count.error();
  if (*count != entries) return damaged("a block has another number of entries than it declares");
  entries_ += entries;
  ++blocks_;
  pass(bytes);
  return true;
}

Status TenantFileReader::read_end(std::string_view end) {
  sha_.add(end.substr(0, kEndSumOffset));
  if (sha_.finish() != end.substr(kEndSumOffset))
    return damaged("the sum over the whole file is wrong");
  content_hash_ = load_le64(end.data() + 24);
  if (load_le64(end.data() + 8) != entries_ || load_le64(end.data() + 16) != blocks_ ||
      content_hash_ != content_.finish()) {
    return damaged("the end counts other entries than the file has");
  }
  offset_ += end.size();
  ASSIGN_OR_RETURN(const std::uint64_t size, file_.size());
  return size == offset_ ? Status() : damaged("something stands behind the end");
}

}  // namespace clinicdb::engine
