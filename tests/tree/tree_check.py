#!/usr/bin/env python3
"""The tree check: what holds of the source tree as a whole and no compiler says. Run as a CTest.

tree_check.py [ROOT]      prints one line a finding, "path:line: [check] what is wrong", and exits with 1.

Each check is a function check_<name>(tree) that yields findings; tree_check_test.py plants a fault for each.
"""
import os
import re
import subprocess
import sys
import textwrap

# The rooms, and which others each may include (docs/ARCHITECTURE.md). Only another room's include/ can be reached.
# Written while building.
GENERATED = {"conformance/reached_services.h"}

EDGES = {
    "base": set(),
    "wire": {"base"},
    "engine": {"base"},
    "clinic": {"base", "engine"},
    "replication": {"base", "wire", "engine"},
    "sharding": {"base", "wire", "engine", "replication"},
    "server": {"base", "wire", "engine", "clinic", "replication", "sharding", "client"},
    "client": {"base", "wire", "clinic", "sharding"},
}
# What the client may take of rooms that it must not link as a whole: the messages, and the ring.
CLIENT_ONLY = {"clinic": "clinicdb/clinic/schema/", "sharding": "clinicdb/sharding/ring"}
# Other rooms' tests may plant files, disks and data with any room.
TOP_LEVEL = set(EDGES) | {
    "tests", "fuzz", "docs", "cmake", "dev", "CMakeLists.txt", "CMakePresets.json", "README.md", "CHANGELOG.md",
    "LICENSE"}
# How an include of a third party begins, and which rooms may have it. Tests, fuzz targets and benchmarks may have all.
THIRD_PARTY = {
    "rocksdb/": {"engine"},
    "lz4": {"engine", "wire"},
    "xxhash": {"engine", "wire", "sharding"},
    "openssl/": {"engine", "clinic", "server", "client"},
    "utf8proc": {"engine"},
    "google/protobuf/": {"clinic", "server", "wire", "client"},
    "simdjson": {"clinic"},
    "date/": {"clinic", "server"},
    "zlib": {"clinic"},
    "nlohmann/": {"server", "clinic"},
    "CLI/": {"server"},
    "toml++/": {"server"},
    "spdlog/": {"server"},
    "boost/asio": {"server", "client"},
    "boost/context": {"server"},
    "httplib": {"server"},
    "prometheus/": {"server"},
    "asio": {"server", "client"},
    "grpc": {"sharding"},
    "sqlite3.h": set(),
    "postgresql/": set(),
    "mariadb/": set(),
    "benchmark/": set(),
    "catch2/": set(),
    "sanitizer/": {"server"},
}
# Public headers that are about coroutines, and name whose.
MAY_NAME_ASIO = {"client/include/clinicdb/client/async.h"}
# The system's own headers that bear a .h: part of the platform.
PLATFORM = re.compile(
    r"(sys|linux|netinet|arpa)/|(dirent|dlfcn|errno|fcntl|limits|poll|pthread|sched|signal|spawn|stdint|stdio|stdlib|string|"
    r"strings|time|unistd|malloc|termios|x86intrin|immintrin)\.h$")
# Methods that commands reach by what is not named after them: import, export, events --follow.
CALLED_BY_STREAM = {"METHOD_TRANSFER_IMPORT", "METHOD_TRANSFER_EXPORT", "METHOD_FEED_FOLLOW"}
LINE_COLUMNS = 100
MARKERS = ("FIX" + "ME", "TO" + "DO", "XX" + "X", "HA" + "CK", "<" * 7, ">" * 7)
# What is not to be used, where, and what is used instead. A path may be a folder or a file.
BANNED = [
    (r"\bassert\s*\(", ("base", "engine", "clinic", "server", "fuzz"), (), "CLINICDB_CHECK, which is on in every build"),
    (r"sleep_for|\bu?sleep\s*\(", ("tests",), ("tests/crash/kill_cycles.cc", "tests/server/crowd.cc",
      "tests/server/kill_server.cc", "tests/server/server_process.cc", "tests/server/soak_callers.cc", "tests/server/soak_server.cc"),
     "a fake Clock, or wait for what is to happen"),
    (r"system_clock::now|\btime\s*\((nullptr|NULL|0)\)|\bgettimeofday\b", ("base", "engine", "clinic"),
     ("base/src/clock.cc",), "the Clock seam"),
    (r"std::random_device|\bs?rand\s*\(|mt19937", ("base", "engine", "clinic", "tests"), ("base/src/random.cc",),
     "the Random seam"),
    (r"std::cout|std::cerr|\bprintf\s*\(", ("base", "engine", "clinic"), (), "a Status: a library prints nothing"),
    (r"\bthrow\b", ("base", "engine", "clinic"), (), "a Status"),
    (r"\bGetUpdatesSince\b|\bIngestExternalFile\b|\bunordered_write\b|\benable_pipelined_write\b|\brow_cache\b|->Resume\(",
     ("engine",), (), "nothing: RocksDB 7.8 loses or misorders data with it"),
    (r"\.ignore\(\s*(\"\"\s*)?\)", tuple(EDGES), (), "the reason why the status does not matter"),
]
SNAKE_CASE = re.compile(r"[a-z0-9_]+$")
CHANGELOG_SECTIONS = ["Safety", "Changed", "Added", "Internal"]


