"""Paths of lasso, elastic net and ridge on centered targets, and their cross-validation."""

import warnings

import numpy as np
from sklearn import linear_model as lm

from problem import OPTIMAL, Problem, squared

COUNT = 60
FOLDS = 5


def path(x, y, l1, l2):
    """Coefficients and intercept for each pair of penalties, and the largest violation of the optimality conditions."""
    thetas, worst = [], 0.0
    for one, two in zip(l1, l2):
        p = Problem(squared, x, y, l1=one, l2=two)
        if one == 0:
            centered = x - x.mean(axis=0)
            gram = centered.T @ centered / len(y) + two * np.eye(x.shape[1])
            w = np.linalg.solve(gram, centered.T @ (y - y.mean()) / len(y))
            theta = np.append(w, y.mean() - x.mean(axis=0) @ w)
        else:
            theta = p.solve()
        thetas.append(theta)
        worst = max(worst, p.violation(theta))
    assert worst < OPTIMAL, worst
    return np.array(thetas), worst


def validation(x, y, l1, l2):
    """Mean squared error of each fold's rows, by value and fold, of models of the other rows."""
    fold = np.arange(len(y)) % FOLDS
    errors, worst = np.empty((len(l1), FOLDS)), 0.0
    for f in range(FOLDS):
        thetas, violation = path(x[fold != f], y[fold != f], l1, l2)
        worst = max(worst, violation)
        z = x[fold == f] @ thetas[:, :-1].T + thetas[:, -1]
        errors[:, f] = ((z - y[fold == f, None]) ** 2).mean(axis=0)
    return errors, worst


def splits(n):
    fold = np.arange(n) % FOLDS
    return [(np.flatnonzero(fold != f), np.flatnonzero(fold == f)) for f in range(FOLDS)]


def compared(by, mine, library, limit):
    difference = float(np.abs(mine - library).max())
    print(f"    {by}: {difference:.2g}")
    assert difference <= limit, (by, difference)
    return {"by": by, "largest_difference": difference}


def library_path(kind, x, y, l1, l2):
    tight = {"tol": 1e-14, "max_iter": 200_000}
    with warnings.catch_warnings():
        # At this tolerance the duality gap is rounding; the answers are compared below.
        warnings.simplefilter("ignore")
        if kind == "lasso":
            yield "scikit-learn lasso_path", lm.lasso_path(x, y, alphas=l1 / 2, **tight)[1].T, 1e-6
            alphas, _, knots = lm.lars_path(x, y, method="lasso")
            # Between its knots the path is linear.
            order = np.argsort(alphas)
            lars = [np.interp(l1 / 2, alphas[order], row[order]) for row in knots]
            yield "scikit-learn lars_path", np.array(lars).T, 1e-8
        elif kind == "elastic net":
            yield "scikit-learn enet_path", lm.enet_path(x, y, l1_ratio=0.5, alphas=l1, **tight)[1].T, 1e-6
        else:
            ridge = [lm.Ridge(alpha=two * len(y), solver="svd", fit_intercept=False).fit(x, y).coef_ for two in l2]
            yield "scikit-learn Ridge svd", np.array(ridge), 1e-9


def library_validation(kind, x, y, l1, l2):
    common = {"cv": splits(len(y)), "tol": 1e-13, "max_iter": 200_000}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if kind == "lasso":
            return "scikit-learn LassoCV", lm.LassoCV(alphas=l1 / 2, **common).fit(x, y).mse_path_
        if kind == "elastic net":
            return "scikit-learn ElasticNetCV", lm.ElasticNetCV(l1_ratio=0.5, alphas=l1, **common).fit(x, y).mse_path_
    errors = np.empty((len(l2), FOLDS))
    for f, (train, test) in enumerate(splits(len(y))):
        for i, two in enumerate(l2):
            model = lm.Ridge(alpha=two * len(train), solver="svd").fit(x[train], y[train])
            errors[i, f] = ((model.predict(x[test]) - y[test]) ** 2).mean()
    return "scikit-learn Ridge svd, fold by fold", errors


def path_entries(table):
    x, y = table.x, table.y - table.y.mean()
    l1_max = 2 * np.abs(x.T @ y).max() / table.n
    # Powers by position, so that first and last are exact.
    down = l1_max * 1000 ** (-np.arange(COUNT) / (COUNT - 1))
    none = np.zeros(COUNT)
    for name, l1, l2, values in (
        ("lasso", down, none, "l1 from l1_max to l1_max / 1000; scikit-learn's alpha is l1 / 2"),
        ("elastic net", down, down / 2, "l1 as for lasso, l2 = l1 / 2; scikit-learn's alpha is l1, its l1_ratio 0.5"),
        ("ridge", none, 100 * 1e-5 ** (np.arange(COUNT) / (COUNT - 1)), "l2 from 100 to 0.001; closed form"),
    ):
        print(" ", name)
        thetas, worst = path(x, y, l1, l2)
        w = thetas[:, :-1]
        assert np.abs(thetas[:, -1]).max() < 1e-11
        checks = [compared(by, w, found, limit) for by, found, limit in library_path(name, x, y, l1, l2)]
        errors, cv_worst = validation(x, table.y, l1, l2)
        by, found = library_validation(name, x, table.y, l1, l2)
        checks.append(compared(by + ", validation errors", errors, found, 1e-4))
        mean = errors.mean(axis=1)
        best = int(mean.argmin())
        objective = ((x @ w.T - y[:, None]) ** 2).mean(axis=0) + l1 * np.abs(w).sum(axis=1) + l2 * (w * w).sum(axis=1)
        print(f"    violations {worst:.2g}, {cv_worst:.2g}; chosen {best}")
        yield {
            "name": name,
            "values": values,
            "l1": l1,
            "l2": l2,
            "coefficients": w,
            "nonzero": (w != 0).sum(axis=1),
            "objective": objective,
            "optimality": worst,
            "validation_mse": errors,
            "mean_validation_mse": mean,
            "validation_optimality": cv_worst,
            "chosen_index": best,
            "chosen_l1": l1[best],
            "chosen_l2": l2[best],
            "next_best_mean_validation_mse": np.sort(mean)[1],
            "checks": checks,
        }
