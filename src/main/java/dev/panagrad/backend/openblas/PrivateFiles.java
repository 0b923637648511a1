package dev.panagrad.backend.openblas;

import java.io.IOException;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.Map;

/** Tells files that only this process's user may have changed from those that others may have. */
final class PrivateFiles {
  // Group and others, of the permissions to write.
  private static final int WRITABLE_BY_OTHERS = 0022;
  private static final int PERMISSIONS = 07777;

  private PrivateFiles() {}

  /**
   * Says what keeps a file or folder from being trusted, or returns null: another owner than this
   * user or root, or a permission to write for others. A symbolic link is judged itself. File
   * systems without Unix permissions are trusted; their folders are below the user's own.
   */
  static String problem(Path path) throws IOException {
    if (!path.getFileSystem().supportedFileAttributeViews().contains("unix")) {
      return null;
    }
    Map<String, Object> found =
        Files.readAttributes(path, "unix:uid,mode", LinkOption.NOFOLLOW_LINKS);
    int owner = (int) found.get("uid");
    int mode = (int) found.get("mode");
    if (owner != 0 && owner != user()) {
      return "%s belongs to user %s, and this process is of user %s"
          .formatted(path, Integer.toUnsignedString(owner), Integer.toUnsignedString(user()));
    }
    return (mode & WRITABLE_BY_OTHERS) == 0
        ? null
        : "%s may be written by others: its permissions are %04o"
            .formatted(path, mode & PERMISSIONS);
  }

  /** The number of the user whose rights this process has; Java knows only a name, at times. */
  @SuppressWarnings("restricted")
  private static int user() {
    Linker linker = Linker.nativeLinker();
    try {
      return (int)
          linker
              .downcallHandle(
                  linker.defaultLookup().findOrThrow("geteuid"),
                  FunctionDescriptor.of(ValueLayout.JAVA_INT))
              .invokeExact();
    } catch (Throwable e) {
      throw OpenBlasSymbols.unexpected(e);
    }
  }
}