class Tree:
    """The files under a root, those that git ignores left out."""

    def __init__(self, root):
        self.root = os.path.abspath(root)
        self.paths = sorted(p for p in self._list() if os.path.isfile(os.path.join(self.root, p)))
        self.known = set(self.paths)
        self._texts = {}

    def _list(self):
        if os.path.exists(os.path.join(self.root, ".git")):
            out = subprocess.run(["git", "-C", self.root, "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
                                 check=True, capture_output=True).stdout.decode()
            return [p for p in out.split("\0") if p]
        found = []
        for folder, folders, files in os.walk(self.root):
            folders[:] = [f for f in folders if f not in ("build", ".git", "__pycache__")]
            found += [os.path.relpath(os.path.join(folder, f), self.root) for f in files]
        return found

    def text(self, path):
        if path not in self._texts:
            with open(os.path.join(self.root, path), "rb") as file:
                self._texts[path] = file.read().decode("utf-8", "replace")
        return self._texts[path]

    def lines(self, path):
        return enumerate(self.text(path).split("\n"), 1)

    def under(self, *folders, ends=("",)):
        return [p for p in self.paths if p.startswith(tuple(f + "/" for f in folders)) and p.endswith(tuple(ends))]

    def sources(self, ends=(".h", ".cc")):
        return self.under(*EDGES, "tests", "fuzz", ends=ends)

    def is_text(self, path):
        return not path.startswith("fuzz/corpus/") and path.endswith(
            (".h", ".cc", ".proto", ".txt", ".cmake", ".md", ".py", ".json", "dev", "run", ".sh", ".in"))


def room_of(path):
    """Whose edges a file is held to: its room's; for tests/<room>/ that room's; None for what may include all."""
    parts = path.split("/")
    if parts[0] == "tests":
        return parts[1] if parts[1] in EDGES else None
    return parts[0] if parts[0] in EDGES else None


def without_comment(line):
    return re.sub(r"//.*$", "", line)


def cmake_words(tree, path):
    """The words of a CMakeLists.txt, comments left out, variables for folders resolved."""
    text = re.sub(r"#[^\n]*", "", tree.text(path))
    folder = os.path.dirname(path)
    words = re.findall(r"[^\s()\"]+", text)
    for word in words:
        for variable, value in (("${CMAKE_CURRENT_SOURCE_DIR}", folder), ("${PROJECT_SOURCE_DIR}", ""),
                                ("${CMAKE_CURRENT_LIST_DIR}", folder)):
            if word.startswith(variable):
                yield os.path.normpath((value + "/" + word[len(variable):]).lstrip("/"))
                break
        else:
            yield os.path.normpath(os.path.join(folder, word))


def check_top_level(tree):
    for entry in sorted({p.split("/")[0] for p in tree.paths}):
        if entry not in TOP_LEVEL and not entry.startswith("."):
            yield entry, 1, "is not one of the entries at the top"


def check_includes(tree):
    for path in tree.sources():
        room = room_of(path)
        for number, line in tree.lines(path):
            match = re.match(r'\s*#\s*include\s+(["<])([^">]+)[">]', line)
            if not match:
                continue
            quoted, name = match[1] == '"', match[2]
            if name.startswith("clinicdb/"):
                yield from ((path, number, text) for text in own_include_faults(path, room, name))
            elif quoted:
                yield from ((path, number, text) for text in internal_include_faults(tree, path, name))
            else:
                yield from ((path, number, text) for text in third_party_faults(path, room, name))


def own_include_faults(path, room, name):
    target = name.split("/")[1]
    if target not in EDGES:
        yield f"{name}: there is no room {target}"
    elif room and target != room:
        if target not in EDGES[room] and not (path.startswith("tests/") and target in reachable(room)):
            yield f"{room} may not include {target}"
        elif room == "client" and not name.startswith(CLIENT_ONLY.get(target, "clinicdb/")):
            yield f"client may include of {target} only {CLIENT_ONLY[target]}"


def reachable(room):
    """What a room's tests may use: what stands below it, however far."""
    return EDGES[room].union(*(reachable(r) for r in EDGES[room])) if EDGES[room] else set()


def internal_include_faults(tree, path, name):
    if ".." in name.split("/"):
        yield f"{name}: say it from the room's src, without .."
        return
    if "/include/" in path:
        yield f"{name}: a public header may include public headers only"
        return
    if name in GENERATED:
        return
    roots = [os.path.dirname(path), "tests"] if path.startswith("tests/") else [os.path.dirname(path)]
    if path.startswith("tests/"):
        roots += [path.split("/")[1] + "/src"] if path.split("/")[1] in EDGES else [r + "/src" for r in EDGES]
        roots.append("client/codegen")  # what the conformance suite derives from the declarations, too
    elif path.startswith("fuzz/"):
        roots += ["tests"] + [r + "/src" for r in EDGES]
    else:
        roots.append(path.split("/")[0] + "/src")
    if not any(os.path.normpath(os.path.join(root, name)) in tree.known for root in roots):
        yield f"{name}: is none of this room's internal headers"


def third_party_faults(path, room, name):
    prefix = next((p for p in sorted(THIRD_PARTY, key=len, reverse=True) if name.startswith(p)), None)
    if prefix is None:
        if not PLATFORM.match(name) and ("/" in name or "." in name):
            yield f"<{name}>: a third party that tree_check.py does not know"
    elif room and not path.startswith("tests/"):
        if room not in THIRD_PARTY[prefix]:
            yield f"{room} may not use <{name}>"
        elif "/include/" in path and prefix != "google/protobuf/" and path not in MAY_NAME_ASIO:
            yield f"<{name}>: a public header names the standard library and our own types only"


def check_orphans(tree):
    lists = [p for p in tree.paths if os.path.basename(p) == "CMakeLists.txt"]
    named = {word for path in lists for word in cmake_words(tree, path)}
    for path in tree.under(*EDGES, "tests", "fuzz", ends=(".cc", ".proto")):
        # Messages are listed by their bare names.
        bare = path.split("/")[0] + "/" + os.path.basename(path)[:-len(".proto")]
        if path not in named and not (path.endswith(".proto") and bare in named):
            yield path, 1, "is named by no CMakeLists.txt, so nothing builds it"
    for path in tree.under(*EDGES, ends=(".h",)):
        if "/include/" in path and path not in named:
            yield path, 1, "is in no FILE_SET, so it is neither checked alone nor installed"
    for path in lists:
        folder = os.path.dirname(path)
        # A folder whose CMakeLists.txt begins a project of its own is built by a test.
        if folder and folder not in named and "project(" not in tree.text(path):
            yield path, 1, "is added by no add_subdirectory"


def check_markers(tree):
    for path in filter(tree.is_text, tree.paths):
        for number, line in tree.lines(path):
            for marker in MARKERS:
                if re.search(r"(?<![\w<>])" + marker + r"(?![\w<>])", line):
                    yield path, number, f"a leftover {marker}"


def check_layout(tree):
    for path in filter(tree.is_text, tree.paths):
        text = tree.text(path)
        if text and (not text.endswith("\n") or text.endswith("\n\n")):
            yield path, text.count("\n") + 1, "must end in one line break"
        for number, line in tree.lines(path):
            if line != line.rstrip():
                yield path, number, "white space at the end of the line"
            if "\t" in line:
                yield path, number, "a tab"
            if path.endswith((".h", ".cc")) and len(line) > LINE_COLUMNS:
                yield path, number, f"{len(line)} columns, more than {LINE_COLUMNS}"
    for path in tree.sources(ends=(".h",)):
        if "#pragma once" not in tree.text(path):
            yield path, 1, "a header without #pragma once"
        for number, line in tree.lines(path):
            if re.match(r"\s*using namespace", line):
                yield path, number, "using namespace in a header"


def check_names(tree):
    for path in tree.under(*EDGES, "tests", "fuzz"):
        if path.endswith((".h", ".cc", ".proto", ".py")):
            for part in path.rsplit(".", 1)[0].split("/"):
                if not SNAKE_CASE.match(part):
                    yield path, 1, f"{part} is not snake_case"


def check_corpora(tree):
    targets = set()
    for path in tree.under("fuzz", ends=("CMakeLists.txt",)):
        text = re.sub(r"#[^\n]*", "", tree.text(path))
        targets |= set(re.findall(r"^ *clinicdb_fuzz_target\(\s*(\w+)", text, re.MULTILINE))
    corpora = {p.split("/")[2] for p in tree.under("fuzz/corpus")}
    for name in sorted(targets - corpora):
        yield "fuzz/CMakeLists.txt", 1, f"fuzz target {name} has no fuzz/corpus/{name}/"
    for name in sorted(corpora - targets):
        yield f"fuzz/corpus/{name}", 1, "a corpus without its fuzz target"


def anchors(text):
    return {re.sub(r"[^\w\- ]", "", h.lower()).strip().replace(" ", "-")
            for h in re.findall(r"^#+ +(.*)$", text, re.MULTILINE)}


def check_links(tree):
    """Relative links resolve, with their anchors; what stands in backquotes as one of our paths exists."""
    own_path = re.compile(r"`((?:%s)/[\w./-]+)`" % "|".join(sorted(set(EDGES) | {"tests", "fuzz", "docs", "cmake"})))
    for path in (p for p in tree.paths if p.endswith(".md")):
        for number, line in tree.lines(path):
            for link in re.findall(r"\]\(([^)\s]+)\)", line):
                if re.match(r"[a-z]+:", link):
                    continue
                target, _, anchor = link.partition("#")
                full = os.path.normpath(os.path.join(os.path.dirname(path), target)) if target else path
                if not os.path.exists(os.path.join(tree.root, full)):
                    yield path, number, f"the link {link} leads nowhere"
                elif anchor and full.endswith(".md") and anchor not in anchors(tree.text(full)):
                    yield path, number, f"there is no heading for #{anchor} in {full}"
            for name in own_path.findall(line):
                if not os.path.exists(os.path.join(tree.root, name)):
                    yield path, number, f"{name} does not exist"


def check_examples(tree):
    """A code block under "<!-- from PATH -->" is what stands in that file between "[example]" and "[end]"."""
    for path in (p for p in tree.paths if p.endswith(".md")):
        for match in re.finditer(r"<!-- from (\S+) -->\n```\w*\n(.*?)```", tree.text(path), re.DOTALL):
            number = tree.text(path).count("\n", 0, match.start()) + 1
            source = tree.text(match[1]) if match[1] in tree.known else ""
            example = re.search(r"\[example\][^\n]*\n(.*?)^[^\n]*\[end\]", source, re.DOTALL | re.MULTILINE)
            if not example or textwrap.dedent(example[1]) != match[2]:
                yield path, number, f"the code is not the [example] of {match[1]}"


def check_skips(tree):
    """A test that returns early says so: a bare return in a test's own body has a WARN just before it."""
    early = re.compile(r"  if \(.*\) return;|    return;")
    for path in tree.under("tests", ends=("_test.cc",)):
        lines = tree.text(path).split("\n")
        inside = False
        for index, line in enumerate(lines):
            if re.match(r"TEST_CASE|TEMPLATE_TEST_CASE", line):
                inside = True
            elif line.startswith("}"):
                inside = False
            closes = index + 1 < len(lines) and lines[index + 1].startswith("  }")
            if inside and early.fullmatch(line) and (line.startswith("  if") or closes):
                opener = next((l for l in reversed(lines[:index]) if re.match(r"  \S", l)), "")
                of_test = line.startswith("  if") or opener.startswith("  if ")
                if of_test and not any("WARN(" in l for l in lines[max(0, index - 3):index + 1]):
                    yield path, index + 1, "a test that skips itself without a WARN that says why"


def check_banned(tree):
    for path in tree.sources():
        for number, line in tree.lines(path):
            code = without_comment(line)
            for pattern, where, except_for, instead in BANNED:
                if path.startswith(tuple(w + "/" for w in where)) and path not in except_for:
                    found = re.search(pattern, code)
                    if found and code.count('"', 0, found.start()) % 2 == 0:
                        yield path, number, f"{found[0].strip()}: use {instead}"


def check_commands(tree):
    """Every method that a service declares is called by a command of the program."""
    called = {word for path in tree.under("server/src/cli", ends=(".cc",))
              for word in re.findall(r"\bMETHOD_\w+", tree.text(path))} | CALLED_BY_STREAM
    for path in tree.under("clinic/schema", ends=(".proto",)):
        for number, line in tree.lines(path):
            method = re.search(r"option \(method_id\) = (METHOD_\w+);", line)
            if method and method.group(1) not in called:
                yield path, number, f"{method.group(1)} is called by no command in server/src/cli"


def check_changelog(tree):
    if "CHANGELOG.md" not in tree.known:
        yield "CHANGELOG.md", 1, "is missing"
        return
    text = tree.text("CHANGELOG.md")
    unreleased = re.search(r"^## Unreleased$(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    sections = re.findall(r"^### (.*)$", unreleased[1], re.MULTILINE) if unreleased else []
    if sections != CHANGELOG_SECTIONS:
        yield "CHANGELOG.md", 1, "Unreleased has the sections " + ", ".join(CHANGELOG_SECTIONS) + ", in this order"


CHECKS = {name[len("check_"):]: function for name, function in list(globals().items()) if name.startswith("check_")}


def findings(root):
    tree = Tree(root)
    for name, check in CHECKS.items():
        for path, line, text in check(tree):
            yield name, f"{path}:{line}: [{name}] {text}"


def main():
    root = sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(__file__), "..", "..")
    found = [text for _, text in findings(root)]
    print("\n".join(found) if found else f"the tree holds: {len(CHECKS)} checks")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
