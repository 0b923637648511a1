/*
 * Reads memory, in four places of a block at a time, which some processors fetch faster than one.
 * Nothing is computed but an exclusive-or, which cannot be left out.
 */
#include <omp.h>
#include <stdint.h>

/* In integers of four bytes. */
#define BLOCK 65536
#define QUARTER (BLOCK / 4)

static int32_t part(const int32_t *x, int64_t blocks) {
  int32_t all = 0;
  for (int64_t block = 0; block < blocks; block++) {
    const int32_t *a = x + block * BLOCK;
#pragma omp simd reduction(^ : all)
    for (int64_t i = 0; i < QUARTER; i++) {
      all ^= a[i] ^ a[i + QUARTER] ^ a[i + 2 * QUARTER] ^ a[i + 3 * QUARTER];
    }
  }
  return all;
}

/* Reads whole blocks that often; what is left is less than one. */
int32_t read_memory(const int32_t *x, int64_t count, int64_t times, int32_t threads) {
  int32_t all = 0;
  for (int64_t t = 0; t < times; t++) {
    int64_t blocks = count / BLOCK;
#pragma omp parallel num_threads(threads) reduction(^ : all)
    {
      int64_t share = blocks / omp_get_num_threads() + 1;
      int64_t from = share * omp_get_thread_num();
      int64_t to = from + share < blocks ? from + share : blocks;
      all ^= part(x + from * BLOCK, to - from);
    }
  }
  return all;
}
