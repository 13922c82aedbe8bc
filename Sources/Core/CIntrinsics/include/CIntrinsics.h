// The few machine instructions and the one hash that Swift cannot name. What computes is a pure
// function of its arguments: the same bytes in give the same bytes out on every machine.
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <string.h>

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

/// Whether `count` bytes are equal; as many at a time as the processor compares.
VX_PURE int vx_equal(const void *_Nonnull left, const void *_Nonnull right, size_t count);

/// Which of 64 bytes differ, bit k for byte k. Neither address need be aligned.
static inline VX_PURE uint64_t vx_differing64(
    const void *_Nonnull left, const void *_Nonnull right) {
  typedef unsigned char lanes __attribute__((vector_size(64)));
  lanes a, b;
  memcpy(&a, left, 64);
  memcpy(&b, right, 64);
#if defined(__clang__)
  typedef _Bool bits __attribute__((ext_vector_type(64)));
  bits differing = __builtin_convertvector(a != b, bits);
  uint64_t mask;
  memcpy(&mask, &differing, 8);
  return mask;
#else
  uint64_t mask = 0;
  for (int at = 0; at < 64; at++) mask |= (uint64_t)(a[at] != b[at]) << at;
  return mask;
#endif
}

// A tile is a square of 32 x 32 blocks of a grid of four ways: 32 rows of 32 costs of two bytes,
// all ones where nothing leads. Its planes are four such squares, east, south, west, north: what
// the step out of each block in that direction costs.

/// What `vx_tile_settle` changed: a bit a row, a bit a lane; and the greatest cost reached.
struct vx_tile {
  uint32_t rows, lanes, greatest;
};

/// Improves costs by one another over `planes` until nothing changes, from the rows of `rows` on;
/// sums saturate. `rows` must hold each row that something was written to since the last time.
VX_PURE struct vx_tile vx_tile_settle(
    void *_Nonnull costs, const void *_Nonnull planes, uint32_t rows);

/// For tests: has tiles settled by registers no wider than `most`, 0 16 bytes, 1 32, 2 64; what it
/// is then. Only speed depends on it. Not while another thread searches.
VX_PURE int vx_tile_limit(int most);

/// The least sum of a block's costs in two tiles.
VX_PURE uint32_t vx_tile_meet(const void *_Nonnull left, const void *_Nonnull right);

/// Lays row `y` of the planes from 34 words, a byte a direction: the row's blocks and one more at
/// either end. With `is_back` a step costs what the step back does, and rows -1 and 32 count.
VX_PURE void vx_tile_lay(
    void *_Nonnull planes, const uint32_t *_Nonnull edges, int y, int is_back);

/// Adds `across` to the steps east from columns `x0...x1-1` and takes it from those back; so
/// `along` for the steps south from rows `y0...y1-1`. What is no step stays none.
VX_PURE void vx_tile_lean(
    void *_Nonnull planes, int x0, int x1, int across, int y0, int y1, int along);

/// XORs into words of edits what the map gives: `weights`, or where null a byte of 1 for each bit
/// of `steps`.
VX_PURE void vx_tile_edges(
    uint32_t *_Nonnull edges, const uint32_t *_Nullable weights,
    const uint16_t *_Nonnull steps, size_t count);

// Words that several threads change at once. Always inlined, debug builds included, so that the
// thread sanitizer sees them.
#define VX_ATOMIC static inline VX_PURE __attribute__((always_inline))

/// The word, and everything that its writer did before.
VX_ATOMIC uint32_t vx_load32(const uint32_t *_Nonnull word) {
  return __atomic_load_n(word, __ATOMIC_ACQUIRE);
}
VX_ATOMIC uint64_t vx_load64(const uint64_t *_Nonnull word) {
  return __atomic_load_n(word, __ATOMIC_ACQUIRE);
}

/// Sets the word, behind everything done before.
VX_ATOMIC void vx_store32(uint32_t *_Nonnull word, uint32_t value) {
  __atomic_store_n(word, value, __ATOMIC_RELEASE);
}
VX_ATOMIC void vx_store64(uint64_t *_Nonnull word, uint64_t value) {
  __atomic_store_n(word, value, __ATOMIC_RELEASE);
}

/// Adds, wrapping, or sets bits; the word as it was.
VX_ATOMIC uint32_t vx_add32(uint32_t *_Nonnull word, uint32_t value) {
  return __atomic_fetch_add(word, value, __ATOMIC_ACQ_REL);
}
VX_ATOMIC uint64_t vx_add64(uint64_t *_Nonnull word, uint64_t value) {
  return __atomic_fetch_add(word, value, __ATOMIC_ACQ_REL);
}
VX_ATOMIC uint32_t vx_or32(uint32_t *_Nonnull word, uint32_t bits) {
  return __atomic_fetch_or(word, bits, __ATOMIC_ACQ_REL);
}

/// Sets the word if it is `expected`; whether it was.
VX_ATOMIC int vx_replace64(uint64_t *_Nonnull word, uint64_t expected, uint64_t value) {
  return __atomic_compare_exchange_n(
      word, &expected, value, 0, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
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
