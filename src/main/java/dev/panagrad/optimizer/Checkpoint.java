package dev.panagrad.optimizer;

import dev.panagrad.backend.Backend;
import dev.panagrad.rule.Checks;
import dev.panagrad.rule.StateFormat;
import dev.panagrad.safetensors.Excerpt;
import dev.panagrad.safetensors.NameList;
import dev.panagrad.safetensors.NotDurableException;
import dev.panagrad.safetensors.SafetensorsFile;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Parameters;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Saves parameters and state of an optimizer as a safetensors file, from which another optimizer of
 * the same rule, penalty and layout goes on bit for bit, in this process or another, on the same
 * backend.
 *
 * <pre>
 *   parameters/NAME    each parameter
 *   SLOT/NAME          each state vector of the rule, cut in the same way: m/weight, v/weight; BF16
 *                      if the state is kept so
 *   average/NAME       each parameter's average, if one is kept
 *   SLOT.codes, SLOT.scales
 *                      instead, if the state is kept as INT8_BLOCKWISE: whole vectors, with their padding
 *
 *   metadata: format "panagrad.checkpoint.2", rule with all options, penalty, dtype, state (its
 *             format), layout (a JSON list of names with their shapes), penalized (elements before
 *             the exempt ones), groups, average, steps, skipped, rate-factor, crc32c.* of each tensor
 * </pre>
 *
 * <p>The schedule is a function of the step and has no state; it is the builder's again, as are
 * clipping and the policy for gradients that are not finite.
 */
public final class Checkpoint {
  private static final String FORMAT = "format";
  private static final String VERSION = "panagrad.checkpoint.2";
  static final String STEPS = "steps";
  static final String SKIPPED = "skipped";
  static final String RATE_FACTOR = "rate-factor";

  /** Begins the names of tensors that belong to the writer's caller and are not restored. */
  public static final String OTHERS = "training/";

  private static final String PARAMETERS = "parameters/";
  private static final String GROUPS = "groups";
  private static final String AVERAGE = "average";
  private static final String NONE = "none";
  // Characters that two texts have in common, before those in which they differ.
  private static final int MAX_SHOWN_SAME = 100;

  private Checkpoint() {}

  /**
   * Writes a checkpoint in place of what was there, and fsyncs it; if that throws anything but
   * {@link NotDurableException}, what was there still is. Vectors on a device are copied to the
   * host first.
   *
   * @throws NotDurableException if it was written and replaced, and may not outlast a crash
   */
  public static void save(Optimizer optimizer, Path file) throws IOException {
    try (TensorArena arena = TensorArena.open("checkpoint")) {
      CheckpointSnapshot snapshot = new CheckpointSnapshot(optimizer, arena, false);
      snapshot.take();
      snapshot.write(file, Map.of(), List.of());
    }
  }

  /**
   * Brings an optimizer to where another one was saved. The file is read twice: its sums are
   * compared, and then it is read into the optimizer's memory; vectors on a device go through
   * memory for the largest of them.
   *
   * @throws PartlyRestoredException if the file changed, could not be read any more, or memory was
   *     closed during the second reading; restore a checkpoint before the next step
   * @throws IllegalStateException if memory or the backend has been closed; nothing has changed
   * @throws IOException if the file cannot be read, is damaged, or is of another rule, option,
   *     penalty, element type or layout, with what differs; nothing has changed
   */
  public static void restore(Optimizer optimizer, Path file) throws IOException {
    try (SafetensorsFile in = SafetensorsFile.open(file)) {
      in.requireIntactHeader();
      requireFits(optimizer, file, in);
      read(optimizer, file, in);
    }
  }

  /** Requires that a file is a checkpoint of this version; throws if it is not. */
  public static void requireVersion(Path file, SafetensorsFile in) throws IOException {
    String found = in.metadata().get(FORMAT);
    if (!VERSION.equals(found)) {
      throw new IOException(
          "checkpoint '%s' is of format %s, and '%s' is needed: it cannot be continued; start again, or use the release that wrote it"
              .formatted(
                  Excerpt.of(file),
                  found == null ? "none" : "'" + Excerpt.of(found) + "'",
                  VERSION));
    }
  }

