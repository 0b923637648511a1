package dev.panagrad.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.panagrad.train.Option;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;

/** Flags are known to the command line alone. */
class FlagsTest {
  private static final Pattern LITERAL = Pattern.compile("\"(?:[^\"\\\\\n]|\\\\.)*\"");
  private static final Pattern FLAG = Pattern.compile("--[a-z][a-z0-9-]*");

  private static Set<String> all() {
    Set<String> flags = new TreeSet<>();
    for (CommandLine command : Main.commandLine().getSubcommands().values()) {
      flags.addAll(command.getCommandSpec().optionsMap().keySet());
    }
    flags.removeIf(flag -> !flag.startsWith("--"));
    return flags;
  }

  @Test
  void everyOptionHasOne() {
    for (Option option : Option.values()) {
      assertTrue(all().contains(Flags.of(option)), option::name);
    }
  }

  /** A caller of the API has no flags; options of java itself are no option of a command. */
  @Test
  void noMessageOfTheLibraryNamesOne() throws IOException {
    Set<String> flags = all();
    assertTrue(flags.contains("--learning-rate"), flags::toString);
    Set<String> found = new TreeSet<>();
    try (Stream<Path> files = Files.walk(Path.of("src/main/java/dev/panagrad"))) {
      for (Path file : files.filter(f -> f.toString().endsWith(".java")).toList()) {
        Matcher literals = LITERAL.matcher(Files.readString(file));
        while (!file.toString().contains("/cli/") && literals.find()) {
          FLAG.matcher(literals.group())
              .results()
              .filter(flag -> flags.contains(flag.group()))
              .forEach(flag -> found.add(file + ": " + flag.group()));
        }
      }
    }
    assertEquals(Set.of(), found);
  }
}
