#include "cli/clinic_choice.h"

#include "clinicdb/base/ids.h"
#include "clinicdb/clinic/schema/people.pb.h"

namespace clinicdb::server {

Result<std::string> choose_clinic(Target& target, const clinic::CallContext& context,
                                  const std::string& text) {
  if (const Result<Uuid> id = Uuid::parse(text); id) return std::string(id->view());
  clinic::ListClinicsRequest request;
  std::string only;
  do {
    ASSIGN_OR_RETURN(const auto page,
                     ask<clinic::ListClinicsResponse>(target, clinic::METHOD_PEOPLE_LIST_CLINICS,
                                                      context, request));
    for (const clinic::ClinicSite& site : page->clinics()) {
      if (site.slug() == text) return site.id();
      if (text.empty() && !only.empty()) {
        return invalid_argument("--clinic: the tenant has several; name one by id or short name")
            .with_field("--clinic");
      }
      only = site.id();
    }
    request.set_cursor(page->cursor());
  } while (!request.cursor().empty());
  if (!text.empty()) {
    return not_found("--clinic: there is no clinic " + text + "; `clinicdb clinic list` shows them")
        .with_field("--clinic");
  }
  if (only.empty()) {
    return invalid_argument(
               "--clinic: the tenant has no clinic yet; make one with `clinicdb clinic add`")
        .with_field("--clinic");
  }
  return only;
}

}  // namespace clinicdb::server
