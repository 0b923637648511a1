package dev.panagrad.faults;

import dev.panagrad.faults.Fault.Call;
import java.io.IOException;
import java.net.URI;
import java.nio.channels.FileChannel;
import java.nio.channels.SeekableByteChannel;
import java.nio.file.AccessMode;
import java.nio.file.CopyOption;
import java.nio.file.DirectoryStream;
import java.nio.file.FileStore;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.FileAttributeView;
import java.nio.file.spi.FileSystemProvider;
import java.util.Iterator;
import java.util.Map;
import java.util.Set;

/** Calls of the system's provider, each after the fault had its turn. */
final class FaultyProvider extends FileSystemProvider {
  private final FileSystemProvider real = FileSystems.getDefault().provider();
  private final FaultyFileSystem system;

  FaultyProvider(FaultyFileSystem system) {
    this.system = system;
  }

  private void before(Call call) throws IOException {
    system.fault().before(call);
  }

  private static Path real(Path path) {
    return FaultyPath.real(path);
  }

  @Override
  public String getScheme() {
    return "faulty";
  }

  @Override
  public FileSystem newFileSystem(URI uri, Map<String, ?> environment) {
    throw new UnsupportedOperationException(uri.toString());
  }

  @Override
  public FileSystem getFileSystem(URI uri) {
    return system;
  }

  @Override
  public Path getPath(URI uri) {
    return new FaultyPath(system, Path.of(uri));
  }

  @Override
  public SeekableByteChannel newByteChannel(
      Path path, Set<? extends OpenOption> options, FileAttribute<?>... attributes)
      throws IOException {
    return newFileChannel(path, options, attributes);
  }

  @Override
  public FileChannel newFileChannel(
      Path path, Set<? extends OpenOption> options, FileAttribute<?>... attributes)
      throws IOException {
    Path file = real(path);
    boolean isNew = !Files.exists(file);
    before(isNew ? Call.CREATE : Call.OPEN);
    FileChannel channel = real.newFileChannel(file, options, attributes);
    if (isNew && system.disk() != null) {
      system.disk().created(file);
    }
    return new FaultyChannel(system, file, channel);
  }

  @Override
  public DirectoryStream<Path> newDirectoryStream(
      Path folder, DirectoryStream.Filter<? super Path> filter) throws IOException {
    before(Call.LIST);
    DirectoryStream<Path> stream =
        real.newDirectoryStream(real(folder), file -> filter.accept(new FaultyPath(system, file)));
    return new DirectoryStream<>() {
      @Override
      public Iterator<Path> iterator() {
        Iterator<Path> files = stream.iterator();
        return new Iterator<>() {
          @Override
          public boolean hasNext() {
            return files.hasNext();
          }

          @Override
          public Path next() {
            return new FaultyPath(system, files.next());
          }
        };
      }

      @Override
      public void close() throws IOException {
        stream.close();
      }
    };
  }

  @Override
  public void createDirectory(Path folder, FileAttribute<?>... attributes) throws IOException {
    before(Call.CREATE);
    real.createDirectory(real(folder), attributes);
  }

  @Override
  public void delete(Path path) throws IOException {
    before(Call.DELETE);
    real.delete(real(path));
    if (system.disk() != null) {
      system.disk().deleted(real(path));
    }
  }

  @Override
  public void copy(Path from, Path to, CopyOption... options) throws IOException {
    throw new UnsupportedOperationException("copies are not kept books of");
  }

  @Override
  public void move(Path from, Path to, CopyOption... options) throws IOException {
    before(Call.MOVE);
    real.move(real(from), real(to), options);
    if (system.disk() != null) {
      system.disk().moved(real(from), real(to));
    }
  }

  @Override
  public boolean isSameFile(Path a, Path b) throws IOException {
    before(Call.ATTRIBUTES);
    return real.isSameFile(real(a), real(b));
  }

  @Override
  public boolean isHidden(Path path) throws IOException {
    return real.isHidden(real(path));
  }

  @Override
  public FileStore getFileStore(Path path) throws IOException {
    before(Call.ATTRIBUTES);
    return real.getFileStore(real(path));
  }

  @Override
  public void checkAccess(Path path, AccessMode... modes) throws IOException {
    before(Call.ATTRIBUTES);
    real.checkAccess(real(path), modes);
  }

  @Override
  public <V extends FileAttributeView> V getFileAttributeView(
      Path path, Class<V> type, LinkOption... options) {
    return real.getFileAttributeView(real(path), type, options);
  }

  @Override
  public <A extends BasicFileAttributes> A readAttributes(
      Path path, Class<A> type, LinkOption... options) throws IOException {
    before(Call.ATTRIBUTES);
    return real.readAttributes(real(path), type, options);
  }

  @Override
  public Map<String, Object> readAttributes(Path path, String attributes, LinkOption... options)
      throws IOException {
    before(Call.ATTRIBUTES);
    return real.readAttributes(real(path), attributes, options);
  }

  @Override
  public void setAttribute(Path path, String attribute, Object value, LinkOption... options)
      throws IOException {
    before(Call.ATTRIBUTES);
    real.setAttribute(real(path), attribute, value, options);
  }
}
