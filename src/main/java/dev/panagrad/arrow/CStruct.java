package dev.panagrad.arrow;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/**
 * A struct of the interface that was moved here, by copying its bytes and marking the old one as
 * released (the specification's "Moving an array"); it is released once.
 */
final class CStruct {
  static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED;
  static final Linker LINKER = Linker.nativeLinker();
  private static final MethodHandle RELEASE =
      LINKER.downcallHandle(FunctionDescriptor.ofVoid(ValueLayout.ADDRESS));

  enum Kind {
    SCHEMA("ArrowSchema", 72, 56),
    ARRAY("ArrowArray", 80, 64),
    STREAM("ArrowArrayStream", 40, 24);

    final String struct;
    final long bytes;
    final long release;

    Kind(String struct, long bytes, long release) {
      this.struct = struct;
      this.bytes = bytes;
      this.release = release;
    }
  }

  private final Kind kind;
  private final long[] words;
  private boolean released;

  private CStruct(Kind kind, long[] words) {
    this.kind = kind;
    this.words = words;
  }

  /**
   * Moves a struct out of the caller's memory; throws, changing nothing, if it was moved before.
   */
  static CStruct move(MemorySegment from, Kind kind) {
    MemorySegment struct = requireUnreleased(from, kind);
    long[] words = new long[(int) (kind.bytes / Long.BYTES)];
    MemorySegment.copy(struct, LONG, 0, words, 0, words.length);
    struct.set(LONG, kind.release, 0);
    return new CStruct(kind, words);
  }

  /** The struct in its size; throws as {@link #move}. */
  static MemorySegment requireUnreleased(MemorySegment from, Kind kind) {
    String name = kind.struct;
    if (!from.isNative() || from.equals(MemorySegment.NULL)) {
      throw new IllegalArgumentException(
          name + " must be a struct in native memory, found " + from);
    }
    MemorySegment struct = from.byteSize() == 0 ? from.reinterpret(kind.bytes) : from;
    if (struct.byteSize() < kind.bytes) {
      throw new IllegalArgumentException(
          "%s has %d bytes, the memory %d".formatted(name, kind.bytes, struct.byteSize()));
    }
    if (struct.get(LONG, kind.release) == 0) {
      throw new IllegalArgumentException(name + " was released or moved before");
    }
    return struct;
  }

  MemorySegment copy(Arena arena) {
    MemorySegment struct = arena.allocate(kind.bytes, Long.BYTES);
    MemorySegment.copy(words, 0, struct, LONG, 0, words.length);
    return struct;
  }

  long number(long offset) {
    return words[(int) (offset / Long.BYTES)];
  }

  /** Calls the release callback, once; throws if that does not mark the struct as released. */
  synchronized void release() {
    if (released) {
      return;
    }
    released = true;
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment struct = copy(arena);
      call(struct);
      if (struct.get(LONG, kind.release) != 0) {
        throw new IllegalStateException(
            "the release callback of an Arrow struct left it unreleased; its producer is wrong");
      }
    }
  }

  private void call(MemorySegment struct) {
    try {
      RELEASE.invokeExact(MemorySegment.ofAddress(number(kind.release)), struct);
    } catch (Throwable e) {
      throw new IllegalStateException("the release callback of an Arrow struct failed", e);
    }
  }

  /** One of the structs that a list of pointers leads to; null if that pointer is. */
  static MemorySegment child(long pointers, long count, long index, Kind kind) {
    long address = at(pointers, count * Long.BYTES).get(LONG, index * Long.BYTES);
    return address == 0 ? null : at(address, kind.bytes);
  }

  /** Memory at an address in a struct, of a size that the format says. */
  static MemorySegment at(long address, long bytes) {
    return MemorySegment.ofAddress(address).reinterpret(bytes);
  }

  /** The same, until the arena is closed. */
  static MemorySegment at(long address, long bytes, Arena arena) {
    return MemorySegment.ofAddress(address).reinterpret(bytes, arena, null);
  }

  /** Text that ends with a zero byte; null if there is none. */
  static String text(long address) {
    return address == 0 ? null : at(address, Long.MAX_VALUE).getString(0);
  }
}
