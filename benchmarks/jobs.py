"""Whole jobs as processes: from the file to a saved model, by panagrad.jar and by its peers, in turns.

    python benchmarks/jobs.py DIR [ROUNDS]

DIR takes the data (1 GB), made there once. Needs target/panagrad.jar, and Python with numpy, pandas, polars and
scikit-learn; torch where its rows are wanted. Prints medians of the seconds, and of the peak of anonymous memory (what is
not a mapped file), sampled every 10 ms. The peers' code is in PEERS: each by its usual method, on all cores.
"""

import os
import statistics
import subprocess
import sys
import time

JAR = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "target", "panagrad.jar")

DATA = """
import numpy as np, pandas as pd
rng = np.random.default_rng(1)
X = rng.standard_normal((1_000_000, 50), dtype='f4'); w = rng.standard_normal(50).astype('f4'); z = X @ w
np.save('line.npy', np.column_stack([X, z + rng.standard_normal(len(z), dtype='f4')]))
np.save('classes.npy', np.column_stack([X, (0.3 * z + rng.logistic(size=len(z)) > 0).astype('f4')]))
X = rng.standard_normal((1_500_000, 20)); y = X @ rng.standard_normal(20) + rng.standard_normal(len(X))
pd.DataFrame(np.column_stack([X, y]), columns=[f'x{i}' for i in range(20)] + ['y']).to_csv(
    'table.csv', index=False, float_format='%.6f')
"""

PANDAS = "import pandas as pd; t = pd.read_csv('table.csv'); y = t.pop('y'); X = t\n"
POLARS = "import polars as pl; t = pl.read_csv('table.csv'); y = t['y'].to_numpy(); X = t.drop('y').to_numpy()\n"
NUMPY = "import numpy as np; t = np.load('%s.npy'); X, y = t[:, :-1], t[:, -1]\n"
SKLEARN = """from sklearn.linear_model import *; from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler; import joblib
joblib.dump(%s.fit(X, y), 'peer.model')
"""
SCALED = SKLEARN % "make_pipeline(StandardScaler(), %s)"
LSTSQ = """import torch
X = torch.from_numpy(np.column_stack([X, np.ones(len(X), X.dtype)])); y = torch.from_numpy(y.copy())
torch.save(torch.linalg.lstsq(X, y[:, None]).solution, 'peer.model')
"""
LBFGS = """import torch
X = torch.from_numpy(X.copy()); y = torch.from_numpy(y.copy()); X = (X - X.mean(0)) / X.std(0)
m = torch.nn.Linear(X.shape[1], 1); loss = torch.nn.BCEWithLogitsLoss()
o = torch.optim.LBFGS(m.parameters(), max_iter=100, line_search_fn='strong_wolfe')
def f():
    o.zero_grad(); l = loss(m(X)[:, 0], y); l.backward(); return l
o.step(f); torch.save(m.state_dict(), 'peer.model')
"""

# job: arguments of panagrad train, and peers by name
JOBS = {
    "300 MB of CSV, 1,500,000 x 20, least squares": (
        ["table.csv", "--target", "y"],
        {
            "scikit-learn, pandas": PANDAS + SKLEARN % "LinearRegression()",
            "scikit-learn, polars": POLARS + SKLEARN % "LinearRegression()",
        },
    ),
    "1,000,000 x 50 of .npy, least squares": (
        ["line.npy", "--target", "51"],
        {"scikit-learn": NUMPY % "line" + SKLEARN % "LinearRegression()", "PyTorch, lstsq": NUMPY % "line" + LSTSQ},
    ),
    "the same, ridge": (
        ["line.npy", "--target", "51", "--l2", "0.01"],
        {"scikit-learn": NUMPY % "line" + SCALED % "Ridge(alpha=0.01 * len(y))"},
    ),
    "the same, lasso": (
        ["line.npy", "--target", "51", "--l1", "0.01"],
        {"scikit-learn": NUMPY % "line" + SCALED % "Lasso(alpha=0.01)"},
    ),
    "1,000,000 x 50 of .npy, logistic": (
        ["classes.npy", "--target", "51", "--loss", "logistic"],
        {
            "scikit-learn": NUMPY % "classes" + SCALED % "LogisticRegression(C=np.inf)",
            "PyTorch, L-BFGS": NUMPY % "classes" + LBFGS,
        },
    ),
}


def anonymous(pid):
    """Of a process and its children: the java of a jar starts another with the vector module."""
    try:
        with open(f"/proc/{pid}/status") as status:
            bytes_of = next((int(line.split()[1]) for line in status if line.startswith("RssAnon")), 0)
        for thread in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{thread}/children") as children:
                bytes_of += sum(anonymous(int(child)) for child in children.read().split())
        return bytes_of
    except OSError:
        return 0


def run(command):
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    peak = 0
    while process.poll() is None:
        peak = max(peak, anonymous(process.pid))
        time.sleep(0.01)
    if process.returncode:
        sys.exit(f"{command}: {process.stderr.read().decode()}")
    return time.perf_counter() - start, peak / 1000


def main(directory, rounds=5):
    os.makedirs(directory, exist_ok=True)
    os.chdir(directory)
    if not os.path.exists("table.csv"):
        subprocess.run([sys.executable, "-c", DATA], check=True)
    has_torch = subprocess.run([sys.executable, "-c", "import torch"], capture_output=True).returncode == 0
    print("| job | by | seconds | MB | its time over ours |\n|---|---|---|---|---|")
    for job, (arguments, peers) in JOBS.items():
        commands = {"Panagrad": ["java", "-jar", JAR, "train", *arguments, "--save", "our.safetensors"]}
        commands |= {k: [sys.executable, "-c", v] for k, v in peers.items() if has_torch or "torch" not in v}
        found = {name: [] for name in commands}
        for _ in range(rounds):
            for name, command in commands.items():
                found[name].append(run(command))
        ours = statistics.median(seconds for seconds, _ in found["Panagrad"])
        for name, runs in found.items():
            seconds, megabytes = (statistics.median(column) for column in zip(*runs))
            print(f"| {job} | {name} | {seconds:.2f} | {megabytes:,.0f} | {seconds / ours:.2f} |", flush=True)


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
