package dev.panagrad.build;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassModel;
import java.lang.classfile.constantpool.ClassEntry;
import java.lang.classfile.constantpool.MemberRefEntry;
import java.lang.classfile.constantpool.PoolEntry;
import java.lang.classfile.constantpool.Utf8Entry;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * What a compiled class refers to, read from its constant pool.
 *
 * @param name its binary name with slashes
 * @param classes every class it names, in descriptors too
 * @param members every method and field it uses, as {@code owner#name}
 * @param methods its own methods, as name and descriptor
 */
record CompiledClass(String name, Set<String> classes, Set<String> members, Set<String> methods) {
  private static final Path MAIN = Path.of("target/classes/dev/panagrad");
  private static final Pattern IN_DESCRIPTOR = Pattern.compile("L([a-zA-Z0-9_/$]+);");

  /** All classes of the main source tree. */
  static List<CompiledClass> main() {
    try (Stream<Path> files = Files.walk(MAIN)) {
      return files
          .filter(file -> file.toString().endsWith(".class"))
          .filter(file -> !file.endsWith("package-info.class"))
          .map(CompiledClass::read)
          .toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static CompiledClass read(Path file) {
    try {
      ClassModel model = ClassFile.of().parse(file);
      Set<String> classes = new TreeSet<>();
      Set<String> members = new TreeSet<>();
      for (PoolEntry entry : model.constantPool()) {
        switch (entry) {
          case ClassEntry type -> classes.add(type.asInternalName());
          case MemberRefEntry member ->
              members.add(member.owner().asInternalName() + "#" + member.name().stringValue());
          case Utf8Entry text -> addDescriptor(text.stringValue(), classes);
          default -> {}
        }
      }
      Set<String> methods = new TreeSet<>();
      model
          .methods()
          .forEach(m -> methods.add(m.methodName().stringValue() + m.methodType().stringValue()));
      return new CompiledClass(model.thisClass().asInternalName(), classes, members, methods);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void addDescriptor(String text, Set<String> classes) {
    Matcher matcher = IN_DESCRIPTOR.matcher(text);
    while (matcher.find()) {
      classes.add(matcher.group(1));
    }
  }

  /** The package below dev/panagrad, with slashes: {@code backend/simd}. */
  String folder() {
    return folderOf(name);
  }

  static String folderOf(String className) {
    String below = className.substring("dev/panagrad/".length());
    return below.substring(0, below.lastIndexOf('/'));
  }
}
