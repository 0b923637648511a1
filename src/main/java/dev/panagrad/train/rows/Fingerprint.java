package dev.panagrad.train.rows;

import dev.panagrad.optimizer.Optimizer;
import dev.panagrad.tensor.Tensor;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.List;
import java.util.zip.CRC32C;

/** Short texts that differ where names or numbers do: CRC-32Cs, against mistakes and not malice. */
public final class Fingerprint {
  public static final String NONE = "none";

  private static final long CHUNK_BYTES = 1 << 20;
  private static final long FIRST_STEPS = 1000;

  private Fingerprint() {}

  /**
   * A schedule is a function, of which only its rates can be seen: two are taken for the same if
   * they agree, to the last bit, in the first 1,000 steps and in some 3,000 later ones.
   */
  public static String ofSchedule(Optimizer optimizer) {
    CRC32C sum = new CRC32C();
    ByteBuffer bits = ByteBuffer.allocate(Double.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    // By one, then by a hundredth.
    for (long step = 0; step < 1L << 53; step += step < FIRST_STEPS ? 1 : step / 100) {
      // The bits of all NaN are one's.
      long rate = Double.doubleToLongBits(optimizer.learningRate(step));
      sum.update(bits.putLong(0, rate).rewind());
    }
    return "CRC-32C of its rates %08x".formatted(sum.getValue());
  }

  public static String of(List<String> names) {
    CRC32C sum = new CRC32C();
    for (String name : names) {
      sum.update(name.getBytes(StandardCharsets.UTF_8));
      sum.update(0);
    }
    return names.size() + " names, CRC-32C " + HexFormat.of().toHexDigits((int) sum.getValue());
  }

  public static String of(Tensor t) {
    if (t == null) {
      return NONE;
    }
    CRC32C sum = new CRC32C();
    long rows = t.isContiguous() ? 1 : t.rows();
    long bytes = t.shape().bytes(t.dtype()) / Math.max(rows, 1);
    for (long row = 0; row < rows; row++) {
      long from = t.byteOffset() + row * t.rowStride() * t.dtype().bytes();
      for (long done = 0; done < bytes; done += CHUNK_BYTES) {
        long n = Math.min(CHUNK_BYTES, bytes - done);
        sum.update(t.segment().asSlice(from + done, n).asByteBuffer());
      }
    }
    return "CRC-32C %08x".formatted(sum.getValue());
  }
}
