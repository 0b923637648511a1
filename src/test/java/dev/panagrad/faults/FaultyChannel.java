package dev.panagrad.faults;

import dev.panagrad.faults.Fault.Call;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.ReadableByteChannel;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Path;

/** An open file, each call of which comes after the fault had its turn. */
final class FaultyChannel extends FileChannel {
  private final FaultyFileSystem system;
  private final Path file;
  private final FileChannel real;

  FaultyChannel(FaultyFileSystem system, Path file, FileChannel real) {
    this.system = system;
    this.file = file;
    this.real = real;
  }

  private void before(Call call) throws IOException {
    system.fault().before(call);
  }

  @Override
  public int read(ByteBuffer into) throws IOException {
    before(Call.READ);
    int from = into.position();
    int count = real.read(into);
    system.fault().read(into, from);
    return count;
  }

  @Override
  public int read(ByteBuffer into, long position) throws IOException {
    before(Call.READ);
    int from = into.position();
    int count = real.read(into, position);
    system.fault().read(into, from);
    return count;
  }

  @Override
  public long read(ByteBuffer[] into, int offset, int length) throws IOException {
    return length == 0 ? 0 : read(into[offset]);
  }

  @Override
  public int write(ByteBuffer from) throws IOException {
    int count = write(from, real.position());
    real.position(real.position() + count);
    return count;
  }

  @Override
  public int write(ByteBuffer from, long position) throws IOException {
    before(Call.WRITE);
    if (!from.hasRemaining()) {
      return 0;
    }
    byte[] bytes = new byte[system.fault().written(from.remaining())];
    from.get(bytes);
    ByteBuffer copy = ByteBuffer.wrap(bytes);
    while (copy.hasRemaining()) {
      real.write(copy, position + copy.position());
    }
    if (system.disk() != null) {
      system.disk().written(file, position, bytes);
    }
    return bytes.length;
  }

  @Override
  public long write(ByteBuffer[] from, int offset, int length) throws IOException {
    return length == 0 ? 0 : write(from[offset]);
  }

  @Override
  public long position() throws IOException {
    before(Call.POSITION);
    return real.position();
  }

  @Override
  public FileChannel position(long position) throws IOException {
    before(Call.POSITION);
    real.position(position);
    return this;
  }

  @Override
  public long size() throws IOException {
    before(Call.SIZE);
    return real.size();
  }

  @Override
  public FileChannel truncate(long size) {
    throw new UnsupportedOperationException("books are not kept of cuts");
  }

  @Override
  public void force(boolean metadata) throws IOException {
    before(Call.FORCE);
    // Not for real, which takes milliseconds, and nobody is going to stop the machine.
    if (system.disk() != null) {
      system.disk().forced(file);
    }
  }

  @Override
  public long transferTo(long position, long count, WritableByteChannel target) {
    throw new UnsupportedOperationException("books are not kept of transfers");
  }

  @Override
  public long transferFrom(ReadableByteChannel source, long position, long count) {
    throw new UnsupportedOperationException("books are not kept of transfers");
  }

  @Override
  public MappedByteBuffer map(MapMode mode, long position, long size) throws IOException {
    before(Call.MAP);
    return real.map(mode, position, size);
  }

  @Override
  public MemorySegment map(MapMode mode, long position, long size, Arena arena) throws IOException {
    before(Call.MAP);
    return real.map(mode, position, size, arena);
  }

  @Override
  public FileLock lock(long position, long size, boolean shared) throws IOException {
    before(Call.LOCK);
    return real.lock(position, size, shared);
  }

  @Override
  public FileLock tryLock(long position, long size, boolean shared) throws IOException {
    before(Call.LOCK);
    return real.tryLock(position, size, shared);
  }

  /** Also where closing fails, as it may, the file is closed. */
  @Override
  protected void implCloseChannel() throws IOException {
    try (real) {
      before(Call.CLOSE);
    }
  }
}
