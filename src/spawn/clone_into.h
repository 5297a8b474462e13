// A child process that begins its life in a cgroup.
#pragma once

#include <sys/types.h>

#include <cstddef>

namespace tidemill::spawn {

// As clone(2) with CLONE_VM | CLONE_VFORK: the child runs `run(argument)` on `stack`, in our
// memory, and we go on when it runs its program or exits. It is born in the cgroup of that folder:
// to move there later would wait for every CPU to pass a quiet point, some milliseconds. The child,
// or -1 and errno: ENOSYS where the system call or the processor is unknown.
pid_t clone_into_cgroup(int (*run)(void*), char* stack, size_t stack_bytes, int cgroup_fd,
                        void* argument);

}  // namespace tidemill::spawn
