package dev.panagrad.regression;

import dev.panagrad.loss.Loss;
import dev.panagrad.safetensors.Excerpt;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.HashSet;
import java.util.List;
import java.util.Map;

/**
 * Holds the model that a service predicts with, exchanged while others predict. Each {@code
 * predict} and {@code response} is that of {@link LinearModel} by the {@link #current} model, which
 * predicts tensors; once closed, they throw {@link IllegalStateException}.
 *
 * <p>Threading: any number of threads may predict, exchange and close. A prediction reads one
 * volatile reference once, so each call is by one model, and readers neither wait nor allocate.
 * Models are immutable and on the heap: one that was exchanged lives until the last prediction by
 * it has ended, and closing frees nothing that a prediction under way could touch.
 *
 * <p>{@link #swap}, {@link #reload} and {@link #close} take turns by a lock that no reader takes.
 * What happened before a swap is seen by predictions with the new model.
 */
public final class ServedModel implements AutoCloseable {
  private final Object writers = new Object();
  private volatile Status status;
  private volatile LinearModel model; // that of the status; null once closed

  /**
   * Says what is served, for health checks and metrics: all of one moment.
   *
   * @param model that predicts; null once closed
   * @param version 1 for the first model, and 1 more for each later one
   * @param source the file that it was read from; null if it came from the program
   * @param loaded when it began to be served
   * @param reloads files that were read and served
   * @param failedReloads calls of {@link #reload} that threw, and left the model
   */
  public record Status(
      LinearModel model,
      long version,
      Path source,
      Instant loaded,
      long reloads,
      long failedReloads) {
    private Status next(LinearModel newModel, Path newSource) {
      long read = reloads + (newSource == null ? 0 : 1);
      return new Status(newModel, version + 1, newSource, Instant.now(), read, failedReloads);
    }

    private Status with(LinearModel served, long failed) {
      return new Status(served, version, source, loaded, reloads, failed);
    }
  }

  /**
   * Starts with that model, whose features, targets and link all later ones have.
   *
   * @throws IllegalArgumentException if a coefficient or intercept is not finite
   */
  public ServedModel(LinearModel model) {
    this(model, null);
  }

  private ServedModel(LinearModel model, Path source) {
    model.requireFinite();
    this.model = model;
    status = new Status(model, 1, source, Instant.now(), 0, 0);
  }

  /** Starts with the model of a {@linkplain ModelFile file}, which {@link #status} names. */
  public static ServedModel load(Path file) throws IOException {
    return new ServedModel(ModelFile.load(file), file);
  }

  /** Returns the model of this moment; throws {@link IllegalStateException} if closed. */
  public LinearModel current() {
    LinearModel now = model;
    if (now == null) {
      throw new IllegalStateException("the served model is closed: there is none to predict with");
    }
    return now;
  }

  /** Says what is served at this moment, and since when; also once closed. */
  public Status status() {
    return status;
  }

  public double predict(double[] row, int target) {
    return current().predict(row, target);
  }

  public void predict(double[] row, double[] out) {
    current().predict(row, out);
  }

  public double response(double[] row, int target) {
    return current().response(row, target);
  }

  public void response(double[] row, double[] out) {
    current().response(row, out);
  }

  /** Computes a response to numbers and texts by the columns' names; allocates the features. */
  public double response(Map<String, ?> row, int target) {
    return current().response(row, target);
  }

  public double probability(double[] row, int target) {
    return current().probability(row, target);
  }

  public double score(double[] row, int target) {
    return current().score(row, target);
  }

  /**
   * Predicts with another model from now on.
   *
   * @param next of the same features and targets in the same order, since callers send rows by
   *     position, and of the same link, since they read probabilities, counts or values: a model of
   *     a loss with a link follows one of the same loss, any other one of a loss without
   * @return the model before
   * @throws ModelMismatchException if names differ, with the first that does, or links do, or one
   *     needs offsets; nothing changes
   * @throws IllegalArgumentException if a coefficient or intercept is not finite; nothing changes
   * @throws IllegalStateException if closed
   */
  public LinearModel swap(LinearModel next) {
    return swap(next, null);
  }

