#include "cli/settings.h"

#include <catch2/catch.hpp>
#include <fstream>

#include "support/temporary_directory.h"

using namespace clinicdb;          // NOLINT
using namespace clinicdb::server;  // NOLINT

namespace {

Result<Configuration> read_text(const std::string& text) {
  const test::TemporaryDirectory directory;
  const std::string path = directory.path() + "/clinicdb.toml";
  std::ofstream(path) << text;
  return read_settings(path);
}

}  // namespace

TEST_CASE("settings: without a file every setting has its default", "[server]") {
  const Result<Configuration> options = read_settings("");
  REQUIRE(options);
  for (const Setting& setting : all_settings()) {
    CAPTURE(setting.name);
    CHECK(setting.get(*options) == setting.get(Configuration()));
    CHECK(setting.get(*options) >= setting.minimum);
    CHECK(setting.get(*options) <= setting.maximum);
  }
}

TEST_CASE("settings: sizes with units, numbers and comments", "[server]") {
  const auto options = read_text(
      "# memory\n[store]\nblock_cache = \"1 GiB\"\nresult_cache = 0\nlog_segment = 131072\n"
      "background_jobs = 4\n");
  REQUIRE(options);
  CHECK(options->store.block_cache_bytes == std::size_t{1} << 30);
  CHECK(options->store.result_cache_bytes == 0);
  CHECK(options->store.log_segment_bytes == 131072);
  CHECK(options->store.background_jobs == 4);
}

TEST_CASE("settings: what is unknown, no value or out of range is refused by name", "[server]") {
  const auto [text, named] = GENERATE(table<std::string, std::string>({
      {"[store]\nblok_cache = 1\n", "store.blok_cache"},
      {"block_cache = \"1 GiB\"\n", "block_cache"},
      {"[store]\nblock_cache = \"much\"\n", "store.block_cache"},
      {"[store]\nblock_cache = \"1 GB\"\n", "store.block_cache"},
      {"[store]\nblock_cache = \"99999999999999999999\"\n", "store.block_cache"},
      {"[store]\nblock_cache = \"18446744073709551615 TiB\"\n", "store.block_cache"},
      {"[store]\nblock_cache = -1\n", "store.block_cache"},
      {"[store]\nblock_cache = [1, 2]\n", "store.block_cache"},
      {"[store]\nbackground_jobs = 8\n", "store.background_jobs"},
      {"[store]\nbackground_jobs = \"4 KiB\"\n", "store.background_jobs"},
      {"[store]\npipeline_depth = 0\n", "store.pipeline_depth"},
  }));
  CAPTURE(text);
  const auto options = read_text(text);
  REQUIRE_FALSE(options);
  CHECK(options.error().code() == StatusCode::kInvalidArgument);
  CHECK(options.error().field() == named);
  CHECK(options.error().message().find("clinicdb.toml") != std::string_view::npos);
}

TEST_CASE("settings: a file that is not there is not found", "[server]") {
  CHECK(read_settings("/nowhere/clinicdb.toml").error().code() == StatusCode::kNotFound);
}

TEST_CASE("settings: values are shown in their largest whole unit", "[server]") {
  const Setting& size = all_settings().front();
  CHECK(setting_text(size, 256 << 20) == "256 MiB");
  CHECK(setting_text(size, 1 << 30) == "1 GiB");
  CHECK(setting_text(size, 1000) == "1000");
  CHECK(setting_text(size, 0) == "0");
}

TEST_CASE("settings: what the file says goes before the defaults that are given", "[server]") {
  const test::TemporaryDirectory directory;
  const std::string path = directory.path() + "/clinicdb.toml";
  std::ofstream(path) << "[store]\nblock_cache = \"2 MiB\"\n";
  Configuration defaults;
  defaults.store.block_cache_bytes = 5;
  defaults.store.result_cache_bytes = 7;
  const auto options = read_settings(path, defaults);
  REQUIRE(options);
  CHECK(options->store.block_cache_bytes == std::size_t{2} << 20);
  CHECK(options->store.result_cache_bytes == 7);
}
