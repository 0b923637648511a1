/* C = A B, square, row-major, by a kernel that libxsmm makes for the size: the repetitions too. */
#include <libxsmm.h>
#include <stdint.h>

/* libxsmm is column-major: C^T = B^T A^T. Returns 0 if it has no kernel of that size. */
int gemm(const float *a, const float *b, float *c, int64_t size, int64_t times) {
  libxsmm_blasint n = (libxsmm_blasint)size;
  const float one = 1, zero = 0;
  libxsmm_smmfunction kernel =
      libxsmm_smmdispatch(n, n, n, NULL, NULL, NULL, &one, &zero, NULL, NULL);
  if (!kernel) return 0;
  for (int64_t i = 0; i < times; i++) kernel(b, a, c);
  return 1;
}
