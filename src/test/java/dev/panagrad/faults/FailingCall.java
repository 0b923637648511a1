package dev.panagrad.faults;

import java.io.IOException;
import java.util.EnumSet;
import java.util.Set;

/** A call fails, counted among those of some kinds: once, or with all that follow. */
public final class FailingCall implements Fault {
  private final Set<Call> kinds;
  private final int number;
  private final boolean permanent;
  private final String reason;
  private int calls;
  private boolean failed;

  private FailingCall(Set<Call> kinds, int number, boolean permanent, String reason) {
    this.kinds = kinds;
    this.number = number;
    this.permanent = permanent;
    this.reason = reason;
  }

  /** EIO, at a call of any kind. */
  public static FailingCall broken(int number, boolean permanent) {
    return new FailingCall(EnumSet.allOf(Call.class), number, permanent, "Input/output error");
  }

  /** ENOSPC, at what needs room; writes before it take half of what they are given. */
  public static FailingCall full(int number, boolean permanent) {
    return new FailingCall(
        EnumSet.of(Call.WRITE, Call.CREATE, Call.FORCE, Call.MOVE),
        number,
        permanent,
        "No space left on device");
  }

  @Override
  public void before(Call call) throws IOException {
    if (kinds.contains(call)) {
      calls++;
      if (calls == number || (permanent && calls > number)) {
        failed = true;
        throw new IOException(reason);
      }
    }
  }

  @Override
  public int written(int bytes) {
    return kinds.contains(Call.READ) ? bytes : Math.ceilDiv(bytes, 2);
  }

  /** Whether a call failed. */
  public boolean failed() {
    return failed;
  }

  /** What the failing call said. */
  public String reason() {
    return reason;
  }
}
