package dev.panagrad.data.npy;

import dev.panagrad.data.DataException;
import dev.panagrad.data.file.ArrayTable;
import dev.panagrad.data.file.RegularFile;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.io.IOException;
import java.nio.ByteOrder;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.List;

/**
 * A file of one array as {@code numpy.save} writes it, versions 1.0, 2.0 and 3.0 of the format.
 *
 * <p>A vector is one column, a matrix has a column for each of its own, named "1", "2", and so on.
 * A vector of records has the fields' names; fields have no fields or shapes of their own. Elements
 * are booleans, integers of 1 to 8 bytes, or floats of 2, 4 and 8 bytes, of both byte orders and in
 * C or Fortran order. Arrays of Python objects are refused: unpickling runs code.
 *
 * <p>The file must have the header, the elements, and not a byte more. It is read from front to
 * back, once for each {@link #read}, and open until {@link #close}. Source: NumPy, {@code
 * numpy.lib.format}.
 */
public final class NpyTable extends ArrayTable {
  private final Path file;
  private final FileChannel channel;
  private final NpyArray array;

  private NpyTable(Path file, FileChannel channel, NpyArray array) {
    super(file.toString(), List.of(array.member(file.toString())));
    this.file = file;
    this.channel = channel;
    this.array = array;
  }

  /** Opens a file and reads its header; throws if it is not what the format says, or no table. */
  public static NpyTable open(Path file) {
    FileChannel channel = RegularFile.open(file, "an .npy file");
    NpyTable table = null;
    try {
      NpyArray array =
          NpyHeader.read(file.toString(), Channels.newInputStream(channel), channel.size());
      table = new NpyTable(file, channel, array);
      return table;
    } catch (IOException e) {
      throw RegularFile.cannotRead(file.toString(), e);
    } finally {
      if (table == null) {
        RegularFile.close(channel);
      }
    }
  }

  @Override
  protected void read(int index, Selection selection) throws IOException {
    channel.position(array.dataStart());
    try (ForwardWindow window = new ForwardWindow(channel, array.bytes())) {
      array.read(window, selection);
    }
  }

  /** Maps the elements, as {@link dev.panagrad.data.TableFile#map} says. */
  public Tensor map(TensorArena arena) {
    NpyArray.Column element = array.elements().getFirst();
    DType dtype =
        switch (element.type()) {
          case FLOAT32 -> DType.F32;
          case FLOAT64 -> DType.F64;
          default -> null;
        };
    boolean isNative = element.bigEndian() == (ByteOrder.nativeOrder() == ByteOrder.BIG_ENDIAN);
    if (dtype == null || !isNative || !array.isRowMajor()) {
      throw notMappable(
          "only a C-ordered array of '<f4' or '<f8' is; save numpy.ascontiguousarray(array, '<f4'), or read it as a table");
    }
    if (array.dataStart() % dtype.bytes() != 0) {
      throw notMappable(
          "its elements begin at byte %,d, no multiple of %d; save it again, or read it as a table"
              .formatted(array.dataStart(), dtype.bytes()));
    }
    boolean isVector = array.kind() == NpyArray.Kind.VECTOR;
    long[] extents = isVector ? new long[] {rows()} : new long[] {rows(), array.columns()};
    try {
      return arena.map(
          name(), file, FileChannel.MapMode.READ_ONLY, array.dataStart(), dtype, extents);
    } catch (IllegalArgumentException e) {
      throw new DataException(name() + " changed while it was read: " + e.getMessage(), e);
    } catch (IOException e) {
      throw RegularFile.cannotRead(name(), e);
    }
  }

  private DataException notMappable(String why) {
    return new DataException(name() + " cannot be mapped without a copy: " + why);
  }

  @Override
  public void close() {
    RegularFile.close(channel);
  }
}
