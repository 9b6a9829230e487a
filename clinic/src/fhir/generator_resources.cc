#include "fhir/generator_resources.h"

#include <chrono>
#include <cmath>

namespace clinicdb::clinic::fhir {

namespace {

constexpr std::string_view kSnomed = "http://snomed.info/sct";
constexpr std::string_view kLoinc = "http://loinc.org";
constexpr std::string_view kTerminology = "http://terminology.hl7.org/CodeSystem/";
constexpr std::string_view kRnds = "http://rnds.saude.gov.br/fhir/r4/NamingSystem/";
constexpr std::string_view kMade = "https://clinicdb.org/made-up";

int check_digit(std::string_view digits, int first_weight) {
  int sum = 0;
  int weight = first_weight;
  for (const char c : digits) sum += (c - '0') * weight--;
  const int rest = sum % 11;
  return rest < 2 ? 0 : 11 - rest;
}

// Spreads consecutive numbers over all of [0, 10^digits): the factor has no divisor in common
// with 10.
std::string spread(std::uint64_t number, int digits) {
  std::uint64_t modulus = 1;
  for (int i = 0; i < digits; ++i) modulus *= 10;
  __extension__ using Wide = unsigned __int128;
  auto value = static_cast<std::uint64_t>(Wide{number} * 387'420'489 % modulus);
  std::string text(static_cast<std::size_t>(digits), '0');
  for (int i = digits - 1; i >= 0; --i) {
    text[static_cast<std::size_t>(i)] = static_cast<char>('0' + value % 10);
    value /= 10;
  }
  return text;
}

}  // namespace

MadeId make_id(Random& random) {
  static constexpr char kDigits[] = "0123456789abcdef";
  const std::uint64_t words[2] = {random.next(), random.next()};
  MadeId id;
  std::size_t at = 0;
  for (int i = 0; i < 32; ++i) {
    if (i == 8 || i == 12 || i == 16 || i == 20) id.text[at++] = '-';
    std::uint64_t nibble = words[i / 16] >> (4 * (i % 16)) & 15;
    if (i == 12) nibble = 4;                 // version 4
    if (i == 16) nibble = 8 | (nibble & 3);  // RFC 9562's variant
    id.text[at++] = kDigits[nibble];
  }
  return id;
}

std::string made_cpf(std::uint64_t number) {
  std::string text = spread(number + 1, 9);
  text.push_back(static_cast<char>('0' + check_digit(text, 10)));
  text.push_back(static_cast<char>('0' + check_digit(text, 11)));
  return text;
}

std::string made_cns(std::uint64_t number) {
  const std::string middle = spread(number + 1, 12);
  for (char next = '0';; ++next) {
    std::string text = "7" + middle + next;
    int sum = 0;
    int weight = 15;
    for (const char c : text) sum += (c - '0') * weight--;
    const int last = (11 - sum % 11) % 11;
    if (last == 10) continue;
    text.push_back(static_cast<char>('0' + last));
    return text;
  }
}

ResourceMaker& ResourceMaker::number(std::uint64_t value) { return put(std::to_string(value)); }

ResourceMaker& ResourceMaker::digits(std::uint64_t value, int count) {
  char text[20];
  for (int i = count - 1; i >= 0; --i) {
    text[i] = static_cast<char>('0' + value % 10);
    value /= 10;
  }
  return put({text, static_cast<std::size_t>(count)});
}

ResourceMaker& ResourceMaker::decimal(double low, double high) {
  // In whole ten-thousandths, so that no machine rounds otherwise.
  const auto from = static_cast<std::uint64_t>(std::llround(low * 10'000));
  const auto span = static_cast<std::uint64_t>(std::llround((high - low) * 10'000));
  const std::uint64_t value = from + random_.below(span);
  number(value / 10'000).put(".").digits(value % 10'000, 4);
  return digits(random_.next() % 10'000'000'000, 10);
}

ResourceMaker& ResourceMaker::degrees(double value) {
  std::int64_t micro =
      std::llround(value * 1'000'000) + static_cast<std::int64_t>(random_.below(100'000));
  if (micro < 0) {
    put("-");
    micro = -micro;
  }
  return number(static_cast<std::uint64_t>(micro) / 1'000'000)
      .put(".")
      .digits(static_cast<std::uint64_t>(micro) % 1'000'000, 6);
}

ResourceMaker& ResourceMaker::cents(std::uint64_t value) {
  return number(value / 100).put(".").digits(value % 100, 2);
}

ResourceMaker& ResourceMaker::date(MadeMinute minute) {
  const std::chrono::sys_days day{
      std::chrono::floor<std::chrono::days>(std::chrono::minutes{minute})};
  const std::chrono::year_month_day civil{day};
  return digits(static_cast<std::uint64_t>(static_cast<int>(civil.year())), 4)
      .put("-")
      .digits(static_cast<unsigned>(civil.month()), 2)
      .put("-")
      .digits(static_cast<unsigned>(civil.day()), 2);
}

ResourceMaker& ResourceMaker::time(MadeMinute minute) {
  const auto of_day =
      static_cast<std::uint64_t>(((minute % kMinutesADay) + kMinutesADay) % kMinutesADay);
  return date(minute)
      .put("T")
      .digits(of_day / 60, 2)
      .put(":")
      .digits(of_day % 60, 2)
      .put(":00-03:00");
}

ResourceMaker& ResourceMaker::coding(std::string_view system, std::string_view code,
                                     std::string_view display) {
  put("{\"system\":\"");
  if (system.find(':') == std::string_view::npos) put(kTerminology);
  put(system).put("\",\"code\":\"").put(code);
  if (!display.empty()) put("\",\"display\":\"").put(display);
  return put("\"}");
}

ResourceMaker& ResourceMaker::code(std::string_view system, const Concept& what) {
  return put("{\"coding\":[")
      .coding(system, what.code, what.display)
      .put("],\"text\":\"")
      .put(what.display)
      .put("\"}");
}

ResourceMaker& ResourceMaker::begin(std::string_view type, std::string_view id) {
  return put("{\"resourceType\":\"")
      .put(type)
      .put("\",\"id\":\"")
      .put(id)
      .put(
          "\",\"meta\":{\"tag\":[{\"system\":\"https://clinicdb.org/"
          "tags\",\"code\":\"made-up\"}]},");
}

ResourceMaker& ResourceMaker::reference(std::string_view key, std::string_view type,
                                        std::string_view id, std::string_view display) {
  if (!key.empty()) put("\"").put(key).put("\":");
  put("{\"reference\":\"").put(type).put("/").put(id).put("\"");
  if (!display.empty()) put(",\"display\":\"").put(display).put("\"");
  return put("}");
}

ResourceMaker& ResourceMaker::about(const MadePatient& patient, const MadeVisit& visit,
                                    std::string_view role) {
  return reference(role, "Patient", patient.id)
      .put(",")
      .reference("encounter", "Encounter", visit.id)
      .put(",");
}

ResourceMaker& ResourceMaker::address(const Place& place) {
  return put("{\"use\":\"home\",\"line\":[\"")
      .put(any(street_names()))
      .put(", ")
      .number(1 + random_.below(2'000))
      .put("\"],\"city\":\"")
      .put(place.city)
      .put("\",\"district\":\"")
      .put(any(district_names()))
      .put("\",\"state\":\"")
      .put(place.state)
      .put("\",\"postalCode\":\"")
      .put(place.postal_prefix)
      .put("-")
      .digits(random_.below(1'000), 3)
      .put("\",\"country\":\"BR\"}");
}

ResourceMaker& ResourceMaker::phone(const Place& place, std::string_view use, bool mobile) {
  put("{\"system\":\"phone\",\"value\":\"+55").put(place.area).put(mobile ? "9" : "3");
  return digits(random_.below(mobile ? 100'000'000 : 10'000'000), mobile ? 8 : 7)
      .put("\",\"use\":\"")
      .put(use)
      .put("\"}");
}

void ResourceMaker::end() { out_.append("}\n"); }

void ResourceMaker::organization(const MadeClinic& clinic, std::uint64_t number_in_set) {
  begin("Organization", clinic.id)
      .put("\"identifier\":[{\"system\":\"")
      .put(kRnds)
      .put("cnes\",\"value\":\"")
      .digits(2'000'000 + number_in_set, 7)
      .put("\"}],\"active\":true,\"type\":[{\"coding\":[")
      .coding("organization-type", "prov", "Healthcare Provider")
      .put("],\"text\":\"Healthcare Provider\"}],\"name\":\"")
      .put(clinic.name)
      .put("\",\"telecom\":[")
      .phone(*clinic.place, "work", false)
      .put("],\"address\":[")
      .address(*clinic.place)
      .put("]");
  end();
}

void ResourceMaker::practitioner(const MadeProfessional& professional, const MadeClinic& clinic,
                                 std::string_view given, std::string_view family, bool female,
                                 std::uint64_t number_in_set) {
  begin("Practitioner", professional.id)
      .put("\"identifier\":[{\"system\":\"")
      .put(kMade)
      .put("/crm-")
      .put(clinic.place->state)
      .put("\",\"value\":\"")
      .digits(10'000 + number_in_set, 6)
      .put("\"}],\"active\":true,\"name\":[{\"family\":\"")
      .put(family)
      .put("\",\"given\":[\"")
      .put(given)
      .put("\"],\"prefix\":[\"")
      .put(female ? "Dra." : "Dr.")
      .put("\"]}],\"telecom\":[")
      .phone(*clinic.place, "work", true)
      .put("],\"gender\":\"")
      .put(female ? "female" : "male")
      .put("\"");
  end();
}

void ResourceMaker::location(const MadeProfessional& professional, const MadeClinic& clinic,
                             std::uint64_t number_in_set) {
  begin("Location", professional.room)
      .put("\"identifier\":[{\"system\":\"")
      .put(kMade)
      .put("/rooms\",\"value\":\"")
      .number(number_in_set + 1)
      .put("\"}],\"status\":\"active\",\"name\":\"Sala ")
      .number(number_in_set + 1)
      .put("\",\"mode\":\"instance\",\"physicalType\":{\"coding\":[")
      .coding("location-physical-type", "ro", "Room")
      .put("]},\"address\":")
      .address(*clinic.place)
      .put(",")
      .reference("managingOrganization", "Organization", clinic.id, clinic.name);
  end();
}

void ResourceMaker::patient(const MadePatient& patient, const MadeClinic& clinic) {
  const std::string name = patient.given + " " + patient.family;
  const std::string cpf = made_cpf(patient.number);
  const std::string cns = made_cns(patient.number);
  const Place& place = *clinic.place;
  begin("Patient", patient.id)
      .put(
          "\"text\":{\"status\":\"generated\",\"div\":\"<div "
          "xmlns=\\\"http://www.w3.org/1999/xhtml\\\"><table><tbody>"
          "<tr><td>Nome</td><td>")
      .put(name)
      .put("</td></tr><tr><td>Nascimento</td><td>")
      .date(patient.born)
      .put("</td></tr><tr><td>Cidade</td><td>")
      .put(place.city)
      .put(" (")
      .put(place.state)
      .put(")</td></tr><tr><td>Clínica</td><td>")
      .put(clinic.name == "Clínica Vida & Saúde" ? "Clínica Vida" : clinic.name)
      .put(
          "</td></tr><tr><td>Aviso</td><td>Pessoa inventada para testes; qualquer semelhança é "
          "acaso.</td></tr>"
          "</tbody></table></div>\"},\"extension\":[{\"url\":\"")
      .put(kMade)
      .put(
          "/raca\",\"extension\":[{\"url\":\"race\",\"valueCodeableConcept\":{\"coding\":[{"
          "\"system\":\"")
      .put(kMade)
      .put("/BRRacaCor\",\"code\":\"0")
      .number(1 + random_.below(5))
      .put(
          "\"}]}}]},{\"url\":\"http://hl7.org/fhir/StructureDefinition/"
          "patient-mothersMaidenName\",\"valueString\":\"")
      .put(any(women_names()))
      .put(" ")
      .put(any(family_names()))
      .put(
          "\"},{\"url\":\"http://hl7.org/fhir/StructureDefinition/"
          "patient-birthPlace\",\"valueAddress\":{\"city\":\"")
      .put(any(places()).city)
      .put("\",\"country\":\"BR\"}},{\"url\":\"")
      .put(kMade)
      .put("/anos-de-vida-ajustados\",\"valueDecimal\":")
      .decimal(0, 90)
      .put("}],");
  put("\"identifier\":[{\"use\":\"official\",\"type\":{\"coding\":[")
      .coding("v2-0203", "TAX", "Tax ID number")
      .put("],\"text\":\"CPF\"},\"system\":\"")
      .put(kRnds)
      .put("cpf\",\"value\":\"")
      .put(cpf)
      .put("\"},{\"use\":\"official\",\"type\":{\"coding\":[")
      .coding("v2-0203", "HC", "Health Card Number")
      .put("],\"text\":\"Cartão Nacional de Saúde\"},\"system\":\"")
      .put(kRnds)
      .put("cns\",\"value\":\"")
      .put(cns)
      .put("\"},{\"use\":\"usual\",\"type\":{\"coding\":[")
      .coding("v2-0203", "MR", "Medical Record Number")
      .put("],\"text\":\"Prontuário\"},\"system\":\"")
      .put(kMade)
      .put("/prontuario/")
      .put(clinic.id)
      .put("\",\"value\":\"")
      .number(100'000 + patient.number)
      .put("\",\"assigner\":")
      .reference("", "Organization", clinic.id, clinic.name)
      .put("}],\"active\":true,");
  put("\"name\":[{\"use\":\"official\",\"text\":\"")
      .put(name)
      .put("\",\"family\":\"")
      .put(patient.family)
      .put("\",\"given\":[\"")
      .put(patient.given)
      .put("\"]},{\"use\":\"usual\",\"given\":[\"")
      .put(patient.given)
      .put("\"]}],\"telecom\":[")
      .phone(place, "mobile", true)
      .put(",")
      .phone(place, "home", false)
      .put(",{\"system\":\"email\",\"value\":\"paciente")
      .number(patient.number)
      .put("@exemplo.com.br\",\"use\":\"home\"}],\"gender\":\"")
      .put(patient.female ? "female" : "male")
      .put("\",\"birthDate\":\"")
      .date(patient.born)
      .put(
          "\",\"address\":[{\"extension\":[{\"url\":"
          "\"http://hl7.org/fhir/StructureDefinition/"
          "geolocation\",\"extension\":[{\"url\":\"latitude\",\"valueDecimal\":")
      .degrees(place.latitude)
      .put("},{\"url\":\"longitude\",\"valueDecimal\":")
      .degrees(place.longitude)
      .put("}]}],");
  out_.append("\"use\":\"home\",\"line\":[\"");
  put(any(street_names()))
      .put(", ")
      .number(1 + random_.below(2'000))
      .put("\",\"apto ")
      .number(1 + random_.below(300))
      .put("\"],\"city\":\"")
      .put(place.city)
      .put("\",\"district\":\"")
      .put(any(district_names()))
      .put("\",\"state\":\"")
      .put(place.state)
      .put("\",\"postalCode\":\"")
      .put(place.postal_prefix)
      .put("-")
      .digits(random_.below(1'000), 3)
      .put("\",\"country\":\"BR\"}],\"maritalStatus\":{\"coding\":[")
      .coding("v3-MaritalStatus", random_.below(2) == 0 ? "M" : "S", "")
      .put("]},\"multipleBirthBoolean\":false,");
  put("\"contact\":[{\"relationship\":[{\"coding\":[")
      .coding("v2-0131", "C", "Emergency Contact")
      .put("]}],\"name\":{\"family\":\"")
      .put(patient.family)
      .put("\",\"given\":[\"")
      .put(any(women_names()))
      .put("\"]},\"telecom\":[")
      .phone(place, "mobile", true)
      .put("],\"address\":")
      .address(place)
      .put(
          ",\"gender\":\"female\"}],\"communication\":[{\"language\":{\"coding\":[{\"system\":"
          "\"urn:ietf:bcp:47\",\"code\":"
          "\"pt-BR\",\"display\":\"Português "
          "(Brasil)\"}],\"text\":\"Português\"},\"preferred\":true}],")
      .put("\"generalPractitioner\":[{\"display\":\"")
      .put(clinic.name)
      .put("\"}],")
      .reference("managingOrganization", "Organization", clinic.id, clinic.name);
  end();
}

void ResourceMaker::allergy(const MadePatient& patient, MadeMinute recorded) {
  begin("AllergyIntolerance", make_id(random_))
      .put("\"clinicalStatus\":{\"coding\":[")
      .coding("allergyintolerance-clinical", "active", "Active")
      .put("]},\"verificationStatus\":{\"coding\":[")
      .coding("allergyintolerance-verification", "confirmed", "Confirmed")
      .put("]},\"type\":\"allergy\",\"category\":[\"")
      .put(random_.below(2) == 0 ? "food" : "environment")
      .put("\"],\"criticality\":\"low\",\"code\":")
      .code(kSnomed, any(allergies()))
      .put(",")
      .reference("patient", "Patient", patient.id)
      .put(",\"recordedDate\":\"")
      .time(recorded)
      .put("\"");
  end();
}

void ResourceMaker::appointment(const MadePatient& patient, const MadeProfessional& professional,
                                const MadeVisit& visit, std::string_view status) {
  begin("Appointment", make_id(random_))
      .put("\"status\":\"")
      .put(status)
      .put("\",\"serviceType\":[")
      .code(kSnomed, *visit.reason)
      .put("],\"description\":\"")
      .put(visit.reason->display)
      .put("\",\"start\":\"")
      .time(visit.start)
      .put("\",\"end\":\"")
      .time(visit.start + visit.minutes)
      .put("\",\"minutesDuration\":")
      .number(static_cast<std::uint64_t>(visit.minutes))
      .put(",\"participant\":[{")
      .reference("actor", "Patient", patient.id)
      .put(",\"status\":\"accepted\"},{")
      .reference("actor", "Practitioner", professional.id, professional.name)
      .put(",\"status\":\"accepted\"},{")
      .reference("actor", "Location", professional.room)
      .put(",\"status\":\"accepted\"}]");
  end();
}

void ResourceMaker::encounter(const MadePatient& patient, const MadeProfessional& professional,
                              const MadeClinic& clinic, const MadeVisit& visit) {
  begin("Encounter", visit.id)
      .put("\"status\":\"finished\",\"class\":")
      .coding("v3-ActCode", "AMB", "")
      .put(",\"type\":[")
      .code(kSnomed, *visit.reason)
      .put("],")
      .reference("subject", "Patient", patient.id)
      .put(",\"participant\":[{")
      .reference("individual", "Practitioner", professional.id)
      .put("}],\"period\":{\"start\":\"")
      .time(visit.start)
      .put("\",\"end\":\"")
      .time(visit.start + visit.minutes)
      .put("\"},\"location\":[{")
      .reference("location", "Location", professional.room)
      .put("}],")
      .reference("serviceProvider", "Organization", clinic.id);
  end();
}

MadeId ResourceMaker::observation(const MadePatient& patient, const MadeProfessional& professional,
                                  const MadeVisit& visit, const Measure* measure) {
  const MadeId id = make_id(random_);
  const bool pressure = measure == nullptr;
  begin("Observation", id).put("\"status\":\"final\",\"category\":[{\"coding\":[");
  const std::string_view category = pressure ? "vital-signs" : measure->category;
  coding("observation-category", category, category).put("]}],\"code\":");
  const Concept what =
      pressure ? Concept{"55284-4", "Blood Pressure"} : Concept{measure->code, measure->display};
  code(kLoinc, what)
      .put(",")
      .about(patient, visit, "subject")
      .put("\"effectiveDateTime\":\"")
      .time(visit.start)
      .put("\",\"issued\":\"")
      .time(visit.start)
      .put("\",\"performer\":[")
      .reference("", "Practitioner", professional.id, professional.name)
      .put("],");
  const auto quantity = [this](double low, double high, std::string_view unit) {
    put("\"valueQuantity\":{\"value\":")
        .decimal(low, high)
        .put(",\"unit\":\"")
        .put(unit)
        .put("\",\"system\":\"http://unitsofmeasure.org\",\"code\":\"")
        .put(unit)
        .put("\"}");
  };
  if (pressure) {
    put("\"component\":[{\"code\":").code(kLoinc, {"8462-4", "Diastolic Blood Pressure"}).put(",");
    quantity(55, 110, "mm[Hg]");
    put("},{\"code\":").code(kLoinc, {"8480-6", "Systolic Blood Pressure"}).put(",");
    quantity(90, 190, "mm[Hg]");
    put("}]");
  } else {
    quantity(measure->low, measure->high, measure->unit);
  }
  end();
  return id;
}

void ResourceMaker::diagnostic_report(const MadePatient& patient,
                                      const MadeProfessional& professional, const MadeVisit& visit,
                                      const std::vector<MadeId>& results) {
  begin("DiagnosticReport", make_id(random_))
      .put("\"status\":\"final\",\"category\":[{\"coding\":[")
      .coding("v2-0074", "LAB", "Laboratory")
      .put("]}],\"code\":")
      .code(kLoinc, any(panels()))
      .put(",")
      .about(patient, visit, "subject")
      .put("\"effectiveDateTime\":\"")
      .time(visit.start)
      .put("\",\"issued\":\"")
      .time(visit.start)
      .put("\",\"performer\":[")
      .reference("", "Practitioner", professional.id, professional.name)
      .put("],\"result\":[");
  for (std::size_t i = 0; i < results.size(); ++i) {
    if (i != 0) put(",");
    reference("", "Observation", results[i]);
  }
  put("]");
  end();
}

MadeId ResourceMaker::condition(const MadePatient& patient, const MadeProfessional& professional,
                                const MadeVisit& visit, const Concept& what) {
  const MadeId id = make_id(random_);
  const bool resolved = random_.below(2) == 0;
  begin("Condition", id)
      .put("\"clinicalStatus\":{\"coding\":[")
      .coding("condition-clinical", resolved ? "resolved" : "active", "")
      .put("]},\"verificationStatus\":{\"coding\":[")
      .coding("condition-ver-status", "confirmed", "")
      .put("]},\"code\":")
      .code(kSnomed, what)
      .put(",")
      .about(patient, visit, "subject")
      .put("\"onsetDateTime\":\"")
      .time(visit.start)
      .put("\",");
  if (resolved) put("\"abatementDateTime\":\"").date(visit.start + 14 * kMinutesADay).put("\",");
  put("\"recordedDate\":\"")
      .time(visit.start)
      .put("\",")
      .reference("recorder", "Practitioner", professional.id);
  end();
  return id;
}

void ResourceMaker::procedure(const MadePatient& patient, const MadeProfessional& professional,
                              const MadeVisit& visit) {
  begin("Procedure", make_id(random_))
      .put("\"status\":\"completed\",\"code\":")
      .code(kSnomed, any(procedures()))
      .put(",")
      .about(patient, visit, "subject")
      .put("\"performedPeriod\":{\"start\":\"")
      .time(visit.start)
      .put("\",\"end\":\"")
      .time(visit.start + 15)
      .put("\"},\"performer\":[{")
      .reference("actor", "Practitioner", professional.id)
      .put("}]");
  end();
}

void ResourceMaker::immunization(const MadePatient& patient, const MadeVisit& visit) {
  begin("Immunization", make_id(random_))
      .put("\"status\":\"completed\",\"vaccineCode\":")
      .code("http://hl7.org/fhir/sid/cvx", any(vaccines()))
      .put(",")
      .about(patient, visit, "patient")
      .put("\"occurrenceDateTime\":\"")
      .time(visit.start)
      .put("\",\"primarySource\":true,\"lotNumber\":\"L")
      .digits(random_.below(1'000'000), 6)
      .put("\"");
  end();
}

MadeId ResourceMaker::medication_request(const MadePatient& patient,
                                         const MadeProfessional& professional,
                                         const MadeVisit& visit) {
  const MadeId id = make_id(random_);
  begin("MedicationRequest", id)
      .put("\"status\":\"")
      .put(random_.below(3) == 0 ? "active" : "stopped")
      .put("\",\"intent\":\"order\",\"medicationCodeableConcept\":")
      .code("http://www.nlm.nih.gov/research/umls/rxnorm", any(medications()))
      .put(",")
      .about(patient, visit, "subject")
      .put("\"authoredOn\":\"")
      .time(visit.start)
      .put("\",")
      .reference("requester", "Practitioner", professional.id)
      .put(",\"dosageInstruction\":[{\"sequence\":1,\"timing\":{\"repeat\":{\"frequency\":")
      .number(1 + random_.below(3))
      .put(",\"period\":1.0,\"periodUnit\":\"d\"}},\"asNeededBoolean\":false}]");
  end();
  return id;
}

void ResourceMaker::care_plan(const MadePatient& patient, const MadeProfessional& professional,
                              const MadeVisit& visit) {
  const Concept& first = any(plan_activities());
  begin("CarePlan", make_id(random_))
      .put(
          "\"text\":{\"status\":\"generated\",\"div\":\"<div "
          "xmlns=\\\"http://www.w3.org/1999/xhtml\\\">Plano de cuidado.<br/>"
          "Atividades: <ul><li>")
      .put(first.display)
      .put("</li></ul></div>\"},\"status\":\"active\",\"intent\":\"order\",\"category\":[")
      .code(kSnomed, any(plan_activities()))
      .put("],")
      .about(patient, visit, "subject")
      .put("\"period\":{\"start\":\"")
      .time(visit.start)
      .put("\"},")
      .reference("author", "Practitioner", professional.id)
      .put(",\"activity\":[{\"detail\":{\"code\":")
      .code(kSnomed, first)
      .put(",\"status\":\"in-progress\"}},{\"detail\":{\"code\":")
      .code(kSnomed, any(plan_activities()))
      .put(",\"status\":\"in-progress\"}}]");
  end();
}

void ResourceMaker::goal(const MadePatient& patient, const MadeVisit& visit) {
  begin("Goal", make_id(random_))
      .put("\"lifecycleStatus\":\"accepted\",\"achievementStatus\":{\"coding\":[")
      .coding("goal-achievement", "in-progress", "")
      .put("]},\"description\":{\"text\":\"Pressão arterial abaixo de 140 por 90\"},")
      .reference("subject", "Patient", patient.id)
      .put(",\"startDate\":\"")
      .date(visit.start)
      .put("\"");
  end();
}

void ResourceMaker::imaging_study(const MadePatient& patient, const MadeVisit& visit) {
  const std::uint64_t uid = random_.below(100'000'000);
  begin("ImagingStudy", make_id(random_))
      .put(
          "\"identifier\":[{\"use\":\"official\",\"system\":\"urn:dicom:uid\",\"value\":\"urn:oid:"
          "1.2.840.99999999.")
      .number(uid)
      .put("\"}],\"status\":\"available\",")
      .about(patient, visit, "subject")
      .put("\"started\":\"")
      .time(visit.start)
      .put(
          "\",\"numberOfSeries\":1,\"numberOfInstances\":1,\"series\":[{\"uid\":\"1.2.840.99999999."
          "1.")
      .number(uid)
      .put(
          "\",\"number\":1,\"modality\":{\"system\":\"http://dicom.nema.org/resources/ontology/"
          "DCM\",\"code\":\"DX\",\"display\":"
          "\"Digital "
          "Radiography\"},\"numberOfInstances\":1,\"bodySite\":{\"system\":\"http://snomed.info/"
          "sct\",\"code\":\"51185008\","
          "\"display\":\"Thoracic structure\"},\"started\":\"")
      .time(visit.start)
      .put("\",\"instance\":[{\"uid\":\"1.2.840.99999999.1.1.")
      .number(uid)
      .put(
          "\",\"sopClass\":{\"system\":\"urn:ietf:rfc:3986\",\"code\":\"urn:oid:1.2.840.10008.5.1."
          "4.1.1.1.1\"},\"number\":1,\"title\":"
          "\"Radiografia de tórax\"}]}]");
  end();
}

MadeId ResourceMaker::claim(const MadePatient& patient, const MadeClinic& clinic,
                            const MadeVisit& visit, const MadeId* prescription, std::size_t items) {
  const MadeId id = make_id(random_);
  begin("Claim", id)
      .put("\"status\":\"active\",\"type\":{\"coding\":[")
      .coding("claim-type", prescription != nullptr ? "pharmacy" : "institutional", "")
      .put("]},\"use\":\"claim\",")
      .reference("patient", "Patient", patient.id)
      .put(",\"billablePeriod\":{\"start\":\"")
      .time(visit.start)
      .put("\",\"end\":\"")
      .time(visit.start + visit.minutes)
      .put("\"},\"created\":\"")
      .time(visit.start + visit.minutes)
      .put("\",")
      .reference("provider", "Organization", clinic.id)
      .put(",\"priority\":{\"coding\":[")
      .coding("processpriority", "normal", "")
      .put("]},");
  if (prescription != nullptr)
    reference("prescription", "MedicationRequest", *prescription).put(",");
  put("\"insurance\":[{\"sequence\":1,\"focal\":true,\"coverage\":{\"display\":\"Particular\"}}],"
      "\"item\":[{\"sequence\":1,"
      "\"productOrService\":")
      .code(kSnomed, *visit.reason)
      .put(",\"encounter\":[")
      .reference("", "Encounter", visit.id)
      .put("]}");
  for (std::size_t i = 1; i < items; ++i) {
    put(",{\"sequence\":")
        .number(i + 1)
        .put(",\"productOrService\":")
        .code(kSnomed, any(procedures()))
        .put(",\"net\":{\"value\":")
        .cents(3'000 + random_.below(50'000))
        .put(",\"currency\":\"BRL\"}}");
  }
  put("],\"total\":{\"value\":")
      .cents(10'000 + random_.below(100'000))
      .put(",\"currency\":\"BRL\"}");
  end();
  return id;
}

void ResourceMaker::adjudication(std::uint64_t amount_cents) {
  static constexpr Concept kSteps[] = {
      {"submitted", "Submitted Amount"}, {"copay", "CoPay"},
      {"eligible", "Eligible Amount"},   {"deductible", "Deductible"},
      {"benefit", "Benefit Amount"},     {"tax", "Tax"}};
  put("\"adjudication\":[");
  for (std::size_t i = 0; i < std::size(kSteps); ++i) {
    if (i != 0) put(",");
    put("{\"category\":{\"coding\":[")
        .coding("adjudication", kSteps[i].code, kSteps[i].display)
        .put("],\"text\":\"")
        .put(kSteps[i].display)
        .put("\"},\"amount\":{\"value\":")
        .cents(i == 0 ? amount_cents : amount_cents / (i + 1))
        .put(",\"currency\":\"BRL\"}}");
  }
  put("]");
}

void ResourceMaker::explanation_of_benefit(const MadePatient& patient,
                                           const MadeProfessional& professional,
                                           const MadeClinic& clinic, const MadeVisit& visit,
                                           const MadeId& claim, std::size_t items) {
  begin("ExplanationOfBenefit", make_id(random_))
      .put(
          "\"contained\":[{\"resourceType\":\"ServiceRequest\",\"id\":\"referral\",\"status\":"
          "\"completed\",\"intent\":\"order\",")
      .reference("subject", "Patient", patient.id)
      .put(",")
      .reference("requester", "Practitioner", professional.id)
      .put(",\"performer\":[")
      .reference("", "Practitioner", professional.id)
      .put(
          "]},{\"resourceType\":\"Coverage\",\"id\":\"coverage\",\"status\":\"active\",\"type\":{"
          "\"text\":\"Particular\"},")
      .reference("beneficiary", "Patient", patient.id)
      .put(",\"payor\":[{\"display\":\"Particular\"}]}],\"identifier\":[{\"system\":\"")
      .put(kMade)
      .put("/guia\",\"value\":\"")
      .put(claim)
      .put("\"}],\"status\":\"active\",\"type\":{\"coding\":[")
      .coding("claim-type", "institutional", "")
      .put("]},\"use\":\"claim\",")
      .reference("patient", "Patient", patient.id)
      .put(",\"billablePeriod\":{\"start\":\"")
      .time(visit.start)
      .put("\",\"end\":\"")
      .time(visit.start + 365 * kMinutesADay)
      .put("\"},\"created\":\"")
      .time(visit.start + visit.minutes)
      .put("\",\"insurer\":{\"display\":\"Particular\"},")
      .reference("provider", "Practitioner", professional.id)
      .put(",\"referral\":{\"reference\":\"#referral\"},")
      .reference("claim", "Claim", claim)
      .put(",\"outcome\":\"complete\",\"careTeam\":[{\"sequence\":1,")
      .reference("provider", "Practitioner", professional.id, professional.name)
      .put(",\"role\":{\"coding\":[")
      .coding("claimcareteamrole", "primary", "Primary Care Practitioner")
      .put(
          "]}}],\"insurance\":[{\"focal\":true,\"coverage\":{\"reference\":\"#coverage\","
          "\"display\":\"Particular\"}}],")
      .reference("facility", "Location", professional.room, clinic.name)
      .put(",\"item\":[");
  for (std::size_t i = 0; i < items; ++i) {
    if (i != 0) put(",");
    put("{\"sequence\":")
        .number(i + 1)
        .put(",\"category\":{\"coding\":[")
        .coding("https://bluebutton.cms.gov/resources/variables/line_cms_type_srvc_cd", "1",
                "Medical care")
        .put("]},\"productOrService\":")
        .code(kSnomed, i == 0 ? *visit.reason : any(procedures()))
        .put(",\"servicedPeriod\":{\"start\":\"")
        .time(visit.start)
        .put("\",\"end\":\"")
        .time(visit.start + visit.minutes)
        .put("\"},\"locationCodeableConcept\":{\"coding\":[")
        .coding("ex-serviceplace", "19", "Off Campus-Outpatient Hospital")
        .put("]},");
    if (i == 0) {
      put("\"encounter\":[").reference("", "Encounter", visit.id).put("]}");
      continue;
    }
    const std::uint64_t amount = 3'000 + random_.below(50'000);
    put("\"net\":{\"value\":").cents(amount).put(",\"currency\":\"BRL\"},");
    adjudication(amount);
    put("}");
  }
  put("],\"total\":[{\"category\":{\"coding\":[")
      .coding("adjudication", "submitted", "Submitted Amount")
      .put("],\"text\":\"Submitted Amount\"},\"amount\":{\"value\":")
      .cents(10'000 + random_.below(100'000))
      .put(",\"currency\":\"BRL\"}}],\"payment\":{\"amount\":{\"value\":")
      .cents(random_.below(100'000))
      .put(",\"currency\":\"BRL\"}}");
  end();
}

}  // namespace clinicdb::clinic::fhir
