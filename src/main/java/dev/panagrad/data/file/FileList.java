package dev.panagrad.data.file;

import dev.panagrad.data.DataException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.PathMatcher;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * The files that a name stands for: itself, all below a folder, or those that a pattern with {@code
 * *}, {@code ?}, {@code []} or {@code {}} fits, in the order of their names. Below the folder,
 * names that begin with {@code .} or {@code _} are left out, which writers give to what is no data.
 */
public final class FileList {
  private static final Pattern GLOB = Pattern.compile("[*?\\[{]");

  private FileList() {}

  /** The files, each with the values of the folders {@code name=value} that it is in. */
  public static Map<Path, Map<String, String>> of(Path path) {
    boolean isPattern = GLOB.matcher(path.toString()).find() && !Files.exists(path);
    if (!isPattern && !Files.isDirectory(path)) {
      return Map.of(path, Map.of());
    }
    Path root = path;
    while (isPattern && root != null && GLOB.matcher(root.toString()).find()) {
      root = root.getParent();
    }
    PathMatcher matcher =
        isPattern ? FileSystems.getDefault().getPathMatcher("glob:" + path) : file -> true;
    Path start = root == null ? Path.of("") : root;
    Map<Path, Map<String, String>> files = new LinkedHashMap<>();
    try (Stream<Path> all = Files.exists(start) ? Files.walk(start) : Stream.empty()) {
      List<Path> found =
          all.filter(file -> matcher.matches(file) && Files.isRegularFile(file))
              .filter(file -> isVisible(start.relativize(file)))
              .sorted()
              .toList();
      found.forEach(file -> files.put(file, folders(start.relativize(file))));
    } catch (IOException e) {
      throw RegularFile.cannotRead(path.toString(), e);
    } catch (UncheckedIOException e) {
      throw RegularFile.cannotRead(path.toString(), e.getCause());
    }
    if (files.isEmpty()) {
      throw new DataException(
          isPattern
              ? "no file fits '%s'".formatted(path)
              : "'%s' is a directory without files of data; names that begin with . or _ are left out"
                  .formatted(path));
    }
    return files;
  }

  private static boolean isVisible(Path below) {
    for (Path name : below) {
      if (name.toString().startsWith(".") || name.toString().startsWith("_")) {
        return false;
      }
    }
    return true;
  }

  private static Map<String, String> folders(Path below) {
    Map<String, String> values = new LinkedHashMap<>();
    for (int i = 0; i < below.getNameCount() - 1; i++) {
      String[] pair = below.getName(i).toString().split("=", 2);
      if (pair.length == 2) {
        values.put(decoded(pair[0]), decoded(pair[1]));
      }
    }
    return values;
  }

  /** Writers escape what a name of a file cannot have: a percent sign and the code of each byte. */
  private static String decoded(String text) {
    if (!text.contains("%")) {
      return text;
    }
    byte[] from = text.getBytes(StandardCharsets.UTF_8);
    byte[] to = new byte[from.length];
    int length = 0;
    for (int i = 0; i < from.length; i++) {
      boolean isCode =
          from[i] == '%'
              && i + 2 < from.length
              && HexFormat.isHexDigit(from[i + 1])
              && HexFormat.isHexDigit(from[i + 2]);
      to[length++] =
          isCode
              ? (byte) (HexFormat.fromHexDigit(from[++i]) << 4 | HexFormat.fromHexDigit(from[++i]))
              : from[i];
    }
    return new String(to, 0, length, StandardCharsets.UTF_8);
  }
}
