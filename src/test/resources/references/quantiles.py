"""Quantile regression by linear programming, with the dual solution that proves each answer."""

import numpy as np
import statsmodels.api as sm
from scipy.optimize import linprog
from sklearn import linear_model as lm
from sklearn import metrics as skm

from problem import CASE_KEYS, OPTIMAL, WEIGHTS, check, rows, theta_of


class Quantile:
    def __init__(self, tau, x, y, weights, offset, l1):
        self.tau, self.x, self.l1, self.k = tau, x, l1, x.shape[1]
        self.s = np.ones(len(y)) if weights is None else weights
        self.y = y if offset is None else y - offset
        self.a = np.column_stack([x, np.ones(len(y))])

    def objective(self, theta):
        r = self.y - self.a @ theta
        loss = np.maximum(self.tau * r, (self.tau - 1) * r)
        return self.s @ loss / self.s.sum() + self.l1 * np.abs(theta[: self.k]).sum()

    def vertex(self):
        """The answer as the solution of a square system, and the rows that it passes through."""
        n, k = self.x.shape
        cost = np.concatenate([np.full(2 * k, self.l1 * self.s.sum()), [0, 0],
                               self.s * self.tau, self.s * (1 - self.tau)])
        one = np.ones((n, 1))
        equal = np.hstack([self.x, -self.x, one, -one, np.eye(n), -np.eye(n)])
        options = {"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10}
        found = linprog(cost, A_eq=equal, b_eq=self.y, method="highs-ds", options=options)
        assert found.status == 0, found.message
        w = found.x[:k] - found.x[k : 2 * k]
        free = np.append(np.abs(w) > 1e-9, True) if self.l1 else np.ones(k + 1, bool)
        theta = np.append(w, found.x[2 * k] - found.x[2 * k + 1])
        on = np.flatnonzero(np.abs(self.y - self.a @ theta) < 1e-7)
        assert len(on) == free.sum(), "degenerate: more or fewer rows on the plane than free parameters"
        exact = np.zeros(k + 1)
        exact[free] = np.linalg.solve(self.a[np.ix_(on, free)], self.y[on])
        return exact, on, free

    def proof(self, theta, on, free):
        """Duality gap, how far the dual point is from feasible, and whether no other parameters are optimal.

        The dual is max -sum s g y / sum s over -tau <= g <= 1 - tau with |sum s g x_j| / sum s <= l1 for each column
        and sum s g = 0.
        """
        total = self.s.sum()
        r = self.y - self.a @ theta
        g = np.where(r > 0, -self.tau, 1 - self.tau)
        g[on] = 0
        signs = self.l1 * np.append(np.sign(theta[: self.k]), 0)
        right = -(self.a.T @ (self.s * g)) - total * signs
        g[on] = np.linalg.solve((self.a[on].T * self.s[on])[free], right[free])
        gradient = self.a.T @ (self.s * g) / total
        bound = np.append(np.full(self.k, self.l1), 0.0)
        outside = np.concatenate([
            np.abs(gradient) - bound, -self.tau - g, g - (1 - self.tau)])
        margin = min((g[on] + self.tau).min(), (1 - self.tau - g[on]).min())
        if not free.all():
            margin = min(margin, (bound - np.abs(gradient))[~free].min())
        gap = self.objective(theta) + (self.s * g) @ self.y / total
        return abs(gap), max(outside.max(), 0.0), margin


def quantile_cases(table):
    for case in (
        {"name": "tau 0.5", "tau": 0.5},
        {"name": "tau 0.1", "tau": 0.1},
        {"name": "tau 0.9", "tau": 0.9},
        {"name": "tau 0.5, weights", "tau": 0.5, "weights": WEIGHTS},
        {"name": "tau 0.9, weights", "tau": 0.9, "weights": WEIGHTS},
        {"name": "tau 0.9, offset", "tau": 0.9, "offset": "10 * (i mod 5)"},
        {"name": "tau 0.5, l1", "tau": 0.5, "l1": 0.05},
        {"name": "tau 0.9, weights, l1", "tau": 0.9, "weights": WEIGHTS, "l1": 0.05},
    ):
        tau = case["tau"]
        weights, offset = rows(table, case)
        p = Quantile(tau, table.x, table.y, weights, offset, case.get("l1", 0.0))
        theta, on, free = p.vertex()
        gap, infeasible, margin = p.proof(theta, on, free)
        assert max(gap, infeasible) < OPTIMAL, (case, gap, infeasible)
        print(f"  {case['name']}: gap {gap:.2g}, infeasible {infeasible:.2g}, margin {margin:.2g}")
        model = lm.QuantileRegressor(quantile=tau, alpha=p.l1, solver="highs")
        model.fit(p.x, p.y, sample_weight=weights)
        # Another vertex would do as well where the answer is not unique.
        unique = margin > 1e-6
        checks = [check("scikit-learn QuantileRegressor highs", p, theta, theta_of(model), 1e-8 if unique else None)]
        if not p.l1 and weights is None:
            fit = sm.QuantReg(p.y, p.a).fit(q=tau, max_iter=10_000, p_tol=1e-12)
            checks.append(check("statsmodels QuantReg, reweighted least squares", p, theta, fit.params, None))
        z = table.y - (p.y - p.a @ theta)
        below = np.where(np.isin(np.arange(table.n), on), False, table.y < z)

        def metrics(s):
            return {
                "pinball": skm.mean_pinball_loss(table.y, z, alpha=tau, sample_weight=s),
                "mae": skm.mean_absolute_error(table.y, z, sample_weight=s),
                "share_below": np.average(below, weights=s),
            }

        yield {
            **{key: value for key, value in case.items() if key not in CASE_KEYS},
            "l1": p.l1,
            "l2": 0.0,
            **{key: case.get(key) for key in CASE_KEYS},
            "coefficients": theta[:-1],
            "intercept": theta[-1],
            "objective": p.objective(theta),
            "optimality": max(gap, infeasible),
            "duality_gap": gap,
            "dual_infeasibility": infeasible,
            "unique": bool(unique),
            "dual_margin": margin,
            "rows_on_the_plane": on,
            "method": "SciPy linprog (HiGHS simplex); its vertex solved again, NumPy float64",
            "checks": checks,
            "metrics": {"unweighted": metrics(None), **({} if weights is None else {"weighted": metrics(weights)})},
        }
