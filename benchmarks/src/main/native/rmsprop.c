/* RMSProp: see adam.c. */
#include <math.h>
#include <omp.h>
#include <stdint.h>

static void part(float *restrict p, const float *restrict g, float *restrict v, int64_t from,
                 int64_t to) {
#pragma omp simd
  for (int64_t i = from; i < to; i++) {
    v[i] = 0.99f * v[i] + 0.01f * g[i] * g[i];
    p[i] -= 1e-3f * g[i] / (sqrtf(v[i]) + 1e-8f);
  }
}

/* The rule has one state vector and does not count steps: none and made are not used. */
void steps(float *p, const float *g, float *v, float *none, int64_t count, int64_t made,
           int64_t times, int32_t threads) {
  (void) none;
  (void) made;
  for (int64_t step = 0; step < times; step++) {
    if (threads == 1) {
      part(p, g, v, 0, count);
      continue;
    }
#pragma omp parallel num_threads(threads)
    {
      int64_t share = (count / omp_get_num_threads() + 64) / 64 * 64;
      int64_t from = share * omp_get_thread_num();
      int64_t to = from + share < count ? from + share : count;
      part(p, g, v, from, to);
    }
  }
}
