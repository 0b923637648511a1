package dev.panagrad.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The same rows in many forms give the same model, and options that make no sense are refused. */
class DataSourceTest {
  private static final String ROWS = "1.5,2,3\n2.5,-1,4\n3,3,7.5\n0.5,0,1\n-1,2,0\n4,4,9.25\n";
  private static final String HEADER = "a,b,y\n";
  private static final String FIT = "--target y --quiet --json";

  @TempDir private Path folder;

  private String write(String name, byte[] bytes) throws IOException {
    Path file = folder.resolve(name);
    Files.createDirectories(file.getParent());
    return Files.write(file, bytes).toString();
  }

  private String write(String name, String text) throws IOException {
    return write(name, text.getBytes(StandardCharsets.UTF_8));
  }

  private static byte[] gzip(String text) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (OutputStream out = new GZIPOutputStream(bytes)) {
      out.write(text.getBytes(StandardCharsets.UTF_8));
    }
    return bytes.toByteArray();
  }

  private static JsonNode coefficients(String options, String... data) throws IOException {
    List<String> words = new ArrayList<>(List.of("train"));
    words.addAll(List.of(data));
    words.addAll(List.of((FIT + " " + options).strip().split(" ", -1)));
    return Cli.run(words.toArray(String[]::new)).exits(Cli.DONE).json().get("exactMse");
  }

  @Test
  void theSameRows() throws IOException {
    JsonNode expected = coefficients("", write("a.csv", HEADER + ROWS));
    String european = (HEADER + ROWS).replace(',', ';').replace('.', ',');
    assertEquals(expected, coefficients("", write("e.csv.gz", gzip(european))));
    assertEquals(expected, coefficients("", write("t.tsv", (HEADER + ROWS).replace(',', '\t'))));
    String asked = ("%\n" + HEADER + ROWS).replace(',', '#').replace('.', ',') + "9#?#-\n";
    assertEquals(
        expected,
        coefficients(
            "--delimiter # --decimal , --comment % --encoding UTF-16 --na ?,- --missing drop --format csv",
            write("asked", asked.getBytes(StandardCharsets.UTF_16))));
    String sparse = ROWS.replaceAll("(.*),(.*),(.*)\n", "$3 1:$1 2:$2\n");
    assertEquals(expected, coefficients("", write("heart_scale", sparse)));
    String[] lines = ROWS.split("\n", -1);
    for (int i = 0; i < 6; i++) {
      write("parts/part-" + i + ".csv", HEADER + lines[i] + "\n");
    }
    write("parts/_SUCCESS", "");
    assertEquals(expected, coefficients("", folder.resolve("parts").toString()));
    assertEquals(expected, coefficients("", folder.resolve("parts") + "/part-*.csv"));
    String first = write("first.csv", HEADER + lines[0] + "\n");
    String rest = write("rest.csv", HEADER + ROWS.substring(ROWS.indexOf('\n') + 1));
    assertEquals(expected, coefficients("", first, rest));
    InputStream before = System.in;
    try {
      System.setIn(new ByteArrayInputStream(gzip(HEADER + ROWS)));
      assertEquals(expected, coefficients("", "-"));
    } finally {
      System.setIn(before);
    }
  }

  @Test
  void whatIsFoundIsSaidOnce() throws IOException {
    String text = (HEADER + ROWS).replace(',', ';').replace('.', ',');
    Cli run = Cli.run("train %s " + FIT, Path.of(write("e.csv", text))).exits(Cli.DONE);
    long said = run.err().lines().filter(line -> line.contains("separated by ';'")).count();
    assertEquals(1, said, run.err());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "--format xlsx | --format must be one of [csv, libsvm, parquet, arrow, npy, npz, safetensors]",
        "--delimiter ;; | --delimiter must be one character",
        "--delimiter , --decimal , | cannot separate fields",
        "--encoding latin-99 | there is no character set 'latin-99'",
        "--dates years | --dates must be days or seconds"
      })
  void optionsThatMakeNoSense(String options, String message) throws IOException {
    Path file = Path.of(write("a.csv", HEADER + ROWS));
    Cli.assertContains(Cli.train(file, "--target y " + options).failure(Cli.USAGE), message);
  }

  @Test
  void whatIsReadAlone() throws IOException {
    String file = write("a.csv", HEADER + ROWS);
    for (String other : List.of("-", "sample:diabetes")) {
      Cli run = Cli.run("train", file, other, "--target", "y");
      Cli.assertContains(run.failure(Cli.USAGE), "'" + other + "' is read alone");
    }
    Cli run = Cli.run("train", "/dev/fd/9999", "--target", "y");
    Cli.assertContains(run.failure(Cli.FAILED), "pipe it into the program and name it -");
  }
}
