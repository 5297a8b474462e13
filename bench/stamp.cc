// bench_stamp FILE: appends the time of its own start to a file. As small as a program can be, so
// that the figure is of who started it.
#include <fcntl.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

int main(int argc, char** argv) {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  if (argc != 2) return 2;
  char line[64];
  int const size =
      snprintf(line, sizeof line, "%lld.%09ld\n", static_cast<long long>(now.tv_sec), now.tv_nsec);
  int const file = open(argv[1], O_WRONLY | O_APPEND | O_CREAT, 0644);
  return file >= 0 && write(file, line, static_cast<size_t>(size)) == size ? 0 : 1;
}
