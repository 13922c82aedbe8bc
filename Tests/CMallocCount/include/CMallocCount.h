// Counts heap allocations of the calling thread, by standing in for malloc and its relatives.
#pragma once
#include <stdint.h>
void vx_malloc_count_start(void);
/// Allocations on this thread since the start; counting goes on.
uint64_t vx_malloc_count(void);
