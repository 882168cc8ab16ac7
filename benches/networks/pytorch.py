"""How long a step of training takes in PyTorch, for the networks of networks.rs: prints one JSON object.

The batches are on the device before, no loader is timed, and nothing is read back between steps. All settings are
PyTorch's own: eager mode, and on CUDA convolutions and recurrent layers may use TF32.
"""

import argparse
import json
import platform
import sys
import time
from pathlib import Path

try:
    import torch
    from torch import nn
except ImportError as error:
    sys.exit(f"{sys.executable} cannot import torch: {error}\n`{sys.executable} -m pip install torch` installs it")

WINDOWS = 5
WINDOW = 2.0  # seconds, about
BATCHES = 16


class LastStep(nn.Module):
    """The hidden states after the last step."""

    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    def forward(self, sequence):
        return self.layer(sequence)[0][:, -1]


class Transformer(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(50, 128)
        self.positions = nn.Parameter(torch.randn(64, 128))
        self.encoder = nn.TransformerEncoder(nn.TransformerEncoderLayer(128, 4, batch_first=True), 2)
        self.classifier = nn.Linear(128, 2)

    def forward(self, tokens):
        return self.classifier(self.encoder(self.embedding(tokens) + self.positions).mean(dim=1))


def mlp():
    def hidden(inputs, outputs):
        return [nn.Linear(inputs, outputs), nn.ReLU(), nn.Dropout(0.2)]

    return nn.Sequential(*hidden(784, 512), *hidden(512, 256), nn.Linear(256, 10))


def cnn():
    def block(inputs, outputs):
        return [nn.Conv2d(inputs, outputs, 3, padding=1), nn.BatchNorm2d(outputs), nn.ReLU()]

    features = [*block(1, 32), nn.MaxPool2d(2), *block(32, 64), nn.MaxPool2d(2), *block(64, 128)]
    classifier = [nn.Linear(128, 64), nn.ReLU(), nn.Dropout(0.5), nn.Linear(64, 10)]
    return nn.Sequential(*features, nn.AdaptiveAvgPool2d(1), nn.Flatten(), *classifier)


def recurrent(kind):
    return nn.Sequential(LastStep(kind(28, 128, num_layers=2, batch_first=True)), nn.Linear(128, 10))


# As in networks.rs: the batch, the model, the shape of an example, how many tokens there are, and the classes.
NETWORKS = {
    "mlp": (64, mlp, (784,), None, 10),
    "cnn": (64, cnn, (1, 28, 28), None, 10),
    "rnn": (64, lambda: recurrent(nn.RNN), (28, 28), None, 10),
    "lstm": (64, lambda: recurrent(nn.LSTM), (28, 28), None, 10),
    "transformer": (32, Transformer, (64,), 50, 2),
}


def measure(name, device):
    batch, model, shape, vocabulary, classes = NETWORKS[name]
    model = model().to(device).train()
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.001)
    shape = (BATCHES, batch, *shape)
    inputs = torch.randint(vocabulary, shape, device=device) if vocabulary else 2 * torch.rand(shape, device=device) - 1
    labels = torch.randint(classes, (BATCHES, batch), device=device)

    def seconds(steps):
        synchronize(device)
        began = time.perf_counter()
        for step in range(steps):
            optimizer.zero_grad()
            criterion(model(inputs[step % BATCHES]), labels[step % BATCHES]).backward()
            optimizer.step()
        synchronize(device)
        return time.perf_counter() - began

    # The first step compiles and allocates; the next ones tell how many fit into a window.
    seconds(1)
    steps = 1
    while (taken := seconds(steps)) < WINDOW / 4:
        steps *= 2
    steps = max(1, round(steps * WINDOW / taken))
    seconds(steps)
    return {
        "network": name,
        "batch": batch,
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "ms_per_step_of_windows": sorted(1e3 * seconds(steps) / steps for _ in range(WINDOWS)),
    }


def synchronize(device):
    if device == "cuda":
        torch.cuda.synchronize()


def device_name(device):
    if device == "cuda":
        return torch.cuda.get_device_name()
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    models = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.processor() or platform.machine()


def main():
    parser = argparse.ArgumentParser(description="How long a step of training takes in PyTorch, as JSON.")
    parser.add_argument("--device", choices=["cpu", "cuda"], help="default: cuda where it is available")
    parser.add_argument("--network", metavar="TEXT", default="", help="only networks whose name has this in it")
    options = parser.parse_args()
    device = options.device or ("cuda" if torch.cuda.is_available() else "cpu")
    if device == "cuda" and not torch.cuda.is_available():
        sys.exit(f"torch {torch.__version__} has no CUDA device")
    torch.manual_seed(0)
    networks = [measure(name, device) for name in NETWORKS if options.network in name]
    figures = {"version": torch.__version__, "device": device_name(device), "threads": torch.get_num_threads()}
    print(json.dumps({**figures, "networks": networks}))


if __name__ == "__main__":
    main()