  /** Requires that a file with an intact header has all of this optimizer; see {@link #restore}. */
  public static void requireFits(Optimizer optimizer, Path file, SafetensorsFile in)
      throws IOException {
    Map<String, Tensor> targets = tensors(optimizer);
    requireFits(identity(optimizer), targets, file, in);
    number(file, in.metadata(), STEPS);
    number(file, in.metadata(), SKIPPED);
    rateFactor(file, in.metadata());
    optimizer.backend().linear().requireOpen();
    targets.values().forEach(Tensor::requireWritable);
  }

  /** Requires that a file of parameters without an optimizer has all of these, of this layout. */
  public static void requireFits(Parameters parameters, Path file, SafetensorsFile in)
      throws IOException {
    requireFits(identity(parameters), tensors(parameters), file, in);
  }

  private static void requireFits(
      Map<String, String> identity, Map<String, Tensor> targets, Path file, SafetensorsFile in)
      throws IOException {
    requireVersion(file, in);
    requireSameKind(identity, file, in.metadata());
    requireSameTensors(file, in, targets);
    for (String name : targets.keySet()) {
      in.requireIntact(name);
    }
  }

  /**
   * Reads parameters and state that {@linkplain #requireFits fit}.
   *
   * @throws PartlyRestoredException if the file has changed, or could not be read any more
   */
  public static void read(Optimizer optimizer, Path file, SafetensorsFile in) throws IOException {
    long steps = number(file, in.metadata(), STEPS);
    long skipped = number(file, in.metadata(), SKIPPED);
    double factor = rateFactor(file, in.metadata());
    Map<String, Tensor> targets = tensors(optimizer);
    try (TensorArena arena = TensorArena.open("checkpoint")) {
      Tensor staging = staging(arena, targets.values());
      for (Map.Entry<String, Tensor> target : targets.entrySet()) {
        read(in, target.getKey(), target.getValue(), staging, optimizer.backend());
      }
      optimizer.resumeAt(steps, skipped, factor);
    } catch (IOException | RuntimeException e) {
      throw new PartlyRestoredException(file, e);
    }
  }

  private static void requireSameKind(
      Map<String, String> identity, Path file, Map<String, String> metadata) throws IOException {
    for (Map.Entry<String, String> needed : identity.entrySet()) {
      String found = metadata.get(needed.getKey());
      if (!needed.getValue().equals(found)) {
        String there = found == null ? "missing" : from(found, needed.getValue());
        String here = from(needed.getValue(), found == null ? "" : found);
        throw new IOException(
            "checkpoint '%s' differs in its %s: there it is %s, here %s"
                .formatted(Excerpt.of(file), needed.getKey(), there, here));
      }
    }
  }

  /** A text from a little before where it differs from another one. */
  private static String from(String text, String other) {
    int same = Arrays.mismatch(text.toCharArray(), other.toCharArray());
    return same <= MAX_SHOWN_SAME
        ? Excerpt.of(text)
        : "..." + Excerpt.of(text.substring(same - MAX_SHOWN_SAME));
  }

  private static void requireSameTensors(Path file, SafetensorsFile in, Map<String, Tensor> targets)
      throws IOException {
    Set<String> found = new LinkedHashSet<>(in.names());
    found.removeIf(name -> name.startsWith(OTHERS));
    if (!found.equals(targets.keySet())) {
      throw new IOException(
          "checkpoint '%s' has the tensors %s, and %s are needed"
              .formatted(Excerpt.of(file), Excerpt.of(found), Excerpt.of(targets.keySet())));
    }
    for (Map.Entry<String, Tensor> target : targets.entrySet()) {
      String name = target.getKey();
      String there = in.dtype(name) + " " + in.shape(name);
      String needed = target.getValue().dtype() + " " + target.getValue().shape();
      if (!there.equals(needed)) {
        throw new IOException(
            "checkpoint '%s': tensor '%s' is %s, and %s is needed"
                .formatted(Excerpt.of(file), Excerpt.of(name), there, needed));
      }
    }
  }

  /** Memory for the largest tensor that is not on the host; null if all are. */
  private static Tensor staging(TensorArena arena, Collection<Tensor> targets) {
    long bytes =
        targets.stream()
            .filter(target -> !target.isHost())
            .mapToLong(target -> target.shape().bytes(target.dtype()))
            .max()
            .orElse(0);
    return bytes == 0
        ? null
        : arena.allocate("staging", DType.I64, Math.ceilDiv(bytes, DType.I64.bytes()));
  }

