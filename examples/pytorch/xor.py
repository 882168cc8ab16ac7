"""XOR by networks 2-4-1 with ReLU, sigmoid and binary cross-entropy: a hundred starts at once."""

import math

import torch
from torch import nn

STARTS = 100
HIDDEN = 4

device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
x = torch.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], device=device)
target = torch.tensor([[0.0], [1.0], [1.0], [0.0]], device=device).expand(STARTS, 4, 1)


class Networks(nn.Module):
    """All networks at once, each with weights of its own."""

    def __init__(self):
        super().__init__()
        self.w1 = nn.Parameter(torch.empty(STARTS, 2, HIDDEN))
        self.b1 = nn.Parameter(torch.empty(STARTS, 1, HIDDEN))
        self.w2 = nn.Parameter(torch.empty(STARTS, HIDDEN, 1))
        self.b2 = nn.Parameter(torch.empty(STARTS, 1, 1))

    def forward(self, x):
        hidden = torch.relu(x @ self.w1 + self.b1)
        return torch.sigmoid(hidden @ self.w2 + self.b2)


def init_he(model):
    for weight, bias in [(model.w1, model.b1), (model.w2, model.b2)]:
        nn.init.normal_(weight, std=math.sqrt(2 / weight.shape[1]))
        nn.init.zeros_(bias)


def init_default(model):
    for weight, bias in [(model.w1, model.b1), (model.w2, model.b2)]:
        bound = 1 / math.sqrt(weight.shape[1])
        nn.init.uniform_(weight, -bound, bound)
        nn.init.uniform_(bias, -bound, bound)


def train(name, model, optimizer, epochs):
    print(name)
    criterion = nn.BCELoss()
    for epoch in range(1, epochs + 1):
        optimizer.zero_grad()
        output = model(x)
        loss = criterion(output, target)
        loss.backward()
        optimizer.step()
        is_right = (output > 0.5) == (target > 0.5)
        if epoch % (epochs // 5) == 0:
            print(f"  epoch {epoch}: loss {loss.item():.4f}, accuracy {100 * is_right.float().mean():.2f} %")
    print(f"  solved from {is_right.all(dim=1).sum().item()} of {STARTS} starts")


torch.manual_seed(0)
model = Networks().to(device)
init_he(model)
# The loss is the mean over all networks, so that each has a hundredth of its own gradient.
optimizer = torch.optim.SGD(model.parameters(), lr=0.5 * STARTS)
train("He's initial weights, SGD with learning rate 0.5", model, optimizer, 5000)

model = Networks().to(device)
init_default(model)
optimizer = torch.optim.Adam(model.parameters(), lr=0.1)
train("PyTorch's initial weights, Adam with learning rate 0.1", model, optimizer, 1000)
