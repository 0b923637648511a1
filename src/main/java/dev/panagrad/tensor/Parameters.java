package dev.panagrad.tensor;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * Holds all parameters of a model in one flat allocation with named views, so that a model of a
 * thousand tensors is one kernel call, one checkpoint and one transfer.
 *
 * <pre>
 *   flat     | weights ............ |pad| intercept |pad|
 *            ^ 64-byte boundary         ^ 64-byte boundary
 *            |&lt;----- penalized ------->|&lt;--- exempt ----->|
 * </pre>
 *
 * Views that penalties and weight decay apply to come first, exempt ones (an intercept) after them.
 * Padding is zero and stays zero under every update rule, unless the norm of a gradient that is
 * clipped by it is NaN and propagates: then all elements become NaN. Gradients and optimizer state
 * use the same layout through {@link #like}.
 */
public final class Parameters {
  private final Layout layout;
  private final Tensor flat;
  private final long penalizedCount;
  private final Map<String, Tensor> views = new LinkedHashMap<>();

  private Parameters(Layout layout, Tensor flat) {
    this.layout = layout;
    this.flat = flat;
    penalizedCount = layout.penalizedCount(flat.dtype());
    long penalized = 0;
    long exempt = penalizedCount;
    for (Entry entry : layout.entries) {
      long first = entry.penalized ? penalized : exempt;
      views.put(entry.name, flat.slice(first, entry.shape.extents()).named(entry.name));
      long count = Layout.padded(entry, flat.dtype());
      penalized += entry.penalized ? count : 0;
      exempt += entry.penalized ? 0 : count;
    }
  }

  public static Layout layout() {
    return new Layout();
  }

  /** Returns the whole allocation as one vector, padding included. */
  public Tensor flat() {
    return flat;
  }

  /** Counts elements from the start that penalties and weight decay apply to, with padding. */
  public long penalizedCount() {
    return penalizedCount;
  }

  /** Returns the view of that name; throws IllegalArgumentException with the names if none has. */
  public Tensor view(String name) {
    Tensor view = views.get(name);
    if (view == null) {
      throw new IllegalArgumentException(
          "no parameter '" + name + "'; there are " + views.keySet());
    }
    return view;
  }

  /** Returns the names, in the order they were added. */
  public List<String> names() {
    return layout.entries.stream().map(Entry::name).toList();
  }

  /** Returns the layout, to allocate the same again. */
  public Layout layoutOf() {
    return layout;
  }

  /** Allocates the same layout and type, zeroed, for gradients or state. */
  public Parameters like(TensorArena arena, String name) {
    return layout.allocate(arena, name, flat.dtype());
  }

  private record Entry(String name, Shape shape, boolean penalized) {}

  /** Holds names and shapes of parameters, before they have memory. */
  public static final class Layout {
    private final List<Entry> entries = new ArrayList<>();
    private boolean sealed;

    private Layout() {}

    /** Adds a parameter that penalties and weight decay apply to. */
    public Layout add(String name, long... extents) {
      return add(new Entry(name, Shape.of(extents), true));
    }

    /** Adds a parameter that penalties and weight decay never apply to, such as an intercept. */
    public Layout addExempt(String name, long... extents) {
      return add(new Entry(name, Shape.of(extents), false));
    }

    private Layout add(Entry entry) {
      Objects.requireNonNull(entry.name, "name");
      if (sealed) {
        throw new IllegalStateException(
            "parameter '" + entry.name + "' cannot be added: the layout has been allocated");
      }
      if (entries.stream().anyMatch(other -> other.name.equals(entry.name))) {
        throw new IllegalArgumentException("there is already a parameter '" + entry.name + "'");
      }
      entries.add(entry);
      return this;
    }

    /**
     * Counts elements of the flat vector, padding included; throws IllegalArgumentException if they
     * are more than 2^63 - 1, naming the first parameter that is too much.
     */
    public long count(DType dtype) {
      long count = 0;
      for (Entry entry : entries) {
        long elements = entry.shape.count();
        // What it is padded by is less than a cache line.
        if (elements > Long.MAX_VALUE - TensorArena.ALIGNMENT_BYTES - count) {
          throw new IllegalArgumentException(
              "parameter '%s' of shape %s makes the layout larger than 2^63 - 1 elements"
                  .formatted(entry.name, entry.shape));
        }
        count += padded(entry, dtype);
      }
      return count;
    }

    long penalizedCount(DType dtype) {
      return entries.stream().filter(Entry::penalized).mapToLong(e -> padded(e, dtype)).sum();
    }

    private static long padded(Entry entry, DType dtype) {
      long unit = TensorArena.ALIGNMENT_BYTES / dtype.bytes();
      return (entry.shape.count() + unit - 1) / unit * unit;
    }

    /** Allocates zeroed parameters of this layout. */
    public Parameters allocate(TensorArena arena, String name, DType dtype) {
      require(name, dtype);
      return over(arena.allocate(name, dtype, count(dtype)));
    }

    /**
     * Lays these names over memory that exists: a device allocation, a mapped checkpoint. Throws
     * IllegalArgumentException if it is not contiguous or has not {@link #count} elements.
     */
    public Parameters over(Tensor flat) {
      require(flat.name(), flat.dtype());
      flat.requireContiguous();
      flat.requireCount(count(flat.dtype()));
      sealed = true;
      return new Parameters(this, flat);
    }

    private void require(String name, DType dtype) {
      if (entries.isEmpty()) {
        throw new IllegalArgumentException("parameters '%s': the layout is empty".formatted(name));
      }
      if (!dtype.isFloating()) {
        throw new IllegalArgumentException(
            "parameters '%s' are %s; F32 or F64 is needed".formatted(name, dtype));
      }
    }
  }
}
