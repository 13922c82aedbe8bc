#include "CIntrinsics.h"
#define XXH_INLINE_ALL
#include <xxhash.h>

vx_hash128 vx_xxh3_128(const void *bytes, size_t count, uint64_t seed) {
  XXH128_hash_t hash = XXH3_128bits_withSeed(bytes, count, seed);
  return (vx_hash128){.low = hash.low64, .high = hash.high64};
}

uint64_t vx_xxh3_64(const void *bytes, size_t count, uint64_t seed) {
  return XXH3_64bits_withSeed(bytes, count, seed);
}
