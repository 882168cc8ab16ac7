"""Networks of other shapes on the digits of MNIST, in one table and one picture."""

import sys
import time

import matplotlib.pyplot as plt
import torch
from torch import nn
from torch.utils.data import DataLoader, Subset
from torchvision import datasets, transforms


def network(hidden, dropout):
    """Hidden layers by size, with dropout after those that have a rate."""
    layers, inputs = [nn.Flatten()], 784
    for index, size in enumerate(hidden):
        layers += [nn.Linear(inputs, size), nn.ReLU()]
        if index < len(dropout):
            layers.append(nn.Dropout(dropout[index]))
        inputs = size
    return nn.Sequential(*layers, nn.Linear(inputs, 10))


def train_epoch(model, loader, criterion, optimizer):
    model.train()
    for images, labels in loader:
        images, labels = images.to(device), labels.to(device)
        optimizer.zero_grad()
        criterion(model(images), labels).backward()
        optimizer.step()


@torch.no_grad()
def accuracy(model, loader):
    model.eval()
    correct = 0
    for images, labels in loader:
        images, labels = images.to(device), labels.to(device)
        correct += (model(images).argmax(dim=1) == labels).sum().item()
    return 100 * correct / len(loader.dataset)


torch.manual_seed(0)
device = torch.device("cuda" if torch.cuda.is_available() else "cpu")

transform = transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.1307,), (0.3081,))])
train_data = datasets.MNIST("target", train=True, download=True, transform=transform)
test_data = datasets.MNIST("target", train=False, transform=transform)
epochs = 10
if "--short" in sys.argv:
    train_data, epochs = Subset(train_data, range(4000)), 2
print(f"{epochs} epochs of {len(train_data)} digits on {device}")
train_loader = DataLoader(train_data, batch_size=64, shuffle=True)
test_loader = DataLoader(test_data, batch_size=1000)

print(f"{'network':<20} {'parameters':>10} {'test accuracy':>13} {'time':>9}")
for name, hidden, dropout in [
    ("784-512-256-10", [512, 256], [0.2, 0.2]),
    ("784-128-128-10", [128, 128], [0.2, 0.2]),
    ("784-256-64-10", [256, 64], []),
    ("784-256-256-10", [256, 256], []),
    ("784-256-128-64-10", [256, 128, 64], [0.3, 0.3]),
]:
    model = network(hidden, dropout).to(device)
    parameters = sum(p.numel() for p in model.parameters())
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.001)
    began = time.time()
    accuracies = []
    for _ in range(epochs):
        train_epoch(model, train_loader, criterion, optimizer)
        accuracies.append(accuracy(model, test_loader))
    print(f"{name:<20} {parameters:>10} {accuracies[-1]:>11.2f} % {time.time() - began:>7.0f} s")
    plt.plot(range(1, epochs + 1), accuracies, label=name)

plt.title("Shapes of networks")
plt.xlabel("Epoch")
plt.ylabel("Accuracy on test digits (%)")
plt.legend()
plt.savefig("target/mnist_shapes.png")
