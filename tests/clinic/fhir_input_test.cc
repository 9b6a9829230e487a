#include <zlib.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "fhir/input.h"
#include "fhir/limits.h"
#include "support/temporary_directory.h"

using namespace clinicdb;
using namespace clinicdb::clinic::fhir;

namespace {

void write_file(const std::string& path, const std::string& text) {
  std::filesystem::create_directories(std::filesystem::path(path).parent_path());
  std::ofstream(path, std::ios::binary) << text;
}

std::string gzipped(const std::string& text) {
  z_stream stream{};
  REQUIRE(deflateInit2(&stream, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY) == Z_OK);
  std::string out(deflateBound(&stream, text.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  REQUIRE(deflate(&stream, Z_FINISH) == Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

std::vector<InputPiece> pieces_of(Input& input) {
  std::vector<InputPiece> pieces;
  while (true) {
    Result<std::optional<InputPiece>> piece = input.next();
    if (!piece) FAIL(piece.error().to_string());
    if (!*piece) return pieces;
    pieces.push_back(std::move(**piece));
  }
}

std::vector<InputPiece> pieces_of(const std::string& text) {
  return pieces_of(*Input::from_text(text));
}

}  // namespace

TEST_CASE("input: a document is one piece, however it is laid out") {
  const std::string text = GENERATE("{\"a\":1}", "{\n\"a\":1\n}", "\n\n {\"a\":\n1}\n\n", "{");
  const std::vector<InputPiece> pieces = pieces_of(text);
  REQUIRE(pieces.size() == 1);
  REQUIRE(pieces[0].document());
  REQUIRE(pieces[0].text() == text);
  REQUIRE(pieces[0].first_line() == 1);
}

TEST_CASE("input: whole objects a line are NDJSON, whatever the name") {
  const std::vector<InputPiece> pieces = pieces_of("\n{\"a\":\"}{\\\"\"}\r\n{\"b\":2}");
  REQUIRE(pieces.size() == 1);
  REQUIRE_FALSE(pieces[0].document());
}

TEST_CASE("input: NDJSON is cut between lines, and lines are counted") {
  std::string text;
  const std::string line = "{\"a\":\"" + std::string(1000, 'x') + "\"}\n";
  for (int i = 0; i < 2000; ++i) text += line;
  std::string back;
  std::uint64_t next_line = 1;
  for (const InputPiece& piece : pieces_of(text)) {
    REQUIRE(piece.text().size() % line.size() == 0);
    REQUIRE(piece.text().size() <= 2 * kChunkBytes);
    REQUIRE(piece.first_line() == next_line);
    next_line += piece.text().size() / line.size();
    back += piece.text();
  }
  REQUIRE(back == text);
}

TEST_CASE("input: nothing but white space is nothing") {
  REQUIRE(pieces_of("").empty());
  REQUIRE(pieces_of(" \n\r\n\t").empty());
}

TEST_CASE("input: a byte order mark is not part of the text") {
  REQUIRE(pieces_of("\xef\xbb\xbf{\"a\":1}").at(0).text() == "{\"a\":1}");
}

TEST_CASE("input: gzip is told by its content, and its members are one stream") {
  const test::TemporaryDirectory directory;
  std::string text;
  for (int i = 0; i < 100'000; ++i) text += "{\"n\":" + std::to_string(i) + "}\n";
  const std::size_t half = text.find('\n', text.size() / 2) + 1;
  write_file(directory.path("a.json"), gzipped(text.substr(0, half)) + gzipped(text.substr(half)));
  const auto source = open_import_files({directory.path("a.json")});
  REQUIRE(source);
  Result<std::unique_ptr<Input>> input = Input::open(**source, 0);
  REQUIRE(input);
  std::string back;
  for (const InputPiece& piece : pieces_of(**input)) back += piece.text();
  REQUIRE(back == text);
  REQUIRE((*input)->bytes_read() == (*source)->bytes_total());
}

TEST_CASE("input: damaged or cut gzip data is an error, not a short file") {
  std::string text;
  for (int i = 0; i < 100'000; ++i) text += "{\"n\":" + std::to_string(i * 7919) + "}\n";
  std::string packed = gzipped(text);
  const bool cut = GENERATE(true, false);
  if (cut) {
    packed.resize(packed.size() - 20);
  } else {
    packed[packed.size() / 2] = static_cast<char>(packed[packed.size() / 2] ^ 0x55);
  }
  const std::unique_ptr<Input> input = Input::from_text(packed);
  Status status;
  while (status.ok()) {
    Result<std::optional<InputPiece>> piece = input->next();
    status = piece.status();
    if (piece) REQUIRE(piece->has_value());
  }
  REQUIRE(status.code() == StatusCode::kDataLoss);
}

TEST_CASE("input: folders give their FHIR files, sorted, with those of their folders") {
  const test::TemporaryDirectory directory;
  for (const char* name : {"b.ndjson.gz", "a/z.json", "A.JSON", "notes.txt", ".hidden.json",
                           ".git/x.json", "c.jsonl"}) {
    write_file(directory.path(name), "{}");
  }
  Result<std::vector<std::string>> files = find_inputs({directory.path(), "-"});
  REQUIRE(files);
  REQUIRE(*files == std::vector<std::string>{directory.path("A.JSON"), directory.path("a/z.json"),
                                             directory.path("b.ndjson.gz"),
                                             directory.path("c.jsonl"), "-"});
}

TEST_CASE("input: a path that is not there is named") {
  Result<std::vector<std::string>> files = find_inputs({"/no/such/place"});
  REQUIRE_FALSE(files);
  REQUIRE(files.error().code() == StatusCode::kNotFound);
  REQUIRE(files.error().message().find("/no/such/place") != std::string_view::npos);
}
