/** Panagrad. */
@SuppressWarnings("requires-automatic")
module dev.panagrad {
  requires static jdk.incubator.vector;
  requires static info.picocli;
  requires static me.tongfei.progressbar;
  requires static com.fasterxml.jackson.core;
  requires de.siegmar.fastcsv;
  requires java.management;
}
