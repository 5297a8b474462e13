// Gives each file of a folder to a fuzz entry: the seeds as a test, without libFuzzer.
#include <dirent.h>

#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

std::vector<std::string> files_of(const char* folder) {
  std::vector<std::string> paths;
  DIR* const open = ::opendir(folder);
  if (open == nullptr) return paths;
  while (const dirent* entry = ::readdir(open)) {
    if (entry->d_name[0] != '.') paths.push_back(std::string(folder) + "/" + entry->d_name);
  }
  ::closedir(open);
  return paths;
}

bool replay(const std::string& path) {
  std::FILE* const file = std::fopen(path.c_str(), "rb");
  if (file == nullptr) return false;
  std::vector<uint8_t> bytes;
  uint8_t buffer[65536];
  while (size_t const got = std::fread(buffer, 1, sizeof buffer, file)) {
    bytes.insert(bytes.end(), buffer, buffer + got);
  }
  bool const is_whole = std::ferror(file) == 0;
  std::fclose(file);
  if (is_whole) LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
  return is_whole;
}

}  // namespace

int main(int argc, char** argv) {
  size_t count = 0;
  for (int i = 1; i < argc; ++i) {
    for (const std::string& path : files_of(argv[i])) {
      std::fprintf(stderr, "%s\n", path.c_str());
      if (!replay(path)) {
        std::fprintf(stderr, "cannot be read\n");
        return 1;
      }
      ++count;
    }
  }
  std::printf("%zu seeds replayed\n", count);
  return count > 0 ? 0 : 1;
}
