package dev.panagrad.conformance;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import jdk.jfr.Recording;
import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordedFrame;
import jdk.jfr.consumer.RecordedMethod;
import jdk.jfr.consumer.RecordingFile;

/**
 * Where a call allocates, by the flight recorder: what the compilers made of a kernel depends on
 * all that ran before, so that a failure in a long run cannot be had again in a short one.
 */
final class AllocationSites {
  private static final String EVENT = "jdk.ObjectAllocationSample";
  private static final long NANOS = 2_000_000_000L;
  private static final int SITES = 4;
  private static final int FRAMES = 14;

  private AllocationSites() {}

  /** The most frequent stacks of this thread's allocations while it repeats the call. */
  static String of(Runnable call) {
    Path file = null;
    try (Recording recording = new Recording()) {
      file = Files.createTempFile("allocations", ".jfr");
      recording.enable(EVENT).with("throttle", "2000/s").withStackTrace();
      recording.start();
      long end = System.nanoTime() + NANOS;
      while (System.nanoTime() < end) {
        call.run();
      }
      recording.stop();
      recording.dump(file);
      return sites(RecordingFile.readAllEvents(file));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } finally {
      if (file != null) {
        file.toFile().delete();
      }
    }
  }

  private static String sites(List<RecordedEvent> events) {
    Map<String, Integer> counts = new HashMap<>();
    for (RecordedEvent event : events) {
      boolean isOurs =
          event.getEventType().getName().equals(EVENT)
              && event.getStackTrace() != null
              && event.getThread("eventThread") != null
              && event.getThread("eventThread").getJavaThreadId()
                  == Thread.currentThread().threadId();
      if (isOurs) {
        counts.merge(stack(event), 1, Integer::sum);
      }
    }
    return counts.entrySet().stream()
        .sorted(Map.Entry.comparingByValue(Comparator.reverseOrder()))
        .limit(SITES)
        .map(site -> "%n%d samples of %s".formatted(site.getValue(), site.getKey()))
        .collect(Collectors.joining());
  }

  private static String stack(RecordedEvent event) {
    return event.getClass("objectClass").getName()
        + event.getStackTrace().getFrames().stream()
            .limit(FRAMES)
            .map(AllocationSites::frame)
            .collect(Collectors.joining());
  }

  private static String frame(RecordedFrame frame) {
    RecordedMethod method = frame.getMethod();
    return "%n  %s.%s:%d %s"
        .formatted(
            method.getType().getName(), method.getName(), frame.getLineNumber(), frame.getType());
  }
}
