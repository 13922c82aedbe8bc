#define _GNU_SOURCE
#include "CSystem.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int vx_eventfd(void) { return eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC); }
int vx_open(const char *path, int flags, int mode) { return open(path, flags | O_CLOEXEC, mode); }
int vx_open_direct(const char *path, int create) {
  return open(path, O_RDWR | O_DIRECT | O_DSYNC | O_CLOEXEC | (create ? O_CREAT : 0), 0644);
}
int vx_is_named(int fd, const char *path) {
  struct stat open_file, named;
  return fstat(fd, &open_file) == 0 && stat(path, &named) == 0 &&
         open_file.st_dev == named.st_dev && open_file.st_ino == named.st_ino;
}
int vx_open_filling(const char *path, int keeps) {
  int flags = O_WRONLY | O_CREAT | O_CLOEXEC | (keeps ? 0 : O_TRUNC);
  int fd = open(path, flags | O_DIRECT, 0644);
  return fd >= 0 || errno != EINVAL ? fd : open(path, flags, 0644);
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

void vx_run_when_idle(void) {
  struct sched_param none = {0};
  if (sched_setscheduler(0, SCHED_IDLE, &none) == 0) return;
  setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), 19);
}

void vx_run_promptly(int rank) {
  struct sched_param realtime = {rank};
  if (rank > 0 && sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &realtime) == 0) return;
  struct {
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime, deadline, period;
  } wish = {.size = 48, .policy = SCHED_OTHER, .flags = 1 /* SCHED_FLAG_RESET_ON_FORK */,
          .nice = -10, .runtime = 100000};
  if (syscall(SYS_sched_setattr, 0, &wish, 0) == 0) return;
  wish.nice = 0;
  syscall(SYS_sched_setattr, 0, &wish, 0);
}

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

static socklen_t loopback(struct sockaddr_storage *to, int v6, uint32_t v4, uint16_t port) {
  memset(to, 0, sizeof *to);
  if (v6) {
    struct sockaddr_in6 *address = (struct sockaddr_in6 *)to;
    address->sin6_family = AF_INET6;
    address->sin6_port = htons(port);
    address->sin6_addr = in6addr_loopback;
    return sizeof *address;
  }
  struct sockaddr_in *address = (struct sockaddr_in *)to;
  address->sin_family = AF_INET;
  address->sin_port = htons(port);
  address->sin_addr.s_addr = htonl(v4);
  return sizeof *address;
}

/// Closes `fd` and keeps the errno that made it useless.
static int abandon(int fd) {
  int error = errno;
  close(fd);
  errno = error;
  return -1;
}

int vx_tcp_listen(int v6, uint32_t v4, uint16_t port, int backlog, uint16_t *bound) {
  struct sockaddr_storage address;
  socklen_t length = loopback(&address, v6, v4, port);
  int fd = socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1;
  if (fd < 0) return -1;
  if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0 ||
      bind(fd, (struct sockaddr *)&address, length) < 0 || listen(fd, backlog) < 0 ||
      getsockname(fd, (struct sockaddr *)&address, &length) < 0)
    return abandon(fd);
  *bound = ntohs(v6 ? ((struct sockaddr_in6 *)&address)->sin6_port
                    : ((struct sockaddr_in *)&address)->sin_port);
  return fd;
}

int vx_tcp_connect(int v6, uint32_t v4, uint16_t port) {
  struct sockaddr_storage address;
  socklen_t length = loopback(&address, v6, v4, port);
  int fd = socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  if (vx_tcp_nodelay(fd) < 0) return abandon(fd);
  if (connect(fd, (struct sockaddr *)&address, length) < 0 && errno != EINPROGRESS)
    return abandon(fd);
  return fd;
}

int vx_tcp_nodelay(int fd) {
  int on = 1;
  return setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

int vx_socket_error(int fd) {
  int error = 0;
  socklen_t length = sizeof error;
  return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) < 0 ? errno : error;
}

int64_t vx_raise_descriptor_limit(void) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) < 0) return 0;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  if (getrlimit(RLIMIT_NOFILE, &limit) < 0) return 0;
  return limit.rlim_cur > INT64_MAX ? INT64_MAX : (int64_t)limit.rlim_cur;
}

int64_t vx_find_head_end(const void *bytes, size_t count) {
  const char *found = memmem(bytes, count, "\r\n\r\n", 4);
  return found ? found - (const char *)bytes : -1;
}

int vx_epoll_wait_ns(int epoll, struct epoll_event *events, int count, int64_t timeout_ns) {
  struct timespec limit = {timeout_ns / 1000000000, timeout_ns % 1000000000};
  int ready = epoll_pwait2(epoll, events, count, timeout_ns < 0 ? NULL : &limit, NULL);
  if (ready >= 0 || errno != ENOSYS) return ready;
  // Linux before 5.11: whole milliseconds, rounded up.
  int64_t ms = (timeout_ns + 999999) / 1000000;
  return epoll_wait(epoll, events, count, timeout_ns < 0 ? -1 : ms > INT32_MAX ? INT32_MAX : ms);
}

int vx_wait_readable_ns(int descriptor, int64_t timeout_ns) {
  struct timespec limit = {timeout_ns / 1000000000, timeout_ns % 1000000000};
  struct pollfd entry = {descriptor, POLLIN, 0};
  return ppoll(&entry, 1, &limit, NULL);
}

int vx_set_timer_slack(int64_t slack_ns) { return prctl(PR_SET_TIMERSLACK, slack_ns, 0, 0, 0); }

static void stop_signals(sigset_t *set) {
  sigemptyset(set);
  sigaddset(set, SIGINT);
  sigaddset(set, SIGTERM);
}

void vx_block_signals(void) {
  sigset_t set;
  stop_signals(&set);
  pthread_sigmask(SIG_BLOCK, &set, NULL);
  signal(SIGPIPE, SIG_IGN);
}

int vx_wait_signal(int64_t timeout_ms) {
  sigset_t set;
  stop_signals(&set);
  if (timeout_ms < 0) {
    int got = 0;
    return sigwait(&set, &got) == 0 ? got : 0;
  }
  struct timespec limit = {timeout_ms / 1000, (timeout_ms % 1000) * 1000000};
  int got = sigtimedwait(&set, NULL, &limit);
  return got > 0 ? got : 0;
}

void vx_sleep_ns(int64_t ns) {
  struct timespec rest = {ns / 1000000000, ns % 1000000000};
  while (nanosleep(&rest, &rest) != 0 && errno == EINTR) {
  }
}
