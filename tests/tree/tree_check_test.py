#!/usr/bin/env python3
"""tree_check.py finds what it is for: a small sound tree passes, and each planted fault is found, by its check."""
import os
import tempfile
import unittest

import tree_check

SOUND = {
    "README.md": "# Fixture\n\nSee [the map](docs/map.md#the-rooms) and `base/src/clock.cc`.\n\n"
                 "<!-- from client/src/client.cc -->\n```cpp\nint x;\n  int y;\n```\n",
    "CHANGELOG.md": "# Changes\n\n## Unreleased\n\n### Safety\n\n### Changed\n\n### Added\n\n### Internal\n",
    "CMakeLists.txt": "project(fixture)\nadd_subdirectory(base)\nadd_subdirectory(engine)\nadd_subdirectory(client)\n"
                      "add_subdirectory(tests)\nadd_subdirectory(fuzz)\n",
    "docs/map.md": "# Map\n\n## The rooms\n",
    "base/CMakeLists.txt": "add_library(base src/clock.cc include/clinicdb/base/clock.h)\n",
    "base/src/clock.cc": '#include "clinicdb/base/clock.h"\n#include <ctime>\n#include <unistd.h>\n',
    "base/include/clinicdb/base/clock.h": "#pragma once\n#include <cstdint>\n",
    "engine/CMakeLists.txt": "add_library(engine src/store/store.cc include/clinicdb/engine/store.h)\n",
    "engine/src/store/store.cc": '#include "store/key.h"\n#include <rocksdb/db.h>\n',
    "engine/src/store/key.h": "#pragma once\n",
    "engine/include/clinicdb/engine/store.h": '#pragma once\n#include "clinicdb/base/clock.h"\n',
    "client/CMakeLists.txt": "add_library(client src/client.cc)\n",
    "client/src/client.cc": '#include "clinicdb/clinic/schema/patient.pb.h"\n#include "clinicdb/sharding/ring.h"\n'
                            "  // [example]\n  int x;\n    int y;\n  // [end]\n",
    "tests/CMakeLists.txt": "add_subdirectory(engine)\n",
    "tests/engine/CMakeLists.txt": "clinicdb_test(engine_test SOURCES store_test.cc)\n",
    "tests/engine/store_test.cc":
        '#include "store/key.h"\n#include <catch2/catch.hpp>\nTEST_CASE("store: holds") {\n  if (!data()) {\n'
        '    WARN("skipped: there is no data");\n    return;\n  }\n  auto f = [] {\n    return;\n  };\n}\n',
    "fuzz/CMakeLists.txt": "function(clinicdb_fuzz_target name)\nendfunction()\n"
                           "clinicdb_fuzz_target(store SOURCES store_fuzz.cc)\n",
    "fuzz/store_fuzz.cc": '#include "clinicdb/engine/store.h"\n',
    "fuzz/corpus/store/one": "x\t \n\n",
}

