"""Random PyTorch modules of the kinds that people train: recurrent layers and what is around."""

import torch
from torch import nn

FEATURES, CLASSES = 6, 4


class Net(nn.Module):
    """A front, recurrent layers, a head, as `options` says."""

    def __init__(self, options):
        super().__init__()
        self.options = options
        width = FEATURES
        if options["front"] == "embedding":
            self.front = nn.Embedding(20, 8)
            width = 8
        elif options["front"] == "conv":
            self.front = nn.Conv1d(FEATURES, 8, 3, padding=1)
            self.norm = nn.BatchNorm1d(8)
            width = 8
        elif options["front"] == "linear":
            self.front = nn.Sequential(nn.Linear(FEATURES, 8), nn.LayerNorm(8), nn.GELU())
            width = 8
        kind, extra = options["kind"], {}
        if kind == "LSTM" and options["projection"]:
            extra["proj_size"] = 3
        if kind == "RNN":
            extra["nonlinearity"] = options["nonlinearity"]
        self.rnn = getattr(nn, kind)(
            width,
            options["units"],
            num_layers=options["layers"],
            bidirectional=options["bidirectional"],
            batch_first=options["batch_first"],
            bias=options["bias"],
            dropout=0.3 if options["layers"] > 1 else 0.0,
            **extra,
        )
        width = (extra.get("proj_size") or options["units"]) * (1 + options["bidirectional"])
        if options["head"] == "attention":
            self.score = nn.Linear(width, 1)
        self.out = nn.Linear(width, CLASSES)

    def forward(self, x):
        options = self.options
        if options["front"] == "conv":
            x = torch.relu(self.norm(self.front(x.transpose(1, 2)))).transpose(1, 2)
        elif options["front"] != "none":
            x = self.front(x)
        if not options["batch_first"]:
            x = x.transpose(0, 1)
        y, state = self.rnn(x)
        if not options["batch_first"]:
            y = y.transpose(0, 1)
        if options["head"] == "last":
            return self.out(y[:, -1])
        if options["head"] == "state":
            h = state[0] if options["kind"] == "LSTM" else state
            return self.out(torch.cat([h[-2], h[-1]], -1) if options["bidirectional"] else h[-1])
        if options["head"] == "mean":
            return self.out(y.mean(1))
        if options["head"] == "max":
            return torch.log_softmax(self.out(y.max(1).values), -1)
        if options["head"] == "attention":
            weights = torch.softmax(self.score(y), 1)
            return self.out((weights * y).sum(1))
        return torch.softmax(self.out(y), -1)


CHOICES = {
    "front": ("none", "none", "embedding", "conv", "linear"),
    "kind": ("LSTM", "GRU", "RNN"),
    "units": (5, 16),
    "layers": (1, 2, 3),
    "bidirectional": (False, True),
    "batch_first": (True, False),
    "bias": (True, True, False),
    "projection": (False, False, True),
    "nonlinearity": ("tanh", "relu"),
    "head": ("tags", "last", "state", "mean", "max", "attention"),
}


def drawn(seed):
    """A module, and a function from (batch, length) to its inputs."""
    generator = torch.Generator().manual_seed(seed)

    def choose(values):
        return values[int(torch.randint(len(values), (), generator=generator))]

    options = {name: choose(values) for name, values in CHOICES.items()}
    torch.manual_seed(seed)
    module = Net(options).eval()

    def inputs(batch, length):
        if options["front"] == "embedding":
            return torch.randint(20, (batch, length), generator=generator)
        return torch.randn(batch, length, FEATURES, generator=generator)

    return module, inputs, options
