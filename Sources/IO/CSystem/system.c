#define _GNU_SOURCE
#include "CSystem.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int vx_eventfd(void) { return eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC); }
int vx_open(const char *path, int flags, int mode) { return open(path, flags | O_CLOEXEC, mode); }
int vx_open_direct(const char *path, int create) {
  return open(path, O_RDWR | O_DIRECT | O_DSYNC | O_CLOEXEC | (create ? O_CREAT : 0), 0644);
}
int vx_fallocate(int fd, int64_t offset, int64_t length) {
  return posix_fallocate(fd, offset, length);
}
int vx_accept4(int fd) { return accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC); }
int vx_set_nonblocking(int fd) {
  int flags = fcntl(fd, F_GETFL, 0);
  return flags < 0 ? -1 : fcntl(fd, F_SETFL, flags | O_NONBLOCK);
}

void vx_futex_wait(const uint32_t *word, uint32_t expected, int64_t timeout_ns) {
  struct timespec limit = {timeout_ns / 1000000000, timeout_ns % 1000000000};
  syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, expected, timeout_ns < 0 ? NULL : &limit, NULL, 0);
}
void vx_futex_wake(const uint32_t *word) {
  syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

static int64_t read_clock(clockid_t clock) {
  struct timespec now;
  clock_gettime(clock, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}
int64_t vx_monotonic_ns(void) { return read_clock(CLOCK_MONOTONIC); }
int64_t vx_wall_ms(void) { return read_clock(CLOCK_REALTIME) / 1000000; }
int64_t vx_thread_cpu_ns(void) { return read_clock(CLOCK_THREAD_CPUTIME_ID); }
int64_t vx_process_cpu_ns(void) { return read_clock(CLOCK_PROCESS_CPUTIME_ID); }

int64_t vx_context_switches(void) {
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_nvcsw + usage.ru_nivcsw;
}

int64_t vx_rss_bytes(void) {
  FILE *file = fopen("/proc/self/statm", "r");
  long size = 0, resident = 0;
  if (file) {
    if (fscanf(file, "%ld %ld", &size, &resident) != 2) resident = 0;
    fclose(file);
  }
  return (int64_t)resident * sysconf(_SC_PAGESIZE);
}

int vx_set_thread_name(const char *name) { return pthread_setname_np(pthread_self(), name); }
void vx_pause(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}
int vx_errno(void) { return errno; }
