package dev.panagrad.backend.cuda;

import dev.panagrad.backend.DeviceException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * A sequence of launches as one graph: each node waits for the one before it. It remembers the
 * arguments that each node has, and writes only those that changed.
 */
final class CudaGraph {
  private final CudaLaunch[] launches;
  private final MemorySegment[] nodes;
  private final MemorySegment[] written;
  private final long[] shapes;
  private final MemorySegment graph;
  private final MemorySegment executable;
  private final Arena arena = Arena.ofShared();

  CudaGraph(CudaDriver driver, CudaLaunch[] sequence, int count) {
    launches = new CudaLaunch[count];
    nodes = new MemorySegment[count];
    written = new MemorySegment[count];
    shapes = new long[count];
    graph = driver.createGraph();
    try {
      MemorySegment before = null;
      for (int i = 0; i < count; i++) {
        CudaLaunch l = sequence[i];
        launches[i] = l;
        nodes[i] = driver.addNode(graph, before, l);
        written[i] = arena.allocate(l.values.byteSize(), Long.BYTES).copyFrom(l.values);
        shapes[i] = shape(l);
        before = nodes[i];
      }
      executable = driver.instantiate(graph);
    } catch (DeviceException e) {
      if (!driver.isLost()) {
        driver.destroyGraph(graph);
      }
      arena.close();
      throw e;
    }
  }

  /** What may change between launches apart from arguments. */
  private static long shape(CudaLaunch l) {
    return ((long) l.gridX << 32) + ((long) l.gridY << 20) + l.sharedBytes;
  }

  boolean isOf(CudaLaunch[] sequence, int count) {
    return Arrays.equals(launches, 0, launches.length, sequence, 0, count);
  }

  void launch(CudaDriver driver, MemorySegment stream) {
    for (int i = 0; i < launches.length; i++) {
      CudaLaunch l = launches[i];
      if (shape(l) != shapes[i] || l.values.mismatch(written[i]) >= 0) {
        driver.update(executable, nodes[i], l);
        written[i].copyFrom(l.values);
        shapes[i] = shape(l);
      }
    }
    driver.launchGraph(executable, stream);
  }

  void destroy(CudaDriver driver) {
    driver.destroyExecutable(executable);
    driver.destroyGraph(graph);
    arena.close();
  }
}
