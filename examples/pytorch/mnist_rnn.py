"""A recurrent network reads the digits of MNIST row by row: 28 steps of 28 pixels, two layers of 128 tanh units."""

import sys
import time

import torch
from torch import nn
from torch.utils.data import DataLoader, Subset
from torchvision import datasets, transforms


class Classifier(nn.Module):
    def __init__(self, input_size, hidden_size, num_layers, classes):
        super().__init__()
        self.rnn = nn.RNN(input_size, hidden_size, num_layers, batch_first=True)
        self.fc = nn.Linear(hidden_size, classes)

    def forward(self, images):
        output, _ = self.rnn(images.squeeze(1))
        return self.fc(output[:, -1])


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
epochs = 3
if "--short" in sys.argv:
    train_data, test_data, epochs = Subset(train_data, range(4000)), Subset(test_data, range(1000)), 2
print(f"{epochs} epochs of {len(train_data)} digits on {device}")
train_loader = DataLoader(train_data, batch_size=64, shuffle=True)
test_loader = DataLoader(test_data, batch_size=1000)

model = Classifier(28, 128, 2, 10).to(device)
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
