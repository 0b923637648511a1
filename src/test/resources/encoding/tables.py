"""Makes the tables of this folder, and the coefficients of scikit-learn's pipelines for them.

Needs numpy, pandas, scikit-learn; run in this folder: python3 tables.py
Coefficients are in raw units: those of standardized features, divided by the scales.
"""
import json

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

rng = np.random.default_rng(5)


def holes(values, share):
    return [None if rng.random() < share else v for v in values]


def passengers(n):
    sex = rng.choice(["male", "female"], n)
    age = np.round(rng.gamma(6, 5, n), 1)
    fare = np.round(rng.lognormal(2.5, 0.8, n), 4)
    pclass = rng.integers(1, 4, n)
    port = rng.choice(["S", "C", "Q"], n, p=[0.7, 0.2, 0.1])
    z = 1.5 - 2.2 * (sex == "male") - 0.03 * age - 0.6 * (pclass - 2) + 0.01 * fare
    survived = (rng.random(n) < 1 / (1 + np.exp(-z))).astype(int)
    return pd.DataFrame(
        dict(
            Survived=survived,
            Pclass=pclass,
            Name=[f"Passenger, No. {i}" for i in range(n)],
            Sex=sex,
            Age=holes(age, 0.2),
            Fare=fare,
            Embarked=holes(port, 0.05),
        )
    )


def houses(n):
    area = np.round(rng.gamma(9, 12, n), 1)
    rooms = np.clip(np.round(area / 25 + rng.normal(0, 0.8, n)), 1, None)
    kind = rng.choice(["flat", "house", "attic", "loft"], n)
    garden = rng.choice(["yes", "no"], n)
    price = 900 * area + 5000 * (garden == "yes") + 8000 * (kind == "loft")
    price = np.round(price + rng.normal(0, 9000, n), 2)
    return pd.DataFrame(
        dict(area=holes(area, 0.1), rooms=holes(rooms, 0.15), kind=kind, garden=garden, price=price)
    )


def rides(n):
    zone = rng.choice([10, 20, 30, 45], n)
    hour = rng.integers(0, 24, n)
    weather = rng.choice(["sun", "rain", "snow"], n, p=[0.6, 0.3, 0.1])
    length = np.round(rng.gamma(2, 3, n), 3)
    cost = np.round(3 + 1.7 * length + 0.2 * (zone == 30) + 2 * (weather == "snow"), 2)
    cost = cost + np.round(rng.normal(0, 0.5, n), 2)
    return pd.DataFrame(
        dict(zone=zone, hour=hour, weather=holes(weather, 0.1), length=holes(length, 0.1), cost=cost)
    )


def polished(z, y, w, b, penalty):
    """Newton steps beyond the tolerance of scikit-learn."""
    z = np.column_stack([z, np.ones(len(z))])
    ridge = penalty * np.diag([1.0] * len(w) + [0.0])
    v = np.append(w, b)
    for _ in range(5):
        p = 1 / (1 + np.exp(-z @ v))
        gradient = z.T @ (p - y) + ridge @ v
        v = v - np.linalg.solve((z.T * (p * (1 - p))) @ z + ridge, gradient)
    assert np.allclose(v, np.append(w, b), atol=1e-7)
    return v[:-1], v[-1]


def fit(x, y, numbers, imputer, categories, drop, model):
    parts = []
    if numbers:
        parts.append(("n", imputer, numbers))
    parts.append(("c", OneHotEncoder(drop=drop, sparse_output=False), categories))
    encoder = ColumnTransformer(parts, verbose_feature_names_out=False)
    pipeline = make_pipeline(encoder, StandardScaler(), model)
    pipeline.fit(x, y)
    scaler = pipeline[1]
    w, b = np.ravel(model.coef_), np.ravel(model.intercept_)[0]
    if isinstance(model, LogisticRegression):
        w, b = polished(scaler.transform(encoder.transform(x)), np.asarray(y), w, b, 1 / model.C)
    w = w / scaler.scale_
    b = float(b - w @ scaler.mean_)
    names = []
    for name in encoder.get_feature_names_out():
        if name.startswith("missingindicator_"):
            name = name[len("missingindicator_"):] + " is missing"
        for column in categories:
            if name.startswith(column + "_"):
                level = name[len(column) + 1:]
                level = level[:-2] if level.endswith(".0") else level
                name = column + "=" + level if level not in ("nan", "None") else column + " is missing"
        names.append(name)
    return dict(intercept=b, coefficients=dict(zip(names, map(float, w))))


result = {}
table = passengers(300)
table.to_csv("passengers.csv", index=False)
x, y = table.drop(columns=["Survived", "Name"]), table.Survived
n, l2 = len(table), 0.01
for key, imputer in (
    ("mean", SimpleImputer(strategy="mean")),
    ("indicator", SimpleImputer(strategy="mean", add_indicator=True)),
):
    logistic = LogisticRegression(C=1 / (2 * n * l2), tol=1e-14, max_iter=1000, solver="newton-cholesky")
    result["passengers " + key] = fit(
        x, y, ["Pclass", "Age", "Fare"], imputer, ["Sex", "Embarked"], "first", logistic
    )
table = houses(250)
table.to_csv("houses.csv", index=False)
x, y = table.drop(columns=["price"]), table.price
result["houses median"] = fit(
    x,
    y,
    ["area", "rooms"],
    SimpleImputer(strategy="median"),
    ["kind", "garden"],
    None,
    Ridge(alpha=len(table) * 0.05, solver="cholesky"),
)
table = rides(400)
table.to_csv("rides.csv", index=False)
kept = table.dropna()
result["rides drop"] = fit(
    kept.drop(columns=["cost"]),
    kept.cost,
    ["hour", "length"],
    "passthrough",
    ["zone", "weather"],
    "first",
    LinearRegression(),
)
json.dump(result, open("coefficients.json", "w"), indent=1)
