"""Data, losses, the solver and the comparison with libraries that make_references.py uses."""

import pathlib

import numpy as np
import scipy

HERE = pathlib.Path(__file__).resolve().parent
OPTIMAL = 1e-8


class Table:
    """A data set with standardized features; the statistics are of all rows, unweighted."""

    def __init__(self, name, target):
        path = HERE.parent / "data" / (name + ".csv")
        with open(path, encoding="utf-8") as f:
            header = f.readline().strip().split(",")
        rows = np.loadtxt(path, delimiter=",", skiprows=1, dtype=np.float64)
        self.name, self.target = name, target
        self.columns = [c for c in header if c != target]
        raw = rows[:, [header.index(c) for c in self.columns]]
        self.mean, self.std = raw.mean(axis=0), raw.std(axis=0)
        self.x = (raw - self.mean) / self.std
        self.y = rows[:, header.index(target)]
        self.n = len(self.y)

    def describe(self):
        return {
            "data": self.name + ".csv",
            "rows": self.n,
            "columns": self.columns,
            "target": self.target,
            "features": "standardized: (value - mean) / std, std of the population (divisor n),"
            " of all rows, unweighted",
            "mean": self.mean,
            "std": self.std,
        }


# Losses: value, first and second derivative by z, per row.


def squared(z, y):
    return (z - y) ** 2, 2 * (z - y), np.full_like(z, 2.0)


def huber(delta):
    def loss(z, y):
        r = z - y
        inside = np.abs(r) <= delta
        value = np.where(inside, r * r, delta * (2 * np.abs(r) - delta))
        return value, 2 * np.clip(r, -delta, delta), np.where(inside, 2.0, 0.0)

    return loss


def logistic(z, y):
    p = scipy.special.expit(z)
    return np.logaddexp(0, z) - y * z, p - y, p * (1 - p)


def poisson(z, y):
    return np.exp(z) - y * z, np.exp(z) - y, np.exp(z)


class Problem:
    """The weighted mean of a loss with penalties; theta is the coefficients, then the intercept."""

    def __init__(self, loss, x, y, weights=None, offset=None, l1=0.0, l2=0.0):
        self.loss, self.x, self.y, self.l1, self.l2 = loss, x, y, l1, l2
        self.s = np.ones(len(y)) if weights is None else weights
        self.offset = np.zeros(len(y)) if offset is None else offset
        self.a = np.column_stack([x, np.ones(len(y))])
        self.k = x.shape[1]

    def z(self, theta):
        return self.a @ theta + self.offset

    def objective(self, theta):
        w = theta[: self.k]
        mean = self.s @ self.loss(self.z(theta), self.y)[0] / self.s.sum()
        return mean + self.l1 * np.abs(w).sum() + self.l2 * w @ w

    def derivatives(self, theta):
        """The gradient and Hessian of the part without the L1 penalty."""
        _, d1, d2 = self.loss(self.z(theta), self.y)
        ridge = np.append(np.full(self.k, 2 * self.l2), 0.0)
        gradient = self.a.T @ (self.s * d1) / self.s.sum() + ridge * theta
        hessian = (self.a.T * (self.s * d2)) @ self.a / self.s.sum() + np.diag(ridge)
        return gradient, hessian

    def violation(self, theta):
        """The 2-norm of the subgradient of least norm: 0 if and only if theta is optimal."""
        return np.linalg.norm(least_subgradient(theta, self.derivatives(theta)[0], self.thresholds()))

    def thresholds(self):
        return np.append(np.full(self.k, self.l1), 0.0)

    def solve(self, start=None):
        theta = np.zeros(self.k + 1) if start is None else start
        best, best_violation = theta, self.violation(theta)
        for _ in range(200):
            gradient, hessian = self.derivatives(theta)
            step = quadratic_minimum(theta, gradient, hessian, self.thresholds()) - theta
            size = 1.0
            now, before = self.objective(theta), self.violation(theta)
            while size > 1e-10:
                # Close to the optimum differences of the objective are rounding, so the violation decides.
                candidate = theta + size * step if size < 1 else snapped(theta + step, self.thresholds())
                if self.objective(candidate) < now or self.violation(candidate) < before:
                    break
                size /= 2
            else:
                break
            theta = candidate
            if self.violation(theta) < best_violation:
                best, best_violation = theta, self.violation(theta)
            if best_violation < 1e-15:
                break
        return best


def snapped(theta, thresholds):
    return np.where((thresholds > 0) & (np.abs(theta) < 1e-14), 0.0, theta)


def least_subgradient(theta, gradient, thresholds):
    shrunk = np.sign(gradient) * np.maximum(np.abs(gradient) - thresholds, 0)
    return np.where(theta == 0, shrunk, gradient + thresholds * np.sign(theta))


def quadratic_minimum(start, gradient, hessian, thresholds):
    """Minimizes g.(t - start) + (t - start).H.(t - start) / 2 + sum thresholds |t|."""
    if not thresholds.any():
        return start - np.linalg.lstsq(hessian, gradient, rcond=None)[0]
    linear = gradient - hessian @ start
    t = start.copy()
    for sweep in range(100_000):
        for j in range(len(t)):
            residual = linear[j] + hessian[j] @ t - hessian[j, j] * t[j]
            t[j] = -np.sign(residual) * max(abs(residual) - thresholds[j], 0) / hessian[j, j]
        if sweep % 20 == 19:
            # With the right signs the answer is a linear system's.
            free = (t != 0) | (thresholds == 0)
            exact = np.zeros_like(t)
            right = -linear[free] - thresholds[free] * np.sign(t[free])
            exact[free] = np.linalg.solve(hessian[np.ix_(free, free)], right)
            same = np.all(np.sign(exact[free & (thresholds > 0)]) == np.sign(t[free & (thresholds > 0)]))
            outside = np.abs(linear + hessian @ exact)[~free] <= thresholds[~free] * (1 + 1e-12)
            if same and outside.all():
                return exact
    raise AssertionError("coordinate descent did not find the signs")


def check(by, problem, theta, library, limit):
    """What a library's answer differs by; a limit of None: the library's own tolerance is known to be coarse."""
    difference = np.abs(theta - library).max()
    assert limit is None or difference <= limit, (by, difference, theta, library)
    print(f"    {by}: {difference:.2g}")
    return {
        "by": by,
        "largest_difference": difference,
        "objective_excess": problem.objective(library) - problem.objective(theta),
    }


def theta_of(model):
    return np.append(np.ravel(model.coef_), np.ravel(model.intercept_))


WEIGHTS = "1 + (i mod 3)"
CASE_KEYS = ("weights", "offset", "class_weights")


def rows(table, case):
    i = np.arange(table.n)
    weights = {None: None, WEIGHTS: 1.0 + i % 3, "i mod 3": 1.0 * (i % 3)}[case.get("weights")]
    rule = case.get("offset")
    offset = None if rule is None else float(rule.split(" * ")[0]) * (i % 5)
    return weights, offset


def entry(table, case, problem, theta, checks, metrics):
    violation = problem.violation(theta)
    assert violation < OPTIMAL, (case, violation)
    print(f"  {case['name']}: violation {violation:.2g}")
    return {
        **{key: value for key, value in case.items() if key not in CASE_KEYS},
        "l1": problem.l1,
        "l2": problem.l2,
        **{key: case.get(key) for key in CASE_KEYS},
        "coefficients": theta[:-1],
        "intercept": theta[-1],
        "objective": problem.objective(theta),
        "optimality": violation,
        "method": "Newton, NumPy float64",
        "checks": checks,
        "metrics": metrics,
    }
