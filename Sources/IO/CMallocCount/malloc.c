#include "CMallocCount.h"
#include <errno.h>
#include <stddef.h>

extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);
extern void __libc_free(void *);

static __thread uint64_t count __attribute__((tls_model("initial-exec")));

void vx_malloc_count_start(void) { count = 0; }
uint64_t vx_malloc_count(void) { return count; }

// A sanitizer brings an allocator of its own, and starts before this one could pass calls on:
// nothing is counted then.
#if !__has_feature(thread_sanitizer) && !__has_feature(address_sanitizer)
void *malloc(size_t size) { count++; return __libc_malloc(size); }
void *calloc(size_t n, size_t size) { count++; return __libc_calloc(n, size); }
void *realloc(void *old, size_t size) { count++; return __libc_realloc(old, size); }
void *memalign(size_t alignment, size_t size) { count++; return __libc_memalign(alignment, size); }
void *aligned_alloc(size_t alignment, size_t size) {
  count++;
  return __libc_memalign(alignment, size);
}
int posix_memalign(void **out, size_t alignment, size_t size) {
  count++;
  void *got = __libc_memalign(alignment, size);
  if (!got) return ENOMEM;
  *out = got;
  return 0;
}
void free(void *old) { __libc_free(old); }
#endif
