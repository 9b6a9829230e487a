#include "cli/table.h"

#include <catch2/catch.hpp>

#include "cli/terminal.h"

using namespace clinicdb::server;  // NOLINT

TEST_CASE("table: columns align by what is seen, not by bytes", "[server]") {
  TextTable table({{"NAME"}, {"COUNT", Align::kRight}});
  table.add({"Conceição", "7"});
  table.add({"Jo", "1,000"});
  CHECK(table.text(false) ==
        "NAME       COUNT\n"
        "Conceição      7\n"
        "Jo         1,000\n");
}

TEST_CASE("table: without headings and without trailing spaces", "[server]") {
  TextTable table({{""}, {""}});
  table.add({"name", "Ana"});
  table.add({"note", ""});
  CHECK(table.text(true) == "name  Ana\nnote\n");
}

TEST_CASE("table: headings stand out only in colour", "[server]") {
  TextTable table({{"NAME"}});
  table.add({"Ana"});
  CHECK(table.text(false).find('\x1b') == std::string::npos);
  CHECK(table.text(true) == "\x1b[1mNAME\x1b[0m\nAna\n");
}

TEST_CASE("terminal: what could steer a terminal is not shown", "[server]") {
  CHECK(printable("Ana \x1b[31mSouza\n") == "Ana \xef\xbf\xbd[31mSouza\xef\xbf\xbd");
  CHECK(printable("\xc2\x9b"
                  "2J") ==
        "\xef\xbf\xbd"
        "2J");
  CHECK(printable("a\u202e!") == "a\xef\xbf\xbd!");
  CHECK(printable("\xff\xc3") == "\xef\xbf\xbd\xef\xbf\xbd");
  CHECK(printable("Inês Ångström 李") == "Inês Ångström 李");
}

TEST_CASE("terminal: numbers as people read them", "[server]") {
  CHECK(with_commas(0) == "0");
  CHECK(with_commas(999) == "999");
  CHECK(with_commas(1'234'567) == "1,234,567");
  CHECK(format_bytes(1023) == "1023 B");
  CHECK(format_bytes(1536) == "1.5 KiB");
  CHECK(format_bytes((1ull << 30) - 1) == "1.0 GiB");
  CHECK(format_seconds(0.0123) == "12.3 ms");
  CHECK(format_seconds(1.25).substr(0, 2) == "1.");
  CHECK(format_seconds(123) == "2 m 03 s");
}
