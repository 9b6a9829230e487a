#include "bench/peers/clinics.h"

#include <array>
#include <chrono>
#include <cstdio>
#include <fstream>

#include "clinicdb/clinic/schema/common.pb.h"

namespace clinicdb::bench {

namespace {

struct Name {
  std::string_view text;
  std::string_view folded;
};
constexpr std::array<Name, 20> kGiven{
    {{"Ana", "ana"},           {"João", "joao"},       {"Maria", "maria"},
     {"José", "jose"},         {"Antônia", "antonia"}, {"Francisco", "francisco"},
     {"Adriana", "adriana"},   {"Carlos", "carlos"},   {"Juliana", "juliana"},
     {"Paulo", "paulo"},       {"Márcia", "marcia"},   {"Pedro", "pedro"},
     {"Fernanda", "fernanda"}, {"Lucas", "lucas"},     {"Patrícia", "patricia"},
     {"Luís", "luis"},         {"Aline", "aline"},     {"Marcos", "marcos"},
     {"Sandra", "sandra"},     {"Gabriel", "gabriel"}}};
constexpr std::array<Name, 10> kFamily{{{"Silva", "silva"},
                                        {"Santos", "santos"},
                                        {"Oliveira", "oliveira"},
                                        {"Souza", "souza"},
                                        {"Rodrigues", "rodrigues"},
                                        {"Ferreira", "ferreira"},
                                        {"Alves", "alves"},
                                        {"Pereira", "pereira"},
                                        {"Lima", "lima"},
                                        {"Gomes", "gomes"}}};
// With no first letter of the above, so that a name and a letter find the same for all.
constexpr std::array<Name, 6> kLast{{{"Nóbrega", "nobrega"},
                                     {"Barbosa", "barbosa"},
                                     {"Teixeira", "teixeira"},
                                     {"Brandão", "brandao"},
                                     {"Moreira", "moreira"},
                                     {"Vieira", "vieira"}}};

enum class Kind : std::uint8_t { kPatient = 1, kProfessional = 2, kSite = 3 };

Uuid make_id(Kind kind, std::uint32_t tenant, std::uint32_t number) {
  constexpr std::uint64_t kMilliseconds = 1'767'225'600'000;  // 2026
  Uuid id;
  const std::uint64_t time = kMilliseconds + number;
  for (int i = 0; i < 6; ++i) id.bytes[i] = static_cast<std::uint8_t>(time >> (40 - 8 * i));
  id.bytes[6] = 0x70;
  id.bytes[7] = static_cast<std::uint8_t>(kind);
  id.bytes[8] = 0x80;
  for (int i = 0; i < 3; ++i) id.bytes[9 + i] = static_cast<std::uint8_t>(tenant >> (16 - 8 * i));
  for (int i = 0; i < 4; ++i) id.bytes[12 + i] = static_cast<std::uint8_t>(number >> (24 - 8 * i));
  return id;
}

char check_digit(std::string_view digits) {
  int sum = 0;
  for (std::size_t i = 0; i < digits.size(); ++i)
    sum += (digits[i] - '0') * static_cast<int>(digits.size() + 1 - i);
  const int digit = 11 - sum % 11;
  return static_cast<char>('0' + (digit > 9 ? 0 : digit));
}

std::string digits_of(std::uint64_t number, std::size_t count) {
  std::string digits(count, '0');
  for (std::size_t i = count; i > 0; --i, number /= 10)
    digits[i - 1] = static_cast<char>('0' + number % 10);
  return digits;
}

}  // namespace

std::uint32_t Clinics::full_days() const {
  return std::max<std::uint32_t>(1, appointments / professionals / kAppointmentsADay);
}

std::string tenant_slug(std::uint32_t tenant) { return "clinic-" + digits_of(tenant, 4); }

Uuid patient_id(std::uint32_t tenant, std::uint32_t patient) {
  return make_id(Kind::kPatient, tenant, patient);
}
Uuid professional_id(std::uint32_t tenant, std::uint32_t professional) {
  return make_id(Kind::kProfessional, tenant, professional);
}
Uuid site_id(std::uint32_t tenant) { return make_id(Kind::kSite, tenant, 0); }

std::string cpf_of(std::uint32_t tenant, std::uint32_t patient) {
  const std::uint64_t base = (std::uint64_t{tenant} * 1'000'003 + patient * 7919 + 1) % 999'999'999;
  std::string cpf = digits_of(base, 9);
  cpf += check_digit(cpf);
  cpf += check_digit(cpf);
  return cpf;
}

std::string changed_phone(std::uint32_t number) {
  return "+55119" + digits_of(number % 100'000'000, 8);
}
std::string changed_street(std::uint32_t number) {
  return "Rua das Laranjeiras, " + std::to_string(1 + number % 3000);
}

Person person(std::uint32_t tenant, std::uint32_t patient) {
  const Name& given = kGiven[(patient * 7 + tenant) % kGiven.size()];
  const Name& family = kFamily[(patient / kGiven.size() + tenant) % kFamily.size()];
  const Name& last = kLast[(patient * 5 + tenant) % kLast.size()];
  Person made;
  made.name =
      std::string(given.text) + " " + std::string(family.text) + " " + std::string(last.text);
  made.name_key =
      std::string(given.folded) + " " + std::string(family.folded) + " " + std::string(last.folded);
  made.cpf = cpf_of(tenant, patient);
  made.phone = changed_phone(patient * 7919 + tenant);
  made.email = std::string(given.folded) + "." + std::string(family.folded) +
               std::to_string(patient) + "@exemplo.com.br";
  made.street = changed_street(patient * 37 + tenant);
  made.birth_year = static_cast<int>(1930 + (patient * 37 + tenant * 11) % 90);
  made.birth_month = 1 + (patient + tenant) % 12;
  made.birth_day = 1 + patient % 28;
  return made;
}

std::string name_probe(std::uint32_t given, std::uint32_t family) {
  return std::string(kGiven[given % kGiven.size()].folded) + " " +
         kFamily[family % kFamily.size()].folded.front();
}

clinic::Patient patient_record(std::uint32_t tenant, std::uint32_t patient) {
  const Person made = person(tenant, patient);
  clinic::Patient record;
  record.set_id(std::string(patient_id(tenant, patient).view()));
  record.add_names()->set_text(made.name);
  record.mutable_birth_date()->set_year(made.birth_year);
  record.mutable_birth_date()->set_month(static_cast<int>(made.birth_month));
  record.mutable_birth_date()->set_day(static_cast<int>(made.birth_day));
  record.set_cpf(made.cpf);
  clinic::ContactPoint& phone = *record.add_telecom();
  phone.set_system(clinic::ContactPoint::SYSTEM_PHONE);
  phone.set_value(made.phone);
  clinic::ContactPoint& mail = *record.add_telecom();
  mail.set_system(clinic::ContactPoint::SYSTEM_EMAIL);
  mail.set_value(made.email);
  record.add_addresses()->add_lines(made.street);
  return record;
}

Place place_of(const Clinics& clinics, std::uint32_t tenant, std::uint32_t appointment) {
  const std::uint32_t nth = appointment / clinics.professionals;  // of its professional
  const std::uint32_t day = nth / kAppointmentsADay;
  const std::uint32_t quarter = (nth % kAppointmentsADay) * 2 + (nth + tenant) % 2;
  return {appointment % clinics.professionals, (appointment * 31 + tenant) % clinics.patients,
          kFirstDayUs + day * kPeerDayUs + kPeerDayUs / 2 + quarter * kQuarterUs};
}

Place booking_place(const Clinics& clinics, std::uint64_t number) {
  const std::uint64_t nth = number / clinics.professionals;
  const auto day = static_cast<std::int64_t>(kFirstBookedDay + nth / kQuartersADay);
  const auto quarter = static_cast<std::int64_t>(nth % kQuartersADay);
  return {static_cast<std::uint32_t>(number % clinics.professionals),
          static_cast<std::uint32_t>(number % clinics.patients),
          kFirstDayUs + day * kPeerDayUs + kPeerDayUs / 2 + quarter * kQuarterUs};
}

clinic::Appointment appointment_record(std::uint32_t tenant, const Place& place) {
  clinic::Appointment record;
  record.set_clinic_id(std::string(site_id(tenant).view()));
  record.set_professional_id(std::string(professional_id(tenant, place.professional).view()));
  record.set_patient_id(std::string(patient_id(tenant, place.patient).view()));
  record.set_start_us(place.start_us);
  record.set_end_us(place.start_us + kQuarterUs);
  record.set_title("Consulta");
  return record;
}

std::string sql_time(std::int64_t us) {
  const std::chrono::sys_time<std::chrono::microseconds> time{std::chrono::microseconds(us)};
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(time - day).count();
  std::string text = digits_of(static_cast<std::uint64_t>(int(date.year())), 4);
  text.append("-").append(digits_of(unsigned(date.month()), 2));
  text.append("-").append(digits_of(unsigned(date.day()), 2));
  text.append(" ").append(digits_of(static_cast<std::uint64_t>(seconds / 3600), 2));
  text.append(":").append(digits_of(static_cast<std::uint64_t>(seconds / 60 % 60), 2));
  text.append(":").append(digits_of(static_cast<std::uint64_t>(seconds % 60), 2));
  return text;
}

Status write_rows(const Clinics& clinics, const std::string& folder) {
  std::ofstream patients(folder + "/patients.tsv");
  std::ofstream appointments(folder + "/appointments.tsv");
  for (std::uint32_t tenant = 0; tenant < clinics.tenants; ++tenant) {
    for (std::uint32_t i = 0; i < clinics.patients; ++i) {
      const Person made = person(tenant, i);
      patients << tenant << '\t' << i << '\t' << made.name << '\t' << made.name_key << '\t'
               << made.birth_year << '-' << digits_of(made.birth_month, 2) << '-'
               << digits_of(made.birth_day, 2) << '\t' << made.cpf << '\t' << made.phone << '\t'
               << made.email << '\t' << made.street << '\n';
    }
    for (std::uint32_t i = 0; i < clinics.appointments; ++i) {
      const Place place = place_of(clinics, tenant, i);
      appointments << tenant << '\t' << place.patient << '\t' << place.professional << '\t'
                   << sql_time(place.start_us) << '\t' << sql_time(place.start_us + kQuarterUs)
                   << '\n';
    }
  }
  patients.close();
  appointments.close();
  if (!patients || !appointments) return unavailable(folder + ": the rows cannot be written");
  return Status();
}

}  // namespace clinicdb::bench
