package dev.panagrad.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.panagrad.safetensors.SafetensorsWriter;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.IntToDoubleFunction;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code train} and {@code predict} on files that are no CSV give what they give on CSV. */
class TableFilesTest {
  private static final String OPTIONS = "--dtype f64 --json --quiet --epochs 20";

  @TempDir private Path folder;

  /** The numbers of the small data in C order: features a, b, c, then the target. */
  private static byte[] npy(IntToDoubleFunction... columns) {
    ByteBuffer numbers =
        ByteBuffer.allocate(SmallData.ROWS * columns.length * Double.BYTES)
            .order(ByteOrder.LITTLE_ENDIAN);
    for (int row = 0; row < SmallData.ROWS; row++) {
      for (IntToDoubleFunction column : columns) {
        numbers.putDouble(column.applyAsDouble(row));
      }
    }
    byte[] header =
        "{'descr': '<f8', 'fortran_order': False, 'shape': (%d, %d), }%n"
            .formatted(SmallData.ROWS, columns.length)
            .getBytes(StandardCharsets.US_ASCII);
    return ByteBuffer.allocate(10 + header.length + numbers.capacity())
        .order(ByteOrder.LITTLE_ENDIAN)
        .put((byte) 0x93)
        .put("NUMPY\1\0".getBytes(StandardCharsets.US_ASCII))
        .putShort((short) header.length)
        .put(header)
        .put(numbers.array())
        .array();
  }

  private static byte[] features() {
    return npy(SmallData::a, SmallData::b, SmallData::c);
  }

  /** Trains and predicts, and compares both with CSV. */
  private JsonNode sameAsCsv(Path file, String target) throws IOException {
    Path model = folder.resolve("model.safetensors");
    Path csvModel = folder.resolve("csv.safetensors");
    Path csv = SmallData.write(folder);
    JsonNode expected =
        Cli.train(csv, "--target y --features a,b,c --save " + csvModel + " " + OPTIONS).json();
    JsonNode json =
        Cli.train(file, "--target " + target + " --save " + model + " " + OPTIONS).json();
    assertEquals(expected.get("coefficients"), json.get("coefficients"));
    assertEquals(expected.get("intercept"), json.get("intercept"));
    double[] plane = {2, -3, 0.5, 1};
    double[] found = Arrays.copyOf(Cli.numbers(json.at("/coefficients/0")), 4);
    found[3] = json.at("/intercept/0").asDouble();
    for (int i = 0; i < plane.length; i++) {
      assertEquals(plane[i], found[i], 1e-12 * Math.abs(plane[i]));
    }
    List<String> wanted =
        Cli.run("predict", csv.toString(), "--model", csvModel.toString())
            .exits(Cli.DONE)
            .out()
            .lines()
            .skip(1)
            .toList();
    List<String> predicted =
        Cli.run("predict", file.toString(), "--model", model.toString())
            .exits(Cli.DONE)
            .out()
            .lines()
            .skip(1)
            .toList();
    assertEquals(wanted, predicted);
    return json;
  }

  @Test
  void npy() throws IOException {
    Path file =
        Files.write(
            folder.resolve("data.npy"),
            npy(SmallData::a, SmallData::b, SmallData::c, SmallData::y));
    JsonNode json = sameAsCsv(file, "4");
    assertEquals(List.of("1", "2", "3"), Cli.strings(json.get("features")));
    // Predictions need no target.
    Files.write(file, features());
    Cli.run("predict", file.toString(), "--model", folder.resolve("model.safetensors").toString())
        .exits(Cli.DONE);
    Cli.assertContains(
        Cli.train(file, "--target y --no-header").failure(Cli.USAGE), "--no-header is for CSV");
    Files.write(file, new byte[] {(byte) 0x93, 'N', 'U'});
    Cli.assertContains(
        Cli.train(file, "--target 1").failure(Cli.FAILED),
        "data.npy, byte 3: the header ends here");
  }

