#include <algorithm>
#include <cstring>

#include "clinicdb/clinic/identity.h"
#include "fhir/import_work.h"

namespace clinicdb::clinic::fhir {

namespace {

Refused refused_at(std::string_view text, std::uint64_t first_line, const JsonTree& tree,
                   const Status& why, bool parsed) {
  Refused refused;
  refused.problem.path = std::string(why.field());
  refused.problem.reason = std::string(why.message());
  const std::size_t offset = parsed ? tree.offset_of(why.field()) : tree.error_offset();
  refused.problem.line = line_at(text, offset, first_line);
  return refused;
}

}  // namespace

std::uint64_t line_at(std::string_view text, std::size_t offset, std::uint64_t first_line) {
  const std::string_view before = text.substr(0, std::min(offset, text.size()));
  return first_line + static_cast<std::uint64_t>(std::count(before.begin(), before.end(), '\n'));
}

PreparedPiece Preparer::prepare(const InputPiece& piece) {
  PreparedPiece out;
  const std::string_view text = piece.text();
  if (piece.document()) {
    out.document = true;
    document(text, piece.first_line(), out);
    return out;
  }
  std::uint64_t line = piece.first_line();
  for (std::size_t at = 0; at < text.size(); ++line) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const std::string_view content = text.substr(at, end - at);
    if (content.find_first_not_of(" \t\r") != std::string_view::npos) document(content, line, out);
    at = end + 1;
  }
  return out;
}

ImportUnit& Preparer::open_unit(PreparedPiece& out) {
  if (out.units.empty() || out.units.back().kind != ImportUnit::Kind::kItems)
    out.units.emplace_back();
  return out.units.back();
}

void Preparer::document(std::string_view text, std::uint64_t first_line, PreparedPiece& out) {
  const auto refuse = [&](const Status& why, bool parsed, ResourceType type) {
    Refused refused = refused_at(text, first_line, tree_, why, parsed);
    refused.type = type;
    open_unit(out).refused.push_back(std::move(refused));
  };
  if (Status status = tree_.parse(text); !status.ok())
    return refuse(status, false, RESOURCE_TYPE_UNSPECIFIED);
  const JsonValue root = tree_.root();
  if (const std::optional<BundleKind> kind = Bundle::kind_of(root, unpack_searchsets_)) {
    return bundle(*kind, text, first_line, out);
  }
  const Result<ResourceType> type = read_resource_type(root);
  if (!type) return refuse(type.error(), true, RESOURCE_TYPE_UNSPECIFIED);
  Result<std::string> id = read_id(root);
  if (!id) return refuse(id.error(), true, *type);
  if (id->empty()) *id = content_id(*type, tree_.minified(root));
  Result<ImportItem> item = make_item(tree_, root, *type, *id, {});
  if (!item) return refuse(item.error(), true, *type);
  item->line = first_line;
  open_unit(out).items.push_back(std::move(item).value());
}

void Preparer::bundle(BundleKind kind, std::string_view text, std::uint64_t first_line,
                      PreparedPiece& out) {
  Bundle bundle = Bundle::read(tree_.root(), kind);
  ImportUnit unit;
  unit.line = first_line;
  if (bundle.needs_store()) {
    unit.kind = ImportUnit::Kind::kStored;
    unit.text = std::string(text);
    out.units.push_back(std::move(unit));
    return;
  }
  bundle.resolve(nullptr).ignore(
      "without a store nothing but the entries' own problems can come of it");
  if (kind == BundleKind::kTransaction) unit.kind = ImportUnit::Kind::kTransaction;
  // Entries stand in the order of the text, so lines are counted on from one to the next.
  std::size_t counted_to = 0;
  std::uint64_t line = first_line;
  for (BundleEntry& entry : bundle.entries()) {
    const std::string path = entry.entry.path();
    const std::size_t offset = tree_.offset_of(entry.resource ? entry.resource.path() : path);
    line = line_at(text.substr(counted_to), offset - counted_to, line);
    counted_to = offset;
    if (entry.problem.ok() && entry.action == EntryAction::kNothing) {
      ++unit.ignored;
      continue;
    }
    Status problem = entry.problem;
    if (problem.ok()) {
      Result<ImportItem> item =
          make_item(tree_, entry.resource, entry.type, entry.id, bundle.references());
      if (item) {
        item->line = line;
        item->path = entry.resource.path();
        unit.items.push_back(std::move(item).value());
        continue;
      }
      problem = item.error();
    }
    Refused refused = refused_at(text, first_line, tree_, problem, true);
    refused.type = entry.type;
    unit.refused.push_back(std::move(refused));
  }
  if (unit.kind == ImportUnit::Kind::kTransaction && !unit.refused.empty()) {
    // All or nothing: the first reason stands for all.
    unit.refused.resize(1);
    unit.refused.front().problem.resources = bundle.resource_count();
    unit.items.clear();
  }
  out.units.push_back(std::move(unit));
}

}  // namespace clinicdb::clinic::fhir
