/**
 * Training and serving of linear models: off-heap tensors, fused optimizers, one-pass gradients.
 *
 * <p>{@code jdk.incubator.vector} is optional: start java with {@code --add-modules
 * jdk.incubator.vector} to get the {@code simd} backend. Libraries are optional too: those of CSV,
 * LIBSVM, Parquet and Arrow files are named where such a file is opened without them. The command
 * line is in a jar of its own, on the class path.
 */
@SuppressWarnings({"requires-automatic", "requires-transitive-automatic"})
module dev.panagrad {
  requires static jdk.incubator.vector;
  requires static dev.hardwood.core;
  requires static org.apache.arrow.format;
  requires static com.github.luben.zstd_jni;
  requires static org.apache.commons.compress;
  requires static info.picocli;
  requires static me.tongfei.progressbar;
  requires static com.fasterxml.jackson.core;
  requires static ch.randelshofer.fastdoubleparser;
  requires static de.siegmar.fastcsv;
  requires java.logging;
  requires java.management;
  requires jdk.management;

  exports dev.panagrad.tensor;
  exports dev.panagrad.rule;
  exports dev.panagrad.loss;
  exports dev.panagrad.schedule;
  exports dev.panagrad.solver;
  exports dev.panagrad.penalty;
  exports dev.panagrad.backend;
  exports dev.panagrad.optimizer;
  exports dev.panagrad.regression;
  exports dev.panagrad.data;
  exports dev.panagrad.encoding;
  exports dev.panagrad.arrow;
  exports dev.panagrad.train;
  exports dev.panagrad.path;
  exports dev.panagrad.tune;
  exports dev.panagrad.safetensors;

  uses dev.panagrad.backend.BackendProvider;

  provides dev.panagrad.backend.BackendProvider with
      dev.panagrad.backend.simd.SimdProvider,
      dev.panagrad.backend.openblas.OpenBlasProvider,
      dev.panagrad.backend.cuda.CudaProvider,
      dev.panagrad.backend.scalar.ScalarProvider;
}
