#include "fhir/reference.h"

#include "clinic_limits.h"
#include "clinicdb/clinic/identity.h"

namespace clinicdb::clinic::fhir {

namespace {

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// Searches are written as in an address: %7C is a bar.
std::string percent_decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && hex_value(text[i + 1]) >= 0 &&
        hex_value(text[i + 2]) >= 0) {
      out.push_back(static_cast<char>(hex_value(text[i + 1]) * 16 + hex_value(text[i + 2])));
      i += 2;
    } else {
      out.push_back(text[i]);
    }
  }
  return out;
}

}  // namespace

std::optional<LocalReference> parse_reference(std::string_view text) {
  if (text.empty() || text.front() == '#' || text.starts_with("urn:")) return std::nullopt;
  if (const std::size_t fragment = text.find('#'); fragment != std::string_view::npos)
    text = text.substr(0, fragment);
  if (const std::size_t history = text.find("/_history/"); history != std::string_view::npos) {
    text = text.substr(0, history);
  }
  const std::size_t slash = text.rfind('/');
  if (slash == std::string_view::npos) return std::nullopt;
  LocalReference reference;
  reference.id = text.substr(slash + 1);
  text = text.substr(0, slash);
  const std::size_t before = text.rfind('/');
  if (before != std::string_view::npos) text = text.substr(before + 1);
  reference.type = parse_resource_type(text);
  if (reference.type == RESOURCE_TYPE_UNSPECIFIED || !is_fhir_id(reference.id)) return std::nullopt;
  return reference;
}

bool is_conditional(std::string_view text) {
  const std::size_t question = text.find('?');
  return question != std::string_view::npos &&
         parse_resource_type(text.substr(0, question)) != RESOURCE_TYPE_UNSPECIFIED;
}

std::optional<ConditionalReference> parse_conditional(std::string_view text) {
  const std::size_t question = text.find('?');
  if (question == std::string_view::npos) return std::nullopt;
  ConditionalReference found;
  found.type = parse_resource_type(text.substr(0, question));
  text = text.substr(question + 1);
  constexpr std::string_view kBy = "identifier=";
  if (found.type == RESOURCE_TYPE_UNSPECIFIED || !text.starts_with(kBy)) return std::nullopt;
  text.remove_prefix(kBy.size());
  // Several values or several criteria would need a search engine.
  if (text.empty() || text.find('&') != std::string_view::npos) return std::nullopt;
  const std::string decoded = percent_decoded(text);
  const std::size_t bar = decoded.find('|');
  if (bar == std::string::npos) {
    found.any_system = true;
    found.value = decoded;
  } else {
    found.system = decoded.substr(0, bar);
    found.value = decoded.substr(bar + 1);
  }
  if (found.value.empty()) return std::nullopt;
  if (found.value.size() > kIdentifierBytesMax || found.system.size() > kIdentifierBytesMax)
    return std::nullopt;
  return found;
}

std::optional<std::string> mapped_reference(const ReferenceMap& map, std::string_view text) {
  if (map.empty()) return std::nullopt;
  std::string_view fragment;
  if (const std::size_t hash = text.find('#'); hash != std::string_view::npos && hash > 0) {
    fragment = text.substr(hash);
    text = text.substr(0, hash);
  }
  const auto found = map.find(text);
  if (found == map.end()) return std::nullopt;
  return found->second + std::string(fragment);
}

std::optional<Uuid> referenced_id(std::string_view text, ResourceType type,
                                  const ReferenceMap& map) {
  const std::optional<std::string> mapped = mapped_reference(map, text);
  if (mapped) text = *mapped;
  const std::optional<LocalReference> local = parse_reference(text);
  if (!local || local->type != type) return std::nullopt;
  Result<RecordIdentity> identity = identity_of(type, local->id);
  if (!identity) return std::nullopt;
  return identity->id;
}

}  // namespace clinicdb::clinic::fhir
