package dev.panagrad.benchmark.ratio;

import java.io.IOException;
import java.net.URISyntaxException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/**
 * Loads ND4J with the JavaCPP it was built for, beside the JavaCPP of PyTorch, which is seven
 * releases younger: one class path cannot hold both. Its jars are in the folder {@code lib/nd4j}
 * beside this jar.
 */
final class Nd4jLoader extends URLClassLoader {
  private Nd4jLoader(URL[] jars) {
    super("nd4j", jars, ClassLoader.getPlatformClassLoader());
  }

  static Nd4jLoader open() {
    try {
      URL self = Nd4jLoader.class.getProtectionDomain().getCodeSource().getLocation();
      Path folder = Path.of(self.toURI()).resolveSibling("lib").resolve("nd4j");
      if (!Files.isDirectory(folder)) {
        throw new IllegalStateException("there is no folder " + folder);
      }
      List<URL> jars = new ArrayList<>(List.of(self));
      try (Stream<Path> files = Files.list(folder)) {
        for (Path jar : files.sorted().toList()) {
          jars.add(jar.toUri().toURL());
        }
      }
      return new Nd4jLoader(jars.toArray(URL[]::new));
    } catch (IOException | URISyntaxException e) {
      throw new IllegalStateException("ND4J's jars cannot be found", e);
    }
  }

  @Override
  protected Class<?> findClass(String name) throws ClassNotFoundException {
    // The one type that both sides know.
    return name.equals(ForeignSteps.class.getName()) ? ForeignSteps.class : super.findClass(name);
  }
}
