"""scikit-learn's side of the ratios of the logistic loss: does what it is told on standard input, a line each way.

    facts                  ok scikit-learn=1.7.2 python=3.11.2
    prepare NAME logistic  ok
    run NAME TIMES         ok, when it is done
    result                 ok and the gradient, divided by the rows as scikit-learn does
    check NAME             ok
    drop NAME              ok

Arguments: a file of F32 values (X, y and w, one after the other), rows, features, threads. What is timed is the loss and
gradient that an iteration of LogisticRegression (lbfgs) takes, as its solver calls them.
"""
import sys

# Whatever a library prints must not become an answer.
ANSWERS = sys.stdout
sys.stdout = sys.stderr

import numpy as np  # noqa: E402
import sklearn  # noqa: E402
from sklearn._loss import HalfBinomialLoss  # noqa: E402
from sklearn.linear_model._linear_loss import LinearModelLoss  # noqa: E402


def main():
    path, rows, features, threads = sys.argv[1], *map(int, sys.argv[2:])
    values = np.fromfile(path, dtype=np.float32)
    x = values[: rows * features].reshape(rows, features)
    y = values[rows * features : rows * features + rows].copy()
    w = values[rows * features + rows :].copy()
    loss = LinearModelLoss(base_loss=HalfBinomialLoss(), fit_intercept=False)
    gradient = w
    for line in sys.stdin:
        command, *rest = line.split()
        answer = "ok"
        if command == "facts":
            answer += " scikit-learn=%s python=%s" % (sklearn.__version__, sys.version.split()[0])
        elif command == "run":
            for _ in range(int(rest[1])):
                _, gradient = loss.loss_gradient(w, x, y, n_threads=threads)
        elif command == "result":
            answer += " " + " ".join(map(repr, gradient.tolist()))
        print(answer, file=ANSWERS, flush=True)


main()
