#include "backup/backup_manifest.h"

#include <charconv>

#include "backup/sha256.h"
#include "clinicdb/base/bytes.h"

namespace clinicdb::engine {

namespace {

constexpr std::string_view kFamily = "clinicdb backup, format ";
constexpr std::string_view kFormat = "1";

std::string sha256_of(std::string_view bytes) {
  Sha256 sha;
  sha.add(bytes);
  return sha.finish();
}

/// Takes the words of one line, one after another; remembers whether all were in order.
class Words {
 public:
  explicit Words(std::string_view line) : rest_(line) {}

  std::string_view word() {
    const std::size_t end = rest_.find(' ');
    const std::string_view word = rest_.substr(0, end);
    rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end + 1);
    good_ = good_ && !word.empty();
    return word;
  }
  template <class Integer>
  Integer number(int base = 10) {
    const std::string_view text = word();
    Integer value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
    good_ = good_ && error == std::errc() && end == text.data() + text.size();
    return value;
  }
  /// 32 bytes in hexadecimal.
  std::string sum() {
    const std::string_view text = word();
    std::string bytes;
    for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
      std::uint8_t value = 0;
      const auto [end, error] = std::from_chars(text.data() + i, text.data() + i + 2, value, 16);
      good_ = good_ && error == std::errc() && end == text.data() + i + 2;
      bytes.push_back(static_cast<char>(value));
    }
    good_ = good_ && text.size() == 2 * Sha256::kBytes;
    return bytes;
  }
  std::string_view rest() { return std::exchange(rest_, {}); }
  /// Everything was there, in form, and nothing more.
  bool good() const { return good_ && rest_.empty(); }

 private:
  std::string_view rest_;
  bool good_ = true;
};

bool is_inside(std::string_view name) {
  return !name.empty() && name.front() != '/' && name.find("..") == std::string_view::npos &&
         name.find('\0') == std::string_view::npos;
}

/// One line behind the first; false when it is not in form.
bool take_line(std::string_view line, BackupManifest& manifest) {
  Words words(line);
  const std::string_view kind = words.word();
  if (kind == "store") {
    const Result<Uuid> id = Uuid::parse(words.rest());
    if (id) manifest.store_id = *id;
    return id.has_value();
  }
  if (kind == "position") {
    manifest.tail.position.epoch.value = words.number<std::uint64_t>();
    manifest.tail.position.lsn.value = words.number<std::uint64_t>();
    manifest.tail.hash = words.number<std::uint64_t>(16);
  } else if (kind == "time") {
    manifest.tail.time.us = words.number<std::int64_t>();
  } else if (kind == "epoch") {
    const auto epoch = words.number<std::uint64_t>();
    const auto first = words.number<std::uint64_t>();
    manifest.epochs.emplace_back(Epoch{epoch}, Lsn{first});
  } else if (kind == "file") {
    BackupManifest::Entry& file = manifest.files.emplace_back();
    file.sum.bytes = words.number<std::uint64_t>();
    file.sum.sha256 = words.sum();
    file.name = words.rest();
    return words.good() && is_inside(file.name);
  } else {
    return false;
  }
  return words.good();
}

}  // namespace

std::string encode_backup_manifest(const BackupManifest& manifest) {
  std::string text = std::string(kFamily) + std::string(kFormat) + "\n";
  std::string hash;
  append_be64(hash, manifest.tail.hash);
  const LogPosition& position = manifest.tail.position;
  text += "store " + manifest.store_id.to_string() + "\n";
  text += "position " + std::to_string(position.epoch.value) + " " +
          std::to_string(position.lsn.value) + " " + to_hex(hash) + "\n";
  text += "time " + std::to_string(manifest.tail.time.us) + "\n";
  for (const auto& [epoch, first] : manifest.epochs) {
    text += "epoch " + std::to_string(epoch.value) + " " + std::to_string(first.value) + "\n";
  }
  for (const BackupManifest::Entry& file : manifest.files) {
    text += "file " + std::to_string(file.sum.bytes) + " " + to_hex(file.sum.sha256) + " " +
            file.name + "\n";
  }
  text += "end " + to_hex(sha256_of(text)) + "\n";
  return text;
}

Result<BackupManifest> decode_backup_manifest(std::string_view text) {
  if (!text.starts_with(kFamily)) return data_loss("it is not the manifest of a ClinicDB backup");
  BackupManifest manifest;
  std::size_t line_number = 0;
  for (std::size_t begin = 0; begin < text.size(); ++line_number) {
    const std::size_t end = text.find('\n', begin);
    const auto damaged = [&] {
      return data_loss("line " + std::to_string(line_number + 1) + " is damaged");
    };
    if (end == std::string_view::npos) return damaged();
    const std::string_view line = text.substr(begin, end - begin);
    if (line_number == 0) {
      if (line.substr(kFamily.size()) != kFormat) {
        return unimplemented("the backup has format " + std::string(line.substr(kFamily.size())) +
                             "; this program reads format " + std::string(kFormat));
      }
    } else if (line.starts_with("end ")) {
      if (line.substr(4) != to_hex(sha256_of(text.substr(0, begin))) || end + 1 != text.size())
        return damaged();
      if (manifest.epochs.empty()) return data_loss("it names no epoch");
      return manifest;
    } else if (!take_line(line, manifest)) {
      return damaged();
    }
    begin = end + 1;
  }
  return data_loss("it is cut short behind line " + std::to_string(line_number));
}

}  // namespace clinicdb::engine
