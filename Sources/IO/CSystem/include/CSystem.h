// System calls that the Glibc module does not carry, or carries as variadic functions.
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/epoll.h>

#define VX_NOLOCKS __attribute__((swift_attr("@_noLocks")))

int vx_eventfd(void);
int vx_open(const char *_Nonnull path, int flags, int mode);
/// 1 when `path` names the open file, 0 when it names another one or none.
int vx_is_named(int fd, const char *_Nonnull path);
/// For filling a file past the page cache; through it where the file system knows no other way.
/// With `keeps` the bytes that it has stay until they are written over.
int vx_open_filling(const char *_Nonnull path, int keeps);
int vx_open_direct(const char *_Nonnull path, int create);
int vx_fallocate(int fd, int64_t offset, int64_t length);
int vx_accept4(int fd);
int vx_set_nonblocking(int fd);

/// Sleeps while `*word == expected`, at most `timeout_ns` (negative: no limit).
VX_NOLOCKS void vx_futex_wait(const uint32_t *_Nonnull word, uint32_t expected, int64_t timeout_ns);
VX_NOLOCKS void vx_futex_wake(const uint32_t *_Nonnull word);

VX_NOLOCKS int64_t vx_monotonic_ns(void);
VX_NOLOCKS int64_t vx_wall_ms(void);
/// Processor time of the calling thread, and of the process.
VX_NOLOCKS int64_t vx_thread_cpu_ns(void);
VX_NOLOCKS int64_t vx_process_cpu_ns(void);
/// Voluntary plus involuntary context switches of the process.
int64_t vx_context_switches(void);
int64_t vx_rss_bytes(void);
/// The calling thread runs on processor time that no other thread wants.
void vx_run_when_idle(void);
/// The calling thread works in short turns and is to have each soon. With `rank` above 0 it runs
/// before all ordinary threads and those of lower rank (SCHED_FIFO), where the process may ask for
/// that. Else it asks for slices of 0.1 ms, which let it go before threads that want long ones
/// (Linux 6.12 and later), and where it may for nice -10. Threads that it starts inherit none of
/// it.
void vx_run_promptly(int rank);
int vx_set_thread_name(const char *_Nonnull name);
VX_NOLOCKS void vx_pause(void);
int vx_errno(void);

/// TCP on loopback. `v4` is an address in host byte order; with `v6` the address is ::1.
/// All descriptors are non-blocking and close on exec; -1 with errno on failure.
int vx_tcp_listen(int v6, uint32_t v4, uint16_t port, int backlog, uint16_t *_Nonnull bound);
/// A socket whose connection may still be under way (EINPROGRESS is not a failure).
int vx_tcp_connect(int v6, uint32_t v4, uint16_t port);
/// Sends small segments at once.
int vx_tcp_nodelay(int fd);
/// Takes and clears the socket's pending error; 0 when there is none.
int vx_socket_error(int fd);
/// Raises this process's soft descriptor limit to its hard limit, and returns it.
int64_t vx_raise_descriptor_limit(void);
/// Offset of the first CR LF CR LF in `bytes`, or -1.
VX_NOLOCKS int64_t vx_find_head_end(const void *_Nonnull bytes, size_t count);

/// As epoll_wait, with a timeout in nanoseconds (negative: no limit).
int vx_epoll_wait_ns(int epoll, struct epoll_event *_Nonnull events, int count, int64_t timeout_ns);

/// Waits until `descriptor` is readable, at most `timeout_ns`; 1 when it is, else 0 or -1.
int vx_wait_readable_ns(int descriptor, int64_t timeout_ns);
/// How late the kernel may end this thread's sleeps, so that it can bundle them; 50 us by default.
int vx_set_timer_slack(int64_t slack_ns);
/// Blocks SIGINT and SIGTERM in this and all later threads, and ignores SIGPIPE.
void vx_block_signals(void);
/// Waits for SIGINT or SIGTERM, at most `timeout_ms` (negative: for ever); the signal, or 0.
int vx_wait_signal(int64_t timeout_ms);
/// Sleeps at least so long.
VX_NOLOCKS void vx_sleep_ns(int64_t ns);

/// The object that stands for the machine on the calling thread; null where it is the real one.
VX_NOLOCKS void *_Nullable vx_thread_machine(void);
void vx_set_thread_machine(void *_Nullable machine);

/// A line of execution with a stack of its own, run on the thread that enters it.
typedef struct vx_fiber vx_fiber;
/// Null when there is no memory. `body` runs at the first `vx_fiber_enter`.
vx_fiber *_Nullable vx_fiber_make(size_t stack_bytes, void (*_Nonnull body)(void *_Nullable),
                                  void *_Nullable argument);
/// Runs the fiber until it leaves or its body returns; 1 when the body has returned.
int vx_fiber_enter(vx_fiber *_Nonnull fiber);
/// From inside the fiber: back to whoever entered it.
void vx_fiber_leave(vx_fiber *_Nonnull fiber);
/// Its body has returned, or never ran.
void vx_fiber_free(vx_fiber *_Nonnull fiber);
/// When the process is about to die of a trap, `text` is written to stderr first; null for none.
/// The text must outlive the wish.
void vx_say_on_trap(const char *_Nullable text);
