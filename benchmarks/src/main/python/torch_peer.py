"""PyTorch's side of the GPU ratios: does what it is told on standard input, a line each way.

    facts                                  ok torch=2.9.0+cu130 python=3.12.3 device=NVIDIA H100 80GB HBM3
    prepare NAME WORK key=value ...        ok
    run NAME TIMES                         ok, when the device has done it
    check NAME                             ok, or wrong and the reason
    drop NAME                              ok, and its memory is free

What cannot be done is answered by "error" and the reason, on one line. Works on a device of PyTorch's, or, for
rehearsals (argument "cpu"), on the processor.

Results and residuals go to memory that is there already; autograd is off; products of F32 are computed in F32.
"""
import gc
import sys

# Whatever a library prints must not become an answer.
ANSWERS = sys.stdout
sys.stdout = sys.stderr

import torch  # noqa: E402

RATE = 1e-3
CHUNK_BYTES = 256 << 20


def random(device, *extents):
    """In [-1, 1), as the other side's data."""
    return torch.rand(*extents, device=device).mul_(2).sub_(1)


class Steps:
    """Optimizer steps over one tensor or many."""

    def __init__(self, device, count, tensors):
        self.parameters = [random(device, count) for _ in range(tensors)]
        for p in self.parameters:
            p.grad = random(device, count)


class OptimizerSteps(Steps):
    """torch.optim's own step()."""

    def __init__(self, device, optimizer, count, tensors=1):
        super().__init__(device, count, tensors)
        self.optimizer = {
            # For RMSprop there is no fused form: the default is the foreach form on a GPU.
            "adam": lambda: torch.optim.Adam(self.parameters, lr=RATE, fused=True),
            "sgd": lambda: torch.optim.SGD(self.parameters, lr=RATE, fused=True),
            "rmsprop": lambda: torch.optim.RMSprop(self.parameters, lr=RATE),
        }[optimizer]()

    def call(self):
        self.optimizer.step()


class BareAdam(Steps):
    """The fused operator on lists that are made once: what is left of Adam's step without the optimizer's Python."""

    def __init__(self, device, count, tensors=1):
        super().__init__(device, count, tensors)
        self.gradients = [p.grad for p in self.parameters]
        self.m = [torch.zeros_like(p) for p in self.parameters]
        self.v = [torch.zeros_like(p) for p in self.parameters]
        # One count for all tensors, which is cheaper than one for each.
        self.step = torch.zeros((), device=device)
        self.steps = [self.step] * tensors

    def call(self):
        self.step.add_(1)
        torch._fused_adam_(
            self.parameters, self.gradients, self.m, self.v, [], self.steps, lr=RATE, beta1=0.9, beta2=0.999,
            weight_decay=0.0, eps=1e-8, amsgrad=False, maximize=False)


def gradient_of(x, y, w, r, out):
    """out = 2/n (X W^T - Y)^T X: two products with vectors for one output, with matrices for several."""
    if w.dim() == 1:
        torch.mv(x, w, out=r)
        r.sub_(y)
        torch.mv(x.t(), r, out=out)
    else:
        torch.mm(x, w.t(), out=r)
        r.sub_(y)
        torch.mm(r.t(), x, out=out)
    out.mul_(2.0 / x.size(0))


class Gradient:
    """The gradient over all rows, weights as [outputs, features]."""

    def __init__(self, device, rows, features, outputs):
        self.x = random(device, rows, features)
        if outputs == 1:
            self.w = random(device, features)
            self.y = random(device, rows)
        else:
            self.w = random(device, outputs, features)
            self.y = random(device, rows, outputs)
        self.r = torch.empty_like(self.y)
        self.out = torch.empty_like(self.w)

    def call(self):
        gradient_of(self.x, self.y, self.w, self.r, self.out)

    def disagreement(self):
        """Against the same in F64, rows by rows."""
        self.out.fill_(float("nan"))
        self.call()
        w = self.w.double().reshape(-1, self.x.size(1))
        y = self.y.reshape(self.x.size(0), -1)
        expected = torch.zeros_like(w)
        chunk = max(1, CHUNK_BYTES // 8 // self.x.size(1))
        for first in range(0, self.x.size(0), chunk):
            x = self.x[first:first + chunk].double()
            expected += torch.mm((torch.mm(x, w.t()) - y[first:first + chunk]).t(), x)
        expected *= 2.0 / self.x.size(0)
        error = (self.out.double().reshape_as(expected) - expected).norm() / expected.norm()
        return None if float(error) < 1e-4 else "relative error %g" % float(error)


class TurnedGradient(Gradient):
    """The same with weights as [features, outputs]."""

    def __init__(self, device, rows, features, outputs):
        super().__init__(device, rows, features, outputs)
        self.w = self.w.t().contiguous()
        self.out = torch.empty_like(self.w)

    def call(self):
        torch.mm(self.x, self.w, out=self.r)
        self.r.sub_(self.y)
        torch.mm(self.x.t(), self.r, out=self.out)
        self.out.mul_(2.0 / self.x.size(0))

    def disagreement(self):
        turned = self.w
        self.out.fill_(float("nan"))
        self.call()
        found = self.out
        self.w = turned.t().contiguous()
        self.out = torch.empty_like(self.w)
        Gradient.call(self)
        error = (self.out - found.t()).norm() / self.out.norm()
        self.w = turned
        self.out = found
        return None if float(error) < 1e-4 else "relative error %g" % float(error)


class Training:
    """Gradient of one batch after the other, and Adam's fused step."""

    def __init__(self, device, batch, batches, features, outputs, capturable=False):
        self.x = random(device, batch * batches, features)
        if outputs == 1:
            self.w = random(device, features)
            self.y = random(device, batch * batches)
        else:
            self.w = random(device, outputs, features)
            self.y = random(device, batch * batches, outputs)
        self.w.grad = torch.empty_like(self.w)
        self.r = torch.empty_like(self.y[:batch])
        self.optimizer = torch.optim.Adam([self.w], lr=RATE, fused=True, capturable=capturable)
        self.batch = batch
        self.first = 0

    def train(self, first):
        x = self.x[first:first + self.batch]
        y = self.y[first:first + self.batch]
        gradient_of(x, y, self.w, self.r, self.w.grad)
        self.optimizer.step()

    def call(self):
        self.train(self.first)
        self.first += self.batch
        if self.first == self.x.size(0):
            self.first = 0


class CapturedTraining(Training):
    """As one CUDA graph, which holds addresses: every step is on the first batch, without a copy of the next."""

    def __init__(self, device, batch, features, outputs):
        super().__init__(device, batch, 1, features, outputs, capturable=True)
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(3):
                self.train(0)
        torch.cuda.current_stream().wait_stream(side)
        self.graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self.graph):
            self.train(0)

    def call(self):
        self.graph.replay()


