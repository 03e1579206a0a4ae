// Runs a fuzz target without a fuzzer: every file of its corpus, then a bounded number of mutations
// of them.
//
//   NAME_fuzz CORPUS_FOLDER_OR_FILE…
//
// The mutations are drawn from a fixed seed, so a run is the same everywhere. When the target
// aborts, the input that did it is written to standard error in hexadecimal, ready for the corpus.
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <string_view>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

namespace fs = std::filesystem;
using Bytes = std::vector<std::uint8_t>;

constexpr std::size_t kMutations = 2000;  // in total, so that no test takes seconds
constexpr std::size_t kLongestInput = std::size_t{64} * 1024;

Bytes read_bytes(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) throw std::runtime_error("cannot read " + path.string());
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

std::vector<Bytes> read_corpus(const fs::path& path) {
  if (fs::is_regular_file(path)) return {read_bytes(path)};
  std::vector<fs::path> names;
  for (const auto& entry : fs::recursive_directory_iterator(path)) {
    if (entry.is_regular_file()) names.push_back(entry.path());
  }
  std::sort(names.begin(), names.end());
  std::vector<Bytes> corpus;
  corpus.reserve(names.size());
  for (const fs::path& name : names) corpus.push_back(read_bytes(name));
  return corpus;
}

class Mutator {
 public:
  explicit Mutator(const std::vector<Bytes>& corpus) : corpus_(corpus) {}

  Bytes next() {
    Bytes bytes = corpus_[below(corpus_.size())];
    for (std::size_t changes = 1 + below(4); changes > 0; --changes) change(bytes);
    if (bytes.size() > kLongestInput) bytes.resize(kLongestInput);
    return bytes;
  }

 private:
  using Offset = Bytes::difference_type;

  std::size_t below(std::size_t bound) { return bound == 0 ? 0 : random_() % bound; }

  void change(Bytes& bytes) {
    const std::size_t at = below(bytes.size());
    const std::size_t length = below(std::min<std::size_t>(bytes.size() - at, 64) + 1);
    const auto from = bytes.begin() + static_cast<Offset>(at);
    const auto to = from + static_cast<Offset>(length);
    switch (below(6)) {
      case 0:  // one bit
        if (!bytes.empty()) bytes[at] = static_cast<std::uint8_t>(bytes[at] ^ (1U << below(8)));
        return;
      case 1:  // one byte, of those that parsers look at
        if (!bytes.empty()) bytes[at] = interesting();
        return;
      case 2:  // cut the rest
        bytes.resize(at);
        return;
      case 3:  // cut a piece
        bytes.erase(from, to);
        return;
      case 4: {  // double a piece
        const Bytes piece(from, to);
        bytes.insert(from, piece.begin(), piece.end());
        return;
      }
      default: {  // splice in another file's rest
        const Bytes& other = corpus_[below(corpus_.size())];
        bytes.resize(at);
        bytes.insert(bytes.end(), other.begin() + static_cast<Offset>(below(other.size())),
                     other.end());
      }
    }
  }

  std::uint8_t interesting() {
    static constexpr std::array kBytes = {'\0', '\n', ' ', '(', ')',    '-',
                                          '+',  '0',  '9', ':', '\x1e', '\xff'};
    return static_cast<std::uint8_t>(kBytes.at(below(kBytes.size())));
  }

  const std::vector<Bytes>& corpus_;
  std::mt19937_64 random_{4327};  // any fixed number
};

// The input that is being tried, for the handler.
const Bytes* current = nullptr;

void write_current(int /*signal*/) {
  static constexpr std::string_view kDigits = "0123456789abcdef";
  for (const std::uint8_t byte : *current) {
    const std::array pair = {kDigits[byte >> 4U], kDigits[byte & 15U]};
    if (::write(STDERR_FILENO, pair.data(), pair.size()) < 0) return;
  }
  (void)!::write(STDERR_FILENO, "\n", 1);
}

void run(const Bytes& bytes) {
  current = &bytes;
  LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
}

int replay(const std::vector<Bytes>& corpus) {
  if (std::signal(SIGABRT, write_current) == SIG_ERR) return 1;
  for (const Bytes& bytes : corpus) run(bytes);
  Mutator mutator(corpus);
  for (std::size_t i = 0; i < kMutations; ++i) {
    // Exactly sized, so that a sanitizer sees a read past the end.
    const Bytes bytes = mutator.next();
    run(bytes);
  }
  std::printf("%zu files and %zu mutations\n", corpus.size(), kMutations);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    std::vector<Bytes> corpus;
    for (int i = 1; i < argc; ++i) {
      for (Bytes& bytes : read_corpus(argv[i])) corpus.push_back(std::move(bytes));
    }
    if (corpus.empty()) {
      std::fprintf(stderr, "usage: %s CORPUS...\nno input found\n", argv[0]);
      return 2;
    }
    return replay(corpus);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
