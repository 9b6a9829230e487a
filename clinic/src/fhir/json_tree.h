// JsonTree: a JSON document as it was written: members in their order, numbers with their digits.
//
//   JsonTree tree;
//   RETURN_IF_ERROR(tree.parse_copy(R"({"resourceType":"Patient","multipleBirthInteger":2.0})"));
//   tree.root().member("multipleBirthInteger").raw();        // "2.0"
//
// Reading is simdjson's on-demand walk, copied into one flat array of nodes; what R4's JSON format
// forbids (http://hl7.org/fhir/R4/json.html: empty objects, arrays and strings, null outside the
// arrays that pair a primitive with its extensions, arrays in arrays) and what JSON leaves open but
// a record must not have (a member named twice, a NUL character) is refused there and then, with
// the path of the place.
//
// Writing is text: a subtree is copied token by token without the space between, with single nodes
// replaced. Nothing is ever converted, so nothing can change on its way through.
//
// A tree can be parsed into again and again and keeps its memory. Thread-compatible: const calls
// may run concurrently.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "clinicdb/base/result.h"

namespace clinicdb::clinic::fhir {

/// Bytes that must be readable behind a text that is parsed in place.
constexpr std::size_t kJsonPadding = 64;
/// Objects and arrays within each other; R4's own content stays below 20.
constexpr std::size_t kJsonDepthMax = 200;

enum class JsonKind : std::uint8_t { kObject, kArray, kString, kNumber, kTrue, kFalse, kNull };

/// "an object", "a string" and so on, for messages.
std::string_view json_kind_name(JsonKind kind);

class JsonTree;

/// One place in a tree, or none. Lives as long as the tree is not parsed into again.
class JsonValue {
 public:
  JsonValue() = default;
  JsonValue(const JsonTree* tree, std::uint32_t index) : tree_(tree), index_(index) {}

  explicit operator bool() const { return tree_ != nullptr; }
  // All below, unless they say otherwise: REQUIRES: this is a place.
  JsonKind kind() const;
  bool is(JsonKind kind) const { return tree_ != nullptr && this->kind() == kind; }
  bool is_object() const { return is(JsonKind::kObject); }
  bool is_array() const { return is(JsonKind::kArray); }
  bool is_string() const { return is(JsonKind::kString); }
  /// The member's name; empty in arrays and at the root.
  std::string_view key() const;
  /// A string's characters; of anything else, and of none, empty.
  std::string_view text() const;
  /// As written: a string with its quotes, a number with its digits. Empty for objects and arrays,
  /// and for none.
  std::string_view raw() const;
  /// The member of that name; none when there is none or this is no object. Also on none: none.
  JsonValue member(std::string_view name) const;
  /// The first member or item, and the one behind this.
  JsonValue first() const;
  JsonValue next() const;
  JsonValue parent() const;
  std::size_t size() const;
  /// Every string below this that is a member of that name, in order.
  std::vector<JsonValue> strings_below(std::string_view name) const;
  /// The JSON of this without space between tokens.
  std::string minified() const;
  /// "entry[3].resource.birthDate", from the document's root; "" for the root.
  std::string path() const;
  std::uint32_t index() const { return index_; }

  class Iterator;
  struct Range;
  /// Members or items, in order; nothing for anything else, and for none.
  Range children() const;

 private:
  const JsonTree* tree_ = nullptr;
  std::uint32_t index_ = 0;
};

/// One change to a tree as it is written. Sorted by node when given to append_minified; at most one
/// a node, but for kAppend, which may stand beside changes below its node.
struct JsonEdit {
  enum class Kind : std::uint8_t {
    kReplace,  ///< `text` (JSON) takes the node's place
    kRemove,   ///< the node goes, and a member's name with it
    kAppend,   ///< `text` (members, or items) is put behind the last one of an object or array
  };
  std::uint32_t node = 0;
  std::string text;
  Kind kind = Kind::kReplace;
};

class JsonTree {
 public:
  JsonTree();
  ~JsonTree();
  JsonTree(JsonTree&&) noexcept;
  JsonTree& operator=(JsonTree&&) noexcept;

  /// Parses an object that fills `text` but for white space. Keeps views into it.
  /// REQUIRES: kJsonPadding bytes behind `text` are readable, and `text` outlives the use of this
  /// tree. kInvalidArgument says what is wrong, field() where; error_offset() is near it.
  Status parse(std::string_view text);
  /// As parse, from a copy that this tree keeps.
  Status parse_copy(std::string_view text);

  JsonValue root() const { return {this, 0}; }
  bool empty() const { return nodes_.empty(); }
  std::size_t node_count() const { return nodes_.size(); }
  /// Byte in the text near which the last parse failed.
  std::size_t error_offset() const { return error_offset_; }
  /// Byte in the text where the value at `path`, or the nearest above it that exists, begins.
  std::size_t offset_of(std::string_view path) const;

  /// Appends the JSON of `value` without space between tokens.
  void append_minified(JsonValue value, std::string& out,
                       const std::vector<JsonEdit>& edits = {}) const;
  std::string minified(JsonValue value, const std::vector<JsonEdit>& edits = {}) const;

 private:
  friend class JsonValue;
  friend class JsonTreeBuilder;
  // 28 bytes a node, for a bundle has millions: places in the text instead of views.
  struct Node {
    std::uint32_t raw_at = 0;  // scalars as written; of containers, the bracket that opens them
    std::uint32_t raw_size = 0;
    std::uint32_t key_at = 0;  // as written, without its quotes
    std::uint32_t parent = 0;
    std::uint32_t end = 0;  // the first node behind this one's subtree
    std::uint32_t unescaped =
        0;  // place in `unescaped_`, plus one, of a string that is written with escapes
    std::uint16_t key_size = 0;
    JsonKind kind = JsonKind::kNull;
    bool key_escaped = false;  // the key's characters stand in `escaped_keys_`
  };
  std::string_view raw_key(const Node& node) const {
    return text_.substr(node.key_at, node.key_size);
  }
  struct Reader;  // simdjson's parser

  std::unique_ptr<Reader> reader_;
  std::string copy_;
  std::string_view text_;
  std::vector<Node> nodes_;
  std::vector<std::string_view> unescaped_;
  std::map<std::uint32_t, std::string_view> escaped_keys_;  // by node; hardly ever used
  std::size_t error_offset_ = 0;
};

class JsonValue::Iterator {
 public:
  explicit Iterator(JsonValue value) : value_(value) {}
  JsonValue operator*() const { return value_; }
  Iterator& operator++() {
    value_ = value_.next();
    return *this;
  }
  bool operator!=(const Iterator& other) const {
    return static_cast<bool>(value_) != static_cast<bool>(other.value_);
  }

 private:
  JsonValue value_;
};

struct JsonValue::Range {
  JsonValue first;
  Iterator begin() const { return Iterator(first); }
  Iterator end() const { return Iterator(JsonValue()); }
};

/// Appends `text` as a JSON string, with its quotes. REQUIRES: valid UTF-8.
void append_json_string(std::string& out, std::string_view text);
std::string json_string(std::string_view text);

}  // namespace clinicdb::clinic::fhir
