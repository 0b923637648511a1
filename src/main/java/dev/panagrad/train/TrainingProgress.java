package dev.panagrad.train;

import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import dev.panagrad.train.checkpoint.SavedTraining;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * How far a training has come, and what its stopping rules remember. All of it is in a checkpoint:
 *
 * <pre>
 *   training/history   F64 [records, 7]     {@link EpochRecord}s, oldest first
 *   training/latest    F64 [0 or 1, 7]      the last one
 *   training/losses    F64 [outputs]        sums over the batches of the epoch under way
 *   training/anchor    flat parameters      those that gradients are corrected by, if any
 *   training/method/*  F64 [any]            what a method that looks at all rows remembers: see
 *                                           {@link dev.panagrad.solver.RunState}
 *
 *   metadata: progress.* , doubles as Java's hexadecimal text
 * </pre>
 */
final class TrainingProgress {
  private static final String HISTORY = "training/history";
  private static final String LATEST = "training/latest";
  private static final String LOSSES = "training/losses";
  private static final String BACKEND = "progress.backend";
  long epochs; // that have ended
  long position; // training rows visited in the epoch under way
  long batches; // batches visited, or iterations made, since the beginning
  final double[] lossSums; // sums of the losses of the epoch under way, one per output
  double firstLoss = Double.NaN;
  final Plateau plateau = new Plateau(""); // ends the training
  final Plateau ratePlateau = new Plateau("rate-"); // lowers the learning rate
  String backend = ""; // where it is computed
  double secondsBefore; // seconds of training before this process
  private long historyStride = 1;
  private EpochRecord latest;
  private final List<EpochRecord> history = new ArrayList<>();

  TrainingProgress(int outputs) {
    lossSums = new double[outputs];
  }

  void ended(EpochRecord record) {
    epochs = record.epoch();
    position = 0;
    Arrays.fill(lossSums, 0);
    remember(record);
  }

  /** Drops every second record of a history at its limit, and those that follow it. */
  private void remember(EpochRecord record) {
    latest = record;
    if ((record.epoch() - 1) % historyStride != 0) {
      return;
    }
    history.add(record);
    if (history.size() == TrainingResult.HISTORY_LIMIT) {
      List<EpochRecord> thinned =
          IntStream.range(0, history.size() / 2).mapToObj(i -> history.get(2 * i)).toList();
      history.clear();
      history.addAll(thinned);
      historyStride *= 2;
    }
  }

  /** The last record; null in the first epoch. */
  EpochRecord latest() {
    return latest;
  }

  List<EpochRecord> history() {
    List<EpochRecord> all = new ArrayList<>(history);
    if (latest != null && (all.isEmpty() || all.getLast().epoch() < latest.epoch())) {
      all.add(latest);
    }
    return all;
  }

  Map<String, String> texts(double seconds) {
    Map<String, String> texts = new LinkedHashMap<>();
    texts.put("progress.epochs", Long.toString(epochs));
    texts.put("progress.position", Long.toString(position));
    texts.put("progress.batches", Long.toString(batches));
    texts.put("progress.history-stride", Long.toString(historyStride));
    texts.put("progress.first-loss", Double.toHexString(firstLoss));
    plateau.save(texts);
    ratePlateau.save(texts);
    texts.put(BACKEND, backend);
    texts.put("progress.seconds", Double.toHexString(seconds));
    return texts;
  }

  List<Tensor> tensors(TensorArena arena) {
    return List.of(
        records(arena, HISTORY, history),
        records(arena, LATEST, latest == null ? List.of() : List.of(latest)),
        arena.allocate(LOSSES, DType.F64, lossSums.length).copyFrom(lossSums));
  }

  private static Tensor records(TensorArena arena, String name, List<EpochRecord> records) {
    Tensor t = arena.allocate(name, DType.F64, records.size(), EpochRecord.FIELDS);
    for (int i = 0; i < records.size(); i++) {
      t.rows(i, 1).copyFrom(records.get(i).toArray());
    }
    return t;
  }

  static TrainingProgress of(SavedTraining saved, int outputs, long trained) throws IOException {
    TrainingProgress progress = new TrainingProgress(outputs);
    progress.epochs = saved.count("progress.epochs");
    progress.position = saved.count("progress.position");
    progress.batches = saved.count("progress.batches");
    progress.plateau.restore(saved);
    progress.ratePlateau.restore(saved);
    progress.historyStride = Math.max(1, saved.count("progress.history-stride"));
    progress.firstLoss = saved.number("progress.first-loss");
    progress.secondsBefore = saved.number("progress.seconds");
    progress.backend = saved.text(BACKEND);
    double[] sums = saved.vector(LOSSES);
    if (sums.length != outputs || progress.position >= trained) {
      throw saved.wrong(
          "it is at row %,d with losses of %d targets where a row below %,d and %d targets"
              .formatted(progress.position, sums.length, trained, outputs));
    }
    System.arraycopy(sums, 0, progress.lossSums, 0, outputs);
    progress.history.addAll(records(saved.tensor(HISTORY, DType.F64, -1, EpochRecord.FIELDS)));
    List<EpochRecord> last = records(saved.tensor(LATEST, DType.F64, -1, EpochRecord.FIELDS));
    progress.latest = last.isEmpty() ? null : last.getFirst();
    return progress;
  }

  private static List<EpochRecord> records(Tensor t) {
    List<EpochRecord> records = new ArrayList<>();
    for (long i = 0; i < t.rows(); i++) {
      records.add(EpochRecord.of(t.rows(i, 1).toArray()));
    }
    return records;
  }
}
