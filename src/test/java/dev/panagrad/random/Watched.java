package dev.panagrad.random;

import dev.panagrad.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;

/**
 * Tensors whose bytes, with those that their memory has around them, are remembered and compared.
 */
final class Watched {
  private final List<Tensor> tensors;
  private final List<byte[]> before = new ArrayList<>();

  Watched(List<Tensor> tensors) {
    this.tensors = tensors;
    remember();
  }

  void remember() {
    before.clear();
    for (Tensor t : tensors) {
      before.add(t.segment().toArray(ValueLayout.JAVA_BYTE));
    }
  }

  void restore() {
    for (int i = 0; i < tensors.size(); i++) {
      tensors.get(i).segment().copyFrom(MemorySegment.ofArray(before.get(i)));
    }
  }

  /** The first byte that is another one, in words; null if there is none. */
  String changed() {
    for (int i = 0; i < tensors.size(); i++) {
      long at = tensors.get(i).segment().mismatch(MemorySegment.ofArray(before.get(i)));
      if (at >= 0) {
        return "byte %d of '%s' was changed".formatted(at, tensors.get(i).name());
      }
    }
    return null;
  }

  /** The first place where bytes differ from those of others, in words; null if there is none. */
  String differs(Watched others) {
    for (int i = 0; i < tensors.size(); i++) {
      Tensor t = tensors.get(i);
      long at = t.segment().mismatch(others.tensors.get(i).segment());
      if (at >= 0) {
        return "byte %d of '%s' is another one".formatted(at, t.name());
      }
    }
    return null;
  }

  /** Takes over the elements of others. */
  void copyFrom(Watched others) {
    for (int i = 0; i < tensors.size(); i++) {
      tensors.get(i).copyFrom(others.tensors.get(i));
    }
  }
}
