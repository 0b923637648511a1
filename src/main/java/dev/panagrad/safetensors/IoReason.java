package dev.panagrad.safetensors;

import java.io.IOException;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.FileLockInterruptionException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.FileSystemLoopException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.util.Objects;

/** Says why reading or writing failed: several exceptions have no message but the path. */
public final class IoReason {
  private IoReason() {}

  public static String of(IOException e) {
    return switch (e) {
      case NoSuchFileException f -> "there is no file '" + Excerpt.of(f.getFile()) + "'";
      case AccessDeniedException f -> "permission denied for '" + Excerpt.of(f.getFile()) + "'";
      case NotDirectoryException f -> "'" + Excerpt.of(f.getFile()) + "' is not a directory";
      case FileSystemLoopException f ->
          "the links of '" + Excerpt.of(f.getFile()) + "' lead in a circle";
      case FileSystemException f when f.getReason() == null && f.getFile() != null ->
          f.getClass().getSimpleName() + " for '" + Excerpt.of(f.getFile()) + "'";
      case ClosedByInterruptException _, FileLockInterruptionException _ ->
          "the thread was interrupted";
      default -> Objects.requireNonNullElse(e.getMessage(), e.getClass().getSimpleName());
    };
  }
}
