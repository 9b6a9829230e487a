#include "fhir/json_tree.h"

#include <simdjson.h>

#include <algorithm>
#include <charconv>
#include <cstring>

#include "clinicdb/base/check.h"

namespace clinicdb::clinic::fhir {

namespace ondemand = simdjson::ondemand;

static_assert(kJsonPadding >= simdjson::SIMDJSON_PADDING);

struct JsonTree::Reader {
  ondemand::parser parser;
};

namespace {

bool is_space(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }

std::string_view trim_end(std::string_view text) {
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

std::size_t count_digits(std::string_view text) {
  std::size_t count = 0;
  while (count < text.size() && text[count] >= '0' && text[count] <= '9') ++count;
  return count;
}

// RFC 8259, section 6. simdjson would convert and lose digits, so the grammar is checked here.
bool is_number(std::string_view text) {
  if (!text.empty() && text.front() == '-') text.remove_prefix(1);
  std::size_t digits = count_digits(text);
  if (digits == 0 || (digits > 1 && text.front() == '0')) return false;
  text.remove_prefix(digits);
  if (!text.empty() && text.front() == '.') {
    text.remove_prefix(1);
    digits = count_digits(text);
    if (digits == 0) return false;
    text.remove_prefix(digits);
  }
  if (!text.empty() && (text.front() == 'e' || text.front() == 'E')) {
    text.remove_prefix(1);
    if (!text.empty() && (text.front() == '+' || text.front() == '-')) text.remove_prefix(1);
    digits = count_digits(text);
    if (digits == 0) return false;
    text.remove_prefix(digits);
  }
  return text.empty();
}

}  // namespace

std::string_view json_kind_name(JsonKind kind) {
  switch (kind) {
    case JsonKind::kObject:
      return "an object";
    case JsonKind::kArray:
      return "an array";
    case JsonKind::kString:
      return "a string";
    case JsonKind::kNumber:
      return "a number";
    case JsonKind::kTrue:
    case JsonKind::kFalse:
      return "a boolean";
    case JsonKind::kNull:
      return "null";
  }
  return "unknown";
}

// Walks simdjson's view of the text once and lays down the nodes.
class JsonTreeBuilder {
 public:
  explicit JsonTreeBuilder(JsonTree& tree) : tree_(tree) {}

  Status build(ondemand::document& document) {
    ondemand::object object;
    if (auto error = document.get_object().get(object)) {
      return syntax(error == simdjson::INCORRECT_TYPE ? "a FHIR resource is a JSON object"
                                                      : simdjson::error_message(error),
                    0);
    }
    const char* begin = tree_.text_.data();
    while (is_space(*begin)) ++begin;
    const std::uint32_t root = add(JsonKind::kObject, 0, {begin, 1});
    RETURN_IF_ERROR(members(object, root, 1));
    if (document.current_location().error() != simdjson::OUT_OF_BOUNDS) {
      return syntax("there is more text behind the end of the JSON object", root);
    }
    return Status();
  }

 private:
  std::uint32_t add(JsonKind kind, std::uint32_t parent, std::string_view raw) {
    JsonTree::Node& node = tree_.nodes_.emplace_back();
    node.kind = kind;
    node.parent = parent;
    node.raw_at = place_of(raw.data());
    node.raw_size = static_cast<std::uint32_t>(raw.size());
    last_ = raw.data();
    return static_cast<std::uint32_t>(tree_.nodes_.size() - 1);
  }
  std::uint32_t place_of(const char* at) const {
    return static_cast<std::uint32_t>(at - tree_.text_.data());
  }
  std::string_view raw_of(std::uint32_t node) const {
    return tree_.text_.substr(tree_.nodes_[node].raw_at, tree_.nodes_[node].raw_size);
  }

  Status fail(std::string reason, const std::string& path) {
    tree_.error_offset_ =
        last_ == nullptr ? 0 : static_cast<std::size_t>(last_ - tree_.text_.data());
    return invalid_argument(std::move(reason)).with_field(path);
  }
  // `inside` is the innermost container that was open.
  Status syntax(std::string_view reason, std::uint32_t inside) {
    return fail("not valid JSON: " + std::string(reason),
                tree_.nodes_.empty() ? std::string() : JsonValue(&tree_, inside).path());
  }
  Status refuse(std::string reason, std::uint32_t node) {
    return fail(std::move(reason), JsonValue(&tree_, node).path());
  }

