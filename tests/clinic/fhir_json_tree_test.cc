#include <catch2/catch.hpp>
#include <string>

#include "fhir/json_tree.h"

using namespace clinicdb;
using namespace clinicdb::clinic::fhir;

namespace {

std::string minify(std::string_view text) {
  JsonTree tree;
  const Status status = tree.parse_copy(text);
  INFO(status.to_string());
  REQUIRE(status.ok());
  return tree.minified(tree.root());
}

Status refusal(std::string_view text) {
  JsonTree tree;
  Status status = tree.parse_copy(text);
  INFO(text);
  REQUIRE(status.code() == StatusCode::kInvalidArgument);
  REQUIRE_FALSE(status.message().empty());
  return status;
}

}  // namespace

TEST_CASE("json_tree: members keep their order and numbers their digits") {
  REQUIRE(minify(R"({ "b" : 1.50, "a":[ 1e400 , -0.0,123456789012345678901234567890 ],
      "c": {"d": true, "e": false} })") ==
          R"({"b":1.50,"a":[1e400,-0.0,123456789012345678901234567890],"c":{"d":true,"e":false}})");
}

TEST_CASE("json_tree: strings stay as they were written, and are read unescaped") {
  JsonTree tree;
  REQUIRE(tree.parse_copy(R"({"a":"\u00e7\/\n","\u0062":"é"})").ok());
  REQUIRE(tree.root().member("a").text() == "ç/\n");
  REQUIRE(tree.root().member("b").text() == "é");
  REQUIRE(tree.minified(tree.root()) == R"({"a":"\u00e7\/\n","\u0062":"é"})");
}

TEST_CASE("json_tree: null stands only where R4 pairs primitives with their extensions") {
  REQUIRE(minify(R"({"given":["a",null],"_given":[null,{"id":"x"}]})") ==
          R"({"given":["a",null],"_given":[null,{"id":"x"}]})");
  REQUIRE(refusal(R"({"name":[{"family":null}]})").field() == "name[0].family");
  REQUIRE(refusal(R"({"name":[{"family":"x"},null]})").field() == "name");
}

TEST_CASE("json_tree: what is empty is refused, with its path") {
  REQUIRE(refusal("{}").field() == "");
  REQUIRE(refusal(R"({"a":{"b":[{"c":{}}]}})").field() == "a.b[0].c");
  REQUIRE(refusal(R"({"a":["x",[]]})").field() == "a[1]");
  REQUIRE(refusal(R"({"a":["x",""]})").field() == "a[1]");
  REQUIRE(refusal(R"({"a":[[1]]})").field() == "a[0]");
}

TEST_CASE("json_tree: a member named twice is refused, however many there are") {
  REQUIRE(refusal(R"({"a":1,"b":2,"\u0061":3})").field() == "a");
  std::string many = "{";
  for (int i = 0; i < 100; ++i) many += "\"m" + std::to_string(i) + "\":1,";
  REQUIRE(refusal(many + "\"m42\":1}").field() == "m42");
}

TEST_CASE("json_tree: hostile texts are refused, each with a reason") {
  const std::string_view text = GENERATE(
      as<std::string_view>(), "", "  ", "[1]", "\"x\"", "1", "{\"a\":1", "{\"a\":1}}",
      "{\"a\":1} x", "{\"a\":1,}", "{\"a\":[1,]}", "{\"a\" 1}", "{\"a\":[1 2]}", "{\"a\":tr ue}",
      "{\"a\":01}", "{\"a\":-}", "{\"a\":1.}", "{\"a\":.5}", "{\"a\":+1}", "{\"a\":nul}",
      "{\"a\":NaN}", "{\"a\":\"x", "{\"a\":\"\\x\"}", "{\"a\":\"\\ud800\"}", "{\"a\":\"\\udc00\"}",
      "{\"a\":\"\\ud800\\ud800\"}", "{\"a\":\"\\u0000\"}", "{\"a\":\"\n\"}", "{\"a\":\"\xff\"}",
      "{\"a\":\"\xc0\xaf\"}", "{\"a\":\"\xed\xa0\x80\"}", "{'a':1}", "{a:1}", "{\"a\":1/*x*/}");
  REQUIRE_FALSE(refusal(text).ok());
}

TEST_CASE("json_tree: a NUL byte between tokens is refused") {
  REQUIRE_FALSE(refusal(std::string_view("{\"a\":1\0}", 8)).ok());
  REQUIRE_FALSE(refusal(std::string_view("{\"a\":\"x\0y\"}", 11)).ok());
}

TEST_CASE("json_tree: nesting is bounded, so that no text can exhaust the stack") {
  std::string deep;
  for (int i = 0; i < 100'000; ++i) deep += "{\"a\":";
  REQUIRE_FALSE(refusal(deep).ok());
  deep += "1";
  for (int i = 0; i < 100'000; ++i) deep += "}";
  REQUIRE_FALSE(refusal(deep).ok());
  std::string arrays = "{\"a\":" + std::string(100'000, '[') + std::string(100'000, ']') + "}";
  REQUIRE_FALSE(refusal(arrays).ok());
  std::string fits;
  for (std::size_t i = 0; i < kJsonDepthMax; ++i) fits += "{\"a\":";
  fits += "1" + std::string(kJsonDepthMax, '}');
  REQUIRE(minify(fits) == fits);
}

TEST_CASE("json_tree: a path leads back to the place") {
  JsonTree tree;
  const std::string text = "{\n \"entry\": [\n  {\"a\": 1},\n  {\"b\": \"x\"}\n ]\n}";
  REQUIRE(tree.parse_copy(text).ok());
  const JsonValue b = tree.root().member("entry").first().next().member("b");
  REQUIRE(b.path() == "entry[1].b");
  REQUIRE(text.substr(tree.offset_of("entry[1].b"), 3) == "\"x\"");
  REQUIRE(text.substr(tree.offset_of("entry[1].no.such"), 4) == "{\"b\"");
}

TEST_CASE("json_tree: replacing nodes leaves every other byte alone") {
  JsonTree tree;
  REQUIRE(
      tree.parse_copy(R"({"subject":{"reference":"urn:uuid:1","display":"x"},"v":1.0,"n":[1,2]})")
          .ok());
  const JsonValue reference = tree.root().member("subject").member("reference");
  const JsonValue last = tree.root().member("n");
  REQUIRE(tree.minified(tree.root(),
                        {{reference.index(), json_string("Patient/1")}, {last.index(), "[]"}}) ==
          R"({"subject":{"reference":"Patient/1","display":"x"},"v":1.0,"n":[]})");
}

TEST_CASE("json_tree: a tree can be parsed into again") {
  JsonTree tree;
  REQUIRE(tree.parse_copy(R"({"a":1})").ok());
  REQUIRE_FALSE(tree.parse_copy(R"({"a":)").ok());
  REQUIRE(tree.parse_copy(R"({"b":[2]})").ok());
  REQUIRE(tree.minified(tree.root()) == R"({"b":[2]})");
}

TEST_CASE("json_tree: a written string reads back as it was") {
  const std::string text = "a\"b\\c\n\t\x01 é 漢";
  REQUIRE(minify("{\"a\":" + json_string(text) + "}") == "{\"a\":" + json_string(text) + "}");
  JsonTree tree;
  REQUIRE(tree.parse_copy("{\"a\":" + json_string(text) + "}").ok());
  REQUIRE(tree.root().member("a").text() == text);
}
