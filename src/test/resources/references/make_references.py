"""Writes squared.json, huber.json, logistic.json, poisson.json, quantile.json and paths.json beside it.

Needs NumPy 2.4, SciPy 1.17, scikit-learn 1.9 and statsmodels 0.15; reads ../data/diabetes.csv and ../data/randhie.csv.
Run it from any folder: python make_references.py (half a minute). The definitions are in README.md beside it.

Every answer is found here in float64 by Newton's method (quantiles: by a linear program's vertex) until its optimality
conditions hold to rounding, and compared with libraries that solve the same problem; what they differ by is written
beside the answer, as is the norm of the violation. The script fails where an answer is not optimal to 1e-8, or where
a library that solves to convergence differs by more than the limit given to `check`.
"""

import json
import platform
import re
import sys

import numpy as np
import scipy
import sklearn
import statsmodels
import statsmodels.api as sm
from scipy.optimize import minimize
from sklearn import linear_model as lm
from sklearn import metrics as skm

sys.dont_write_bytecode = True

from paths import path_entries
from problem import HERE, WEIGHTS, Problem, Table, check, entry, huber, logistic, poisson, rows, squared, theta_of
from quantiles import quantile_cases

VERSIONS = {
    "python": platform.python_version(),
    "numpy": np.__version__,
    "scipy": scipy.__version__,
    "scikit-learn": sklearn.__version__,
    "statsmodels": statsmodels.__version__,
}


def regression_metrics(y, z, weights, **more):
    def both(s):
        return {
            "mse": skm.mean_squared_error(y, z, sample_weight=s),
            "mae": skm.mean_absolute_error(y, z, sample_weight=s),
            "r2": skm.r2_score(y, z, sample_weight=s),
            **{name: np.average(values, weights=s) for name, values in more.items()},
        }

    return with_weights(both, weights)


def with_weights(metrics, weights):
    found = {"unweighted": metrics(None)}
    if weights is not None:
        found["weighted"] = metrics(weights)
    return found


def squared_cases(table):
    for case in (
        {"name": "plain"},
        {"name": "weights", "weights": WEIGHTS},
        {"name": "weights of which some are zero", "weights": "i mod 3"},
        {"name": "offset", "offset": "10 * (i mod 5)"},
        {"name": "weights and offset, l2", "weights": WEIGHTS, "offset": "10 * (i mod 5)", "l2": 0.1},
        {"name": "weights, l1", "weights": WEIGHTS, "l1": 5.0},
    ):
        weights, offset = rows(table, case)
        p = Problem(squared, table.x, table.y, weights, offset, case.get("l1", 0.0), case.get("l2", 0.0))
        theta = p.solve()
        target, total = table.y - p.offset, p.s.sum()
        if p.l1:
            model = lm.Lasso(alpha=p.l1 / 2, tol=1e-15, max_iter=1_000_000)
        elif p.l2:
            model = lm.Ridge(alpha=p.l2 * total, solver="cholesky")
        else:
            model = lm.LinearRegression()
        model.fit(table.x, target, sample_weight=p.s)
        checks = [check("scikit-learn " + type(model).__name__, p, theta, theta_of(model), 1e-7 if p.l1 else 1e-9)]
        if not (p.l1 or p.l2):
            # Rows of weight zero are left out: WLS would divide by their weight.
            used = p.s > 0
            fit = sm.WLS(target[used], p.a[used], weights=p.s[used]).fit()
            checks.append(check("statsmodels WLS", p, theta, fit.params, 1e-9))
        yield entry(table, case, p, theta, checks, regression_metrics(table.y, p.z(theta), weights))


