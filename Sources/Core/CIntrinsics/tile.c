#include "CIntrinsics.h"

// Least costs of walking in a square of 32 x 32 blocks, a row of 32 lanes at a time. The vectors
// are as wide as a row whatever the processor: the compiler splits them where it must. The same
// bytes come out on every processor; what differs is how many instructions that takes.

// Vectors are passed to inlined functions only, so no call depends on how wide registers are.
#pragma clang diagnostic ignored "-Wpsabi"

#define SIDE 32
typedef uint16_t row __attribute__((vector_size(64), aligned(2)));
typedef uint32_t words __attribute__((vector_size(128), aligned(4)));
#define LEAST(a, b) __builtin_elementwise_min(a, b)
#define SUM(a, b) __builtin_elementwise_add_sat(a, b)
#define WEST_OF(r, end)                                                                       \
  __builtin_shufflevector(r, end, 32, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15,   \
                          16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30)
#define EAST_OF(r, end)                                                                       \
  __builtin_shufflevector(r, end, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17,  \
                          18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32)
#define ALWAYS static inline __attribute__((always_inline))

// Improves row `y` by the row `from` (none below 0) over `over`, and along itself; what changed.
ALWAYS row relax(row *costs, const row *planes, int y, int from, const row *over) {
  const row none = (row){} - 1;
  row old = costs[y], now = old;
  if (from >= 0) now = LEAST(now, SUM(costs[from], over[from]));
  row east = planes[y], west = planes[2 * SIDE + y];
  for (int step = 0; step < 3; step++) {
    row one = WEST_OF(SUM(now, east), none);
    row other = EAST_OF(SUM(now, west), none);
    now = LEAST(now, LEAST(one, other));
  }
  costs[y] = now;
  return now ^ old;
}

ALWAYS int is_any(row bits) {
  typedef uint64_t wide __attribute__((vector_size(64)));
  return __builtin_reduce_or((wide)bits) != 0;
}

ALWAYS struct vx_tile settle(row *costs, const row *planes, uint32_t rows) {
  // Rows still to be offered to the one below, to the one above, and along themselves.
  uint32_t down = rows, up = rows, along = rows, changed = 0;
  row lanes = {};
  while (down | up | along) {
    for (int y = 0; y < SIDE; y++) {
      uint32_t todo = (down << 1 | along) & ~0u << y;
      if (!todo) break;
      y = __builtin_ctz(todo);
      int from = y > 0 && (down >> (y - 1) & 1) ? y - 1 : -1;
      if (from >= 0) down &= ~(1u << from);
      along &= ~(1u << y);
      row bits = relax(costs, planes, y, from, planes + SIDE);
      if (!is_any(bits)) continue;
      lanes |= bits;
      changed |= 1u << y, down |= 1u << y, up |= 1u << y, along |= 1u << y;
    }
    down &= ~(1u << (SIDE - 1));
    for (int y = SIDE - 1; y >= 0; y--) {
      uint32_t todo = (up >> 1 | along) & ~0u >> (SIDE - 1 - y);
      if (!todo) break;
      y = SIDE - 1 - __builtin_clz(todo);
      int from = y < SIDE - 1 && (up >> (y + 1) & 1) ? y + 1 : -1;
      if (from >= 0) up &= ~(1u << from);
      along &= ~(1u << y);
      row bits = relax(costs, planes, y, from, planes + 3 * SIDE);
      if (!is_any(bits)) continue;
      lanes |= bits;
      changed |= 1u << y, down |= 1u << y, up |= 1u << y, along |= 1u << y;
    }
    up &= ~1u;
  }
  row greatest = {};
  for (int y = 0; y < SIDE; y++) {
    row reached = costs[y] & (row)(costs[y] != 0xffff);
    greatest = __builtin_elementwise_max(greatest, reached);
  }
  struct vx_tile tile = {changed, 0, __builtin_reduce_max(greatest)};
  for (int x = 0; x < SIDE; x++) tile.lanes |= (uint32_t)(lanes[x] != 0) << x;
  return tile;
}

ALWAYS uint32_t meet(const row *left, const row *right) {
  row least = (row){} - 1;
  for (int y = 0; y < SIDE; y++) least = LEAST(least, SUM(left[y], right[y]));
  return __builtin_reduce_min(least);
}

// The multipliers of one direction, 0xffff where there is no step.
ALWAYS row plane(words edges, int direction) {
  row costs = __builtin_convertvector(edges >> (8 * direction) & 255, row);
  return costs | (row)(costs == 0);
}

