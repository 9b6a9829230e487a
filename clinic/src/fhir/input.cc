#include "fhir/input.h"

#include <zlib.h>

#include <algorithm>
#include <cstring>

#include "fhir/limits.h"

namespace clinicdb::clinic::fhir {

namespace {

constexpr std::size_t kReadBytes = std::size_t{256} << 10;

// Bytes of a file as they were before gzip. Concatenated gzip members are one stream, as gunzip has
// it.
class ByteSource {
 public:
  /// Of the file that `source` has open.
  ByteSource(ImportSource& source, std::string path) : source_(&source), path_(std::move(path)) {}
  explicit ByteSource(std::string text) : raw_(std::move(text)), path_("text"), raw_ended_(true) {
    bytes_read_ = raw_.size();
  }
  ~ByteSource() {
    if (inflating_) inflateEnd(&stream_);
  }
  ByteSource(const ByteSource&) = delete;
  ByteSource& operator=(const ByteSource&) = delete;

  /// Appends up to about kReadBytes to `out`; false at the end.
  Result<bool> read(std::string& out) {
    if (!known_) {
      while (raw_.size() < 2 && !raw_ended_) RETURN_IF_ERROR(fill());
      gzip_ = raw_.size() >= 2 && raw_[0] == '\x1f' && raw_[1] == '\x8b';
      known_ = true;
      if (gzip_) RETURN_IF_ERROR(start_inflate());
    }
    return gzip_ ? read_gzip(out) : read_plain(out);
  }

  std::uint64_t bytes_read() const { return bytes_read_; }

 private:
  Status fill() {
    const std::size_t before = raw_.size();
    raw_.resize(before + kReadBytes);
    const Result<std::size_t> got = source_->read({raw_.data() + before, kReadBytes});
    raw_.resize(before + (got ? *got : 0));
    if (!got) return got.error();
    raw_ended_ = *got == 0;
    bytes_read_ += *got;
    return Status();
  }

  Result<bool> read_plain(std::string& out) {
    if (raw_at_ == raw_.size() && !raw_ended_) {
      raw_.clear();
      raw_at_ = 0;
      RETURN_IF_ERROR(fill());
    }
    if (raw_at_ == raw_.size()) return false;
    const std::size_t size = std::min(kReadBytes, raw_.size() - raw_at_);
    out.append(raw_, raw_at_, size);
    raw_at_ += size;
    return true;
  }

  Status start_inflate() {
    stream_ = {};
    // 16: gzip wrapping only.
    if (inflateInit2(&stream_, 16 + MAX_WBITS) != Z_OK) {
      return resource_exhausted("no memory to unpack " + path_);
    }
    inflating_ = true;
    return Status();
  }

  Result<bool> read_gzip(std::string& out) {
    while (true) {
      if (raw_at_ == raw_.size() && !raw_ended_) {
        raw_.clear();
        raw_at_ = 0;
        RETURN_IF_ERROR(fill());
      }
      if (raw_at_ == raw_.size()) {
        if (member_ended_) return false;
        return data_loss("the gzip data of " + path_ + " ends in the middle");
      }
      // Zeros behind a member are padding (as tape archives leave it); anything else must be
      // another member.
      if (member_ended_) {
        while (raw_at_ < raw_.size() && raw_[raw_at_] == '\0') ++raw_at_;
        if (raw_at_ == raw_.size()) continue;
        inflateReset(&stream_);
        member_ended_ = false;
      }
      const std::size_t before = out.size();
      out.resize(before + kReadBytes);
      stream_.next_in = reinterpret_cast<Bytef*>(raw_.data() + raw_at_);
      stream_.avail_in = static_cast<uInt>(raw_.size() - raw_at_);
      stream_.next_out = reinterpret_cast<Bytef*>(out.data() + before);
      stream_.avail_out = static_cast<uInt>(kReadBytes);
      const int outcome = inflate(&stream_, Z_NO_FLUSH);
      raw_at_ = raw_.size() - stream_.avail_in;
      out.resize(before + kReadBytes - stream_.avail_out);
      if (outcome == Z_STREAM_END) {
        member_ended_ = true;
      } else if (outcome != Z_OK && outcome != Z_BUF_ERROR) {
        return data_loss("the gzip data of " + path_ + " is damaged before byte " +
                         std::to_string(bytes_read_));
      }
      if (out.size() > before) return true;
    }
  }

  ImportSource* source_ = nullptr;  // nullptr: all is in raw_
  std::string raw_;
  std::size_t raw_at_ = 0;
  std::string path_;
  bool raw_ended_ = false;
  bool known_ = false;
  bool gzip_ = false;
  bool inflating_ = false;
  bool member_ended_ = false;
  std::uint64_t bytes_read_ = 0;
  z_stream stream_{};
};

bool is_blank(std::string_view text) {
  return text.find_first_not_of(" \t\r\n") == std::string_view::npos;
}

// Whether a line holds a whole object: its brackets close at its end. Cheap and rough; parsing
// decides later.
bool is_whole_object(std::string_view line) {
  std::size_t depth = 0;
  bool in_string = false;
  bool opened = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      ++depth;
      opened = true;
    } else if (c == '}' || c == ']') {
      if (depth == 0) return false;
      --depth;
    }
  }
  return opened && depth == 0 && !in_string;
}

