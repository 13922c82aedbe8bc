// What a power cut takes, noted while a program runs: loaded before it (LD_PRELOAD), this writes a log of
// how to undo each change of a file or folder below POWER_ROOT into POWER_SIDE/log. power.py reads it after the
// program was killed, and undoes what no fsync, fdatasync or O_DSYNC made durable.
//
// A record is a line, for W followed by as many bytes as it says:
//   W seq inode offset size length   before a write or a change of length: the bytes there, the file's size
//   F seq inode                      the file was flushed; seq: the last record before that began
//   D seq folder                     so was a folder
//   C seq inode path                 a file was made
//   M seq path                       a folder was made
//   R seq inode had from TAB to      before a rename; had: `to` was there, and is kept as SIDE/r<seq>
//   U seq path                       before a removal; the file is kept as SIDE/u<seq>
// Every file opened for writing is kept as SIDE/i<inode>, so that it is found whatever its name becomes.
//
// Not noted: rmdir, mmap, links; a write that was under way when a flush began counts as flushed.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { FILES = 65536 };
static struct {
  uint64_t inode;
  int reader; // its own descriptor + 1, for the bytes that are about to go
  char synced; // each write is durable at once
  char *folder; // where it is one
} files[FILES];
static const char *root, *side;
static int log_fd = -1;
static atomic_ulong sequence;
static int (*next_open)(const char *, int, ...);
static ssize_t (*next_pwrite)(int, const void *, size_t, off_t);
static ssize_t (*next_write)(int, const void *, size_t);
static int (*next_close)(int), (*next_fsync)(int), (*next_fdatasync)(int);
static int (*next_rename)(const char *, const char *), (*next_unlink)(const char *);
static int (*next_mkdir)(const char *, mode_t), (*next_ftruncate)(int, off_t);
static int (*next_fallocate)(int, off_t, off_t);

__attribute__((constructor)) static void begin(void) {
  next_open = dlsym(RTLD_NEXT, "open"), next_close = dlsym(RTLD_NEXT, "close");
  next_pwrite = dlsym(RTLD_NEXT, "pwrite"), next_write = dlsym(RTLD_NEXT, "write");
  next_fsync = dlsym(RTLD_NEXT, "fsync"), next_fdatasync = dlsym(RTLD_NEXT, "fdatasync");
  next_rename = dlsym(RTLD_NEXT, "rename"), next_unlink = dlsym(RTLD_NEXT, "unlink");
  next_mkdir = dlsym(RTLD_NEXT, "mkdir"), next_ftruncate = dlsym(RTLD_NEXT, "ftruncate");
  next_fallocate = dlsym(RTLD_NEXT, "posix_fallocate");
  root = getenv("POWER_ROOT"), side = getenv("POWER_SIDE");
  if (!root || !side) return;
  char path[PATH_MAX];
  snprintf(path, sizeof path, "%s/log", side);
  log_fd = next_open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (log_fd < 0) abort();
}

static int is_ours(const char *path) {
  return log_fd >= 0 && strncmp(path, root, strlen(root)) == 0;
}
static uint64_t next_sequence(void) { return atomic_fetch_add(&sequence, 1) + 1; }

// One system call, so that records of threads do not mix.
static void note(const char *line, const void *bytes, size_t count) {
  struct iovec parts[2] = {{(void *)line, strlen(line)}, {(void *)bytes, count}};
  if (writev(log_fd, parts, count ? 2 : 1) != (ssize_t)(parts[0].iov_len + count)) abort();
}
static void note_line(const char *format, ...) {
  char line[2 * PATH_MAX + 128];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(line, sizeof line, format, arguments);
  va_end(arguments);
  note(line, NULL, 0);
}

// Before bytes from `offset` on, `count` of them, are written over or cut off.
static void note_bytes(int fd, off_t offset, size_t count) {
  struct stat status;
  if (fstat(fd, &status) != 0) abort();
  size_t there = offset >= status.st_size ? 0 : (size_t)(status.st_size - offset);
  if (there > count) there = count;
  char *bytes = malloc(there + 1), line[160];
  ssize_t got = there ? pread(files[fd].reader - 1, bytes, there, offset) : 0;
  if (got != (ssize_t)there) abort();
  snprintf(line, sizeof line, "W %lu %lu %lld %lld %zu\n", next_sequence(), files[fd].inode,
           (long long)offset, (long long)status.st_size, there);
  note(line, bytes, there);
  free(bytes);
}
static int is_noted(int fd) { return fd >= 0 && fd < FILES && files[fd].reader && !files[fd].synced; }

