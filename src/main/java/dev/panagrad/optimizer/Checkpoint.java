package dev.panagrad.optimizer;

import dev.panagrad.backend.Backend;
import dev.panagrad.rule.StateFormat;
import dev.panagrad.safetensors.NameList;
import dev.panagrad.safetensors.SafetensorsFile;
import dev.panagrad.safetensors.SafetensorsWriter;
import dev.panagrad.tensor.Parameters;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Parameters and state of an optimizer as a safetensors file, from which another optimizer of the
 * same rule, penalty and layout goes on bit for bit, in this process or another, on the same
 * backend.
 *
 * <pre>
 *   parameters/NAME    each parameter
 *   SLOT/NAME          each state vector of the rule, cut in the same way: m/weight, v/weight; BF16
 *                      if the state is kept so
 *   SLOT.codes, SLOT.scales
 *                      instead, if the state is kept as BLOCK8: whole vectors, with their padding
 *
 *   metadata: format "panagrad.checkpoint.1", rule with all options, penalty, dtype, state (its
 *             format), layout (a JSON list of names with their shapes), penalised (elements before
 *             the exempt ones), steps, skipped, crc32c.* of each tensor
 * </pre>
 *
 * <p>State is saved as it is kept, whatever its format.
 *
 * <p>The schedule is a function of the step and has no state; it is the builder's again, as are
 * clipping and the policy for gradients that are not finite.
 */
public final class Checkpoint {
  private static final String FORMAT = "format";
  private static final String VERSION = "panagrad.checkpoint.1";
  private static final String STEPS = "steps";
  private static final String SKIPPED = "skipped";
  private static final String PARAMETERS = "parameters";

  private Checkpoint() {}

  /**
   * Writes a checkpoint; it is on the disk when the call returns, in place of what was there.
   * Vectors on a device are copied to the host first.
   *
   * @throws IOException if it cannot be written; what was there before is still there
   */
  public static void save(Optimizer optimizer, Path file) throws IOException {
    Map<String, String> metadata = new LinkedHashMap<>(identity(optimizer));
    metadata.put(STEPS, Long.toString(optimizer.steps()));
    metadata.put(SKIPPED, Long.toString(optimizer.skippedSteps()));
    try (TensorArena arena = TensorArena.open("checkpoint")) {
      List<Tensor> tensors = new ArrayList<>();
      for (Map.Entry<String, Tensor> named : tensors(optimizer).entrySet()) {
        Tensor tensor = named.getValue();
        Tensor onHost = tensor;
        if (!tensor.isHost()) {
          onHost = arena.allocate(named.getKey(), tensor.dtype(), tensor.shape());
          optimizer.backend().copy(tensor, onHost);
        }
        tensors.add(onHost.named(named.getKey()));
      }
      SafetensorsWriter.write(file, metadata, tensors);
    }
  }

  /**
   * Brings an optimizer to where another one was saved.
   *
   * @throws IOException if the file cannot be read, is damaged, or is of another rule, option,
   *     penalty, element type or layout, with what differs; nothing has changed then
   */
  public static void restore(Optimizer optimizer, Path file) throws IOException {
    SafetensorsFile in = SafetensorsFile.open(file);
    for (Map.Entry<String, String> needed : identity(optimizer).entrySet()) {
      String found = in.metadata().get(needed.getKey());
      if (!needed.getValue().equals(found)) {
        throw new IOException(
            "checkpoint '%s' differs in its %s: there it is %s, here %s"
                .formatted(
                    file, needed.getKey(), found == null ? "missing" : found, needed.getValue()));
      }
    }
    in.requireIntactHeader();
    long steps = number(file, in.metadata(), STEPS);
    long skipped = number(file, in.metadata(), SKIPPED);
    Map<String, Tensor> targets = tensors(optimizer);
    if (!in.names().equals(targets.keySet())) {
      throw new IOException(
          "checkpoint '%s' has the tensors %s, and %s are needed"
              .formatted(file, in.names(), targets.keySet()));
    }
    try (TensorArena arena = TensorArena.open("checkpoint")) {
      Map<Tensor, Tensor> copies = new LinkedHashMap<>();
      for (Map.Entry<String, Tensor> target : targets.entrySet()) {
        Tensor saved = in.map(arena, target.getKey());
        if (saved.dtype() != target.getValue().dtype()
            || !saved.shape().equals(target.getValue().shape())) {
          throw new IOException(
              "checkpoint '%s': tensor '%s' is %s %s, and %s %s is needed"
                  .formatted(
                      file,
                      target.getKey(),
                      saved.dtype(),
                      saved.shape(),
                      target.getValue().dtype(),
                      target.getValue().shape()));
        }
        in.requireIntact(saved);
        copies.put(saved, target.getValue());
      }
      // Nothing that may be refused is left.
      Backend backend = optimizer.backend();
      copies.forEach(backend::copy);
      optimizer.resumeAt(steps, skipped);
    }
  }

