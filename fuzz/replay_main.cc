// Runs a fuzz target over its corpus, and over mutations of it that are the same in every run:
//
//   key_codec_replay fuzz/corpus/key_codec        every file of the folder, and mutations of each
//   key_codec_replay some-file                    that file alone, as it is: to look at a failure
//
// A failure ends the process; the input that did it is left in ./crash-replay.
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "clinicdb/base/check.h"
#include "clinicdb/base/random.h"
#include "fuzz_target.h"

// A sanitizer's report ends the process without a CHECK; this hook is absent where no sanitizer is
// linked.
extern "C" void __sanitizer_set_death_callback(void (*)()) __attribute__((weak));  // NOLINT

namespace clinicdb::fuzz {
namespace {

constexpr std::size_t kMutationsMax = 4000;
constexpr std::size_t kMutatedBytesMax = std::size_t{16} << 20;
constexpr std::size_t kInputBytesMax = std::size_t{1} << 20;

const std::string* current_input = nullptr;

void save_current_input() {
  std::ofstream("crash-replay", std::ios::binary) << *current_input;
  std::fprintf(stderr, "the input that failed is in ./crash-replay\n");
}

void run(const std::string& input) {
  current_input = &input;
  run_one(input);
}

std::string read_file(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

/// One to four small changes, or the head of one input before the tail of another.
std::string mutate(const std::vector<std::string>& inputs, std::string input, Random& random) {
  constexpr char kTelling[] = {'\0', '\1', '\x7f', '\x80', '\xff'};
  for (std::uint64_t changes = 1 + random.below(4); changes > 0; --changes) {
    const std::size_t at = random.below(input.size() + 1);
    switch (random.below(6)) {
      case 0:
        input.resize(at);
        break;
      case 1:
        input.insert(at, 1, kTelling[random.below(sizeof kTelling)]);
        break;
      case 2:
        input.erase(at, 1 + random.below(8));
        break;
      case 3: {
        const std::string& other = inputs[random.below(inputs.size())];
        input.replace(at, std::string::npos, other, random.below(other.size() + 1));
        break;
      }
      case 4:
        if (at < input.size()) input[at] = kTelling[random.below(sizeof kTelling)];
        break;
      default:
        if (at < input.size()) input[at] = static_cast<char>(input[at] ^ (1 << random.below(8)));
    }
  }
  if (input.size() > kInputBytesMax) input.resize(kInputBytesMax);
  return input;
}

int replay(const std::filesystem::path& path) {
  std::vector<std::filesystem::path> files;
  const bool is_folder = std::filesystem::is_directory(path);
  if (is_folder) {
    for (const auto& entry : std::filesystem::directory_iterator(path)) {
      files.push_back(entry.path());
    }
    std::sort(files.begin(), files.end());
  } else if (std::filesystem::exists(path)) {
    files.push_back(path);
  }
  if (files.empty()) {
    std::fprintf(stderr, "%s: there is no input to replay\n", path.c_str());
    return 2;
  }
  std::vector<std::string> inputs;
  for (const auto& file : files) inputs.push_back(read_file(file));
  for (const std::string& input : inputs) run(input);
  std::size_t mutations = 0;
  if (is_folder) {
    SeededRandom random(1);
    run(std::string());
    for (std::size_t bytes = 0; mutations < kMutationsMax && bytes < kMutatedBytesMax;
         ++mutations) {
      const std::string input = mutate(inputs, inputs[mutations % inputs.size()], random);
      bytes += input.size();
      run(input);
    }
  }
  std::printf("%zu inputs and %zu mutations held\n", inputs.size(), mutations);
  return 0;
}

}  // namespace
}  // namespace clinicdb::fuzz

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: %s CORPUS_FOLDER_OR_FILE\n", argv[0]);
    return 2;
  }
  clinicdb::set_check_handler(
      [](const char*, const char*, int) { clinicdb::fuzz::save_current_input(); });
  if (__sanitizer_set_death_callback != nullptr) {
    __sanitizer_set_death_callback(clinicdb::fuzz::save_current_input);
  }
  return clinicdb::fuzz::replay(argv[1]);
}