class Copy:
    """From one tensor of the device to another."""

    def __init__(self, device, count):
        self.source = random(device, count)
        self.target = torch.zeros_like(self.source)

    def call(self):
        self.target.copy_(self.source)


class Sum:
    """One read of a tensor."""

    def __init__(self, device, count):
        self.x = random(device, count)
        self.out = torch.empty((), device=device)

    def call(self):
        torch.sum(self.x, dim=0, out=self.out)


class PinnedCopy:
    """That many bytes from page-locked host memory to the device, in large parts."""

    def __init__(self, device, count):
        part = min(count, CHUNK_BYTES)
        self.source = torch.zeros(part, dtype=torch.uint8)
        if device != "cpu":
            self.source = self.source.pin_memory()
        self.target = torch.empty(part, dtype=torch.uint8, device=device)
        self.parts = [part] * (count // part) + [rest for rest in [count % part] if rest]

    def call(self):
        for part in self.parts:
            self.target[:part].copy_(self.source[:part], non_blocking=True)


WORKS = {
    "adam": lambda device, **sizes: OptimizerSteps(device, "adam", **sizes),
    "sgd": lambda device, **sizes: OptimizerSteps(device, "sgd", **sizes),
    "rmsprop": lambda device, **sizes: OptimizerSteps(device, "rmsprop", **sizes),
    "bare_adam": BareAdam,
    "gradient": Gradient,
    "turned_gradient": TurnedGradient,
    "training": Training,
    "captured_training": CapturedTraining,
    "copy": Copy,
    "sum": Sum,
    "pinned_copy": PinnedCopy,
}


class Peer:
    def __init__(self, device):
        self.device = device
        self.works = {}

    def wait(self):
        if self.device != "cpu":
            torch.cuda.synchronize()

    def facts(self):
        name = "the processor" if self.device == "cpu" else torch.cuda.get_device_name()
        return "ok torch=%s python=%s device=%s" % (torch.__version__, sys.version.split()[0], name)

    def prepare(self, name, work, *sizes):
        numbers = {key: int(value) for key, value in (size.split("=") for size in sizes)}
        self.works[name] = WORKS[work](self.device, **numbers)
        self.wait()
        return "ok"

    def run(self, name, times):
        work = self.works[name]
        for _ in range(int(times)):
            work.call()
        self.wait()
        return "ok"

    def check(self, name):
        disagreement = getattr(self.works[name], "disagreement", None)
        reason = disagreement() if disagreement else None
        return "wrong " + reason if reason else "ok"

    def drop(self, name):
        self.works.pop(name, None)
        gc.collect()
        if self.device != "cpu":
            torch.cuda.empty_cache()
        return "ok"

    def answer(self, line):
        verb, *words = line.split()
        verbs = {f.__name__: f for f in (self.facts, self.prepare, self.run, self.check, self.drop)}
        try:
            return verbs[verb](*words)
        except Exception as e:  # Told to the other side, which goes on without this row.
            return "error " + " ".join(("%s: %s" % (type(e).__name__, e)).split())


def main():
    device = sys.argv[1] if len(sys.argv) > 1 else "cuda"
    torch.set_grad_enabled(False)
    torch.backends.cuda.matmul.allow_tf32 = False
    peer = Peer(device)
    for line in sys.stdin:
        ANSWERS.write(peer.answer(line) + "\n")
        ANSWERS.flush()


main()
