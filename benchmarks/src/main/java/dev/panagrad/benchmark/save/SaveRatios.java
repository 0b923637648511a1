package dev.panagrad.benchmark.save;

import dev.panagrad.backend.Backend;
import dev.panagrad.backend.BackendOptions;
import dev.panagrad.backend.Backends;
import dev.panagrad.optimizer.Checkpoint;
import dev.panagrad.optimizer.CheckpointSnapshot;
import dev.panagrad.optimizer.Optimizer;
import dev.panagrad.rule.Adam;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Parameters;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * {@code save DIR [PARAMETERS] [ROUNDS]}: saves the checkpoint of an Adam optimizer to a new file,
 * and has {@code dd} write the same bytes to another, in turns; deletes both between rounds, which
 * is timed for neither.
 */
public final class SaveRatios {
  private static final long PARAMETERS = 100_000_000;
  private static final int ROUNDS = 9;
  private static final double SECOND = 1e9;

  private SaveRatios() {}

  /** Runs it on the directory that the first argument names. */
  public static void run(List<String> args) throws IOException, InterruptedException {
    Path folder = Path.of(args.getFirst());
    long count = args.size() > 1 ? Long.parseLong(args.get(1)) : PARAMETERS;
    int rounds = args.size() > 2 ? Integer.parseInt(args.get(2)) : ROUNDS;
    Path saved = folder.resolve("save-ratio.safetensors");
    Path copied = folder.resolve("save-ratio.dd");
    List<Double> saves = new ArrayList<>();
    List<Double> copies = new ArrayList<>();
    List<Double> ratios = new ArrayList<>();
    List<Double> pauses = new ArrayList<>();
    try (Backend backend = Backends.openHost(BackendOptions.defaults());
        TensorArena arena = TensorArena.open("save")) {
      Optimizer optimizer = optimizer(backend, arena, count);
      CheckpointSnapshot snapshot = new CheckpointSnapshot(optimizer, arena, true);
      Path source = folder.resolve("save-ratio.source");
      Checkpoint.save(optimizer, source);
      for (int round = -1; round < rounds; round++) {
        Files.deleteIfExists(saved);
        Files.deleteIfExists(copied);
        double save;
        double copy;
        // Whoever comes second finds the disk busier.
        if (round % 2 == 0) {
          save = save(optimizer, saved);
          copy = copy(source, copied);
        } else {
          copy = copy(source, copied);
          save = save(optimizer, saved);
        }
        long before = System.nanoTime();
        snapshot.take();
        if (round >= 0) {
          pauses.add((System.nanoTime() - before) / SECOND);
          saves.add(save);
          copies.add(copy);
          ratios.add(copy / save);
        }
      }
      System.out.printf(
          Locale.ROOT,
          "%,d parameters, %,d bytes, %d rounds, medians%nsave %.3f s, dd conv=fsync %.3f s, dd over save %.2f%npause of a background save (copy) %.3f s%n",
          count,
          Files.size(source),
          rounds,
          median(saves),
          median(copies),
          median(ratios),
          median(pauses));
      Files.delete(source);
    }
    Files.deleteIfExists(saved);
    Files.deleteIfExists(copied);
  }

  private static Optimizer optimizer(Backend backend, TensorArena arena, long count) {
    Parameters parameters =
        Parameters.layout().add("weights", count).allocate(arena, "parameters", DType.F32);
    Tensor gradient = parameters.like(arena, "gradient").flat();
    for (long i = 0; i < gradient.count(); i += 3) {
      gradient.set(i, 1.0 / (i + 1));
    }
    Optimizer optimizer = Optimizer.of(Adam.of(0.1)).build(parameters, backend, arena);
    optimizer.step(gradient);
    return optimizer;
  }

  private static double save(Optimizer optimizer, Path file) throws IOException {
    long before = System.nanoTime();
    Checkpoint.save(optimizer, file);
    return (System.nanoTime() - before) / SECOND;
  }

  private static double copy(Path source, Path target) throws IOException, InterruptedException {
    long before = System.nanoTime();
    int status =
        new ProcessBuilder(
                "dd", "if=" + source, "of=" + target, "bs=4M", "conv=fsync", "status=none")
            .inheritIO()
            .start()
            .waitFor();
    if (status != 0) {
      throw new IOException("dd ended with status " + status);
    }
    return (System.nanoTime() - before) / SECOND;
  }

  private static double median(List<Double> values) {
    return values.stream().sorted().toList().get(values.size() / 2);
  }
}