ALWAYS void lay(row *planes, const uint32_t *edges, int y, int is_back) {
  words here = *(const words *)(edges + 1);
  if (!is_back) {
    for (int k = 0; k < 4; k++) planes[k * SIDE + y] = plane(here, k);
    return;
  }
  if (y >= 0 && y < SIDE) {
    planes[y] = plane(*(const words *)(edges + 2), 2);
    planes[2 * SIDE + y] = plane(*(const words *)edges, 0);
  }
  if (y > 0) planes[SIDE + y - 1] = plane(here, 3);
  if (y < SIDE - 1) planes[3 * SIDE + y + 1] = plane(here, 1);
}

// Adds to what is a step.
ALWAYS row lean_row(row costs, row by) { return costs + (by & (row)(costs != 0xffff)); }

ALWAYS row lanes_between(int first, int end, int by) {
  typedef int16_t places __attribute__((vector_size(64)));
  places at;
  for (int x = 0; x < SIDE; x++) at[x] = x;
  return (row)((at >= (int16_t)first) & (at < (int16_t)end)) & (uint16_t)by;
}

ALWAYS void lean(row *planes, int x0, int x1, int across, int y0, int y1, int along) {
  if (x0 < SIDE && x1 > -1 && x0 < x1) {
    row east = lanes_between(x0, x1, across), west = lanes_between(x0 + 1, x1 + 1, -across);
    for (int y = 0; y < SIDE; y++) {
      planes[y] = lean_row(planes[y], east);
      planes[2 * SIDE + y] = lean_row(planes[2 * SIDE + y], west);
    }
  }
  row south = (row){} + (uint16_t)along, north = (row){} + (uint16_t)-along;
  for (int y = y0 < 0 ? 0 : y0; y < y1 && y < SIDE; y++)
    planes[SIDE + y] = lean_row(planes[SIDE + y], south);
  for (int y = y0 + 1 < 0 ? 0 : y0 + 1; y < y1 + 1 && y < SIDE; y++)
    planes[3 * SIDE + y] = lean_row(planes[3 * SIDE + y], north);
}

#if defined(__x86_64__)
static _Atomic int level;
static int supported(void) {
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl")) return 2;
  return __builtin_cpu_supports("avx2") ? 1 : 0;
}
__attribute__((constructor)) static void detect(void) { level = supported(); }
int vx_tile_limit(int most) {
  int can = supported();
  return level = most < can ? most : can;
}
#define IN_EVERY_WIDTH(type, name, body, parameters, arguments)                             \
  __attribute__((target("avx512f,avx512bw,avx512vl"), min_vector_width(512))) static type   \
      name##_512 parameters { return body arguments; }                                      \
  __attribute__((target("avx2"))) static type name##_256 parameters {                       \
    return body arguments;                                                                  \
  }                                                                                         \
  type name parameters {                                                                    \
    int wide = __c11_atomic_load(&level, __ATOMIC_RELAXED);                                 \
    if (wide == 2) return name##_512 arguments;                                             \
    if (wide == 1) return name##_256 arguments;                                             \
    return body arguments;                                                                  \
  }
#else
int vx_tile_limit(int most) { return most < 0 ? most : 0; }
#define IN_EVERY_WIDTH(type, name, body, parameters, arguments) \
  type name parameters { return body arguments; }
#endif

ALWAYS struct vx_tile settle_at(void *costs, const void *planes, uint32_t rows) {
  return settle(costs, planes, rows);
}
ALWAYS uint32_t meet_at(const void *left, const void *right) { return meet(left, right); }
ALWAYS void lay_at(void *planes, const uint32_t *edges, int y, int is_back) {
  lay(planes, edges, y, is_back);
}

ALWAYS void lean_at(void *planes, int x0, int x1, int across, int y0, int y1, int along) {
  lean(planes, x0, x1, across, y0, y1, along);
}

IN_EVERY_WIDTH(struct vx_tile, vx_tile_settle, settle_at,
               (void *costs, const void *planes, uint32_t rows), (costs, planes, rows))
IN_EVERY_WIDTH(uint32_t, vx_tile_meet, meet_at, (const void *left, const void *right),
               (left, right))
IN_EVERY_WIDTH(void, vx_tile_lay, lay_at,
               (void *planes, const uint32_t *edges, int y, int is_back),
               (planes, edges, y, is_back))

IN_EVERY_WIDTH(void, vx_tile_lean, lean_at,
               (void *planes, int x0, int x1, int across, int y0, int y1, int along),
               (planes, x0, x1, across, y0, y1, along))

void vx_tile_edges(uint32_t *edges, const uint32_t *weights, const uint16_t *steps,
                   size_t count) {
  if (weights) {
    for (size_t at = 0; at < count; at++) edges[at] ^= weights[at];
    return;
  }
  // Bit k of four as byte k, 0 or 1.
  for (size_t at = 0; at < count; at++)
    edges[at] ^= ((uint32_t)(steps[at] & 15) * 0x00204081u) & 0x01010101u;
}
