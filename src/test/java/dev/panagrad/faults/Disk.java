package dev.panagrad.faults;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;

/**
 * What of a folder is on the disk, and what may be there after a crash.
 *
 * <p>What POSIX promises, and no more: the content of a file is there once it was forced; until
 * then its writes may be missing, from the first or from the last on, the last may be torn, or all
 * be there as zeros of the right length. A name is there, moved or gone once the folder was forced;
 * until then any of these may have happened or not as far as they are possible, each as a whole.
 */
public final class Disk {
  /** A file, whatever its name. */
  private static final class Content {
    private byte[] durable;
    private final List<Write> unsynced = new ArrayList<>();

    Content(byte[] durable) {
      this.durable = durable;
    }

    byte[] current() {
      return after(unsynced);
    }

    byte[] after(List<Write> writes) {
      byte[] bytes = durable;
      for (Write write : writes) {
        bytes = write.on(bytes);
      }
      return bytes;
    }

    void force() {
      durable = current();
      unsynced.clear();
    }

    /** Each with its bytes as text, by which equal ones are one. */
    Map<String, byte[]> possible() {
      Map<String, byte[]> possible = new LinkedHashMap<>();
      for (int i = 0; i <= unsynced.size(); i++) {
        List<Write> first = new ArrayList<>(unsynced.subList(0, i));
        add(possible, after(first));
        if (i < unsynced.size()) {
          first.add(unsynced.get(i).half());
          add(possible, after(first));
          add(possible, after(unsynced.subList(i, unsynced.size())));
        }
      }
      add(possible, after(unsynced.stream().map(Write::zeros).toList()));
      return possible;
    }

    private static void add(Map<String, byte[]> possible, byte[] bytes) {
      possible.put(HexFormat.of().formatHex(bytes), bytes);
    }
  }

  private record Write(long position, List<Byte> bytes) {
    byte[] on(byte[] before) {
      int end = Math.toIntExact(position + bytes.size());
      byte[] after = Arrays.copyOf(before, Math.max(before.length, end));
      for (int i = 0; i < bytes.size(); i++) {
        after[(int) position + i] = bytes.get(i);
      }
      return after;
    }

    Write half() {
      return new Write(position, bytes.subList(0, bytes.size() / 2));
    }

    Write zeros() {
      return new Write(position, Collections.nCopies(bytes.size(), (byte) 0));
    }
  }

  /** What happens to names: one appears, one becomes another, one goes. */
  private record Change(String from, String to, Content content) {
    /** Whether it was possible. */
    boolean apply(Map<String, Content> names) {
      if (from == null) {
        return names.put(to, content) == null;
      }
      Content moved = names.remove(from);
      if (moved != null && to != null) {
        names.put(to, moved);
      }
      return moved != null;
    }
  }

  private final Path folder;
  private final Map<String, Content> current = new TreeMap<>();
  private final Map<String, Content> durable = new TreeMap<>();
  private final List<Change> unsynced = new ArrayList<>();

  /** Of a folder whose files are all on the disk. */
  public Disk(Path folder) throws IOException {
    this.folder = folder;
    try (Stream<Path> files = Files.list(folder)) {
      for (Path file : files.toList()) {
        Content content = new Content(Files.readAllBytes(file));
        current.put(name(file), content);
        durable.put(name(file), content);
      }
    }
  }

  private static String name(Path file) {
    return file.getFileName().toString();
  }

  private boolean isHere(Path file) {
    return folder.equals(file.getParent());
  }

  void created(Path file) {
    if (isHere(file)) {
      change(new Change(null, name(file), new Content(new byte[0])));
    }
  }

  void moved(Path from, Path to) {
    change(new Change(name(from), name(to), null));
  }

  void deleted(Path file) {
    if (isHere(file)) {
      change(new Change(name(file), null, null));
    }
  }

  private void change(Change change) {
    if (!change.apply(current)) {
      throw new IllegalStateException("not possible: " + change);
    }
    unsynced.add(change);
  }

  void written(Path file, long position, byte[] bytes) {
    List<Byte> list = new ArrayList<>();
    for (byte each : bytes) {
      list.add(each);
    }
    current.get(name(file)).unsynced.add(new Write(position, list));
  }

  /** Of a file, its content; of the folder, its names. */
  void forced(Path file) {
    if (file.equals(folder)) {
      unsynced.forEach(change -> change.apply(durable));
      unsynced.clear();
    } else {
      current.get(name(file)).force();
    }
  }

  /** Every state in which the folder may be found, as files by name. */
  public Set<Map<String, byte[]>> afterCrash() {
    Set<Map<String, byte[]>> states = new LinkedHashSet<>();
    for (long chosen = 0; chosen < 1L << unsynced.size(); chosen++) {
      Map<String, Content> names = new TreeMap<>(durable);
      boolean isPossible = true;
      for (int i = 0; i < unsynced.size(); i++) {
        isPossible &= (chosen >> i & 1) == 0 || unsynced.get(i).apply(names);
      }
      if (isPossible) {
        addContents(states, Map.of(), new ArrayList<>(names.entrySet()));
      }
    }
    return states;
  }

  private static void addContents(
      Set<Map<String, byte[]>> states,
      Map<String, byte[]> known,
      List<Map.Entry<String, Content>> left) {
    if (left.isEmpty()) {
      states.add(known);
      return;
    }
    for (byte[] bytes : left.getFirst().getValue().possible().values()) {
      Map<String, byte[]> more = new TreeMap<>(known);
      more.put(left.getFirst().getKey(), bytes);
      addContents(states, more, left.subList(1, left.size()));
    }
  }
}
