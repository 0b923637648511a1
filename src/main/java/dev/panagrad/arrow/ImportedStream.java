package dev.panagrad.arrow;

import dev.panagrad.data.DataException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.Optional;

/**
 * Reads batches that another program makes, one after the other: the Arrow C stream interface.
 *
 * <pre>
 *   struct ArrowArrayStream, 40 bytes (64-bit)
 *    0 | int (*get_schema)(ArrowArrayStream*, ArrowSchema* out) |
 *    8 | int (*get_next)(ArrowArrayStream*, ArrowArray* out)    |
 *   16 | const char* (*get_last_error)(ArrowArrayStream*)       |
 *   24 | void (*release)(ArrowArrayStream*) | 32 | void* private_data |
 * </pre>
 *
 * <p>Ownership: the struct is taken over as {@link ArrowCData} does, and released once by {@link
 * #close}; batches live on, each until it is closed itself. Threading: one thread at a time. Calls
 * block as long as the producer does.
 */
public final class ImportedStream implements AutoCloseable {
  private static final MethodHandle GET =
      CStruct.LINKER.downcallHandle(
          FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.ADDRESS, ValueLayout.ADDRESS));
  private static final MethodHandle LAST_ERROR =
      CStruct.LINKER.downcallHandle(
          FunctionDescriptor.of(ValueLayout.ADDRESS, ValueLayout.ADDRESS));
  private static final long GET_SCHEMA = 0;
  private static final long GET_NEXT = 8;
  private static final long GET_LAST_ERROR = 16;

  private final Arena arena;
  private final MemorySegment stream;
  private final SchemaView schema;

  private ImportedStream(Arena arena, MemorySegment stream, SchemaView schema) {
    this.arena = arena;
    this.stream = stream;
    this.schema = schema;
  }

  /**
   * Takes over a struct of no size, or of at least {@link ArrowCData#STREAM_BYTES}, and asks it for
   * its schema.
   *
   * @throws DataException if its columns cannot be imported, or it fails; it is released then
   * @throws IllegalArgumentException if it was released or moved before
   */
  public static ImportedStream of(MemorySegment arrowArrayStream) {
    CStruct moved = CStruct.move(arrowArrayStream, CStruct.Kind.STREAM);
    Arena arena = Arena.ofShared();
    MemorySegment stream = moved.copy(arena);
    try {
      MemorySegment out = arena.allocate(ArrowCData.SCHEMA_BYTES, Long.BYTES);
      get(stream, GET_SCHEMA, out, "schema");
      CStruct schema = CStruct.move(out, CStruct.Kind.SCHEMA);
      try {
        return new ImportedStream(arena, stream, SchemaView.of(schema, null));
      } finally {
        schema.release();
      }
    } catch (RuntimeException e) {
      release(arena, stream);
      throw e;
    }
  }

  /**
   * Returns the next batch, which the caller closes; empty at the end.
   *
   * @throws DataException if the producer fails, with what it says, or the batch cannot be imported
   */
  public Optional<ImportedColumns> next() {
    if (!arena.scope().isAlive()) {
      throw new IllegalStateException("the Arrow stream was closed");
    }
    CStruct array;
    try (Arena call = Arena.ofConfined()) {
      MemorySegment out = call.allocate(ArrowCData.ARRAY_BYTES, Long.BYTES);
      get(stream, GET_NEXT, out, "next batch");
      if (out.get(CStruct.LONG, CStruct.Kind.ARRAY.release) == 0) {
        return Optional.empty();
      }
      array = CStruct.move(out, CStruct.Kind.ARRAY);
    }
    return Optional.of(ImportedColumns.of(array, schema));
  }

  private static void get(MemorySegment stream, long callback, MemorySegment out, String what) {
    int status;
    try {
      status = (int) GET.invokeExact(stream.get(ValueLayout.ADDRESS, callback), stream, out);
    } catch (Throwable e) {
      throw new IllegalStateException("a callback of an Arrow stream failed", e);
    }
    if (status != 0) {
      throw new DataException(
          "the Arrow stream gives no %s: error %d, %s".formatted(what, status, lastError(stream)));
    }
  }

  private static String lastError(MemorySegment stream) {
    try {
      MemorySegment text =
          (MemorySegment)
              LAST_ERROR.invokeExact(stream.get(ValueLayout.ADDRESS, GET_LAST_ERROR), stream);
      String said = CStruct.text(text.address());
      return said == null ? "with no message" : said;
    } catch (Throwable e) {
      throw new IllegalStateException("a callback of an Arrow stream failed", e);
    }
  }

  private static void release(Arena arena, MemorySegment stream) {
    try {
      CStruct.move(stream, CStruct.Kind.STREAM).release();
    } finally {
      arena.close();
    }
  }

  /** Tells the producer that no more is asked for; a second close does nothing. */
  @Override
  public void close() {
    if (arena.scope().isAlive()) {
      release(arena, stream);
    }
  }
}