def huber_cases(table):
    for delta in (20.0, 60.0):
        for case in (
            {"name": f"delta {delta:g}"},
            {"name": f"delta {delta:g}, weights", "weights": WEIGHTS},
            {"name": f"delta {delta:g}, l2", "l2": 0.1},
        ):
            case = {**case, "delta": delta}
            weights, offset = rows(table, case)
            p = Problem(huber(delta), table.x, table.y, weights, offset, 0.0, case.get("l2", 0.0))
            # At zero no row is within delta: from there Newton's method has no second derivative.
            theta = p.solve(start=Problem(squared, table.x, table.y, weights).solve())
            checks = [check("NumPy, reweighted least squares", p, theta, reweighted(p, delta), 1e-8)]
            if not p.l2:
                checks.append(check("statsmodels RLM, scale held", p, theta, robust(p, delta), 1e-8))
            fit = minimize(p.objective, np.zeros(p.k + 1), jac=lambda t: p.derivatives(t)[0], method="BFGS",
                           options={"gtol": 1e-12, "maxiter": 10_000})
            checks.append(check("SciPy BFGS", p, theta, fit.x, 1e-3))
            z = p.z(theta)
            # How far the nearest residual is from the kink, where the second derivative jumps.
            case["nearest_kink"] = np.abs(np.abs(z - table.y) - delta).min()
            case["rows_within_delta"] = int((np.abs(z - table.y) <= delta).sum())
            loss = p.loss(z, table.y)[0]
            yield entry(table, case, p, theta, checks, regression_metrics(table.y, z, weights, huber=loss))


def reweighted(p, delta):
    theta = np.zeros(p.k + 1)
    ridge = np.diag(np.append(np.full(p.k, p.l2 * p.s.sum()), 0.0))
    for _ in range(5000):
        r = np.abs(p.z(theta) - p.y)
        s = p.s * np.minimum(1, delta / np.maximum(r, 1e-300))
        after = np.linalg.solve((p.a.T * s) @ p.a + ridge, p.a.T @ (s * p.y))
        if np.abs(after - theta).max() < 1e-13:
            break
        theta = after
    return after


def robust(p, delta):
    # RLM has no weights: whole ones are repetitions. Its threshold is a multiple of its first scale, then held.
    times = p.s.astype(int)
    y, a = np.repeat(p.y, times), np.repeat(p.a, times, axis=0)
    scale = sm.RLM(y, a, M=sm.robust.norms.HuberT(1.0)).fit(update_scale=False, maxiter=1).scale
    model = sm.RLM(y, a, M=sm.robust.norms.HuberT(delta / scale))
    fit = model.fit(update_scale=False, conv="coefs", tol=1e-13, maxiter=5000)
    assert fit.scale == scale
    return fit.params


def classifier_metrics(y, z, weights):
    probability = scipy.special.expit(z)
    return with_weights(
        lambda s: {
            "accuracy": skm.accuracy_score(y, z >= 0, sample_weight=s),
            "log_loss": skm.log_loss(y, probability, sample_weight=s),
            "auc": skm.roc_auc_score(y, z, sample_weight=s),
        },
        weights,
    )


BALANCED = "balanced: number of rows / (2 * number of rows of the class)"
BALANCED_BY_WEIGHT = "balanced: sum of weights / (2 * sum of weights of the class)"


def class_weights(case, y, weights):
    """By class, from a rule where one is named."""
    rule = case.get("class_weights_rule")
    if rule is None:
        return case.get("class_weights", {"0": 1.0, "1": 1.0})
    s = weights if rule == BALANCED_BY_WEIGHT else np.ones(len(y))
    return {"0": s.sum() / (2 * s[y == 0].sum()), "1": s.sum() / (2 * s[y == 1].sum())}


