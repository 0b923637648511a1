package dev.panagrad.cli;

import jdk.incubator.vector.FloatVector;

/** Main. */
public final class Main {
  private Main() {}

  public static void main(String[] args) {
    System.out.println(FloatVector.SPECIES_PREFERRED + " " + String.join(",", args));
  }
}