  /** What must be the same on both sides. */
  private static Map<String, String> identity(Optimizer optimizer) throws IOException {
    Parameters parameters = optimizer.parameters();
    List<String> layout = new ArrayList<>();
    for (String name : parameters.names()) {
      Tensor view = parameters.view(name);
      String part = first(parameters, view) < parameters.penalisedCount() ? "" : " exempt";
      layout.add(name + " " + view.shape() + part);
    }
    Map<String, String> identity = new LinkedHashMap<>();
    identity.put(FORMAT, VERSION);
    identity.put("rule", optimizer.rule().toString());
    identity.put("penalty", optimizer.penalty().toString());
    identity.put("dtype", parameters.flat().dtype().name());
    identity.put("state", optimizer.stateFormat().name());
    identity.put("layout", NameList.format(layout));
    identity.put("penalised", Long.toString(parameters.penalisedCount()));
    return identity;
  }

  private static Map<String, Tensor> tensors(Optimizer optimizer) {
    Parameters parameters = optimizer.parameters();
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    parameters.names().forEach(n -> add(tensors, PARAMETERS, n, parameters.view(n)));
    StateFormat format = optimizer.stateFormat();
    List<Tensor> state = optimizer.state();
    int parts = format.tensorsPerSlot();
    for (int i = 0; i < state.size(); i++) {
      Tensor vector = state.get(i);
      String slot = format.tensorName(i % parts, optimizer.rule().slots().get(i / parts));
      if (format == StateFormat.BLOCK8) {
        add(tensors, slot, vector);
      } else {
        parameters.names().forEach(n -> add(tensors, slot, n, viewLike(parameters, n, vector)));
      }
    }
    return tensors;
  }

  /** The elements of a state vector that belong to a parameter. */
  private static Tensor viewLike(Parameters parameters, String name, Tensor vector) {
    Tensor view = parameters.view(name);
    return vector.slice(first(parameters, view), view.shape().extents());
  }

  private static long first(Parameters parameters, Tensor view) {
    return (view.byteOffset() - parameters.flat().byteOffset()) / view.dtype().bytes();
  }

  private static void add(Map<String, Tensor> tensors, String of, String name, Tensor view) {
    add(tensors, of + "/" + name, view);
  }

  private static void add(Map<String, Tensor> tensors, String name, Tensor view) {
    if (tensors.put(name, view) != null) {
      throw new IllegalArgumentException(
          "two vectors would be '%s' in a checkpoint; rename the rule's slot or the parameter"
              .formatted(name));
    }
  }

  private static long number(Path file, Map<String, String> metadata, String key)
      throws IOException {
    String text = metadata.get(key);
    if (text == null || !text.matches("[0-9]{1,18}")) {
      throw new IOException(
          "checkpoint '%s': metadata '%s' is %s where a count is needed"
              .formatted(file, key, text == null ? "missing" : "'" + text + "'"));
    }
    return Long.parseLong(text);
  }
}