class FileInput final : public Input {
 public:
  explicit FileInput(std::unique_ptr<ByteSource> source) : source_(std::move(source)) {}

  Result<std::optional<InputPiece>> next() override {
    if (form_ == Form::kUnknown) RETURN_IF_ERROR(recognise());
    if (form_ == Form::kDone) return std::optional<InputPiece>();
    return form_ == Form::kDocument ? next_document() : next_lines();
  }

  std::uint64_t bytes_read() const override { return source_->bytes_read(); }
  std::uint64_t error_line() const override { return line_; }

 private:
  enum class Form { kUnknown, kDocument, kLines, kDone };

  Status more() {
    Result<bool> got = source_->read(held_);
    if (!got) {
      form_ = Form::kDone;
      return std::move(got).error();
    }
    ended_ = !*got;
    return Status();
  }

  Status recognise() {
    while (held_.size() < 3 && !ended_) RETURN_IF_ERROR(more());
    if (held_.starts_with("\xef\xbb\xbf")) held_.erase(0, 3);
    std::size_t scanned = 0;  // has no line's end behind the content's beginning
    while (true) {
      // Blank lines before the content tell nothing.
      const std::size_t content = held_.find_first_not_of(" \t\r\n");
      if (content != std::string::npos) {
        const std::size_t end = held_.find('\n', std::max(content, scanned));
        scanned = held_.size();
        if (end != std::string::npos) {
          const std::string_view line(held_.data() + content, end - content);
          form_ = is_whole_object(line) ? Form::kLines : Form::kDocument;
          return Status();
        }
        if (held_.size() > kDocumentBytesMax) return too_large("document", kDocumentBytesMax);
      }
      if (ended_) {
        form_ = content == std::string::npos ? Form::kDone : Form::kDocument;
        return Status();
      }
      RETURN_IF_ERROR(more());
    }
  }

  Status too_large(std::string_view what, std::size_t limit) {
    form_ = Form::kDone;
    return resource_exhausted("a " + std::string(what) + " of more than " +
                              std::to_string(limit >> 20) + " MiB is not read");
  }

  static InputPiece piece(std::string bytes, std::uint64_t line, bool document) {
    const std::size_t size = bytes.size();
    bytes.append(kJsonPadding, '\0');
    return InputPiece(std::move(bytes), size, line, document);
  }

  Result<std::optional<InputPiece>> next_document() {
    while (!ended_) {
      RETURN_IF_ERROR(more());
      if (held_.size() > kDocumentBytesMax) return too_large("document", kDocumentBytesMax);
    }
    form_ = Form::kDone;
    return std::optional<InputPiece>(piece(std::move(held_), line_, true));
  }

  Result<std::optional<InputPiece>> next_lines() {
    while (true) {
      while (!ended_ && held_.size() < kChunkBytes) RETURN_IF_ERROR(more());
      std::size_t end = held_.size();
      if (!ended_ || held_.size() > kChunkBytes) {
        std::size_t last = held_.rfind('\n', kChunkBytes);
        if (last == std::string::npos) last = held_.find('\n');
        end = last == std::string::npos ? (ended_ ? held_.size() : 0) : last + 1;
      }
      if (end == 0 && !ended_) {
        if (held_.size() > kLineBytesMax) return too_large("line", kLineBytesMax);
        RETURN_IF_ERROR(more());
        continue;
      }
      if (ended_ && end == held_.size()) form_ = Form::kDone;
      std::string bytes = held_.substr(0, end);
      held_.erase(0, end);
      const std::uint64_t first_line = line_;
      line_ += static_cast<std::uint64_t>(std::count(bytes.begin(), bytes.end(), '\n'));
      if (is_blank(bytes)) {
        if (form_ == Form::kDone) return std::optional<InputPiece>();
        continue;
      }
      return std::optional<InputPiece>(piece(std::move(bytes), first_line, false));
    }
  }

  std::unique_ptr<ByteSource> source_;
  Form form_ = Form::kUnknown;
  std::string held_;
  bool ended_ = false;
  std::uint64_t line_ = 1;
};

}  // namespace

Result<std::unique_ptr<Input>> Input::open(ImportSource& source, std::size_t file) {
  RETURN_IF_ERROR(source.open(file));
  return std::unique_ptr<Input>(
      std::make_unique<FileInput>(std::make_unique<ByteSource>(source, source.files()[file])));
}

std::unique_ptr<Input> Input::from_text(std::string text) {
  return std::make_unique<FileInput>(std::make_unique<ByteSource>(std::move(text)));
}

}  // namespace clinicdb::clinic::fhir
