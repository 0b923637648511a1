package dev.panagrad.build;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.lang.classfile.Attributes;
import java.lang.classfile.ClassFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Backends are found on the class path and on the module path alike; ArtifactsTest runs both. */
@Tag("first")
class ServicesTest {
  private static final Path CLASSES = Path.of("target/classes");

  @Test
  void moduleAndServiceFileListTheSameProviders() throws IOException {
    Set<String> inFile =
        Files.readAllLines(
                CLASSES.resolve("META-INF/services/dev.panagrad.backend.BackendProvider"))
            .stream()
            .filter(line -> !line.isBlank())
            .collect(Collectors.toSet());
    Set<String> inModule =
        ClassFile.of()
            .parse(CLASSES.resolve("module-info.class"))
            .findAttribute(Attributes.module())
            .orElseThrow()
            .provides()
            .stream()
            .flatMap(provides -> provides.providesWith().stream())
            .map(provider -> provider.asInternalName().replace('/', '.'))
            .collect(Collectors.toSet());
    assertEquals(inFile, inModule);
  }
}
