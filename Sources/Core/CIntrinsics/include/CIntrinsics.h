// The few machine instructions and the one hash that Swift cannot name. Pure functions of their
// arguments: the same bytes in give the same bytes out on every machine.
#pragma once
#include <stddef.h>
#include <stdint.h>

#define VX_PURE __attribute__((swift_attr("@_noLocks")))

/// Hints that the cache line holding `address` will be read soon. Never faults.
static inline VX_PURE void vx_prefetch(const void *_Nullable address) {
  __builtin_prefetch(address, 0, 3);
}

/// Hints that the cache line holding `address` will be written soon. Never faults.
static inline VX_PURE void vx_prefetch_write(const void *_Nullable address) {
  __builtin_prefetch(address, 1, 3);
}

/// `value`, which the compiler can no longer reason about: keeps arithmetic that avoids a branch
/// from being turned back into one.
static inline VX_PURE uint64_t vx_opaque(uint64_t value) {
  __asm__("" : "+r"(value));
  return value;
}

/// CRC-32C (Castagnoli, RFC 3720 appendix B.4) of `count` bytes, continuing from `crc` (0 to
/// start).
VX_PURE uint32_t vx_crc32c(uint32_t crc, const void *_Nonnull bytes, size_t count);

/// The same value without the processor's instruction; tests hold the two together.
VX_PURE uint32_t vx_crc32c_portable(uint32_t crc, const void *_Nonnull bytes, size_t count);

typedef struct {
  uint64_t low;
  uint64_t high;
} vx_hash128;

/// XXH3, 128 bits (xxhash 0.8 specification), seeded.
VX_PURE vx_hash128 vx_xxh3_128(const void *_Nonnull bytes, size_t count, uint64_t seed);

/// XXH3, 64 bits (xxhash 0.8 specification), seeded.
VX_PURE uint64_t vx_xxh3_64(const void *_Nonnull bytes, size_t count, uint64_t seed);