# (check, what a finding must say, file, what is put into it: text added at the end, or None to remove the file)
FAULTS = [
    ("top_level", "is not one of the entries", "utils/strings.txt", "x\n"),
    ("includes", "base may not include engine", "base/src/clock.cc", '#include "clinicdb/engine/store.h"\n'),
    ("includes", "engine may not include server", "tests/engine/store_test.cc", '#include "clinicdb/server/node.h"\n'),
    ("includes", "no room common", "base/src/clock.cc", '#include "clinicdb/common/x.h"\n'),
    ("includes", "client may include of clinic only", "client/src/client.cc", '#include "clinicdb/clinic/services.h"\n'),
    ("includes", "client may not include engine", "client/src/client.cc", '#include "clinicdb/engine/store.h"\n'),
    ("includes", "without ..", "engine/src/store/store.cc", '#include "../store/key.h"\n'),
    ("includes", "none of this room's", "base/src/clock.cc", '#include "store/key.h"\n'),
    ("includes", "public headers only", "engine/include/clinicdb/engine/store.h", '#include "store/key.h"\n'),
    ("includes", "standard library and our own", "engine/include/clinicdb/engine/store.h", "#include <rocksdb/db.h>\n"),
    ("includes", "engine may not use", "engine/src/store/store.cc", "#include <google/protobuf/message.h>\n"),
    ("includes", "does not know", "base/src/clock.cc", "#include <boost/optional.hpp>\n"),
    ("orphans", "so nothing builds it", "engine/src/store/lost.cc", "\n"),
    ("orphans", "so nothing builds it", "tests/engine/lost_test.cc", "\n"),
    ("orphans", "in no FILE_SET", "base/include/clinicdb/base/lost.h", "#pragma once\n"),
    ("orphans", "by no add_subdirectory", "tests/lost/CMakeLists.txt", "clinicdb_test(lost_test)\n"),
    ("orphans", "so nothing builds it", "engine/CMakeLists.txt", None),
    ("markers", "a leftover", "docs/map.md", "This is " + "TO" + "DO.\n"),
    ("markers", "a leftover", "base/src/clock.cc", "<" * 7 + " HEAD\n"),
    ("layout", "more than 100", "base/src/clock.cc", "// " + "x" * 98 + "\n"),
    ("layout", "white space", "base/src/clock.cc", "int x; \n"),
    ("layout", "a tab", "base/src/clock.cc", "\tint x;\n"),
    ("layout", "one line break", "base/src/clock.cc", "int x;"),
    ("layout", "one line break", "base/src/clock.cc", "\n"),
    ("layout", "#pragma once", "engine/src/store/bare.h", "int x();\n"),
    ("layout", "using namespace", "engine/src/store/key.h", "using namespace std;\n"),
    ("names", "is not snake_case", "engine/src/store/BigKey.h", "#pragma once\n"),
    ("corpora", "has no fuzz/corpus/store/", "fuzz/corpus/store/one", None),
    ("corpora", "without its fuzz target", "fuzz/corpus/other/one", "x"),
    ("links", "leads nowhere", "README.md", "[x](docs/lost.md)\n"),
    ("links", "no heading", "README.md", "[x](docs/map.md#lost)\n"),
    ("links", "does not exist", "README.md", "`base/src/lost.cc`\n"),
    ("examples", "is not the [example]", "README.md", "<!-- from client/src/client.cc -->\n```cpp\nint z;\n```\n"),
    ("examples", "is not the [example]", "README.md", "<!-- from client/src/lost.cc -->\n```cpp\nint x;\n```\n"),
    ("skips", "without a WARN", "tests/engine/store_test.cc", 'TEST_CASE("x") {\n  if (!data()) return;\n}\n'),
    ("skips", "without a WARN", "tests/engine/store_test.cc",
     'TEST_CASE("x") {\n  if (!data()) {\n    return;\n  }\n}\n'),
    ("banned", "CLINICDB_CHECK", "base/src/clock.cc", "void f() { assert(true); }\n"),
    ("banned", "fake Clock", "tests/engine/store_test.cc", "void f() { std::this_thread::sleep_for(x); }\n"),
    ("banned", "the Clock seam", "engine/src/store/store.cc", "auto t = std::chrono::system_clock::now();\n"),
    ("banned", "loses or misorders", "engine/src/store/store.cc", "options.unordered_write = true;\n"),
    ("banned", "the reason why", "engine/src/store/store.cc", 'f().ignore("");\n'),
    ("commands", "METHOD_DAY_SHOW is called by no command", "clinic/schema/day.proto",
     "    option (method_id) = METHOD_DAY_SHOW;\n"),
    ("changelog", "in this order", "CHANGELOG.md", "## Unreleased\n\n### Other\n"),
    ("changelog", "is missing", "CHANGELOG.md", None),
]


def found_in(files):
    with tempfile.TemporaryDirectory() as root:
        for path, text in files.items():
            full = os.path.join(root, path)
            os.makedirs(os.path.dirname(full), exist_ok=True)
            with open(full, "w") as file:
                file.write(text)
        return list(tree_check.findings(root))


class TreeCheckTest(unittest.TestCase):
    def test_a_sound_tree_passes(self):
        self.assertEqual(found_in(SOUND), [])

    def test_each_planted_fault_is_found(self):
        for check, says, path, added in FAULTS:
            with self.subTest(check=check, says=says, path=path):
                files = dict(SOUND)
                if added is None:
                    del files[path]
                elif path == "CHANGELOG.md":
                    files[path] = added
                else:
                    files[path] = files.get(path, "") + added
                found = found_in(files)
                self.assertTrue(any(name == check and says in text for name, text in found), found)

    def test_each_check_has_a_planted_fault(self):
        self.assertEqual(set(tree_check.CHECKS), {check for check, *_ in FAULTS})


if __name__ == "__main__":
    unittest.main()