  private static void read(
      SafetensorsFile in, String name, Tensor target, Tensor staging, Backend backend)
      throws IOException {
    if (target.isHost()) {
      in.read(name, target);
    } else if (target.count() > 0) {
      MemorySegment memory =
          staging.segment().asSlice(staging.byteOffset(), target.shape().bytes(target.dtype()));
      Tensor onHost = Tensor.wrap(name, memory, target.dtype(), target.shape().extents());
      in.read(name, onHost);
      backend.copy(onHost, target);
    }
  }

  /** Texts that must be the same on both sides. */
  static Map<String, String> identity(Optimizer optimizer) throws IOException {
    Map<String, String> identity = identity(optimizer.parameters());
    identity.put("rule", optimizer.rule().toString());
    identity.put("penalty", optimizer.penalty().toString());
    identity.put("state", optimizer.stateFormat().name());
    identity.put(GROUPS, optimizer.groups().toString());
    identity.put(AVERAGE, optimizer.averaging() == null ? NONE : optimizer.averaging().toString());
    return identity;
  }

  static Map<String, String> identity(Parameters parameters) throws IOException {
    List<String> layout = new ArrayList<>();
    for (String name : parameters.names()) {
      Tensor view = parameters.view(name);
      String part = first(parameters, view) < parameters.penalizedCount() ? "" : " exempt";
      layout.add(name + " " + view.shape() + part);
    }
    Map<String, String> identity = new LinkedHashMap<>();
    identity.put(FORMAT, VERSION);
    identity.put("dtype", parameters.flat().dtype().name());
    identity.put("layout", NameList.format(layout));
    identity.put("penalized", Long.toString(parameters.penalizedCount()));
    return identity;
  }

  static Map<String, Tensor> tensors(Parameters parameters) {
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    parameters.names().forEach(n -> add(tensors, PARAMETERS + n, parameters.view(n)));
    return tensors;
  }

  static Map<String, Tensor> tensors(Optimizer optimizer) {
    Parameters parameters = optimizer.parameters();
    Map<String, Tensor> tensors = tensors(parameters);
    if (optimizer.averaged() != null) {
      Parameters averaged = optimizer.averaged();
      averaged.names().forEach(n -> add(tensors, AVERAGE + "/" + n, averaged.view(n)));
    }
    StateFormat format = optimizer.stateFormat();
    List<Tensor> state = optimizer.state();
    int parts = format.tensorsPerSlot();
    for (int i = 0; i < state.size(); i++) {
      Tensor vector = state.get(i);
      String slot = format.tensorName(i % parts, optimizer.rule().slots().get(i / parts));
      if (format == StateFormat.INT8_BLOCKWISE) {
        add(tensors, slot, vector);
      } else {
        for (String name : parameters.names()) {
          Tensor view = parameters.view(name);
          Tensor own = vector.slice(first(parameters, view), view.shape().extents());
          add(tensors, slot + "/" + name, own);
        }
      }
    }
    return tensors;
  }

  private static long first(Parameters parameters, Tensor view) {
    return (view.byteOffset() - parameters.flat().byteOffset()) / view.dtype().bytes();
  }

  private static void add(Map<String, Tensor> tensors, String name, Tensor view) {
    if (tensors.put(name, view) != null) {
      throw new IllegalArgumentException(
          "two vectors would be '%s' in a checkpoint; rename the rule's slot or the parameter"
              .formatted(name));
    }
  }

  private static double rateFactor(Path file, Map<String, String> metadata) throws IOException {
    String text = metadata.getOrDefault(RATE_FACTOR, "missing");
    try {
      return Checks.positive(RATE_FACTOR, Double.parseDouble(text));
    } catch (IllegalArgumentException e) {
      throw new IOException(
          "checkpoint '%s': metadata '%s' is '%s' where a positive number is needed"
              .formatted(Excerpt.of(file), RATE_FACTOR, Excerpt.of(text)),
          e);
    }
  }

  private static long number(Path file, Map<String, String> metadata, String key)
      throws IOException {
    String text = metadata.get(key);
    long number = text != null && text.matches("[0-9]{1,18}") ? Long.parseLong(text) : -1;
    if (number >= 0 && number <= Optimizer.MAX_STEPS) {
      return number;
    }
    String found = text == null ? "missing" : "'" + Excerpt.of(text) + "'";
    throw new IOException(
        "checkpoint '%s': metadata '%s' is %s where a count up to 2^53 is needed"
            .formatted(Excerpt.of(file), key, found));
  }
}
