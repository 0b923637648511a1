package dev.panagrad.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.panagrad.encoding.TableEncoding;
import dev.panagrad.regression.LinearModel;
import dev.panagrad.regression.ModelFile;
import dev.panagrad.regression.ServedModel;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Tables of texts, missing cells and classes, by all commands. */
class EncodingTest {
  private static final String ENCODED = "--exclude Name --categorical auto --missing indicator";

  @TempDir private Path folder;
  private Path passengers;
  private Path model;

  @BeforeEach
  void copy() throws IOException {
    passengers = folder.resolve("passengers.csv");
    model = folder.resolve("model.safetensors");
    try (InputStream in = EncodingTest.class.getResourceAsStream("/encoding/passengers.csv")) {
      Files.copy(in, passengers);
    }
  }

  private Path write(String name, String text) throws IOException {
    return Files.writeString(folder.resolve(name), text);
  }

  private Cli train(Path data, String line) {
    return Cli.train(data, line + " --quiet --save " + model);
  }

  @Test
  void allThatStandsInTheWayAndTheCommandThatGoesOn() {
    Cli run = Cli.run("train", passengers.toString(), "--target", "Survived");
    assertEquals(Cli.FAILED, run.status(), run::toString);
    List<String> lines = run.err().lines().filter(line -> !line.startsWith("WARN")).toList();
    assertTrue(lines.get(0).endsWith("in column 'Name' is not a number"), run.err());
    assertEquals("4 columns cannot be used:", lines.get(1));
    lines = lines.subList(1, lines.size());
    assertTrue(
        lines.get(1).startsWith("  column 'Name' has texts in 300 of 300 cells, such as 'Passenger")
            && lines.get(1).endsWith("passengers.csv:2:3)"),
        run.err());
    assertTrue(lines.get(2).startsWith("  column 'Sex' has texts in 300 of 300"), run.err());
    assertTrue(
        lines
            .get(3)
            .matches("  column 'Age' has no value in \\d+ of 300 cells, the first at .*:5"));
    assertTrue(lines.get(4).contains(", and has no value in"), run.err());
    String command = lines.get(5);
    assertEquals(
        "go on with: panagrad train %s --target Survived --categorical auto --missing mean --exclude Name"
            .formatted(passengers),
        command);
    String[] words = command.substring("go on with: panagrad ".length()).split(" ", -1);
    Cli.run(words).exits(Cli.DONE);
  }

  /** The same bits in training's own rows by predict, by the API, and served. */
  @Test
  void ownTableIsPredictedAlike() throws IOException {
    train(passengers, "--target Survived --loss logistic --l2 0.01 " + ENCODED).exits(Cli.DONE);
    Cli predicted =
        Cli.run("predict", passengers.toString(), "--model", model.toString()).exits(Cli.DONE);
    List<String> values = predicted.out().lines().toList();
    assertEquals("probability of Survived", values.getFirst());
    assertEquals(301, values.size());
    LinearModel loaded = ModelFile.load(model);
    TableEncoding encoding = loaded.encoding().orElseThrow();
    ServedModel served = ServedModel.load(model);
    List<String> rows = Files.readAllLines(passengers);
    for (int i = 1; i < rows.size(); i++) {
      // Survived,Pclass,"Passenger, No. 0",Sex,Age,Fare,Embarked
      String[] cells = rows.get(i).replaceAll("\".*\"", "name").split(",", -1);
      Map<String, Object> row = new HashMap<>();
      row.put("Pclass", Integer.parseInt(cells[1]));
      row.put("Sex", cells[3]);
      row.put("Age", cells[4].isEmpty() ? null : Double.valueOf(cells[4]));
      row.put("Fare", Double.parseDouble(cells[5]));
      row.put("Embarked", cells[6].isEmpty() ? null : cells[6]);
      double[] features = new double[loaded.features().size()];
      encoding.encode(row, features);
      double value = Double.parseDouble(values.get(i));
      assertEquals(value, loaded.response(features, 0));
      assertEquals(value, served.response(row, 0));
    }
  }

