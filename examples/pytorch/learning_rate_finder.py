"""Tries learning rates out for a network on the digits of MNIST, and trains with the best, by the one-cycle schedule."""

import copy
import itertools
import sys
import time

import matplotlib.pyplot as plt
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Subset
from torchvision import datasets, transforms


def find_learning_rate(model, loader, criterion, start=1e-7, end=10, steps=100, memory=0.98):
    """Smoothed losses by learning rate, and the rate at which they fall most."""
    weights = copy.deepcopy(model.state_dict())
    optimizer = torch.optim.Adam(model.parameters())
    model.train()
    rates, losses, mean = [], [], 0
    for step, (images, labels) in enumerate(itertools.islice(loader, steps)):
        rate = start * (end / start) ** (step / (steps - 1))
        optimizer.param_groups[0]["lr"] = rate
        images, labels = images.to(device), labels.to(device)
        optimizer.zero_grad()
        loss = criterion(model(images), labels)
        loss.backward()
        optimizer.step()
        mean = memory * mean + (1 - memory) * loss.item()
        rates.append(rate)
        losses.append(mean / (1 - memory ** (step + 1)))
        if losses[-1] > 4 * min(losses):
            break
    model.load_state_dict(weights)
    return rates, losses, rates[10 + np.gradient(losses[10:-1]).argmin()]


def train_epoch(model, loader, criterion, optimizer, scheduler):
    model.train()
    total_loss = correct = 0
    for images, labels in loader:
        images, labels = images.to(device), labels.to(device)
        optimizer.zero_grad()
        output = model(images)
        loss = criterion(output, labels)
        loss.backward()
        optimizer.step()
        scheduler.step()
        total_loss += loss.item() * len(labels)
        correct += (output.argmax(dim=1) == labels).sum().item()
    return total_loss / len(loader.dataset), 100 * correct / len(loader.dataset)


@torch.no_grad()
def evaluate(model, loader, criterion):
    model.eval()
    total_loss = correct = 0
    for images, labels in loader:
        images, labels = images.to(device), labels.to(device)
        output = model(images)
        total_loss += criterion(output, labels).item() * len(labels)
        correct += (output.argmax(dim=1) == labels).sum().item()
    return total_loss / len(loader.dataset), 100 * correct / len(loader.dataset)


torch.manual_seed(0)
device = torch.device("cuda" if torch.cuda.is_available() else "cpu")

transform = transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.1307,), (0.3081,))])
train_data = datasets.MNIST("target", train=True, download=True, transform=transform)
test_data = datasets.MNIST("target", train=False, transform=transform)
epochs = 3
if "--short" in sys.argv:
    train_data, epochs = Subset(train_data, range(8000)), 1
print(f"{epochs} epochs of {len(train_data)} digits on {device}")
train_loader = DataLoader(train_data, batch_size=64, shuffle=True)
test_loader = DataLoader(test_data, batch_size=1000)

model = nn.Sequential(nn.Flatten(), nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10)).to(device)
criterion = nn.CrossEntropyLoss()
rates, losses, suggestion = find_learning_rate(model, train_loader, criterion)
print(f"suggested learning rate: {suggestion:.1e}")
plt.loglog(rates, losses, label="training")
plt.axvline(suggestion, linestyle="--", color="black", label=f"suggested: {suggestion:.1e}")
plt.title("Loss by learning rate, smoothed")
plt.xlabel("Learning rate")
plt.ylabel("Cross-entropy (nats)")
plt.legend()
plt.savefig("target/learning_rate_finder.png")

optimizer = torch.optim.Adam(model.parameters())
scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, suggestion, total_steps=epochs * len(train_loader))
for epoch in range(1, epochs + 1):
    began = time.time()
    loss, accuracy = train_epoch(model, train_loader, criterion, optimizer, scheduler)
    test_loss, test_accuracy = evaluate(model, test_loader, criterion)
    print(
        f"epoch {epoch}: loss {loss:.4f}, accuracy {accuracy:.2f} %; "
        f"test loss {test_loss:.4f}, accuracy {test_accuracy:.2f} %; {time.time() - began:.1f} s"
    )
print(f"test: loss {test_loss:.4f}, accuracy {test_accuracy:.2f} %")
