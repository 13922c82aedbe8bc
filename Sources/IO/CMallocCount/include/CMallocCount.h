// Counts heap allocations of the calling thread, by standing in for malloc and its relatives: in
// tests, where zero is a gate, and in the program, where `bench` reports it. A count costs one
// increment of a thread-local word. Nothing is counted under a sanitizer, which has its own malloc.
#pragma once
#include <stdint.h>
void vx_malloc_count_start(void);
/// Allocations on this thread since the start; counting goes on.
uint64_t vx_malloc_count(void);