int open(const char *path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  mode_t mode = flags & O_CREAT ? va_arg(arguments, mode_t) : 0;
  va_end(arguments);
  if (!is_ours(path)) return next_open(path, flags, mode);
  struct stat status;
  int was_there = stat(path, &status) == 0, cuts = was_there && flags & O_TRUNC;
  int fd = next_open(path, flags & ~(cuts ? O_TRUNC : 0), mode);
  if (fd < 0 || fd >= FILES || fstat(fd, &status) != 0) return fd;
  if (S_ISDIR(status.st_mode)) {
    files[fd].folder = strdup(path);
  } else if ((flags & O_ACCMODE) != O_RDONLY) {
    char kept[PATH_MAX];
    snprintf(kept, sizeof kept, "%s/i%lu", side, (unsigned long)status.st_ino);
    if (link(path, kept) != 0 && errno != EEXIST) abort();
    files[fd].inode = status.st_ino;
    files[fd].synced = (flags & O_DSYNC) != 0;
    files[fd].reader = next_open(kept, O_RDONLY | O_CLOEXEC) + 1;
    if (!was_there) note_line("C %lu %lu %s\n", next_sequence(), status.st_ino, path);
    if (cuts && ftruncate(fd, 0) != 0) abort();
  }
  return fd;
}
int close(int fd) {
  if (fd >= 0 && fd < FILES && (files[fd].reader || files[fd].folder)) {
    if (files[fd].reader) next_close(files[fd].reader - 1);
    free(files[fd].folder);
    memset(&files[fd], 0, sizeof files[fd]);
  }
  return next_close(fd);
}
ssize_t pwrite(int fd, const void *bytes, size_t count, off_t offset) {
  if (is_noted(fd)) note_bytes(fd, offset, count);
  return next_pwrite(fd, bytes, count, offset);
}
ssize_t write(int fd, const void *bytes, size_t count) {
  if (is_noted(fd)) note_bytes(fd, lseek(fd, 0, SEEK_CUR), count);
  return next_write(fd, bytes, count);
}
int ftruncate(int fd, off_t size) {
  if (is_noted(fd)) note_bytes(fd, size, SIZE_MAX);
  return next_ftruncate(fd, size);
}
int posix_fallocate(int fd, off_t offset, off_t count) {
  if (is_noted(fd)) note_bytes(fd, offset + count, 0);
  return next_fallocate(fd, offset, count);
}
static int flush(int fd, int (*next)(int)) {
  unsigned long began = atomic_load(&sequence);
  int failed = next(fd);
  if (failed || fd < 0 || fd >= FILES) return failed;
  if (files[fd].folder) note_line("D %lu %s\n", began, files[fd].folder);
  if (files[fd].reader) note_line("F %lu %lu\n", began, files[fd].inode);
  return 0;
}
int fsync(int fd) { return flush(fd, next_fsync); }
int fdatasync(int fd) { return flush(fd, next_fdatasync); }
int mkdir(const char *path, mode_t mode) {
  int failed = next_mkdir(path, mode);
  if (!failed && is_ours(path)) note_line("M %lu %s\n", next_sequence(), path);
  return failed;
}
int rename(const char *from, const char *to) {
  struct stat status;
  if (is_ours(to) && stat(from, &status) == 0) {
    unsigned long number = next_sequence();
    char kept[PATH_MAX];
    snprintf(kept, sizeof kept, "%s/r%lu", side, number);
    int had = link(to, kept) == 0;
    note_line("R %lu %lu %d %s\t%s\n", number, status.st_ino, had, from, to);
  }
  return next_rename(from, to);
}
int unlink(const char *path) {
  if (is_ours(path)) {
    unsigned long number = next_sequence();
    char kept[PATH_MAX];
    snprintf(kept, sizeof kept, "%s/u%lu", side, number);
    if (link(path, kept) == 0) note_line("U %lu %s\n", number, path);
  }
  return next_unlink(path);
}
