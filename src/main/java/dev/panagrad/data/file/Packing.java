package dev.panagrad.data.file;

import com.github.luben.zstd.ZstdInputStream;
import dev.panagrad.data.DataException;
import dev.panagrad.data.Table;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.Locale;
import java.util.zip.GZIPInputStream;
import org.apache.commons.compress.compressors.bzip2.BZip2CompressorInputStream;

/** How a whole file is compressed, by its first bytes; what is in it comes as a stream. */
public enum Packing {
  NONE("", ""),
  GZIP("\u001f\u008b\b", "java.base"),
  BZIP2("BZh", "org.apache.commons:commons-compress"),
  ZSTD("(\u00b5/\u00fd", "com.github.luben:zstd-jni");

  private static final int BUFFER_BYTES = 1 << 16;

  private final String magic; // a character for each byte
  private final String library;

  Packing(String magic, String library) {
    this.magic = magic;
    this.library = library;
  }

  /** The compression that a file which begins so has. */
  public static Packing of(byte[] start) {
    for (Packing packing : values()) {
      if (packing != NONE && FileStart.begins(start, packing.magic)) {
        return packing;
      }
    }
    return NONE;
  }

  /** What the stream gives unpacked; a DataException without the library that this takes. */
  public Table.Source unpacked(String name, Table.Source packed) {
    return this == NONE ? packed : () -> open(name, packed.open());
  }

  private InputStream open(String name, InputStream packed) throws IOException {
    InputStream opened = null;
    try {
      opened =
          switch (this) {
            case NONE -> packed;
            case GZIP -> new GZIPInputStream(packed, BUFFER_BYTES);
            case BZIP2 -> Bzip2.of(packed);
            case ZSTD -> Zstandard.of(packed);
          };
      return opened;
    } catch (NoClassDefFoundError e) {
      throw new DataException(
          "%s: it is compressed by %s, which needs the library %s, which is not on the class path"
              .formatted(name, this, library),
          e);
    } finally {
      if (opened == null) {
        packed.close();
      }
    }
  }

  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT);
  }

  // Classes of their own, so that a library is looked for only where it is needed.

  private static final class Bzip2 {
    static InputStream of(InputStream packed) throws IOException {
      return new BZip2CompressorInputStream(new BufferedInputStream(packed, BUFFER_BYTES), true);
    }
  }

  private static final class Zstandard {
    static InputStream of(InputStream packed) throws IOException {
      return new ZstdInputStream(new BufferedInputStream(packed, BUFFER_BYTES));
    }
  }
}