  Status members(ondemand::object& object, std::uint32_t parent, std::size_t depth) {
    for (auto step : object) {
      ondemand::field field;
      if (auto error = std::move(step).get(field))
        return syntax(simdjson::error_message(error), parent);
      const char* raw = field.key().raw();
      const char* text_end = tree_.text_.data() + tree_.text_.size();
      const char* end = raw;
      while (end < text_end && *end != '"' && *end != '\\') ++end;
      std::string_view unescaped;
      const bool escaped = end < text_end && *end == '\\';
      if (escaped) {
        while (end < text_end && *end != '"') end += *end == '\\' ? 2 : 1;
        if (auto error = field.unescaped_key().get(unescaped)) {
          return syntax(simdjson::error_message(error), parent);
        }
        if (!simdjson::validate_utf8(unescaped.data(), unescaped.size())) {
          return syntax("a lone surrogate in a member's name", parent);
        }
      }
      const std::string_view key(raw, static_cast<std::size_t>(end - raw));
      last_ = raw;
      if (key.size() > UINT16_MAX) return refuse("a member's name is too long", parent);
      if (escaped) {
        tree_.escaped_keys_[static_cast<std::uint32_t>(tree_.nodes_.size())] = unescaped;
      }
      RETURN_IF_ERROR(value(field.value(), parent, key, escaped, depth));
    }
    if (tree_.nodes_.size() == parent + std::size_t{1}) {
      return refuse("R4 has no empty objects", parent);
    }
    tree_.nodes_[parent].end = static_cast<std::uint32_t>(tree_.nodes_.size());
    return check_names(parent);
  }

  Status items(ondemand::array& array, std::uint32_t parent, std::size_t depth) {
    bool has_null = false;
    bool has_object = false;
    for (auto step : array) {
      ondemand::value item;
      if (auto error = std::move(step).get(item))
        return syntax(simdjson::error_message(error), parent);
      const auto child = static_cast<std::uint32_t>(tree_.nodes_.size());
      RETURN_IF_ERROR(value(item, parent, {}, false, depth));
      const JsonKind kind = tree_.nodes_[child].kind;
      if (kind == JsonKind::kArray) return refuse("R4 has no arrays in arrays", child);
      has_null = has_null || kind == JsonKind::kNull;
      has_object = has_object || kind == JsonKind::kObject;
    }
    if (tree_.nodes_.size() == parent + std::size_t{1}) {
      return refuse("R4 has no empty arrays", parent);
    }
    tree_.nodes_[parent].end = static_cast<std::uint32_t>(tree_.nodes_.size());
    // null fills the gaps of a primitive's values and of its "_" twin; elsewhere it is forbidden.
    const std::string_view key = JsonValue(&tree_, parent).key();
    if (has_null && has_object && (key.empty() || key.front() != '_')) {
      return refuse("R4 allows null only among primitive values", parent);
    }
    return Status();
  }

  // `key` as it is written; empty in arrays.
  Status value(ondemand::value value, std::uint32_t parent, std::string_view key, bool key_escaped,
               std::size_t depth) {
    const std::string_view raw = trim_end(value.raw_json_token());
    last_ = raw.data();
    ondemand::json_type type;
    if (auto error = value.type().get(type)) return syntax(simdjson::error_message(error), parent);
    const std::uint32_t node = add(JsonKind::kNull, parent, raw);
    JsonTree::Node& made = tree_.nodes_[node];
    if (!key.empty()) made.key_at = place_of(key.data());
    made.key_size = static_cast<std::uint16_t>(key.size());
    made.key_escaped = key_escaped;
    made.end = node + 1;
    switch (type) {
      case ondemand::json_type::object: {
        if (depth >= kJsonDepthMax) return refuse("nested too deeply", node);
        ondemand::object object;
        if (auto error = value.get_object().get(object)) {
          return syntax(simdjson::error_message(error), node);
        }
        tree_.nodes_[node].kind = JsonKind::kObject;
        return members(object, node, depth + 1);
      }
      case ondemand::json_type::array: {
        if (depth >= kJsonDepthMax) return refuse("nested too deeply", node);
        ondemand::array array;
        if (auto error = value.get_array().get(array)) {
          return syntax(simdjson::error_message(error), node);
        }
        tree_.nodes_[node].kind = JsonKind::kArray;
        return items(array, node, depth + 1);
      }
      case ondemand::json_type::string:
        return string(value, node);
      case ondemand::json_type::number:
        return number(node);
      case ondemand::json_type::boolean:
        return boolean(node);
      case ondemand::json_type::null:
        return null(node);
    }
    return syntax("an unexpected token", parent);
  }

