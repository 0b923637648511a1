package dev.panagrad.conformance;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Shape;
import dev.panagrad.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/**
 * Tensors whose last byte is followed by a page that no access is allowed to: an overrun is a crash
 * here, not a wrong digit somewhere else. The page is real: a read of it ends the process, which a
 * child process test shows.
 */
final class Guarded implements AutoCloseable {
  private static final long PAGE = 4096;
  private static final int READ_WRITE = 3;
  private static final int PRIVATE_ANONYMOUS = 0x22;

  private static final MethodHandle MMAP =
      handle(
          "mmap",
          FunctionDescriptor.of(
              ADDRESS, ADDRESS, JAVA_LONG, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_LONG));
  private static final MethodHandle MPROTECT =
      handle("mprotect", FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_LONG, JAVA_INT));
  private static final MethodHandle MUNMAP =
      handle("munmap", FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_LONG));

  private final Arena arena = Arena.ofShared();

  @SuppressWarnings("restricted")
  private static MethodHandle handle(String name, FunctionDescriptor descriptor) {
    Linker linker = Linker.nativeLinker();
    return linker.downcallHandle(linker.defaultLookup().find(name).orElseThrow(), descriptor);
  }

  static boolean isSupported() {
    return System.getProperty("os.name").equals("Linux");
  }

  /** A tensor that ends at a guard page. */
  @SuppressWarnings("restricted")
  Tensor tensor(String name, DType dtype, long... extents) {
    long bytes = Shape.of(extents).bytes(dtype);
    long data = Math.ceilDiv(Math.max(bytes, 1), PAGE) * PAGE;
    try {
      MemorySegment start =
          (MemorySegment)
              MMAP.invokeExact(
                  MemorySegment.NULL, data + PAGE, READ_WRITE, PRIVATE_ANONYMOUS, -1, 0L);
      MemorySegment guard = MemorySegment.ofAddress(start.address() + data);
      if ((int) MPROTECT.invokeExact(guard, PAGE, 0) != 0) {
        throw new IllegalStateException("mprotect failed");
      }
      MemorySegment end =
          MemorySegment.ofAddress(start.address() + data - bytes)
              .reinterpret(bytes, arena, _ -> unmap(start, data + PAGE));
      return Tensor.wrap(name, end, dtype, extents);
    } catch (Throwable e) {
      throw new IllegalStateException(e);
    }
  }

  private static void unmap(MemorySegment start, long bytes) {
    try {
      if ((int) MUNMAP.invokeExact(start, bytes) != 0) {
        throw new IllegalStateException("munmap failed");
      }
    } catch (Throwable e) {
      throw new IllegalStateException(e);
    }
  }

  @Override
  public void close() {
    arena.close();
  }
}