def logistic_cases(table):
    three = {"0": 1.0, "1": 3.0}
    for case in (
        {"name": "plain"},
        {"name": "l2", "l2": 0.01},
        {"name": "l1", "l1": 0.01},
        {"name": "l1 and l2", "l1": 0.01, "l2": 0.005},
        {"name": "weights", "weights": WEIGHTS},
        {"name": "weights, l2", "weights": WEIGHTS, "l2": 0.01},
        {"name": "weights, l1", "weights": WEIGHTS, "l1": 0.01},
        {"name": "class weights", "class_weights": three},
        {"name": "class weights, l2", "class_weights": three, "l2": 0.01},
        {"name": "weights and class weights, l2", "weights": WEIGHTS, "class_weights": three, "l2": 0.01},
        # Above 140 are half of the rows, so balanced weights would be 1.
        {"name": "balanced", "above": 200, "class_weights_rule": BALANCED},
        {"name": "balanced, l2", "above": 200, "class_weights_rule": BALANCED, "l2": 0.01},
        {"name": "weights, balanced by rows", "above": 200, "weights": WEIGHTS, "class_weights_rule": BALANCED},
        {"name": "weights, balanced by weight", "above": 200, "weights": WEIGHTS,
         "class_weights_rule": BALANCED_BY_WEIGHT},
        {"name": "offset", "offset": "0.25 * (i mod 5)"},
        {"name": "weights and offset", "weights": WEIGHTS, "offset": "0.25 * (i mod 5)"},
    ):
        case = {"name": case["name"], "above": 140, **case}
        y = (table.y > case["above"]).astype(float)
        weights, offset = rows(table, case)
        case["class_weights"] = class_weights(case, y, weights)
        by_class = np.where(y == 1, case["class_weights"]["1"], case["class_weights"]["0"])
        effective = by_class if weights is None else weights * by_class
        p = Problem(logistic, table.x, y, effective, offset, case.get("l1", 0.0), case.get("l2", 0.0))
        theta = p.solve()
        checks = list(logistic_checks(p, theta, case, weights))
        yield entry(table, case, p, theta, checks, classifier_metrics(y, p.z(theta), weights))


def logistic_checks(p, theta, case, weights):
    if not p.offset.any():
        rule = {int(c): v for c, v in case["class_weights"].items()}
        if case.get("class_weights_rule") == (BALANCED if weights is None else BALANCED_BY_WEIGHT):
            rule = "balanced"
        # C sum(s loss) + r |w|_1 + (1 - r) |w|^2 / 2, up to its factor.
        total = p.l1 + 2 * p.l2
        c = 1 / (total * p.s.sum()) if total else np.inf
        ratio = p.l1 / total if total else 0.0
        solver = "saga" if p.l1 else "newton-cholesky"
        model = lm.LogisticRegression(C=c, l1_ratio=ratio, solver=solver, class_weight=rule, tol=1e-12,
                                      max_iter=1_000_000, random_state=0)
        model.fit(p.x, p.y, sample_weight=weights)
        yield check("scikit-learn LogisticRegression " + solver, p, theta, theta_of(model), 1e-8)
    if not (p.l1 or p.l2):
        fit = sm.GLM(p.y, p.a, family=sm.families.Binomial(), offset=p.offset, freq_weights=p.s).fit(
            tol=1e-14, tol_criterion="params", maxiter=200)
        yield check("statsmodels GLM Binomial", p, theta, fit.params, 1e-8)
        if np.all(p.s == 1):
            fit = sm.Logit(p.y, p.a, offset=p.offset).fit(method="newton", tol=1e-14, maxiter=200, disp=0)
            yield check("statsmodels Logit", p, theta, fit.params, 1e-8)


def separable():
    """Data without a finite optimum, and a direction along which the loss falls for ever."""
    rows_ = [[-2, 1], [-1.5, -1], [-1, 0.5], [-0.5, -0.5], [0.5, 0.5], [1, -0.5], [1.5, 1], [2, -1]]
    for name, y, theta, strict in (
        ("separable", [0, 0, 0, 0, 1, 1, 1, 1], [1, 0, 0], True),
        # Rows 3 and 4 are on the boundary, one of each class at the same place.
        ("separable but for the boundary", [0, 0, 0, 1, 0, 1, 1, 1], [1, 0, 0.5], False),
    ):
        x, y = np.array(rows_, dtype=float), np.array(y, dtype=float)
        if not strict:
            x[4] = x[3]
        margin = (2 * y - 1) * (x @ theta[:2] + theta[2])
        assert (margin > 0).all() if strict else (margin >= 0).all() and (margin > 0).any()
        yield {"name": name, "x": x, "y": y, "direction": theta[:2], "direction_intercept": theta[2]}


