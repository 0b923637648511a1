package dev.panagrad.data.npy;

import dev.panagrad.data.DataException;
import dev.panagrad.data.file.ArrayTable;
import dev.panagrad.data.file.RegularFile;
import java.io.IOException;
import java.io.InputStream;
import java.nio.channels.Channels;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.zip.CRC32;
import java.util.zip.CheckedInputStream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;

/**
 * A file of several arrays as {@code numpy.savez} and {@code numpy.savez_compressed} write it: a
 * zip archive with an entry NAME.npy for each, as {@link NpyTable} reads it.
 *
 * <p>What is compressed is never inflated as a whole: elements are handed over as they come out of
 * the decompressor. Sizes and the CRC-32 are compared with what the archive says. An archive is
 * refused before that if it says that its entries inflate to more than deflate can, or that they
 * are larger than the file. Ownership: the file is open until {@link #close}. Source: NumPy, {@code
 * numpy.savez}.
 */
public final class NpzTable extends ArrayTable {
  private static final String SUFFIX = ".npy";
  // Two bits of deflate are at best a length and a distance for 258 bytes.
  private static final long MAX_EXPANSION = 1032;
  // What headers may take, beside as much as the file.
  private static final long HEADER_BYTES = 1 << 20;

  private final ZipFile zip;
  private final List<Entry> entries;

  /** An array of the archive; refusal says why it has none, and is null if it has. */
  private record Entry(String name, ZipEntry zipped, NpyArray array, String refusal) {
    ArrayTable.Member member() {
      return array == null ? ArrayTable.Member.refused(name, refusal) : array.member(name);
    }
  }

  private NpzTable(String name, ZipFile zip, List<Entry> entries) {
    super(name, entries.stream().map(Entry::member).toList());
    this.zip = zip;
    this.entries = entries;
  }

  /** Opens a file and reads its headers; throws if it is not what the format says, or no table. */
  public static NpzTable open(Path file) {
    RegularFile.require(file, "an .npz file");
    ZipFile zip;
    long fileBytes;
    try {
      zip = new ZipFile(file.toFile());
      fileBytes = Files.size(file);
    } catch (IOException e) {
      throw RegularFile.cannotRead(file.toString(), e);
    }
    NpzTable table = null;
    try {
      table = new NpzTable(file.toString(), zip, entries(file.toString(), zip, fileBytes));
      return table;
    } finally {
      if (table == null) {
        RegularFile.close(zip);
      }
    }
  }

  private static List<Entry> entries(String file, ZipFile zip, long fileBytes) {
    List<Entry> entries = new ArrayList<>();
    Set<String> seen = new HashSet<>();
    long compressed = 0;
    long headers = 0;
    for (ZipEntry zipped : Collections.list(zip.entries())) {
      String entryName = zipped.getName();
      if (entryName.chars().anyMatch(Character::isISOControl)) {
        throw new DataException(file + ": the name of an entry has a control character");
      }
      if (!entryName.endsWith(SUFFIX)) {
        throw new DataException(
            "%s: entry '%s' is no array, whose name ends in %s; save arrays alone"
                .formatted(file, entryName, SUFFIX));
      }
      String array = entryName.substring(0, entryName.length() - SUFFIX.length());
      if (!seen.add(array)) {
        throw new DataException("%s: array '%s' is there twice".formatted(file, array));
      }
      String where = place(file, array);
      requireSize(where, zipped, fileBytes - compressed);
      compressed += zipped.getCompressedSize();
      try {
        NpyArray header = header(where, zip, zipped);
        headers += header.dataStart();
        entries.add(new Entry(array, zipped, header, null));
      } catch (DataException e) {
        entries.add(new Entry(array, zipped, null, e.getMessage()));
      }
      if (headers > fileBytes + HEADER_BYTES) {
        throw new DataException(file + ": the headers of its arrays are larger than the file");
      }
    }
    return entries;
  }

  private static String place(String file, String array) {
    return "%s, array '%s'".formatted(file, array);
  }

  private static void requireSize(String where, ZipEntry zipped, long left) {
    long packed = zipped.getCompressedSize();
    if (packed < 0 || packed > left) {
      throw new DataException(
          "%s: it is said to take %,d bytes of the file, and %,d are left"
              .formatted(where, packed, left));
    }
    long most = zipped.getMethod() == ZipEntry.STORED ? packed : packed * MAX_EXPANSION;
    if (zipped.getSize() < 0 || zipped.getSize() > most) {
      throw new DataException(
          "%s: it is said to be %,d bytes large, and %,d bytes of the file inflate to %,d at most"
              .formatted(where, zipped.getSize(), packed, most));
    }
  }

  private static NpyArray header(String where, ZipFile zip, ZipEntry zipped) {
    try (InputStream in = zip.getInputStream(zipped)) {
      return NpyHeader.read(where, in, zipped.getSize());
    } catch (IOException e) {
      throw RegularFile.cannotRead(where, e);
    }
  }

  @Override
  protected String place(Member array) {
    return place(name(), array.name());
  }

  @Override
  protected void read(int index, Selection selection) throws IOException {
    Entry entry = entries.get(index);
    CRC32 sum = new CRC32();
    try (InputStream in = new CheckedInputStream(zip.getInputStream(entry.zipped), sum);
        ForwardWindow window = new ForwardWindow(Channels.newChannel(in), entry.array.bytes())) {
      in.skipNBytes(entry.array.dataStart());
      entry.array.read(window, selection);
      window.drain();
    }
    if (sum.getValue() != entry.zipped.getCrc()) {
      throw new DataException(
          "%s is damaged: its bytes have the CRC-32 %08x, and %08x was written"
              .formatted(place(name(), entry.name), sum.getValue(), entry.zipped.getCrc()));
    }
  }

  @Override
  public void close() {
    RegularFile.close(zip);
  }
}
