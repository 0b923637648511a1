package dev.panagrad.optimizer;

import dev.panagrad.backend.Backend;
import dev.panagrad.safetensors.NameList;
import dev.panagrad.safetensors.SafetensorsFile;
import dev.panagrad.tensor.Parameters;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;

/**
 * Parameters and state of an optimizer as a safetensors file, from which another optimizer of the
 * same rule, penalty and layout goes on bit for bit, in this process or another, on the same
 * backend.
 *
 * <pre>
 *   parameters/NAME    each parameter
 *   SLOT/NAME          each state vector of the rule, cut in the same way: m/weight, v/weight
 *
 *   metadata: format "panagrad.checkpoint.1", rule with all options, penalty, dtype, layout (a JSON
 *             list of names with their shapes), penalised (elements before the exempt ones), steps,
 *             skipped, crc32c.* of each tensor
 * </pre>
 *
 * <p>The schedule is a function of the step and has no state; it is the builder's again, as are
 * clipping and the policy for gradients that are not finite.
 */
public final class Checkpoint {
  private static final String FORMAT = "format";
  private static final String VERSION = "panagrad.checkpoint.1";
  static final String STEPS = "steps";
  static final String SKIPPED = "skipped";

  /** Tensors whose names begin with it are whoever's wrote the checkpoint, and are not restored. */
  public static final String OTHERS = "training/";

  private static final String PARAMETERS = "parameters";

  private Checkpoint() {}

  /**
   * Writes a checkpoint; it is on the disk when the call returns, in place of what was there.
   * Vectors on a device are copied to the host first.
   *
   * @throws IOException if it cannot be written; what was there before is still there
   */
  public static void save(Optimizer optimizer, Path file) throws IOException {
    try (TensorArena arena = TensorArena.open("checkpoint")) {
      CheckpointSnapshot snapshot = new CheckpointSnapshot(optimizer, arena, false);
      snapshot.take();
      snapshot.write(file, Map.of(), List.of());
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
    List<String> found = in.names().stream().filter(name -> !name.startsWith(OTHERS)).toList();
    if (!targets.keySet().equals(new LinkedHashSet<>(found))) {
      throw new IOException(
          "checkpoint '%s' has the tensors %s, and %s are needed"
              .formatted(file, found, targets.keySet()));
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
  static Map<String, String> identity(Optimizer optimizer) throws IOException {
    Parameters parameters = optimizer.parameters();
    List<String> layout = new ArrayList<>();
    for (String name : parameters.names()) {
      Tensor view = parameters.view(name);
      long first = (view.byteOffset() - parameters.flat().byteOffset()) / view.dtype().bytes();
      String part = first < parameters.penalisedCount() ? "" : " exempt";
      layout.add(name + " " + view.shape() + part);
    }
    Map<String, String> identity = new LinkedHashMap<>();
    identity.put(FORMAT, VERSION);
    identity.put("rule", optimizer.rule().toString());
    identity.put("penalty", optimizer.penalty().toString());
    identity.put("dtype", parameters.flat().dtype().name());
    identity.put("layout", NameList.format(layout));
    identity.put("penalised", Long.toString(parameters.penalisedCount()));
    return identity;
  }

  static Map<String, Tensor> tensors(Optimizer optimizer) {
    Parameters parameters = optimizer.parameters();
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    parameters.names().forEach(n -> add(tensors, PARAMETERS, n, parameters.view(n)));
    List<String> slots = optimizer.rule().slots();
    for (int i = 0; i < slots.size(); i++) {
      Parameters state = parameters.layoutOf().over(optimizer.state().get(i));
      String slot = slots.get(i);
      state.names().forEach(n -> add(tensors, slot, n, state.view(n)));
    }
    return tensors;
  }

  private static void add(Map<String, Tensor> tensors, String of, String name, Tensor view) {
    if (tensors.put(of + "/" + name, view) != null) {
      throw new IllegalArgumentException(
          "two vectors would be '%s/%s' in a checkpoint; rename the rule's slot or the parameter"
              .formatted(of, name));
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
