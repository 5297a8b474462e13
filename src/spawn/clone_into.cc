#include "spawn/clone_into.h"

#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>

#include <cerrno>
#include <cstdint>

namespace tidemill::spawn {
namespace {

// The C library has no wrapper that gives the child a stack of its own, so the call is made here.
// What the child needs stands in registers that the kernel keeps; nothing of our stack is touched.
int64_t clone3(clone_args* args, int (*run)(void*), void* argument) {
#if defined(__x86_64__)
  int64_t result = SYS_clone3;
  register int (*child)(void*) asm("r12") = run;
  register void* given asm("r13") = argument;
  asm volatile(
      "syscall\n\t"
      "test %%rax, %%rax\n\t"
      "jnz 1f\n\t"
      "xor %%ebp, %%ebp\n\t"
      "mov %%r13, %%rdi\n\t"
      "call *%%r12\n\t"
      "mov %%eax, %%edi\n\t"
      "mov %[exit], %%eax\n\t"
      "syscall\n\t"
      "1:"
      : "+a"(result)
      : "D"(args), "S"(sizeof *args), "r"(child), "r"(given), [exit] "i"(SYS_exit)
      : "rcx", "r11", "memory", "cc");
  return result;
#elif defined(__aarch64__)
  register int64_t result asm("x0") = reinterpret_cast<int64_t>(args);
  register int64_t size asm("x1") = sizeof *args;
  register int64_t number asm("x8") = SYS_clone3;
  register int (*child)(void*) asm("x19") = run;
  register void* given asm("x20") = argument;
  asm volatile(
      "svc #0\n\t"
      "cbnz x0, 1f\n\t"
      "mov x29, #0\n\t"
      "mov x0, x20\n\t"
      "blr x19\n\t"
      "mov x8, %[exit]\n\t"
      "svc #0\n\t"
      "1:"
      : "+r"(result)
      : "r"(size), "r"(number), "r"(child), "r"(given), [exit] "i"(SYS_exit)
      : "memory", "cc");
  return result;
#else
  (void)args, (void)run, (void)argument;
  return -ENOSYS;
#endif
}

}  // namespace

pid_t clone_into_cgroup(int (*run)(void*), char* stack, size_t stack_bytes, int cgroup_fd,
                        void* argument) {
  clone_args args = {};
  args.flags = CLONE_VM | CLONE_VFORK | CLONE_INTO_CGROUP;
  args.exit_signal = SIGCHLD;
  args.stack = reinterpret_cast<uint64_t>(stack);
  args.stack_size = stack_bytes;
  args.cgroup = static_cast<uint64_t>(cgroup_fd);
  int64_t const result = clone3(&args, run, argument);
  if (result >= 0) return static_cast<pid_t>(result);
  errno = static_cast<int>(-result);
  return -1;
}

}  // namespace tidemill::spawn