  private LinearModel swap(LinearModel next, Path source) {
    synchronized (writers) {
      LinearModel before = current();
      requireSame("feature", before.features(), next.features());
      requireSame("target", before.targets(), next.targets());
      requireSameLink(before.loss(), next.loss());
      if (before.hasOffset() != next.hasOffset()) {
        throw new ModelMismatchException(
            "the served model was fitted with%s offsets, the next one with%s: callers would give the wrong rows"
                .formatted(before.hasOffset() ? "" : "out", next.hasOffset() ? "" : "out"));
      }
      if (before.encoding().isPresent() != next.encoding().isPresent()) {
        throw new ModelMismatchException(
            "the served model has %s encoding of tables, the next one %s: callers would give the wrong rows; withEncoding sets it"
                .formatted(
                    before.encoding().isPresent() ? "an" : "no",
                    next.encoding().isPresent() ? "has one" : "has none"));
      }
      next.requireFinite();
      status = status.next(next, source);
      model = next;
      return before;
    }
  }

  /**
   * Predicts with the model of a {@linkplain ModelFile file} from now on; as {@link #swap}.
   *
   * @throws IOException if it cannot be read, is damaged or holds something else; nothing changes
   */
  public LinearModel reload(Path file) throws IOException {
    // Loading takes its turn too: what was read earlier must not be served later.
    synchronized (writers) {
      current();
      boolean isServed = false;
      try {
        LinearModel before = swap(ModelFile.load(file), file);
        isServed = true;
        return before;
      } catch (ModelMismatchException e) {
        ModelMismatchException named =
            new ModelMismatchException("'%s': %s".formatted(Excerpt.of(file), e.getMessage()));
        named.initCause(e);
        throw named;
      } finally {
        if (!isServed) {
          status = status.with(status.model, status.failedReloads + 1);
        }
      }
    }
  }

  /** Refuses later predictions; those under way finish. A second close does nothing. */
  @Override
  public void close() {
    synchronized (writers) {
      model = null;
      status = status.with(null, status.failedReloads);
    }
  }

  public boolean isOpen() {
    return model != null;
  }

  @Override
  public String toString() {
    Status now = status;
    return "served %s, version %d since %s%s, %d reloads, %d failed"
        .formatted(
            now.model == null ? "nothing: closed" : now.model,
            now.version,
            now.loaded,
            now.source == null ? "" : " from '" + Excerpt.of(now.source) + "'",
            now.reloads,
            now.failedReloads);
  }

  private static void requireSameLink(Loss served, Loss found) {
    boolean hasLink = served.hasLink() || found.hasLink();
    if (hasLink && !served.getClass().equals(found.getClass())) {
      throw new ModelMismatchException(
          "the served model is of loss '%s', the next one of '%s': what they predict differs"
              .formatted(served.name(), found.name()));
    }
  }

  private static void requireSame(String what, List<String> served, List<String> found) {
    if (served.equals(found)) {
      return;
    }
    boolean sameSet =
        served.size() == found.size() && new HashSet<>(served).equals(new HashSet<>(found));
    int at = 0;
    while (at < Math.min(served.size(), found.size()) && served.get(at).equals(found.get(at))) {
      at++;
    }
    throw new ModelMismatchException(
        "the served model has %d %ss, the next one %d%s: %s %d is %s where %s is served; %s"
            .formatted(
                served.size(),
                what,
                found.size(),
                sameSet ? " of the same names in another order" : "",
                what,
                at + 1,
                quoted(found, at, "missing"),
                quoted(served, at, "none"),
                sameSet
                    ? "train it on columns in the order of the served model"
                    : "a model of other columns needs a ServedModel of its own"));
  }

  private static String quoted(List<String> names, int at, String otherwise) {
    return at < names.size() ? "'" + Excerpt.of(names.get(at)) + "'" : otherwise;
  }
}
