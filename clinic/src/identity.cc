#include "clinicdb/clinic/identity.h"

#include <openssl/sha.h>

#include <algorithm>
#include <array>

#include "clinicdb/base/check.h"

namespace clinicdb::clinic {

namespace {

// By number, which for these is the order of the alphabet; a type of a later FHIR release goes to
// the end.
constexpr std::array<std::string_view, 147> kTypeNames = {
    "",
    "Account",
    "ActivityDefinition",
    "AdverseEvent",
    "AllergyIntolerance",
    "Appointment",
    "AppointmentResponse",
    "AuditEvent",
    "Basic",
    "Binary",
    "BiologicallyDerivedProduct",
    "BodyStructure",
    "Bundle",
    "CapabilityStatement",
    "CarePlan",
    "CareTeam",
    "CatalogEntry",
    "ChargeItem",
    "ChargeItemDefinition",
    "Claim",
    "ClaimResponse",
    "ClinicalImpression",
    "CodeSystem",
    "Communication",
    "CommunicationRequest",
    "CompartmentDefinition",
    "Composition",
    "ConceptMap",
    "Condition",
    "Consent",
    "Contract",
    "Coverage",
    "CoverageEligibilityRequest",
    "CoverageEligibilityResponse",
    "DetectedIssue",
    "Device",
    "DeviceDefinition",
    "DeviceMetric",
    "DeviceRequest",
    "DeviceUseStatement",
    "DiagnosticReport",
    "DocumentManifest",
    "DocumentReference",
    "EffectEvidenceSynthesis",
    "Encounter",
    "Endpoint",
    "EnrollmentRequest",
    "EnrollmentResponse",
    "EpisodeOfCare",
    "EventDefinition",
    "Evidence",
    "EvidenceVariable",
    "ExampleScenario",
    "ExplanationOfBenefit",
    "FamilyMemberHistory",
    "Flag",
    "Goal",
    "GraphDefinition",
    "Group",
    "GuidanceResponse",
    "HealthcareService",
    "ImagingStudy",
    "Immunization",
    "ImmunizationEvaluation",
    "ImmunizationRecommendation",
    "ImplementationGuide",
    "InsurancePlan",
    "Invoice",
    "Library",
    "Linkage",
    "List",
    "Location",
    "Measure",
    "MeasureReport",
    "Media",
    "Medication",
    "MedicationAdministration",
    "MedicationDispense",
    "MedicationKnowledge",
    "MedicationRequest",
    "MedicationStatement",
    "MedicinalProduct",
    "MedicinalProductAuthorization",
    "MedicinalProductContraindication",
    "MedicinalProductIndication",
    "MedicinalProductIngredient",
    "MedicinalProductInteraction",
    "MedicinalProductManufactured",
    "MedicinalProductPackaged",
    "MedicinalProductPharmaceutical",
    "MedicinalProductUndesirableEffect",
    "MessageDefinition",
    "MessageHeader",
    "MolecularSequence",
    "NamingSystem",
    "NutritionOrder",
    "Observation",
    "ObservationDefinition",
    "OperationDefinition",
    "OperationOutcome",
    "Organization",
    "OrganizationAffiliation",
    "Parameters",
    "Patient",
    "PaymentNotice",
    "PaymentReconciliation",
    "Person",
    "PlanDefinition",
    "Practitioner",
    "PractitionerRole",
    "Procedure",
    "Provenance",
    "Questionnaire",
    "QuestionnaireResponse",
    "RelatedPerson",
    "RequestGroup",
    "ResearchDefinition",
    "ResearchElementDefinition",
    "ResearchStudy",
    "ResearchSubject",
    "RiskAssessment",
    "RiskEvidenceSynthesis",
    "Schedule",
    "SearchParameter",
    "ServiceRequest",
    "Slot",
    "Specimen",
    "SpecimenDefinition",
    "StructureDefinition",
    "StructureMap",
    "Subscription",
    "Substance",
    "SubstanceNucleicAcid",
    "SubstancePolymer",
    "SubstanceProtein",
    "SubstanceReferenceInformation",
    "SubstanceSourceMaterial",
    "SubstanceSpecification",
    "SupplyDelivery",
    "SupplyRequest",
    "Task",
    "TerminologyCapabilities",
    "TestReport",
    "TestScript",
    "ValueSet",
    "VerificationResult",
    "VisionPrescription",
};
static_assert(kTypeNames.size() == ResourceType_MAX + 1);
static_assert(std::is_sorted(kTypeNames.begin(), kTypeNames.end()),
              "parse_resource_type searches by halves");

constexpr std::size_t kFhirIdBytesMax = 64;

}  // namespace

std::string_view resource_type_name(ResourceType type) {
  return ResourceType_IsValid(type) ? kTypeNames[static_cast<std::size_t>(type)]
                                    : std::string_view();
}

ResourceType parse_resource_type(std::string_view name) {
  const auto found = std::lower_bound(kTypeNames.begin(), kTypeNames.end(), name);
  if (name.empty() || found == kTypeNames.end() || *found != name) return RESOURCE_TYPE_UNSPECIFIED;
  return static_cast<ResourceType>(found - kTypeNames.begin());
}

bool is_fhir_id(std::string_view text) {
  return !text.empty() && text.size() <= kFhirIdBytesMax &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
                  c == '-' || c == '.';
         });
}

Result<RecordIdentity> identity_of(ResourceType type, std::string_view fhir_id) {
  if (!is_fhir_id(fhir_id)) {
    return invalid_argument("a FHIR id has 1 to 64 of A-Z, a-z, 0-9, - and .; this one has " +
                            std::to_string(fhir_id.size()) + " bytes or another character");
  }
  if (Result<Uuid> uuid = Uuid::parse(fhir_id);
      uuid && !uuid->is_nil() && uuid->to_string() == fhir_id) {
    return RecordIdentity{*uuid, {}};
  }
  std::string text(resource_type_name(type));
  text += '/';
  text += fhir_id;
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data());
  RecordIdentity identity{{}, std::string(fhir_id)};
  std::copy_n(digest.begin(), identity.id.bytes.size(), identity.id.bytes.begin());
  // RFC 9562, version 8: ours to define, beside the version and the variant.
  identity.id.bytes[6] = static_cast<std::uint8_t>((identity.id.bytes[6] & 0x0f) | 0x80);
  identity.id.bytes[8] = static_cast<std::uint8_t>((identity.id.bytes[8] & 0x3f) | 0x80);
  return identity;
}

std::string fhir_id_text(std::string_view id_bytes, std::string_view fhir_id) {
  if (!fhir_id.empty()) return std::string(fhir_id);
  return id_bytes.size() == 16 ? Uuid::from_bytes(id_bytes).to_string() : std::string();
}

std::string fhir_reference(ResourceType type, std::string_view id_bytes, std::string_view fhir_id) {
  std::string reference(resource_type_name(type));
  reference += '/';
  reference += fhir_id_text(id_bytes, fhir_id);
  return reference;
}

Result<Uuid> id_from_bytes(std::string_view bytes, std::string_view field) {
  if (bytes.size() != 16) {
    return invalid_argument(std::string(field) + ": an id has 16 bytes, this one " +
                            std::to_string(bytes.size()))
        .with_field(field);
  }
  return Uuid::from_bytes(bytes);
}

}  // namespace clinicdb::clinic
