package dev.panagrad.fuzz;

import com.github.luben.zstd.ZstdOutputStream;
import dev.panagrad.backend.Backend;
import dev.panagrad.backend.BackendOptions;
import dev.panagrad.backend.Backends;
import dev.panagrad.optimizer.Checkpoint;
import dev.panagrad.regression.LinearModel;
import dev.panagrad.regression.ModelFile;
import dev.panagrad.safetensors.SafetensorsWriter;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.TensorArena;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.zip.GZIPOutputStream;
import org.apache.commons.compress.compressors.bzip2.BZip2CompressorOutputStream;

/** Writes the inputs with which fuzzing begins: files as they should be, and choices. */
final class SeedInputs {
  private SeedInputs() {}

  /** Writes them where they belong. */
  public static void main(String[] args) throws IOException {
    for (Class<?> target : FuzzTargets.all().keySet()) {
      Files.createDirectories(FuzzTargets.inputs(target));
    }
    Path tensors = FuzzTargets.inputs(SafetensorsFuzz.class).resolve("tensors");
    Path model = FuzzTargets.inputs(ModelFuzz.class).resolve("file");
    Path checkpoint = FuzzTargets.inputs(CheckpointFuzz.class).resolve("file");
    try (Backend backend = Backends.open("scalar", new BackendOptions(1));
        TensorArena arena = TensorArena.open("seeds")) {
      SafetensorsWriter.write(
          tensors,
          Map.of("a", "b\n\u00e4\u6f22"),
          List.of(
              arena.allocate("w", DType.F32, 2, 3).fill(1),
              arena.allocate("v", DType.F64, 1).fill(2),
              arena.allocate("i", DType.I64, 0)));
      ModelFile.save(
          new LinearModel(
              List.of("a", "b"), List.of("y"), new double[][] {{1, 2}}, new double[] {3}),
          model);
      Checkpoint.save(CheckpointFuzz.optimizer(backend, arena, 3), checkpoint);
    }
    for (Path file : List.of(model, checkpoint)) {
      ByteArrayOutputStream choice = new ByteArrayOutputStream();
      choice.write(0);
      choice.write(Files.readAllBytes(file));
      Files.write(file, choice.toByteArray());
    }
    write(ModelFuzz.class, "made", "\1\1[\"y\"]\0[\"a\",\"b\"]\0\1\1\1\1\2\1\1\0\1");
    write(ModelFuzz.class, "loss", "\1\1[\"y\"]\0[\"a\",\"b\"]\0\1\1\1\1\2\1\1\0\1\1quantile:0.9");
    write(CheckpointFuzz.class, "made", "\1\0\5\0\5\0\5\0\5\0\5\0\5\1\2\1007\0");
    write(SavedFuzz.class, "made", "\3w\0\0\1\2\2\1\1\1\1v\0\1\0\3\5\6\7i\0\2\0\1\2\1a\0b\0");
    write(CsvFuzz.class, "table.csv", "a,b\n1,2.5\n\"3\",-1e-3\n");
    write(DialectFuzz.class, "detected", "\0\0\0\0a;b\n1,5;2\n2,5;x\n");
    write(DialectFuzz.class, "asked", ";,#\4# c\na;b\n-9;NA\n2026-11-30;\u00e9\n");
    write(FileStartFuzz.class, "sparse", "# c\n1 1:2\n-1 2:0.5\n");
    write(FileStartFuzz.class, "csv", "a\tb\n1\tx\n\t2026-11-30\n");
    Path packed = FuzzTargets.inputs(FileStartFuzz.class);
    byte[] csv = "a,b\n1,2.5\n3,x\n".getBytes(StandardCharsets.UTF_8);
    try (OutputStream out = new GZIPOutputStream(Files.newOutputStream(packed.resolve("gzip")))) {
      out.write(csv);
    }
    try (OutputStream out = new ZstdOutputStream(Files.newOutputStream(packed.resolve("zstd")))) {
      out.write(csv);
    }
    try (OutputStream out =
        new BZip2CompressorOutputStream(Files.newOutputStream(packed.resolve("bzip2")), 1)) {
      out.write(csv);
    }
    write(CsvFuzz.class, "quoted.csv", "\"a \"\"b\"\"\",\"c\n\"\r\n1,\n");
  }

  private static void write(Class<?> target, String name, String text) throws IOException {
    Files.write(
        FuzzTargets.inputs(target).resolve(name), text.getBytes(StandardCharsets.ISO_8859_1));
  }
}
