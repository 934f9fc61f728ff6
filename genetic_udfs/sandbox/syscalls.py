"""System calls by architecture: which a confined process may make, and their numbers. Checked against Linux's headers.

What is not listed fails with EPERM: sockets, fork, exec, memfd, shared memory, ptrace, io_uring, namespaces, limits.
"""

from dataclasses import dataclass
from typing import Final

# A call's name and its numbers on x86_64 and aarch64, where a dash is a call that the architecture does not have.
_ALLOWED: Final = """
futex 202 98            read 0 63               write 1 64              mmap 9 222
munmap 11 215           brk 12 214              mprotect 10 226         madvise 28 233
mremap 25 216           rt_sigaction 13 134     rt_sigprocmask 14 135   newfstatat 262 79
fstat 5 80              lseek 8 62              close 3 57              getrandom 318 278
clock_gettime 228 113   clock_getres 229 114    clock_nanosleep 230 115 nanosleep 35 101
gettimeofday 96 169     exit_group 231 94       exit 60 93              getdents64 217 61
pread64 17 67           readv 19 65             writev 20 66            statx 332 291
readlinkat 267 78       faccessat 269 48        getcwd 79 17            dup 32 23
dup3 292 24             pipe2 293 59            pselect6 270 72         ppoll 271 73
epoll_create1 291 20    epoll_ctl 233 21        epoll_pwait 281 22      rt_sigreturn 15 139
rt_sigpending 127 136   rt_sigtimedwait 128 137 sigaltstack 131 132     restart_syscall 219 128
getitimer 36 102        setitimer 38 103        set_robust_list 273 99  rseq 334 293
membarrier 324 283      sched_yield 24 124      getpriority 140 141     sched_getaffinity 204 123
getcpu 309 168          getpid 39 172           getppid 110 173         sched_getscheduler 145 120
gettid 186 178          getpgid 121 155         getsid 124 156          getuid 102 174
geteuid 107 175         getgid 104 176          getegid 108 177         getresuid 118 148
getresgid 120 150       getgroups 115 158       getrlimit 97 163        getrusage 98 165
times 100 153           uname 63 160            sysinfo 99 179          stat 4 -
lstat 6 -               poll 7 -                access 21 -             pipe 22 -
select 23 -             dup2 33 -               pause 34 -              alarm 37 -
readlink 89 -           getpgrp 111 -           time 201 -              epoll_wait 232 -
"""

# For files that Landlock lets be opened for writing, and folders that it lets be changed.
_WRITING: Final = """
pwrite64 18 68          ftruncate 77 46         fsync 74 82             fdatasync 75 83
flock 73 32             mkdirat 258 34          unlinkat 263 35         renameat 264 38
renameat2 316 276       mkdir 83 -              rmdir 84 -              unlink 87 -
rename 82 -             fstatfs 138 44          chdir 80 49
"""

# Decided by their arguments, or answered as a kernel without them would.
_GUARDED: Final = """
openat 257 56           open 2 -                clone 56 220            clone3 435 435
faccessat2 439 439      kill 62 129             tgkill 234 131          ioctl 16 29
fcntl 72 25             prlimit64 302 261       socketpair 53 199       sendto 44 206
recvfrom 45 207
"""


@dataclass(frozen=True)
class Architecture:
    """Numbers of system calls.

    Attributes:
        audit: How the kernel names the architecture to a filter.
        allowed: Calls that may be made with any arguments.
        guarded: Calls whose arguments, or whose tier, decide.
        writing: Calls that change files, allowed where Landlock says which.
    """

    audit: int
    allowed: dict[str, int]
    guarded: dict[str, int]
    writing: dict[str, int]


def _architecture(audit: int, column: int) -> Architecture:
    def numbers(table: str) -> dict[str, int]:
        words = table.split()
        known = zip(words[::3], words[column::3], strict=True)
        return {name: int(number) for name, number in known if number != "-"}

    return Architecture(audit, numbers(_ALLOWED), numbers(_GUARDED), numbers(_WRITING))


ARCHITECTURES: Final = {"x86_64": _architecture(0xC000003E, 1), "aarch64": _architecture(0xC00000B7, 2)}
