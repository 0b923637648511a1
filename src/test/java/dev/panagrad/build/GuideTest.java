package dev.panagrad.build;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.panagrad.ChildJvm;
import dev.panagrad.cli.Main;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.api.io.TempDir;

/** README and guide: short enough to be read, links that lead somewhere, commands that run. */
class GuideTest {
  private static final Path README = Path.of("README.md");
  private static final int MOST_LINES = 200;
  private static final Pattern LINK = Pattern.compile("\\]\\(([^)\\s]+)\\)");
  private static final String PROGRAM = "java -jar target/panagrad.jar ";

  @TempDir private Path folder;

  private static List<Path> pages() throws IOException {
    List<Path> pages = new ArrayList<>(List.of(README, Path.of("benchmarks/README.md")));
    try (Stream<Path> files = Files.list(Path.of("src/site/markdown"))) {
      files.sorted().forEach(pages::add);
    }
    return pages;
  }

  @Test
  void readmeIsShort() throws IOException {
    long lines = Files.readAllLines(README).size();
    assertTrue(lines <= MOST_LINES, "README.md has %,d lines".formatted(lines));
  }

  @Test
  void linksLeadSomewhere() throws IOException {
    List<String> broken = new ArrayList<>();
    int seen = 0;
    for (Path page : pages()) {
      for (Matcher link = LINK.matcher(Files.readString(page)); link.find(); seen++) {
        String to = link.group(1);
        if (!to.startsWith("https://") && !leads(page, to)) {
          broken.add(page + ": " + to);
        }
      }
    }
    assertEquals(List.of(), broken);
    assertTrue(seen > 20, seen + " links");
  }

  private static boolean leads(Path page, String to) throws IOException {
    String[] parts = to.split("#", 2);
    Path target = parts[0].isEmpty() ? page : page.resolveSibling(parts[0]);
    if (parts.length == 1 || !Files.isRegularFile(target)) {
      return Files.exists(target);
    }
    return Files.readAllLines(target).stream()
        .filter(line -> line.startsWith("#"))
        .map(line -> line.replaceFirst("#+ ", "").toLowerCase(Locale.ROOT).replace(' ', '-'))
        .anyMatch(parts[1]::equals);
  }

  /** In their order, in one folder: some read what others wrote. Days of training are cut short. */
  @Test
  @EnabledIfSystemProperty(named = "panagrad.test.slow", matches = "true")
  void commandsRun() throws IOException, InterruptedException {
    Files.createSymbolicLink(folder.resolve("src"), Path.of("src").toAbsolutePath());
    int run = 0;
    for (Path page : pages()) {
      for (String line : Files.readAllLines(page)) {
        if (line.startsWith(PROGRAM)) {
          run(page, line.substring(PROGRAM.length()).replace("2000000", "2000"));
          run++;
        }
      }
    }
    assertTrue(run >= 20, run + " commands");
  }

  private void run(Path page, String arguments) throws IOException, InterruptedException {
    String separator = File.pathSeparator;
    String[] path = System.getProperty("java.class.path").split(separator, -1);
    String absolute =
        Arrays.stream(path)
            .map(entry -> Path.of(entry).toAbsolutePath().toString())
            .collect(Collectors.joining(separator));
    List<String> inFolder = List.of("sh", "-c", "cd \"$0\" && exec \"$@\"", folder.toString());
    List<String> line = new ArrayList<>(List.of(Main.class.getName()));
    line.addAll(List.of(arguments.split(" +")));
    System.out.println(page + ": " + arguments);
    ChildJvm.output(0, inFolder, absolute, List.of(), line.toArray(String[]::new));
  }
}
