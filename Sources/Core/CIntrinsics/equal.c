#include "CIntrinsics.h"
#include <string.h>

int vx_equal(const void *left, const void *right, size_t count) {
  return memcmp(left, right, count) == 0;
}