  // Values that are not consumed here are stepped over by simdjson's own iterators.
  Status string(ondemand::value& value, std::uint32_t node) {
    tree_.nodes_[node].kind = JsonKind::kString;
    const std::string_view raw = raw_of(node);
    if (raw.size() < 2 || raw.back() != '"') return syntax("a string that does not end", node);
    if (raw.size() == 2) return refuse("R4 has no empty strings", node);
    if (std::memchr(raw.data(), '\\', raw.size()) == nullptr) return Status();
    std::string_view text;
    if (auto error = value.get_string().get(text)) {
      return syntax(error == simdjson::STRING_ERROR ? "a string with a bad escape"
                                                    : simdjson::error_message(error),
                    node);
    }
    if (!simdjson::validate_utf8(text.data(), text.size())) {
      return syntax("a lone surrogate in a string", node);
    }
    if (std::memchr(text.data(), '\0', text.size()) != nullptr) {
      return refuse("a NUL character in a string", node);
    }
    tree_.unescaped_.push_back(text);
    tree_.nodes_[node].unescaped = static_cast<std::uint32_t>(tree_.unescaped_.size());
    return Status();
  }

  Status number(std::uint32_t node) {
    tree_.nodes_[node].kind = JsonKind::kNumber;
    if (!is_number(raw_of(node))) return syntax("a number of another form", node);
    return Status();
  }

  Status boolean(std::uint32_t node) {
    const std::string_view raw = raw_of(node);
    if (raw != "true" && raw != "false") return syntax("an unexpected token", node);
    tree_.nodes_[node].kind = raw == "true" ? JsonKind::kTrue : JsonKind::kFalse;
    return Status();
  }

  Status null(std::uint32_t node) {
    if (raw_of(node) != "null") return syntax("an unexpected token", node);
    if (tree_.nodes_[tree_.nodes_[node].parent].kind != JsonKind::kArray) {
      return refuse("R4 allows null only among the values of an array", node);
    }
    return Status();
  }

  Status check_names(std::uint32_t parent) {
    names_.clear();
    for (JsonValue child : JsonValue(&tree_, parent).children()) {
      names_.emplace_back(child.key(), child.index());
    }
    if (names_.size() > 8) std::stable_sort(names_.begin(), names_.end());
    for (std::size_t i = 1; i < names_.size(); ++i) {
      const std::size_t from = names_.size() > 8 ? i - 1 : 0;
      for (std::size_t j = from; j < i; ++j) {
        if (names_[i].first == names_[j].first) {
          last_ = tree_.text_.data() + tree_.nodes_[names_[i].second].key_at;
          return refuse("a member is named twice", names_[i].second);
        }
      }
    }
    return Status();
  }

