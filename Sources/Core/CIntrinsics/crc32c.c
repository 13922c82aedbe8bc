#include "CIntrinsics.h"
#include <string.h>

// Reflected polynomial 0x82f63b78, slicing by eight. The table is built by the compiler's
// constructor before main, so that no call ever races to build it.
static uint32_t table[8][256];

__attribute__((constructor)) static void build_table(void) {
  for (uint32_t n = 0; n < 256; n++) {
    uint32_t crc = n;
    for (int bit = 0; bit < 8; bit++) crc = (crc & 1) ? (crc >> 1) ^ 0x82f63b78u : crc >> 1;
    table[0][n] = crc;
  }
  for (uint32_t n = 0; n < 256; n++)
    for (int slice = 1; slice < 8; slice++)
      table[slice][n] = (table[slice - 1][n] >> 8) ^ table[0][table[slice - 1][n] & 0xff];
}

uint32_t vx_crc32c_portable(uint32_t crc, const void *bytes, size_t count) {
  const unsigned char *at = bytes;
  crc = ~crc;
  while (count >= 8) {
    uint32_t low, high;
    memcpy(&low, at, 4);
    memcpy(&high, at + 4, 4);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    low = __builtin_bswap32(low);
    high = __builtin_bswap32(high);
#endif
    low ^= crc;
    crc = table[7][low & 0xff] ^ table[6][(low >> 8) & 0xff] ^ table[5][(low >> 16) & 0xff] ^
          table[4][low >> 24] ^ table[3][high & 0xff] ^ table[2][(high >> 8) & 0xff] ^
          table[1][(high >> 16) & 0xff] ^ table[0][high >> 24];
    at += 8;
    count -= 8;
  }
  while (count--) crc = (crc >> 8) ^ table[0][(crc ^ *at++) & 0xff];
  return ~crc;
}

#if defined(__x86_64__)
#include <nmmintrin.h>

__attribute__((target("sse4.2"))) static uint32_t crc32c_hardware(
    uint32_t crc, const void *bytes, size_t count) {
  const unsigned char *at = bytes;
  uint64_t wide = ~crc;
  while (count >= 8) {
    uint64_t word;
    memcpy(&word, at, 8);
    wide = _mm_crc32_u64(wide, word);
    at += 8;
    count -= 8;
  }
  uint32_t narrow = (uint32_t)wide;
  while (count--) narrow = _mm_crc32_u8(narrow, *at++);
  return ~narrow;
}

static int has_instruction;
__attribute__((constructor)) static void detect(void) {
  __builtin_cpu_init();
  has_instruction = __builtin_cpu_supports("sse4.2");
}

uint32_t vx_crc32c(uint32_t crc, const void *bytes, size_t count) {
  return has_instruction ? crc32c_hardware(crc, bytes, count)
                         : vx_crc32c_portable(crc, bytes, count);
}
#else
uint32_t vx_crc32c(uint32_t crc, const void *bytes, size_t count) {
  return vx_crc32c_portable(crc, bytes, count);
}
#endif
