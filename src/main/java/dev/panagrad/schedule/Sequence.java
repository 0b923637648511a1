package dev.panagrad.schedule;

/** A schedule for its length, then another; chained as deep as memory allows, on either side. */
final class Sequence implements Schedule {
  private final Segment head;
  private final Schedule tail;

  Sequence(Segment head, Schedule tail) {
    this.head = head;
    this.tail = tail;
  }

  @Override
  public double rate(long step, double base) {
    return rate(this, step, base);
  }

  static double rate(Schedule schedule, long step, double base) {
    Schedule at = schedule;
    long own = step;
    while (true) {
      if (at instanceof Segment segment) {
        at = segment.schedule();
      } else if (!(at instanceof Sequence sequence)) {
        return at.rate(own, base);
      } else if (own < sequence.head.length()) {
        at = sequence.head;
      } else {
        own -= sequence.head.length();
        at = sequence.tail;
      }
    }
  }
}
