package dev.panagrad.arrow;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.util.ArrayList;
import java.util.List;

/** Builds structs of the interface by hand, and counts how often each is released. */
final class Producer implements AutoCloseable {
  private static final Linker LINKER = Linker.nativeLinker();

  final Arena arena = Arena.ofShared();

  /** Marks what it is called with, as a producer does. */
  private final boolean marks;

  int releasedSchemas;
  int releasedArrays;
  int releasedStreams;

  Producer() {
    this(true);
  }

  Producer(boolean marks) {
    this.marks = marks;
  }

  @SuppressWarnings("unused") // called by address
  private void releaseSchema(MemorySegment struct) {
    releasedSchemas++;
    mark(struct, 72, 56);
  }

  @SuppressWarnings("unused")
  private void releaseArray(MemorySegment struct) {
    releasedArrays++;
    mark(struct, 80, 64);
  }

  @SuppressWarnings("unused")
  private void releaseStream(MemorySegment struct) {
    releasedStreams++;
    mark(struct, 40, 24);
  }

  private void mark(MemorySegment struct, long bytes, long release) {
    if (marks) {
      struct.reinterpret(bytes).set(ValueLayout.JAVA_LONG, release, 0);
    }
  }

  /** The address of a method of that object, as a callback. */
  MemorySegment callback(Object receiver, String method, FunctionDescriptor signature) {
    try {
      MethodType type = signature.toMethodType();
      MethodHandle handle =
          MethodHandles.privateLookupIn(receiver.getClass(), MethodHandles.lookup())
              .findVirtual(receiver.getClass(), method, type)
              .bindTo(receiver);
      return LINKER.upcallStub(handle, signature, arena);
    } catch (ReflectiveOperationException e) {
      throw new LinkageError("no callback " + method, e);
    }
  }

  MemorySegment release(String method) {
    return callback(this, method, FunctionDescriptor.ofVoid(ValueLayout.ADDRESS));
  }

  MemorySegment schema(String format, String name, MemorySegment... children) {
    MemorySegment s = arena.allocate(72, 8);
    s.set(ValueLayout.ADDRESS, 0, arena.allocateFrom(format));
    s.set(ValueLayout.ADDRESS, 8, name == null ? MemorySegment.NULL : arena.allocateFrom(name));
    s.set(ValueLayout.JAVA_LONG, 32, children.length);
    s.set(ValueLayout.ADDRESS, 40, pointers(children));
    s.set(ValueLayout.ADDRESS, 56, release("releaseSchema"));
    return s;
  }

  MemorySegment array(
      long length,
      long nulls,
      long offset,
      List<MemorySegment> buffers,
      MemorySegment... children) {
    MemorySegment a = arena.allocate(80, 8);
    a.set(ValueLayout.JAVA_LONG, 0, length);
    a.set(ValueLayout.JAVA_LONG, 8, nulls);
    a.set(ValueLayout.JAVA_LONG, 16, offset);
    a.set(ValueLayout.JAVA_LONG, 24, buffers.size());
    a.set(ValueLayout.JAVA_LONG, 32, children.length);
    a.set(ValueLayout.ADDRESS, 40, pointers(buffers.toArray(MemorySegment[]::new)));
    a.set(ValueLayout.ADDRESS, 48, pointers(children));
    a.set(ValueLayout.ADDRESS, 64, release("releaseArray"));
    return a;
  }

  MemorySegment doubles(double... values) {
    return arena.allocateFrom(ValueLayout.JAVA_DOUBLE, values);
  }

  MemorySegment longs(long... values) {
    return arena.allocateFrom(ValueLayout.JAVA_LONG, values);
  }

  MemorySegment floats(float... values) {
    return arena.allocateFrom(ValueLayout.JAVA_FLOAT, values);
  }

  MemorySegment bitmap(int... bytes) {
    MemorySegment bits = arena.allocate(bytes.length);
    for (int i = 0; i < bytes.length; i++) {
      bits.set(ValueLayout.JAVA_BYTE, i, (byte) bytes[i]);
    }
    return bits;
  }

  /** No validity bitmap, and values. */
  static List<MemorySegment> values(MemorySegment values) {
    return new ArrayList<>(List.of(MemorySegment.NULL, values));
  }

  private MemorySegment pointers(MemorySegment... to) {
    if (to.length == 0) {
      return MemorySegment.NULL;
    }
    MemorySegment pointers = arena.allocate(8L * to.length, 8);
    for (int i = 0; i < to.length; i++) {
      pointers.setAtIndex(ValueLayout.ADDRESS, i, to[i]);
    }
    return pointers;
  }

  @Override
  public void close() {
    arena.close();
  }
}
