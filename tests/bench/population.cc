#include "bench/population.h"

#include <array>
#include <string>
#include <string_view>

#include "clinicdb/clinic/identifiers.h"

namespace clinicdb::bench {

namespace {

constexpr std::array<std::string_view, 24> kGiven = {
    "Ana",     "João",    "Maria",    "José",      "Antônia",   "Francisco", "Luísa", "Carlos",
    "Letícia", "Paulo",   "Beatriz",  "Lucas",     "Conceição", "Márcio",    "Júlia", "André",
    "Célia",   "Rodrigo", "Patrícia", "Sebastião", "Fernanda",  "Otávio",    "Inês",  "Caetano"};
constexpr std::array<std::string_view, 24> kFamily = {
    "Silva",    "Souza",      "Gonçalves", "Araújo",      "Oliveira",  "Conceição",
    "Ferreira", "Assunção",   "Pereira",   "Barbosa",     "Magalhães", "Ribeiro",
    "Simões",   "Cavalcante", "Nóbrega",   "Teixeira",    "Brandão",   "Moreira",
    "Peçanha",  "Queirós",    "Falcão",    "Vasconcelos", "Lima",      "Sant'Ana"};
constexpr std::array<std::string_view, 8> kStreets = {
    "Rua das Acácias", "Avenida Brasil", "Rua São João",  "Travessa do Comércio",
    "Rua Sete",        "Alameda Santos", "Rua da Aurora", "Avenida Afonso Pena"};

template <std::size_t N>
std::string_view pick(const std::array<std::string_view, N>& from, Random& random) {
  return from[random.below(N)];
}

void set_name(clinic::Patient& patient, Random& random) {
  patient.clear_names();
  clinic::HumanName& name = *patient.add_names();
  name.set_use("official");
  std::string text(pick(kGiven, random));
  text.append(" ").append(pick(kFamily, random));
  text.append(" ").append(pick(kFamily, random));
  name.set_text(std::move(text));
}

void set_birth_date(clinic::Patient& patient, Random& random) {
  clinic::Date& date = *patient.mutable_birth_date();
  date.set_year(static_cast<int>(1930 + random.below(90)));
  date.set_month(static_cast<int>(1 + random.below(12)));
  date.set_day(static_cast<int>(1 + random.below(28)));
}

void set_contact(clinic::Patient& patient, Random& random) {
  patient.clear_telecom();
  clinic::ContactPoint& phone = *patient.add_telecom();
  phone.set_system(clinic::ContactPoint::SYSTEM_PHONE);
  phone.set_use("mobile");
  phone.set_value(clinic::generate_phone(random));
  clinic::ContactPoint& mail = *patient.add_telecom();
  mail.set_system(clinic::ContactPoint::SYSTEM_EMAIL);
  mail.set_value("p" + std::to_string(random.below(100'000'000)) + "@exemplo.com.br");
  patient.clear_addresses();
  clinic::Address& address = *patient.add_addresses();
  address.set_use("home");
  address.add_lines(std::string(pick(kStreets, random)) + ", " +
                    std::to_string(1 + random.below(3000)));
  address.set_city("São Paulo");
  address.set_state("SP");
  address.set_postal_code(std::to_string(10'000'000 + random.below(9'000'000)));
  address.set_country("BR");
}

}  // namespace

clinic::Patient make_patient(Random& random, std::uint64_t number) {
  clinic::Patient patient;
  set_name(patient, random);
  set_birth_date(patient, random);
  patient.set_gender(random.below(2) == 0 ? clinic::GENDER_FEMALE : clinic::GENDER_MALE);
  patient.set_cpf(clinic::generate_cpf(random));
  patient.set_cns(clinic::generate_cns(random));
  patient.add_mrn()->set_value(std::to_string(number));
  set_contact(patient, random);
  return patient;
}

void change_patient(clinic::Patient& patient, ChangeKind kind, Random& random) {
  set_contact(patient, random);
  if (kind == ChangeKind::kContact) return;
  set_name(patient, random);
  set_birth_date(patient, random);
}

}  // namespace clinicdb::bench
