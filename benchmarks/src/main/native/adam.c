/*
 * Adam, one pass over parameters and state, as a person would write it for the compiler. The limit
 * that a kernel in another language is compared with.
 */
#include <math.h>
#include <omp.h>
#include <stdint.h>

static void part(float *restrict p, const float *restrict g, float *restrict m, float *restrict v,
                 int64_t from, int64_t to, float rate, float root) {
#pragma omp simd
  for (int64_t i = from; i < to; i++) {
    m[i] = 0.9f * m[i] + 0.1f * g[i];
    v[i] = 0.999f * v[i] + 0.001f * g[i] * g[i];
    p[i] -= rate * m[i] / (sqrtf(v[i]) * root + 1e-8f);
  }
}

/* Makes the steps made + 1 to made + times. */
void steps(float *p, const float *g, float *m, float *v, int64_t count, int64_t made, int64_t times,
           int32_t threads) {
  for (int64_t step = made + 1; step <= made + times; step++) {
    float rate = (float) (1e-3 / (1 - pow(0.9, (double) step)));
    float root = (float) (1 / sqrt(1 - pow(0.999, (double) step)));
    if (threads == 1) {
      part(p, g, m, v, 0, count, rate, root);
      continue;
    }
#pragma omp parallel num_threads(threads)
    {
      int64_t share = (count / omp_get_num_threads() + 64) / 64 * 64;
      int64_t from = share * omp_get_thread_num();
      int64_t to = from + share < count ? from + share : count;
      part(p, g, m, v, from, to, rate, root);
    }
  }
}
