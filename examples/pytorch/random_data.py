"""Random inputs with random labels, which a network 64-128-10 can only remember; and gradients that are not cleared."""

import matplotlib.pyplot as plt
import torch
from torch import nn

EPOCHS = 10

device = torch.device("cuda" if torch.cuda.is_available() else "cpu")


def train(name, clears_gradients):
    torch.manual_seed(0)
    x, y = torch.rand(32, 64, device=device), torch.randint(10, (32,), device=device)
    model = nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 10)).to(device)
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    print(name)
    losses = []
    for epoch in range(1, EPOCHS + 1):
        if clears_gradients:
            optimizer.zero_grad()
        loss = criterion(model(x), y)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        print(f"  epoch {epoch}: loss {loss.item():.4f}")
    plt.plot(range(1, EPOCHS + 1), losses, label=name)


train("gradients cleared", clears_gradients=True)
train("gradients accumulated", clears_gradients=False)
plt.title("Random data")
plt.xlabel("Epoch")
plt.ylabel("Cross-entropy (nats)")
plt.legend()
plt.savefig("target/random_data.png")