def poisson_cases(table):
    for case in (
        {"name": "plain"},
        {"name": "weights", "weights": WEIGHTS},
        {"name": "offset", "offset": "0.1 * (i mod 5)"},
        {"name": "weights and offset", "weights": WEIGHTS, "offset": "0.1 * (i mod 5)"},
        {"name": "l2", "l2": 0.01},
        {"name": "weights, l2", "weights": WEIGHTS, "l2": 0.01},
        {"name": "l1", "l1": 0.1},
    ):
        weights, offset = rows(table, case)
        p = Problem(poisson, table.x, table.y, weights, offset, case.get("l1", 0.0), case.get("l2", 0.0))
        theta = p.solve()
        checks = []
        if not p.offset.any() and not p.l1:
            model = lm.PoissonRegressor(alpha=2 * p.l2, solver="newton-cholesky", tol=1e-13, max_iter=1000)
            model.fit(p.x, p.y, sample_weight=weights)
            checks.append(check("scikit-learn PoissonRegressor", p, theta, theta_of(model), 1e-8))
        if not (p.l1 or p.l2):
            fit = sm.GLM(p.y, p.a, family=sm.families.Poisson(), offset=p.offset, freq_weights=p.s).fit(
                tol=1e-14, tol_criterion="params", maxiter=200)
            checks.append(check("statsmodels GLM Poisson", p, theta, fit.params, 1e-8))
        if p.l1:
            checks.append(check("SciPy L-BFGS-B, positive and negative parts", p, theta, split(p), 1e-4))
        mu = np.exp(p.z(theta))
        metrics = with_weights(
            lambda s: {
                "deviance": skm.mean_poisson_deviance(table.y, mu, sample_weight=s),
                "d2": skm.d2_tweedie_score(table.y, mu, power=1, sample_weight=s),
                "mse": skm.mean_squared_error(table.y, mu, sample_weight=s),
                "mae": skm.mean_absolute_error(table.y, mu, sample_weight=s),
            },
            weights,
        )
        yield entry(table, case, p, theta, checks, metrics)


def split(p):
    """The L1 problem without its kink: w = u - v with u, v >= 0."""
    k = p.k

    def f(t):
        theta = np.append(t[:k] - t[k : 2 * k], t[-1])
        gradient = p.derivatives(theta)[0]
        smooth = p.objective(theta) - p.l1 * np.abs(theta[:k]).sum()
        value = smooth + p.l1 * t[: 2 * k].sum()
        return value, np.concatenate([gradient[:k] + p.l1, p.l1 - gradient[:k], gradient[-1:]])

    bounds = [(0, None)] * (2 * k) + [(None, None)]
    fit = minimize(f, np.zeros(2 * k + 1), jac=True, method="L-BFGS-B", bounds=bounds,
                   options={"ftol": 1e-16, "gtol": 1e-12, "maxiter": 20_000, "maxfun": 50_000})
    return np.append(fit.x[:k] - fit.x[k : 2 * k], fit.x[-1])


# Files.


def plain(value):
    if isinstance(value, dict):
        return {key: plain(v) for key, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if isinstance(value, np.ndarray):
        return value.tolist()
    return value.item() if isinstance(value, np.generic) else value


def write(name, contents):
    text = json.dumps(plain({"versions": VERSIONS, **contents}), indent=1, allow_nan=False)
    # Lists of numbers on one line.
    text = re.sub(r"\[([^\[\]{}\"]*)\]", lambda m: "[" + re.sub(r"\s+", " ", m.group(1)).strip() + "]", text)
    assert len(text) < 100_000, name
    (HERE / name).write_text(text + "\n", encoding="utf-8")


def main():
    diabetes, randhie = Table("diabetes", "progression"), Table("randhie", "mdvis")
    labels = {"label": "1 where the target is greater than the case's `above`, else 0"}
    for name, contents in (
        ("squared", lambda: {**diabetes.describe(), "cases": list(squared_cases(diabetes))}),
        ("huber", lambda: {**diabetes.describe(), "cases": list(huber_cases(diabetes))}),
        ("logistic", lambda: {**diabetes.describe(), **labels, "cases": list(logistic_cases(diabetes)),
                              "without_finite_optimum": list(separable())}),
        ("poisson", lambda: {**randhie.describe(), "cases": list(poisson_cases(randhie))}),
        ("quantile", lambda: {**diabetes.describe(), "cases": list(quantile_cases(diabetes))}),
        ("paths", lambda: {**diabetes.describe(), "target_mean": diabetes.y.mean(),
                           "folds": "row i is in fold i mod 5", "paths": list(path_entries(diabetes))}),
    ):
        print(name)
        write(name + ".json", contents())


if __name__ == "__main__":
    main()
