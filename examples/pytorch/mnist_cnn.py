"""A convolutional network on the digits of MNIST: three convolutions with batch normalisation, then two linear layers."""

import sys
import time

import matplotlib.pyplot as plt
import torch
from sklearn.metrics import ConfusionMatrixDisplay
from torch import nn
from torch.utils.data import DataLoader, Subset
from torchvision import datasets, transforms


def block(inputs, outputs):
    return nn.Sequential(nn.Conv2d(inputs, outputs, 3, padding=1), nn.BatchNorm2d(outputs), nn.ReLU())


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
    train_data, test_data, epochs = Subset(train_data, range(2000)), Subset(test_data, range(500)), 4
print(f"{epochs} epochs of {len(train_data)} digits on {device}")
train_loader = DataLoader(train_data, batch_size=64, shuffle=True)
test_loader = DataLoader(test_data, batch_size=1000)

model = nn.Sequential(
    block(1, 32),
    nn.MaxPool2d(2),
    block(32, 64),
    nn.MaxPool2d(2),
    block(64, 128),
    nn.AdaptiveAvgPool2d(1),
    nn.Flatten(),
    nn.Linear(128, 64),
    nn.ReLU(),
    nn.Dropout(0.5),
    nn.Linear(64, 10),
).to(device)
print(model)

criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=0.001)
scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.01, total_steps=epochs * len(train_loader))
history = {"loss": [], "accuracy": [], "test_loss": [], "test_accuracy": []}
for epoch in range(1, epochs + 1):
    began = time.time()
    loss, accuracy = train_epoch(model, train_loader, criterion, optimizer, scheduler)
    test_loss, test_accuracy = evaluate(model, test_loader, criterion)
    print(
        f"epoch {epoch}: loss {loss:.4f}, accuracy {accuracy:.2f} %; "
        f"test loss {test_loss:.4f}, accuracy {test_accuracy:.2f} %; {time.time() - began:.1f} s"
    )
    history["loss"].append(loss)
    history["accuracy"].append(accuracy)
    history["test_loss"].append(test_loss)
    history["test_accuracy"].append(test_accuracy)
print(f"test: loss {test_loss:.4f}, accuracy {test_accuracy:.2f} %")

fig, axes = plt.subplots(1, 2, figsize=(12, 5))
fig.suptitle("A convolutional network learns MNIST")
for ax, figure, label in [(axes[0], "loss", "Loss"), (axes[1], "accuracy", "Accuracy (%)")]:
    ax.plot(range(1, epochs + 1), history[figure], label="training")
    ax.plot(range(1, epochs + 1), history[f"test_{figure}"], label="test")
    ax.set_xlabel("Epoch")
    ax.set_ylabel(label)
    ax.legend()
fig.savefig("target/mnist_cnn.png")

with torch.no_grad():
    predicted = torch.cat([model(images.to(device)).argmax(dim=1).cpu() for images, _ in test_loader])
truth = torch.tensor([label for _, label in test_data])

fig, axes = plt.subplots(8, 8, figsize=(12, 14))
fig.suptitle("The first test digits, as the network reads them")
for index, ax in enumerate(axes.flat):
    is_right = predicted[index] == truth[index]
    ax.imshow(test_data[index][0].squeeze(), cmap="gray_r")
    ax.set_title(f"{predicted[index]} (is {truth[index]})", color="black" if is_right else "red")
    ax.axis("off")
fig.savefig("target/mnist_cnn_digits.png")

ConfusionMatrixDisplay.from_predictions(truth, predicted)
plt.title("All test digits, as the network reads them")
plt.savefig("target/mnist_cnn_confusion.png")
