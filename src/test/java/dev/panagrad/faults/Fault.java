package dev.panagrad.faults;

import java.io.IOException;
import java.nio.ByteBuffer;

/** What happens to the calls of a {@link FaultyFileSystem}. */
public interface Fault {
  /** Kinds of calls. */
  enum Call {
    ATTRIBUTES,
    CLOSE,
    CREATE,
    DELETE,
    FORCE,
    LIST,
    LOCK,
    MAP,
    MOVE,
    OPEN,
    POSITION,
    READ,
    SIZE,
    WRITE
  }

  /** Before a call has an effect; may throw. */
  void before(Call call) throws IOException;

  /** How many of so many bytes a write takes, at least one. */
  default int written(int bytes) {
    return bytes;
  }

  /**
   * After a read; may change what was read.
   *
   * @param from index of the first byte that was read; the last is before the position
   */
  default void read(ByteBuffer bytes, int from) {}

  /** Nothing. */
  static Fault none() {
    return _ -> {};
  }
}
