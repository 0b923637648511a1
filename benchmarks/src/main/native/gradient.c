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

/* Sums of more rows than this lose digits in single precision. */
#define BLOCK 4096

/* Adds rows [from, to) to the totals, in blocks. */
static void blocks(const float *x, const float *y, const float *w, float *sums, double *totals,
                   int64_t from, int64_t to, int64_t features) {
  memset(totals, 0, sizeof(double) * (size_t) features);
  for (int64_t first = from; first < to; first += BLOCK) {
    int64_t end = first + BLOCK < to ? first + BLOCK : to;
    memset(sums, 0, sizeof(float) * (size_t) features);
    part(x, y, w, sums, first, end, features);
    for (int64_t f = 0; f < features; f++) {
      totals[f] += sums[f];
    }
  }
}

/*
 * Computes the same gradient that often. sums and totals have as many elements as there are
 * features, for every thread.
 */
void gradient(const float *x, const float *y, const float *w, float *sums, double *totals,
              float *out, int64_t rows, int64_t features, int64_t times, int32_t threads) {
  for (int64_t t = 0; t < times; t++) {
    if (threads == 1) {
      blocks(x, y, w, sums, totals, 0, rows, features);
    } else {
      memset(totals, 0, sizeof(double) * (size_t) (threads * features));
#pragma omp parallel num_threads(threads)
      {
        int64_t share = rows / omp_get_num_threads() + 1;
        int64_t from = share * omp_get_thread_num();
        int64_t to = from + share < rows ? from + share : rows;
        int64_t own = features * omp_get_thread_num();
        blocks(x, y, w, sums + own, totals + own, from, to, features);
      }
    }
    for (int64_t f = 0; f < features; f++) {
      double sum = 0;
      for (int32_t thread = 0; thread < threads; thread++) {
        sum += totals[thread * features + f];
      }
      out[f] = (float) (2 * sum / (double) rows);
    }
  }
}
