package dev.panagrad.faults;

/** The machine has stopped: this call has no effect, nor has any after it. */
public final class Crash extends Error {
  private static final long serialVersionUID = 1;

  Crash() {
    super("the machine has stopped", null, false, false);
  }

  /** At a call, counted among all. */
  public static Fault at(int number) {
    return new Fault() {
      private int calls;

      @Override
      public void before(Call call) {
        calls++;
        if (calls >= number) {
          throw new Crash();
        }
      }
    };
  }
}
