package dev.panagrad.train.online;

import dev.panagrad.loss.Losses;
import dev.panagrad.optimizer.Checkpoint;
import dev.panagrad.optimizer.CheckpointSnapshot;
import dev.panagrad.regression.Standardization;
import dev.panagrad.safetensors.Excerpt;
import dev.panagrad.safetensors.NameList;
import dev.panagrad.safetensors.SafetensorsFile;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Shape;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * An online regression as a {@link Checkpoint} of its optimizer with more:
 *
 * <pre>
 *   training/moments   F64 [4, features + targets]   of the standardization, those of no change if
 *                                                    there is none
 *   training/guard     F64 [n]                       what the guard remembers; 0 without one
 *   training/rate      F64 [4]                       what the running rate remembers; 0 without one
 *
 *   metadata: online.version, online.features and online.targets (JSON lists of names), online.loss,
 *             online.offset (true if rows had one)
 * </pre>
 */
public final class OnlineFile {
  private static final String MOMENTS = Checkpoint.OTHERS + "moments";
  private static final String GUARD = Checkpoint.OTHERS + "guard";
  private static final String RATE = Checkpoint.OTHERS + "rate";
  private static final String OFFSET = "online.offset";
  private static final int RATE_NUMBERS = 4;
  private static final int GUARD_NUMBERS = RowGuard.NUMBERS;

  private OnlineFile() {}

  /** Writes it in place of what was there. */
  public static void save(OnlineFit fit, Path file) throws IOException {
    try (TensorArena arena = TensorArena.open("online checkpoint")) {
      Map<String, String> texts = identity(fit);
      texts.put(OFFSET, Boolean.toString(fit.hasOffset()));
      CheckpointSnapshot snapshot = new CheckpointSnapshot(fit.optimizer(), arena, false);
      snapshot.take();
      Tensor moments = arena.allocate(MOMENTS, DType.F64, 4, columns(fit));
      fit.scales().writeTo(moments);
      Tensor guard = arena.allocate(GUARD, DType.F64, GUARD_NUMBERS);
      Tensor rate = arena.allocate(RATE, DType.F64, RATE_NUMBERS);
      if (fit.guard() != null) {
        guard.copyFrom(fit.guard().memory());
      }
      if (fit.rate() != null) {
        rate.copyFrom(fit.rate().memory());
      }
      snapshot.write(file, texts, List.of(moments, guard, rate));
    }
  }

  private static int columns(OnlineFit fit) {
    return fit.features().size() + fit.targets().size();
  }

  private static Map<String, String> identity(OnlineFit fit) throws IOException {
    Map<String, String> texts = new LinkedHashMap<>();
    texts.put("online.version", "1");
    texts.put("online.features", NameList.format(fit.features()));
    texts.put("online.targets", NameList.format(fit.targets()));
    texts.put("online.loss", Losses.text(fit.loss()));
    return texts;
  }

  /** The moments of a file of so many columns; null if they change nothing. */
  public static Standardization standardization(Path file, int features, int targets)
      throws IOException {
    try (SafetensorsFile in = open(file);
        TensorArena arena = TensorArena.open("moments")) {
      requireShape(file, in, MOMENTS, Shape.of(4, features + targets));
      Standardization moments = Standardization.of(in.read(arena, MOMENTS), features);
      String none = Standardization.none(features, targets).fingerprint();
      return moments.fingerprint().equals(none) ? null : moments;
    }
  }

  private static SafetensorsFile open(Path file) throws IOException {
    SafetensorsFile in = SafetensorsFile.open(file);
    try {
      in.requireIntactHeader();
      Checkpoint.requireVersion(file, in);
      if (!in.names().contains(MOMENTS)) {
        throw new IOException(
            "'%s' is a checkpoint of something else: OnlineRegression.save writes what is needed"
                .formatted(Excerpt.of(file)));
      }
      return in;
    } catch (Throwable e) {
      in.close();
      throw e;
    }
  }

  private static void requireShape(Path file, SafetensorsFile in, String name, Shape shape)
      throws IOException {
    if (in.dtype(name) != DType.F64 || !in.shape(name).equals(shape)) {
      throw new IOException(
          "'%s': tensor '%s' is %s %s where F64 %s is needed for these columns"
              .formatted(Excerpt.of(file), name, in.dtype(name), in.shape(name), shape));
    }
    in.requireIntact(name);
  }

  /** Brings a regression to where the file's was; nothing changes before all is checked. */
  public static void restore(OnlineFit fit, Path file) throws IOException {
    try (SafetensorsFile in = open(file);
        TensorArena arena = TensorArena.open("online checkpoint")) {
      for (Map.Entry<String, String> needed : identity(fit).entrySet()) {
        String found = in.metadata().get(needed.getKey());
        if (!needed.getValue().equals(found)) {
          throw new IOException(
              "'%s' differs in its %s: there it is %s, here %s"
                  .formatted(
                      Excerpt.of(file),
                      needed.getKey(),
                      found == null ? "missing" : Excerpt.of(found),
                      Excerpt.of(needed.getValue())));
        }
      }
      requireShape(file, in, MOMENTS, Shape.of(4, columns(fit)));
      requireShape(file, in, GUARD, Shape.of(GUARD_NUMBERS));
      requireShape(file, in, RATE, Shape.of(RATE_NUMBERS));
      Standardization moments = Standardization.of(in.read(arena, MOMENTS), fit.features().size());
      if (!moments.fingerprint().equals(fit.scales().fingerprint())) {
        throw new IOException(
            "'%s' differs in its standardization: its rows had other means or scales than the ones given here"
                .formatted(Excerpt.of(file)));
      }
      double[] guard = numbers(in, arena, GUARD);
      if (!RowGuard.isMemory(guard)) {
        throw new IOException(
            "'%s': tensor '%s' is not what a guard remembers".formatted(Excerpt.of(file), GUARD));
      }
      double[] rate = numbers(in, arena, RATE);
      Checkpoint.requireFits(fit.optimizer(), file, in);
      Checkpoint.read(fit.optimizer(), file, in);
      fit.restored(guard, rate, Boolean.parseBoolean(in.metadata().get(OFFSET)));
    }
  }

  private static double[] numbers(SafetensorsFile in, TensorArena arena, String name)
      throws IOException {
    Tensor tensor = in.read(arena, name);
    double[] numbers = new double[Math.toIntExact(tensor.count())];
    for (int i = 0; i < numbers.length; i++) {
      numbers[i] = tensor.get(i);
    }
    return numbers;
  }
}
