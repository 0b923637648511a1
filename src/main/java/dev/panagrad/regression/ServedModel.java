package dev.panagrad.regression;

import dev.panagrad.loss.Loss;
import dev.panagrad.safetensors.Excerpt;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;

/**
 * The model that a service predicts with, exchanged while others predict. Each {@code predict} and
 * {@code response} is that of {@link LinearModel} by the {@link #current} model, which predicts
 * tensors; once closed, they throw {@link IllegalStateException}.
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
  private volatile LinearModel model; // null once closed

  /** Starts with that model, whose features, targets and link all later ones have. */
  public ServedModel(LinearModel model) {
    this.model = Objects.requireNonNull(model, "model");
  }

  /** The model of this moment; throws {@link IllegalStateException} if closed. */
  public LinearModel current() {
    LinearModel now = model;
    if (now == null) {
      throw new IllegalStateException("the served model is closed: there is none to predict with");
    }
    return now;
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

  /**
   * Predicts with another model from now on.
   *
   * @param next of the same features and targets in the same order, since callers send rows by
   *     position, and of the same link, since they read probabilities, counts or values: a model of
   *     a loss with a link follows one of the same loss, any other one of a loss without
   * @return the model before
   * @throws ModelMismatchException if names differ, with the first that does, or links do; nothing
   *     changes
   * @throws IllegalStateException if closed
   */
  public LinearModel swap(LinearModel next) {
    Objects.requireNonNull(next, "model");
    synchronized (writers) {
      LinearModel before = current();
      requireSame("feature", before.features(), next.features());
      requireSame("target", before.targets(), next.targets());
      requireSameLink(before.loss(), next.loss());
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
      LinearModel next = ModelFile.load(file);
      try {
        return swap(next);
      } catch (ModelMismatchException e) {
        ModelMismatchException named =
            new ModelMismatchException("'%s': %s".formatted(Excerpt.of(file), e.getMessage()));
        named.initCause(e);
        throw named;
      }
    }
  }

  /** Refuses later predictions; those under way finish. A second close does nothing. */
  @Override
  public void close() {
    synchronized (writers) {
      model = null;
    }
  }

  public boolean isOpen() {
    return model != null;
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