  @Test
  void npz() throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (ZipOutputStream out = new ZipOutputStream(bytes)) {
      out.putNextEntry(new ZipEntry("x.npy"));
      out.write(features());
      out.putNextEntry(new ZipEntry("y.npy"));
      out.write(npy(SmallData::y));
    }
    JsonNode json = sameAsCsv(Files.write(folder.resolve("data.NPZ"), bytes.toByteArray()), "y");
    assertEquals(List.of("x1", "x2", "x3"), Cli.strings(json.get("features")));
    // Columns, as this file has them, become rows.
    Path rows = folder.resolve("rows.safetensors");
    Path npz = folder.resolve("data.NPZ");
    Cli.run("convert", npz.toString(), rows.toString(), "--target", "y", "--dtype", "f64")
        .exits(Cli.DONE);
    JsonNode converted = Cli.train(rows, "--json --quiet --epochs 20").json();
    double[] expected = Cli.numbers(json.at("/coefficients/0"));
    double[] found = Cli.numbers(converted.at("/coefficients/0"));
    for (int f = 0; f < 3; f++) {
      // Standardized when they were written: other roundings.
      assertEquals(expected[f], found[f], 1e-12 * Math.abs(expected[f]));
    }
    // A training file is no table: its tensors have rows of their own.
    Cli.assertContains(
        Cli.run(
                "predict",
                rows.toString(),
                "--model",
                folder.resolve("model.safetensors").toString())
            .failure(Cli.FAILED),
        "rows.safetensors");
  }

  @Test
  void safetensors() throws IOException {
    Path file = folder.resolve("data.safetensors");
    try (TensorArena arena = TensorArena.open("data")) {
      Tensor x = arena.allocate("x", DType.F64, SmallData.ROWS, 3);
      Tensor y = arena.allocate("y", DType.F64, SmallData.ROWS);
      for (int row = 0; row < SmallData.ROWS; row++) {
        x.set(row, 0, SmallData.a(row));
        x.set(row, 1, SmallData.b(row));
        x.set(row, 2, SmallData.c(row));
        y.set(row, SmallData.y(row));
      }
      SafetensorsWriter.write(file, Map.of(), List.of(x, y));
    }
    JsonNode json = sameAsCsv(file, "y");
    assertEquals(List.of("x1", "x2", "x3"), Cli.strings(json.get("features")));
  }

  @Test
  void libsvm() throws IOException {
    StringBuilder text = new StringBuilder();
    for (int row = 0; row < SmallData.ROWS; row++) {
      text.append(SmallData.y(row));
      double[] features = {SmallData.a(row), SmallData.b(row), SmallData.c(row)};
      for (int i = 0; i < features.length; i++) {
        text.append(features[i] == 0 ? "" : " " + (i + 1) + ":" + features[i]);
      }
      text.append('\n');
    }
    Path file = Files.writeString(folder.resolve("data.svm"), text);
    JsonNode json = sameAsCsv(file, "y");
    assertEquals(List.of("1", "2", "3"), Cli.strings(json.get("features")));
    // The model's third feature is 0 in every row.
    Path model = folder.resolve("model.safetensors");
    Files.writeString(file, "0 1:2\n");
    double[] coefficients = Cli.numbers(json.get("coefficients").get(0));
    Cli run = Cli.run("predict", file.toString(), "--model", model.toString()).exits(Cli.DONE);
    double predicted = Double.parseDouble(run.out().lines().skip(1).findFirst().orElseThrow());
    double expected = 2 * coefficients[0] + json.get("intercept").get(0).doubleValue();
    assertArrayEquals(
        new double[] {expected}, new double[] {predicted}, 4 * Math.ulp(Math.abs(expected) + 8));
    Files.writeString(file, "0 0:2\n");
    Cli.assertContains(Cli.train(file, "--target y").failure(Cli.FAILED), "data.svm:1: index 0");
  }

  @Test
  void helpNamesTheFormats() {
    String help = Cli.run("train", "--help").exits(Cli.DONE).out().replaceAll("\\s+", " ");
    for (String ending : List.of("CSV", ".npy", ".npz", ".safetensors", ".svm", ".svmlight")) {
      assertTrue(help.contains(ending), ending);
    }
  }

  /** What rounding to F32 loses cannot be had back from the training file. */
  @Test
  void convertWarnsOfWhatF32CannotTellApart() throws IOException {
    StringBuilder text = new StringBuilder("t,y\n");
    for (int i = 0; i < 60; i++) {
      text.append("%d,%d%n".formatted(1_700_000_000L + 20L * i, i % 7));
    }
    Path csv = Files.writeString(folder.resolve("times.csv"), text);
    Path rows = folder.resolve("times.safetensors");
    Cli run = Cli.run("convert", csv.toString(), rows.toString(), "--target", "y").exits(Cli.DONE);
    Cli.assertContains(run.err(), "columns vary by few steps of f32: ['t']; consider --dtype f64");
    Cli wide =
        Cli.run("convert", csv.toString(), rows.toString(), "--target", "y", "--dtype", "f64");
    assertEquals("", wide.exits(Cli.DONE).err());
  }
}
