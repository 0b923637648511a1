"""Writes more-optimizers.json beside it, in the form of torch-optim.json.

NAdam and Adagrad by PyTorch 2.13's torch.optim, Lion by NumPy after algorithm 2 of its paper, all in float64; run in
this folder. 70 steps are past the one at which NAdam's product of momenta is no longer seen.
"""

import json

import numpy as np
import torch

# The type in which NAdam keeps its product of momenta; without this, a float32 beside float64 parameters.
torch.set_default_dtype(torch.float64)

STEPS = 70
random = np.random.default_rng(2016)
initial = np.round(random.normal(size=5), 4)
gradients = np.round(random.normal(size=(STEPS, 5)), 4)
gradients[:3, 1] = 0
gradients[5:, 2] = 0
gradients[:, 3] *= 1e-4
gradients[:, 4] = 0.3


def by_torch(optimizer, options):
    p = torch.tensor(initial, dtype=torch.float64, requires_grad=True)
    steps = getattr(torch.optim, optimizer)([p], foreach=False, **options)
    for g in gradients:
        p.grad = torch.tensor(g, dtype=torch.float64)
        steps.step()
        yield p.detach().numpy().copy()


def by_lion(lr, betas=(0.9, 0.99), weight_decay=0.0):
    p = initial.copy()
    m = np.zeros_like(p)
    for g in gradients:
        c = betas[0] * m + (1 - betas[0]) * g
        p = p - lr * (np.sign(c) + weight_decay * p)
        m = betas[1] * m + (1 - betas[1]) * g
        yield p.copy()


CASES = [
    ("nadam", "NAdam", {"lr": 0.02}),
    ("nadam-decay", "NAdam", {"lr": 0.02, "weight_decay": 0.1}),
    ("nadam-decoupled", "NAdam", {"lr": 0.02, "weight_decay": 0.1, "decoupled_weight_decay": True}),
    (
        "nadam-all",
        "NAdam",
        {"lr": 0.01, "betas": [0.95, 0.99], "eps": 1e-3, "momentum_decay": 0.1, "weight_decay": 0.01},
    ),
    ("nadam-constant-momentum", "NAdam", {"lr": 0.01, "betas": [0.5, 0.9], "momentum_decay": 0.0}),
    ("adagrad", "Adagrad", {"lr": 0.1}),
    ("adagrad-decay", "Adagrad", {"lr": 0.1, "weight_decay": 0.2}),
    ("adagrad-rate-decay", "Adagrad", {"lr": 0.1, "lr_decay": 0.05}),
    (
        "adagrad-all",
        "Adagrad",
        {"lr": 0.1, "lr_decay": 0.01, "initial_accumulator_value": 0.1, "eps": 1e-2, "weight_decay": 0.01},
    ),
    ("lion", "Lion", {"lr": 0.01}),
    ("lion-decay", "Lion", {"lr": 0.01, "weight_decay": 0.5}),
    ("lion-betas", "Lion", {"lr": 0.01, "betas": [0.5, 0.7], "weight_decay": 0.1}),
]

cases = []
for name, optimizer, options in CASES:
    traces = by_lion(**options) if optimizer == "Lion" else by_torch(optimizer, options)
    cases.append(
        {
            "name": name,
            "optimizer": optimizer,
            "options": options,
            "dtype": "float64",
            "initial": initial.tolist(),
            "gradients": gradients.tolist(),
            "parameters": [p.tolist() for p in traces],
        }
    )
source = f"PyTorch {torch.__version__}, torch.optim; Lion by NumPy {np.__version__}"
with open("more-optimizers.json", "w", encoding="utf-8") as out:
    json.dump({"source": source, "cases": cases}, out)
    out.write("\n")
