/* The gradient of the mean squared error, 2/n X^T (X w - y), with X read once: see adam.c. */
#include <omp.h>
#include <stdint.h>
#include <string.h>

/* Adds rows [from, to) to the sums. Four rows share one read and write of the sums. */
static void part(const float *restrict x, const float *restrict y, const float *restrict w,
                 float *restrict sums, int64_t from, int64_t to, int64_t features) {
  int64_t i = from;
  for (; i + 4 <= to; i += 4) {
    const float *a = x + i * features;
    const float *b = a + features;
    const float *c = b + features;
    const float *d = c + features;
    float ra = -y[i];
    float rb = -y[i + 1];
    float rc = -y[i + 2];
    float rd = -y[i + 3];
#pragma omp simd reduction(+ : ra, rb, rc, rd)
    for (int64_t f = 0; f < features; f++) {
      ra += a[f] * w[f];
      rb += b[f] * w[f];
      rc += c[f] * w[f];
      rd += d[f] * w[f];
    }
#pragma omp simd
    for (int64_t f = 0; f < features; f++) {
      sums[f] += ra * a[f] + rb * b[f] + rc * c[f] + rd * d[f];
    }
  }
  for (; i < to; i++) {
    const float *a = x + i * features;
    float ra = -y[i];
#pragma omp simd reduction(+ : ra)
    for (int64_t f = 0; f < features; f++) {
      ra += a[f] * w[f];
    }
#pragma omp simd
    for (int64_t f = 0; f < features; f++) {
      sums[f] += ra * a[f];
    }
  }
}

/* Computes the same gradient that often. sums has features floats for every thread. */
void gradient(const float *x, const float *y, const float *w, float *sums, float *out, int64_t rows,
              int64_t features, int64_t times, int32_t threads) {
  for (int64_t t = 0; t < times; t++) {
    memset(sums, 0, sizeof(float) * (size_t) (threads * features));
    if (threads == 1) {
      part(x, y, w, sums, 0, rows, features);
    } else {
#pragma omp parallel num_threads(threads)
      {
        int64_t share = rows / omp_get_num_threads() + 1;
        int64_t from = share * omp_get_thread_num();
        int64_t to = from + share < rows ? from + share : rows;
        part(x, y, w, sums + features * omp_get_thread_num(), from, to, features);
      }
    }
    for (int64_t f = 0; f < features; f++) {
      float sum = 0;
      for (int32_t thread = 0; thread < threads; thread++) {
        sum += sums[thread * features + f];
      }
      out[f] = 2 * sum / (float) rows;
    }
  }
}
