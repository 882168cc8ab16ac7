"""The network of the `mnist` program with batch normalisation before each ReLU instead of dropout."""

import sys
import time

import torch
from torch import nn
from torch.utils.data import DataLoader, Subset
from torchvision import datasets, transforms


def train_epoch(model, loader, criterion, optimizer):
    model.train()
    total_loss = correct = 0
    for images, labels in loader:
        images, labels = images.to(device), labels.to(device)
        optimizer.zero_grad()
        output = model(images)
        loss = criterion(output, labels)
        loss.backward()
        optimizer.step()
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
epochs = 5
if "--short" in sys.argv:
    train_data, epochs = Subset(train_data, range(4000)), 2
print(f"{epochs} epochs of {len(train_data)} digits on {device}")
train_loader = DataLoader(train_data, batch_size=64, shuffle=True)
test_loader = DataLoader(test_data, batch_size=1000)

model = nn.Sequential(
    nn.Flatten(),
    nn.Linear(784, 256),
    nn.BatchNorm1d(256),
    nn.ReLU(),
    nn.Linear(256, 128),
    nn.BatchNorm1d(128),
    nn.ReLU(),
    nn.Linear(128, 10),
).to(device)
print(model)

criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=0.001)
for epoch in range(1, epochs + 1):
    began = time.time()
    loss, accuracy = train_epoch(model, train_loader, criterion, optimizer)
    test_loss, test_accuracy = evaluate(model, test_loader, criterion)
    print(
        f"epoch {epoch}: loss {loss:.4f}, accuracy {accuracy:.2f} %; "
        f"test loss {test_loss:.4f}, accuracy {test_accuracy:.2f} %; {time.time() - began:.1f} s"
    )
print(f"test: loss {test_loss:.4f}, accuracy {test_accuracy:.2f} %")
