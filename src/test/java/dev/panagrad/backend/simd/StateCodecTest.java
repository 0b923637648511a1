package dev.panagrad.backend.simd;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.panagrad.rule.Adam;
import dev.panagrad.rule.Block8;
import dev.panagrad.rule.RoundingBits;
import dev.panagrad.rule.StateFormat;
import dev.panagrad.rule.UpdateRule;
import dev.panagrad.tensor.Bf16;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Vectors give the same codes and numbers as the definitions, bit for bit. */
@Tag("simd")
@Tag("conformance")
class StateCodecTest {
  /** m, which has a sign, and v, which has none. */
  private static final UpdateRule RULE = Adam.of(0.1);

  private static final int BLOCKS = 3;
  private static final float[] SPECIAL = {
    0f, Float.MIN_NORMAL, Float.POSITIVE_INFINITY, Float.NaN, Float.MAX_VALUE, 1, 0x1.fffffep0f
  };

  private static float number(SplittableRandom random, int kind, boolean isNonNegative) {
    float x =
        switch (kind) {
          case 0 -> (float) random.nextGaussian();
          case 1 -> (float) Math.exp(-60 * random.nextDouble());
          case 2 -> random.nextInt(4) > 0 ? 0 : (float) random.nextGaussian();
          case 3 -> Float.intBitsToFloat(random.nextInt(0x00800000, 0x7f000000));
          case 4 -> 0;
          default -> SPECIAL[random.nextInt(SPECIAL.length)];
        };
    return isNonNegative || random.nextBoolean() ? Math.abs(x) : -Math.abs(x);
  }

  private interface Check {
    void block(long b, int slot, long step, float[] numbers);
  }

  /** Encodes blocks of all kinds, and hands each to the check. */
  private static void each(StateCodec codec, Tensor[] state, StateBlock block, Check check) {
    SplittableRandom random = new SplittableRandom(5);
    for (int round = 0; round < 120; round++) {
      int slot = round % 2;
      long b = random.nextInt(BLOCKS);
      float[] numbers = new float[StateFormat.BLOCK];
      for (int j = 0; j < numbers.length; j++) {
        numbers[j] = number(random, round / 2 % 6, slot == 1);
      }
      MemorySegment.copy(numbers, 0, block.slots[slot], ValueLayout.JAVA_FLOAT, 0, numbers.length);
      codec.encode(state, b, block, round);
      block.slots[slot].fill((byte) 1);
      codec.decode(state, b, block);
      check.block(b, slot, round, numbers);
    }
  }

  private static int decoded(StateBlock block, int slot, int j) {
    return block.slots[slot].getAtIndex(ValueLayout.JAVA_INT, j);
  }

  @Test
  void bf16() {
    try (TensorArena arena = TensorArena.open("codec");
        Arena scratch = Arena.ofShared()) {
      long count = (long) BLOCKS * StateFormat.BLOCK;
      Tensor[] state = {
        arena.allocate("m", DType.BF16, count), arena.allocate("v", DType.BF16, count)
      };
      StateBlock block = new StateBlock(scratch);
      each(
          new Bf16Codec(RULE),
          state,
          block,
          (b, slot, step, numbers) -> {
            int key = RoundingBits.key(step, slot, b);
            for (int j = 0; j < numbers.length; j++) {
              short expected = RoundingBits.toBf16(numbers[j], RoundingBits.bits(key, j));
              int found = decoded(block, slot, j);
              assertEquals(Float.floatToRawIntBits(Bf16.toFloat(expected)), found);
              double kept = state[slot].get(b * StateFormat.BLOCK + j);
              assertEquals(Float.intBitsToFloat(found), (float) kept);
            }
          });
    }
  }

  @Test
  void block8() {
    try (TensorArena arena = TensorArena.open("codec");
        Arena scratch = Arena.ofShared()) {
      long count = (long) BLOCKS * StateFormat.BLOCK;
      Tensor[] state = {
        arena.allocate("m.codes", DType.U8, count),
        arena.allocate("m.scales", DType.F32, BLOCKS),
        arena.allocate("v.codes", DType.U8, count),
        arena.allocate("v.scales", DType.F32, BLOCKS)
      };
      StateBlock block = new StateBlock(scratch);
      StateCodec codec = new Block8Codec(RULE);
      // Before the first step.
      codec.decode(state, 0, block);
      for (int j = 0; j < StateFormat.BLOCK; j++) {
        assertEquals(0, decoded(block, 0, j));
        assertEquals(0, decoded(block, 1, j));
      }
      each(
          codec,
          state,
          block,
          (b, slot, step, numbers) -> {
            int largest = 0;
            for (float x : numbers) {
              largest = Math.max(largest, Float.floatToRawIntBits(x) & Block8.MAGNITUDE);
            }
            float scale = Block8.scale(largest, slot == 1);
            assertEquals(scale, (float) state[2 * slot + 1].get(b));
            int key = RoundingBits.key(step, slot, b);
            for (int j = 0; j < numbers.length; j++) {
              int expected = Block8.encode(numbers[j], scale, slot == 1, RoundingBits.bits(key, j));
              long at = b * StateFormat.BLOCK + Block8.position(j);
              assertEquals(expected, (int) state[2 * slot].get(at), "code of " + numbers[j]);
              // A zero may have either sign.
              assertEquals(
                  Block8.decode(expected, scale, slot == 1) + 0f,
                  Float.intBitsToFloat(decoded(block, slot, j)) + 0f);
            }
          });
    }
  }
}
