"""An autoencoder squeezes the 784 pixels of a digit through 64 numbers, and draws what comes out again."""

import sys
import time

import matplotlib.pyplot as plt
import torch
from torch import nn
from torch.utils.data import DataLoader, Subset
from torchvision import datasets, transforms


def train_epoch(model, loader, criterion, optimizer):
    model.train()
    total_loss = 0
    for images, _ in loader:
        images = images.flatten(1).to(device)
        optimizer.zero_grad()
        loss = criterion(model(images), images)
        loss.backward()
        optimizer.step()
        total_loss += loss.item() * len(images)
    return total_loss / len(loader.dataset)


@torch.no_grad()
def evaluate(model, loader, criterion):
    model.eval()
    total_loss = 0
    for images, _ in loader:
        images = images.flatten(1).to(device)
        total_loss += criterion(model(images), images).item() * len(images)
    return total_loss / len(loader.dataset)


torch.manual_seed(0)
device = torch.device("cuda" if torch.cuda.is_available() else "cpu")

# Pixels from 0 to 1, as the sigmoid gives them.
train_data = datasets.MNIST("target", train=True, download=True, transform=transforms.ToTensor())
test_data = datasets.MNIST("target", train=False, transform=transforms.ToTensor())
epochs = 10
if "--short" in sys.argv:
    train_data, epochs = Subset(train_data, range(4000)), 3
print(f"{epochs} epochs of {len(train_data)} digits on {device}")
train_loader = DataLoader(train_data, batch_size=64, shuffle=True)
test_loader = DataLoader(test_data, batch_size=1000)

encoder = nn.Sequential(nn.Linear(784, 64), nn.ReLU())
bottleneck = nn.Sequential(nn.Linear(64, 64), nn.ReLU())
decoder = nn.Sequential(nn.Linear(64, 784), nn.Sigmoid())
model = nn.Sequential(encoder, bottleneck, decoder).to(device)
criterion = nn.MSELoss()
optimizer = torch.optim.Adam(model.parameters(), lr=0.001)
for epoch in range(1, epochs + 1):
    began = time.time()
    loss = train_epoch(model, train_loader, criterion, optimizer)
    test_loss = evaluate(model, test_loader, criterion)
    print(f"epoch {epoch}: loss {loss:.4f}; test loss {test_loss:.4f}; {time.time() - began:.1f} s")
print(f"test: loss {test_loss:.4f}")

images, _ = next(iter(test_loader))
originals = images[:10]
with torch.no_grad():
    reconstructions = model(originals.flatten(1).to(device)).reshape(10, 28, 28).cpu()
fig, axes = plt.subplots(2, 10, figsize=(12, 3))
fig.suptitle("Test digits from 64 numbers each")
for row, (name, digits) in enumerate([("original", originals), ("reconstruction", reconstructions)]):
    axes[row, 0].set_title(name, loc="left")
    for ax, digit in zip(axes[row], digits):
        ax.imshow(digit.squeeze(), cmap="gray_r")
        ax.axis("off")
fig.savefig("target/autoencoder.png")
