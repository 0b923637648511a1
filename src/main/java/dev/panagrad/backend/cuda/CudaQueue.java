package dev.panagrad.backend.cuda;

import dev.panagrad.backend.DeviceException;
import dev.panagrad.backend.Lifetime;
import dev.panagrad.backend.StepTrace;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The order of work on the device: one stream of kernels, one of uploads, and the launches of a
 * small model's step, which are held back until the step is complete and then started as one graph.
 *
 * <pre>
 *   gradient   defer(rows), defer(combine)            held back
 *   step       defer(norm) ... defer(adam), flush     one cuGraphLaunch
 * </pre>
 *
 * One start of a graph takes the place of a start for each of its kernels. A sequence of launches
 * becomes a graph when it comes a second time in a row; afterwards only the arguments that changed
 * are written to it. Everything else that touches the device flushes first, so that the order of
 * work is the order of calls.
 *
 * <p>Threading: {@code synchronized} on the queue is the lock of the backend; every public entry
 * takes it and calls {@link #enter}.
 */
final class CudaQueue {
  // Launches of a step with clipping by norm are eight.
  private static final int PENDING = 16;
  // A training needs one; more are kept for callers that train several models in turns.
  private static final int GRAPHS = 8;

  final CudaDriver driver;
  final CudaModules modules;
  final Lifetime lifetime;
  final StepTrace trace;
  final Arena arena = Arena.ofShared();
  // Kernels, and copies that callers wait for.
  final MemorySegment stream;
  // Uploads of batches.
  final MemorySegment copyStream;

  private final List<MemorySegment> events = new ArrayList<>();
  private final CudaLaunch[] pending = new CudaLaunch[PENDING];
  private final CudaLaunch[] last = new CudaLaunch[PENDING];
  private final CudaGraph[] graphs = new CudaGraph[GRAPHS];
  private int count;
  private int lastCount;
  private int evicted;
  private boolean closed;

  CudaQueue(CudaDriver driver, Lifetime lifetime, StepTrace trace) {
    this.driver = driver;
    this.lifetime = lifetime;
    this.trace = trace;
    modules = new CudaModules(driver);
    MemorySegment first = null;
    try {
      first = driver.createStream();
      copyStream = driver.createStream();
    } catch (DeviceException e) {
      driver.close(first == null ? List.of() : List.of(first), List.of(), List.of());
      arena.close();
      throw e;
    }
    stream = first;
  }

  /** First call of every entry: refuses a closed or lost device. */
  void enter() {
    lifetime.requireOpen();
    driver.enter();
  }

  MemorySegment event() {
    MemorySegment event = driver.createEvent();
    events.add(event);
    return event;
  }

  /** A place to launch that kernel from, with that many arguments. */
  CudaLaunch launchOf(String file, String name, int arguments) {
    return new CudaLaunch(arena, modules.kernel(file, name), arguments);
  }

  /** Starts a kernel after all before it. */
  void launch(CudaLaunch l) {
    flush();
    start(l);
  }

  private void start(CudaLaunch l) {
    driver.launch(l, stream);
    trace.count(StepTrace.Event.LAUNCH);
  }

  /**
   * A place whose arguments are about to be written: what is held back, and would be started with
   * them, is started first. Two models that take turns on one backend share most places.
   */
  CudaLaunch claim(CudaLaunch l) {
    for (int i = 0; i < count; i++) {
      if (pending[i] == l) {
        flush();
      }
    }
    return l;
  }

  /**
   * Starts a kernel at the next flush at the latest. Its arguments must stay until then; {@link
   * #claim} gives the place back.
   */
  void defer(CudaLaunch l) {
    if (count == PENDING) {
      flush();
    }
    pending[count++] = l;
  }

  void flush() {
    if (count == 0) {
      return;
    }
    int held = count;
    // First: a failure must not leave launches behind that a later call would repeat.
    count = 0;
    CudaGraph graph = held == 1 ? null : graph(held);
    if (graph != null) {
      graph.launch(driver, stream);
      trace.count(StepTrace.Event.LAUNCH);
      return;
    }
    for (int i = 0; i < held; i++) {
      start(pending[i]);
    }
    System.arraycopy(pending, 0, last, 0, held);
    lastCount = held;
  }

  private CudaGraph graph(int held) {
    for (CudaGraph graph : graphs) {
      if (graph != null && graph.isOf(pending, held)) {
        return graph;
      }
    }
    if (!Arrays.equals(pending, 0, held, last, 0, lastCount)) {
      return null;
    }
    CudaGraph made = new CudaGraph(driver, pending, held);
    if (graphs[evicted] != null) {
      graphs[evicted].destroy(driver);
    }
    graphs[evicted] = made;
    evicted = (evicted + 1) % GRAPHS;
    return made;
  }

  void synchronize() {
    flush();
    trace.count(StepTrace.Event.SYNCHRONIZATION);
    driver.synchronize(copyStream);
    driver.synchronize(stream);
  }

  /** Ends everything. Never throws; a second call does nothing. */
  void close() {
    if (closed) {
      return;
    }
    closed = true;
    if (!driver.isLost()) {
      for (CudaGraph graph : graphs) {
        if (graph != null) {
          graph.destroy(driver);
        }
      }
    }
    driver.close(List.of(stream, copyStream), events, modules.loaded());
    arena.close();
  }
}