  @ParameterizedTest
  @CsvSource({
    "no, yes, '', yes",
    "No, YES, '', YES",
    "false, true, '', true",
    "-1, 1, '', 1",
    "2, 1, '', 2",
    "cat, dog, dog, dog",
    "yes, no, no, no"
  })
  void classes(String first, String second, String positive, String expected) throws IOException {
    StringBuilder text = new StringBuilder("x,y\n");
    for (int i = 0; i < 40; i++) {
      text.append(i).append(',').append(i % 3 == 0 || i > 25 ? first : second).append('\n');
    }
    Path file = write("classes.csv", text.toString());
    String option = positive.isEmpty() ? "" : " --positive " + positive;
    Cli run = train(file, "--target y --loss logistic" + option).exits(Cli.DONE);
    Cli.assertContains(run.err(), "'" + expected + "' is class 1");
    Cli predicted =
        Cli.run("predict", file.toString(), "--model", model.toString()).exits(Cli.DONE);
    List<String> lines = predicted.out().lines().toList();
    assertEquals("y,probability of y=" + expected, lines.getFirst());
    String other = expected.equals(first) ? second : first;
    for (String line : lines.subList(1, lines.size())) {
      String[] cells = line.split(",", -1);
      assertEquals(Double.parseDouble(cells[1]) >= 0.5 ? expected : other, cells[0]);
    }
    assertEquals(expected, ModelFile.load(model).classes(0).orElseThrow().positive());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "cat dog | '' | has the classes 'cat' and 'dog', and which of them is positive is not said",
        "cat dog | --positive cow | has the classes 'cat' and 'dog', and not 'cow'",
        "1 2 3 | '' | has 3 values where two classes are needed: 1, 2, 3; the first of a third at",
        "-0 0 1 7 | '' | has 3 values where two classes are needed: 0, 1, 7; the first of a third at",
        "1 2 inf | '' | has an infinite cell where a class is needed, the first at",
        "5 5 | '' | has 1 value where two classes are needed: 5",
        "a b c | --positive a | has 3 values where two classes are needed: a, b, c"
      })
  void classesThatAreRefused(String labels, String option, String message) throws IOException {
    StringBuilder text = new StringBuilder("x,y\n");
    String[] all = labels.split(" ", -1);
    for (int i = 0; i < 12; i++) {
      text.append(i).append(',').append(all[i % all.length]).append('\n');
    }
    Path file = write("classes.csv", text.toString());
    Cli run = Cli.train(file, ("--target y --loss logistic " + option).strip());
    assertEquals(Cli.FAILED, run.status(), run::toString);
    Cli.assertContains(run.err(), "column 'y' " + message);
    assertEquals(message.contains("the classes"), run.err().contains("--positive LABEL"));
  }

  /** In LIBSVM too, where the command that goes on does. */
  @Test
  void marksOfMissingValuesInLibsvm() throws IOException {
    Path file = write("marks.svm", "1f 1:2\n0 1:3 2:1\n1 2:5\n2 1:2d 2:1\n3 1:1 2:2\n");
    Cli run = Cli.train(file, "--target y");
    assertEquals(Cli.FAILED, run.status(), run::toString);
    String last = run.err().lines().toList().getLast();
    assertTrue(last.contains("--missing mean --na '"), last);
    Cli.train(file, "--target y --missing mean --na 1f,2d").exits(Cli.DONE);
    Cli.train(file, "--target y --missing drop --na 1f,2d,5").exits(Cli.DONE);
  }

  /** A few texts among numbers are marks of missing values. */
  @Test
  void marksOfMissingValues() throws IOException {
    Path file = write("marks.csv", "x,y\n1,2\n-,3\n3,5\n4,.\n5,8\n7,9\n");
    Cli run = Cli.train(file, "--target y");
    assertEquals(Cli.FAILED, run.status(), run::toString);
    String last = run.err().lines().toList().getLast();
    assertTrue(last.contains("--target y --missing mean '--na=-,.,#N/A,<NA>,?,N/A,NA,"), last);
    Path names = write("names.csv", "id,\"n,m\",y\n" + names(30));
    Cli named = Cli.train(names, "--target y");
    assertTrue(named.err().strip().endsWith("--exclude 'id,\"n,m\"'"), named.err());
    Cli quoted = Cli.run("train", names.toString(), "--target", "y", "--exclude", "id,\"n,m\"");
    Cli.assertContains(quoted.err(), "no feature column is left");
    Cli features = Cli.train(names, "--target y --features id");
    assertTrue(features.err().strip().endsWith("--features NAME"), features.err());
  }

  private static String names(int rows) {
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < rows; i++) {
      text.append("n%d,m%d,%d\n".formatted(i, i, i));
    }
    return text.toString();
  }

  /** The offset of a row that is predicted is no class. */
  @Test
  void classesAndOffsets() throws IOException {
    Path file = write("o.csv", "x,off,y\n1,0.5,1\n2,0,2\n3,1,1\n4,2,2\n5,0,2\n6,1,1\n7,0,2\n");
    train(file, "--target y --loss logistic --offset off --l2 0.1").exits(Cli.DONE);
    Path further = write("p.csv", "x,off\n2,1\n2,2\n2,0.25\n");
    String[] words =
        "predict %s --model %s --offset off --linear".formatted(further, model).split(" ", -1);
    double[] z =
        Cli.run(words)
            .exits(Cli.DONE)
            .out()
            .lines()
            .skip(1)
            .mapToDouble(Double::parseDouble)
            .toArray();
    assertEquals(1, z[1] - z[0], 1e-12);
    assertEquals(-0.75, z[2] - z[0], 1e-12);
  }

  /** Held-out rows have no part in the encoding of a comparison either. */
  @Test
  void comparisonsHoldOutRowsToo() throws IOException {
    StringBuilder text = new StringBuilder("x,y\n");
    for (int i = 0; i < 100; i++) {
      text.append(i % 4 == 0 ? "" : i * i).append(',').append(i).append('\n');
    }
    Path file = write("held.csv", text.toString());
    String line = " --target y --missing mean --validation 0.3 --seed 4 --dtype f64";
    Cli compared = Cli.run(("compare " + file + line).split(" ", -1)).exits(Cli.DONE);
    double coefficient =
        Cli.train(file, (line + " --json").strip()).json().at("/coefficients/0/0").asDouble();
    String row = compared.out().lines().filter(l -> l.startsWith("  x ")).findFirst().orElseThrow();
    String[] cells = row.strip().split(" +", -1);
    assertEquals(coefficient, Double.parseDouble(cells[cells.length - 1]), 1e-6 * coefficient);
  }

  @Test
  void conversionsSayAllToo() throws IOException {
    Path rows = folder.resolve("rows.safetensors");
    Cli run = Cli.run("convert", passengers.toString(), rows.toString(), "--target", "Survived");
    assertEquals(Cli.FAILED, run.status());
    Cli.assertContains(run.err(), "4 columns cannot be used:", "go on with: panagrad convert ");
    String line = "convert %s %s --target Survived --positive 0 " + ENCODED;
    Cli.run(line.formatted(passengers, rows).split(" ", -1)).exits(Cli.DONE);
    train(rows, "--optimizer cg").exits(Cli.DONE);
    assertEquals("0", ModelFile.load(model).classes(0).orElseThrow().positive());
  }

  @Test
  void rowsOfWeightZeroHaveNoClass() throws IOException {
    Path file = write("w.csv", "x,y,w\n1,a,1\n2,maybe,0\n3,b,1\n4,a,2\n5,b,1\n");
    String line = "--target y --features x --weights w --loss logistic --positive b --l2 0.1";
    Cli.assertContains(train(file, line).exits(Cli.DONE).err(), "'b' is class 1, 'a' class 0");
  }

  /** A text as target of another loss is no class. */
  @Test
  void textAsTarget() throws IOException {
    Path file = write("t.csv", "x,y\n1,a\n2,b\n3,a\n");
    Cli run = Cli.train(file, "--target y");
    assertEquals(Cli.FAILED, run.status());
    Cli.assertContains(
        run.err(), "column 'y' has texts in 3 of 3 cells", "choose another --target");
  }

  /** A mean, a median and levels of training rows alone: what is held out has no part in them. */
  @Test
  void heldOutRowsAreNotFitted() throws IOException {
    StringBuilder text = new StringBuilder("x,c,y\n");
    for (int i = 0; i < 100; i++) {
      text.append(i % 4 == 0 ? "" : i).append(",l").append(i).append(',').append(i).append('\n');
    }
    Path file = write("held.csv", text.toString());
    String line = "--target y --categorical auto --missing mean --l2 1 --validation 0.3";
    Cli refused = Cli.train(file, line);
    assertEquals(Cli.FAILED, refused.status(), refused::toString);
    Cli.assertContains(
        refused.err(),
        "in column 'c' is none of the levels that were trained on",
        "train with unseen levels as zeros");
    train(file, line + " --unseen zeros --seed 4").exits(Cli.DONE);
    LinearModel fitted = ModelFile.load(model);
    long levels = fitted.features().stream().filter(f -> f.startsWith("c=")).count();
    assertEquals(69, levels, "70 training rows, one is the baseline");
    double sum = 0;
    long count = 0;
    for (int i = 0; i < 100; i++) {
      boolean isBaseline = fitted.features().stream().noneMatch(f -> f.startsWith("c="));
      assertFalse(isBaseline);
      String level = "c=l" + i;
      boolean isTrained =
          fitted.features().contains(level) || level.equals("c=" + baseline(fitted));
      if (isTrained && i % 4 != 0) {
        sum += i;
        count++;
      }
    }
    double[] features = new double[fitted.features().size()];
    fitted.encoding().orElseThrow().encode(Map.of("c", "l1"), features);
    assertEquals(sum / count, features[0], 1e-12);
  }

  private static String baseline(LinearModel model) {
    return ((dev.panagrad.encoding.CategoryColumn) model.encoding().orElseThrow().columns().get(1))
        .levels()
        .getFirst();
  }

  /** A training file knows how its rows were encoded, and ends at the same model. */
  @Test
  void convertedTable() throws IOException {
    String asked = "--target Fare " + ENCODED;
    train(passengers, asked + " --dtype f64 --optimizer cg").exits(Cli.DONE);
    LinearModel direct = ModelFile.load(model);
    Path rows = folder.resolve("rows.safetensors");
    Cli.run(("convert %s %s --dtype f64 " + asked).formatted(passengers, rows).split(" ", -1))
        .exits(Cli.DONE);
    train(rows, "--optimizer cg").exits(Cli.DONE);
    LinearModel converted = ModelFile.load(model);
    assertEquals(direct.encoding(), converted.encoding());
    for (int f = 0; f < direct.features().size(); f++) {
      assertEquals(direct.coefficient(0, f), converted.coefficient(0, f), 1e-8);
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "compare %s --target Fare --epochs 2",
        "tune %s --target Fare --optimizer sgd --epochs 2",
        "path %s --target Fare --penalty l2 --values 3"
      })
  void otherCommands(String line) {
    Cli run = Cli.run((line.formatted(passengers) + " " + ENCODED).split(" ", -1)).exits(Cli.DONE);
    if (!line.startsWith("compare")) {
      // The command that they suggest reads the same columns.
      Cli.assertContains(run.out(), "--categorical auto", "--missing indicator", "--exclude Name");
    }
  }

  /** Rows that miss a cell are left out of a training, and get no prediction. */
  @Test
  void droppedRows() throws IOException {
    Path file = write("d.csv", "x,c,y\n1,a,2\n2,b,4\n,a,5\n4,,9\n5,b,10\n6,a,\n7,b,15\n8,a,16\n");
    Cli run = train(file, "--target y --categorical c --missing drop").exits(Cli.DONE);
    Cli.assertContains(run.err(), "3 of 8 rows are left out");
    Path further = write("f.csv", "c,x\na,1\n,2\nb,\nb,5\n");
    Cli refused = Cli.run("predict", further.toString(), "--model", model.toString());
    assertEquals(Cli.FAILED, refused.status());
    Cli.assertContains(refused.err(), "f.csv:3:1", "column 'c' has no value");
    List<String> lines =
        Cli.run("predict", further.toString(), "--model", model.toString(), "--missing", "drop")
            .exits(Cli.DONE)
            .out()
            .lines()
            .toList();
    assertEquals(5, lines.size());
    assertTrue(lines.get(2).isEmpty() && lines.get(3).isEmpty(), lines.toString());
    assertFalse(lines.get(1).isEmpty() || lines.get(4).isEmpty());
  }

  @Test
  void rowsOfWeightZeroHaveNoPart() throws IOException {
    Path file =
        write("w.csv", "x,c,y,w\n1,a,2,1\n2,b,4,1\n,a,5,1\n900,z,9,0\n5,b,10,2\n7,b,15,1\n");
    String line =
        "--target y --features x,c --weights w --categorical auto --missing mean --l2 0.1";
    train(file, line).exits(Cli.DONE);
    LinearModel fitted = ModelFile.load(model);
    assertEquals(List.of("x", "c=b"), fitted.features());
    double[] features = new double[2];
    fitted.encoding().orElseThrow().encode(Map.of("c", "a"), features);
    assertEquals((1 + 2 + 5 + 7) / 4.0, features[0]);
  }

  @Test
  void tooManyLevels() {
    Cli run = Cli.train(passengers, "--target Survived --categorical auto --missing mean");
    assertEquals(Cli.FAILED, run.status());
    Cli.assertContains(
        run.err(), "column 'Name' has more than 100 levels: Passenger", "--exclude Name");
    Cli.assertContains(
        Cli.train(passengers, "--target Survived --categorical Sexx").err(),
        "there is no feature 'Sexx' to take for categories; did you mean 'Sex'?");
  }

  @Test
  void metadataIsReadable() throws IOException {
    train(passengers, "--target Fare " + ENCODED).exits(Cli.DONE);
    byte[] bytes = Files.readAllBytes(model);
    int length =
        (int) java.nio.ByteBuffer.wrap(bytes).order(java.nio.ByteOrder.LITTLE_ENDIAN).getLong();
    JsonNode metadata =
        new com.fasterxml.jackson.databind.ObjectMapper()
            .readTree(bytes, 8, length)
            .get("__metadata__");
    assertEquals(
        "[\"Survived\",\"Pclass\",\"Sex\",\"Age\",\"Embarked\"]", metadata.get("columns").asText());
    assertEquals(
        "[\"category\",\"baseline\",\"error\",\"\",\"female\",\"male\"]",
        metadata.get("column.2").asText());
    assertTrue(metadata.get("column.3").asText().endsWith(",\"indicator\"]"));
  }
}