  JsonTree& tree_;
  const char* last_ = nullptr;
  std::vector<std::pair<std::string_view, std::uint32_t>> names_;
};

JsonTree::JsonTree() : reader_(std::make_unique<Reader>()) {}
JsonTree::~JsonTree() = default;
JsonTree::JsonTree(JsonTree&&) noexcept = default;
JsonTree& JsonTree::operator=(JsonTree&&) noexcept = default;

Status JsonTree::parse(std::string_view text) {
  nodes_.clear();
  unescaped_.clear();
  escaped_keys_.clear();
  error_offset_ = 0;
  text_ = text;
  if (text.size() > UINT32_MAX) return resource_exhausted("a document of 4 GiB or more");
  ondemand::document document;
  const simdjson::padded_string_view padded(text.data(), text.size(), text.size() + kJsonPadding);
  if (auto error = reader_->parser.iterate(padded).get(document)) {
    return invalid_argument("not valid JSON: " + std::string(simdjson::error_message(error)));
  }
  Status status = JsonTreeBuilder(*this).build(document);
  return status;
}

Status JsonTree::parse_copy(std::string_view text) {
  std::string copy;
  copy.reserve(text.size() + kJsonPadding);
  copy.append(text);
  copy.append(kJsonPadding, '\0');
  copy_ = std::move(copy);
  return parse({copy_.data(), text.size()});
}

JsonKind JsonValue::kind() const { return tree_->nodes_[index_].kind; }

std::string_view JsonValue::key() const {
  const JsonTree::Node& node = tree_->nodes_[index_];
  return node.key_escaped ? tree_->escaped_keys_.at(index_) : tree_->raw_key(node);
}

std::string_view JsonValue::text() const {
  if (tree_ == nullptr) return {};
  const JsonTree::Node& node = tree_->nodes_[index_];
  if (node.kind != JsonKind::kString) return {};
  if (node.unescaped != 0) return tree_->unescaped_[node.unescaped - 1];
  return tree_->text_.substr(node.raw_at + std::size_t{1}, node.raw_size - std::size_t{2});
}

std::string_view JsonValue::raw() const {
  if (tree_ == nullptr) return {};
  const JsonTree::Node& node = tree_->nodes_[index_];
  if (node.kind == JsonKind::kObject || node.kind == JsonKind::kArray) return {};
  return tree_->text_.substr(node.raw_at, node.raw_size);
}

JsonValue JsonValue::first() const {
  const JsonTree::Node& node = tree_->nodes_[index_];
  if (node.end == index_ + 1) return {};
  return {tree_, index_ + 1};
}

JsonValue JsonValue::next() const {
  const JsonTree::Node& node = tree_->nodes_[index_];
  if (index_ == 0 || node.end >= tree_->nodes_[node.parent].end) return {};
  return {tree_, node.end};
}

JsonValue JsonValue::parent() const {
  if (index_ == 0) return {};
  return {tree_, tree_->nodes_[index_].parent};
}

JsonValue::Range JsonValue::children() const { return {tree_ == nullptr ? JsonValue() : first()}; }

JsonValue JsonValue::member(std::string_view name) const {
  if (!is_object()) return {};
  for (JsonValue child = first(); child; child = child.next()) {
    if (child.key() == name) return child;
  }
  return {};
}

std::size_t JsonValue::size() const {
  std::size_t count = 0;
  for ([[maybe_unused]] JsonValue child : children()) ++count;
  return count;
}

std::vector<JsonValue> JsonValue::strings_below(std::string_view name) const {
  std::vector<JsonValue> found;
  const std::vector<JsonTree::Node>& nodes = tree_->nodes_;
  for (std::uint32_t at = index_ + 1; at < nodes[index_].end; ++at) {
    const JsonTree::Node& node = nodes[at];
    if (node.kind != JsonKind::kString) continue;
    if (node.key_size != name.size() && !node.key_escaped) continue;
    if (JsonValue(tree_, at).key() == name) found.emplace_back(tree_, at);
  }
  return found;
}

std::string JsonValue::minified() const { return tree_->minified(*this); }

std::string JsonValue::path() const {
  if (index_ == 0) return {};
  const JsonTree::Node& node = tree_->nodes_[index_];
  const JsonValue above(tree_, node.parent);
  std::string path = above.path();
  if (tree_->nodes_[node.parent].kind != JsonKind::kArray) {
    if (!path.empty()) path.push_back('.');
    return path.append(key());
  }
  // `end` of an array that is still being built is not known yet, but what stands before this node
  // is.
  std::size_t position = 0;
  for (std::uint32_t at = node.parent + 1; at < index_; at = tree_->nodes_[at].end) ++position;
  return path.append("[").append(std::to_string(position)).append("]");
}

std::size_t JsonTree::offset_of(std::string_view path) const {
  if (nodes_.empty()) return error_offset_;
  JsonValue at = root();
  while (!path.empty()) {
    JsonValue found;
    if (path.front() == '[') {
      const std::size_t close = path.find(']');
      if (close == std::string_view::npos) break;
      std::size_t position = 0;
      std::from_chars(path.data() + 1, path.data() + close, position);
      for (JsonValue child : at.children()) {
        if (position-- == 0) {
          found = child;
          break;
        }
      }
      path.remove_prefix(close + 1);
    } else {
      const std::size_t end = std::min(path.find_first_of(".["), path.size());
      found = at.member(path.substr(0, end));
      path.remove_prefix(end);
    }
    if (!path.empty() && path.front() == '.') path.remove_prefix(1);
    if (!found) break;
    at = found;
  }
  return nodes_[at.index()].raw_at;
}

void JsonTree::append_minified(JsonValue value, std::string& out,
                               const std::vector<JsonEdit>& edits) const {
  struct Open {
    std::uint32_t end;
    char close;
    bool empty;
    const std::string* appended;
  };
  auto edit =
      std::lower_bound(edits.begin(), edits.end(), value.index(),
                       [](const JsonEdit& e, std::uint32_t index) { return e.node < index; });
  const std::uint32_t end = nodes_[value.index()].end;
  std::vector<Open> open;
  std::uint32_t at = value.index();
  while (at < end) {
    const Node& node = nodes_[at];
    const std::string* appended = nullptr;
    const JsonEdit* change = nullptr;
    for (; edit != edits.end() && edit->node == at; ++edit) {
      if (edit->kind == JsonEdit::Kind::kAppend) {
        appended = &edit->text;
      } else {
        change = &*edit;
      }
    }
    if (change != nullptr && change->kind == JsonEdit::Kind::kRemove) {
      at = node.end;
      while (edit != edits.end() && edit->node < at) ++edit;
    } else {
      if (!open.empty()) {
        if (!open.back().empty) out.push_back(',');
        open.back().empty = false;
        if (open.back().close == '}') {
          out.push_back('"');
          out.append(raw_key(node));
          out.append("\":");
        }
      }
      if (change != nullptr) {
        out.append(change->text);
        at = node.end;
        while (edit != edits.end() && edit->node < at) ++edit;
      } else if (node.kind == JsonKind::kObject || node.kind == JsonKind::kArray) {
        const bool object = node.kind == JsonKind::kObject;
        out.push_back(object ? '{' : '[');
        open.push_back({node.end, object ? '}' : ']', true, appended});
        ++at;
      } else {
        out.append(text_, node.raw_at, node.raw_size);
        ++at;
      }
    }
    while (!open.empty() && open.back().end == at) {
      if (open.back().appended != nullptr) {
        if (!open.back().empty) out.push_back(',');
        out.append(*open.back().appended);
      }
      out.push_back(open.back().close);
      open.pop_back();
    }
  }
}

std::string JsonTree::minified(JsonValue value, const std::vector<JsonEdit>& edits) const {
  std::string out;
  append_minified(value, out, edits);
  return out;
}

void append_json_string(std::string& out, std::string_view text) {
  static constexpr char kDigits[] = "0123456789abcdef";
  out.push_back('"');
  for (const char c : text) {
    switch (c) {
      case '"':
        out.append("\\\"");
        break;
      case '\\':
        out.append("\\\\");
        break;
      case '\n':
        out.append("\\n");
        break;
      case '\r':
        out.append("\\r");
        break;
      case '\t':
        out.append("\\t");
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20) {
          out.append("\\u00");
          out.push_back(kDigits[static_cast<unsigned char>(c) >> 4]);
          out.push_back(kDigits[static_cast<unsigned char>(c) & 15]);
        } else {
          out.push_back(c);
        }
    }
  }
  out.push_back('"');
}

std::string json_string(std::string_view text) {
  std::string out;
  append_json_string(out, text);
  return out;
}

}  // namespace clinicdb::clinic::fhir
