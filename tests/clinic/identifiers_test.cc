#include "clinicdb/clinic/identifiers.h"

#include <catch2/catch.hpp>
#include <set>
#include <string>
#include <utility>

namespace clinicdb::clinic {
namespace {

TEST_CASE("identifiers: a valid CPF is taken with or without punctuation, and stored as digits") {
  const auto [text, stored] =
      GENERATE(table<std::string, std::string>({{"529.982.247-25", "52998224725"},
                                                {"52998224725", "52998224725"},
                                                {"111.444.777-35", "11144477735"},
                                                {" 123 456 789 09 ", "12345678909"},
                                                {"000.000.001-91", "00000000191"}}));
  CHECK(parse_cpf(text, "patient.cpf").value_or("refused") == stored);
}

TEST_CASE("identifiers: a wrong CPF is refused, naming the field") {
  const auto [text, why] = GENERATE(table<std::string, std::string>(
      {{"529.982.247-26", "patient.cpf: check digit is wrong"},
       {"529.982.247-35", "patient.cpf: check digit is wrong"},
       {"925.982.247-25", "patient.cpf: check digit is wrong"},
       {"111.111.111-11", "patient.cpf: one digit repeated is nobody's CPF"},
       {"5299822472", "patient.cpf: a CPF has 11 digits"},
       {"", "patient.cpf: a CPF has 11 digits"},
       {"5,2998224725E+10", "patient.cpf: only digits and punctuation are possible"}}));
  const Result<std::string> parsed = parse_cpf(text, "patient.cpf");
  REQUIRE_FALSE(parsed);
  CHECK(parsed.error().message() == why);
  CHECK(parsed.error().field() == "patient.cpf");
  CHECK(parsed.error().code() == StatusCode::kInvalidArgument);
}

TEST_CASE("identifiers: a CNPJ of digits, and one with letters as from July 2026") {
  const auto [text, stored] = GENERATE(
      table<std::string, std::string>({{"11.222.333/0001-81", "11222333000181"},
                                       {"00.000.000/0001-91", "00000000000191"},
                                       {"33000167000101", "33000167000101"},
                                       // The example of Instrução Normativa RFB 2.229/2024.
                                       {"12.ABC.345/01DE-35", "12ABC34501DE35"},
                                       {"12abc34501de35", "12ABC34501DE35"}}));
  CHECK(parse_cnpj(text, "clinic.cnpj").value_or("refused") == stored);
}

TEST_CASE("identifiers: a wrong CNPJ is refused") {
  const std::string text = GENERATE("11.222.333/0001-82", "12.ABC.345/01DE-36", "12ABC34501DE3A",
                                    "1122233300018", "00000000000000", "11.222.333/0001_81");
  CHECK_FALSE(parse_cnpj(text, "clinic.cnpj"));
}

TEST_CASE("identifiers: definitive and provisional CNS are taken") {
  // Definitive ones by the routine of DATASUS, computed independently; both middle parts occur.
  const std::string text = GENERATE("120564125470002", "100000000060018", "201805210990005",
                                    "165456789020001", "898000000043208", "700000000000005");
  CHECK(parse_cns(text, "patient.cns").value_or("refused") == text);
}

TEST_CASE("identifiers: a wrong CNS is refused") {
  const std::string text =
      GENERATE("120564125470003", "898000000043209", "300000000000007", "12056412547000",
               // Divisible, but what follows the PIS number is neither 000 nor 001.
               "100000000060107");
  CHECK_FALSE(parse_cns(text, "patient.cns"));
  CHECK(parse_cns("898 0000 0004 3208", "patient.cns").value_or("refused") == "898000000043208");
}

TEST_CASE("identifiers: phones become E.164, Brazilian ones with their country") {
  const auto [text, stored] =
      GENERATE(table<std::string, std::string>({{"(27) 99912-3456", "+5527999123456"},
                                                {"027 99912-3456", "+5527999123456"},
                                                {"+55 27 99912 3456", "+5527999123456"},
                                                {"5527999123456", "+5527999123456"},
                                                {"27 3222-1234", "+552732221234"},
                                                {"0800 123 4567", "+558001234567"},
                                                {"+1 (555) 010-7203", "+15550107203"},
                                                {"00351 912 345 678", "+351912345678"}}));
  CHECK(parse_phone(text, "phone").value_or("refused") == stored);
}

TEST_CASE("identifiers: what cannot be dialled is refused") {
  const std::string text =
      GENERATE("99912-3456", "(20) 99912-3456", "(27) 89912-3456", "(27) 9222-1234", "+12",
               "+1234567890123456", "+0123456789", "27 99912-345x", "");
  CHECK_FALSE(parse_phone(text, "phone"));
}

TEST_CASE("identifiers: federative units, council numbers, slugs and days") {
  CHECK(parse_uf("es", "state").value_or("refused") == "ES");
  CHECK_FALSE(parse_uf("XX", "state"));
  CHECK(parse_council_number("12.345-f", "number").value_or("refused") == "12345F");
  CHECK_FALSE(parse_council_number(" ", "number"));
  CHECK(check_slug("sorriso-2", "slug").ok());
  for (const char* slug : {"", "-a", "a-", "Sorriso", "a_b"})
    CHECK_FALSE(check_slug(slug, "slug").ok());
  Date date;
  date.set_year(2024);
  CHECK(check_date(date, true, "day").ok());
  CHECK_FALSE(check_date(date, false, "day").ok());
  date.set_month(2);
  date.set_day(29);
  CHECK(check_date(date, false, "day").ok());
  date.set_year(1900);
  CHECK_FALSE(check_date(date, false, "day").ok());
}

TEST_CASE("identifiers: what is made up is valid, and formatted text is read back") {
  SeededRandom random(7);
  std::set<std::string> seen;
  for (int i = 0; i < 500; ++i) {
    const std::string cpf = generate_cpf(random);
    const std::string cns = generate_cns(random);
    const std::string cnpj = generate_cnpj(random);
    CHECK(parse_cpf(format_cpf(cpf), "cpf").value_or("refused") == cpf);
    CHECK(parse_cns(format_cns(cns), "cns").value_or("refused") == cns);
    CHECK(parse_cnpj(format_cnpj(cnpj), "cnpj").value_or("refused") == cnpj);
    const std::string phone = generate_phone(random);
    CHECK(parse_phone(phone, "phone").value_or("refused") == phone);
    seen.insert(cpf);
  }
  CHECK(seen.size() > 490);
  CHECK(format_cpf("52998224725") == "529.982.247-25");
}

}  // namespace
}  // namespace clinicdb::clinic
