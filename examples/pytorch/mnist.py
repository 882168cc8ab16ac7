"""Trains a network on the handwritten digits of MNIST: `python mnist.py --help` lists the options."""

import argparse
import json
import sys
import time
from pathlib import Path

import matplotlib.pyplot as plt
import torch
from sklearn.metrics import ConfusionMatrixDisplay
from torch import nn
from torch.utils.data import DataLoader, Subset
from torchvision import datasets, transforms

ACTIVATIONS = {"relu": nn.ReLU, "sigmoid": nn.Sigmoid, "tanh": nn.Tanh, "leaky-relu": nn.LeakyReLU}


def parse_arguments():
    parser = argparse.ArgumentParser(description="Trains a fully connected network on the digits of MNIST.")
    parser.add_argument("--data", default="target", help="folder of the data")
    parser.add_argument("--limit", type=int, help="use only the first N training images")
    parser.add_argument("--epochs", type=int, default=5, help="how often to go through the training images")
    parser.add_argument("--batch", type=int, default=64, help="images in a training step")
    parser.add_argument("--learning-rate", type=float, default=0.001, help="Adam's learning rate")
    parser.add_argument("--hidden", default="256,128", help="sizes of the hidden layers")
    parser.add_argument("--activation", choices=ACTIVATIONS, default="relu", help="what follows each hidden layer")
    parser.add_argument("--dropout", type=float, default=0.2, help="share of outputs that a training step leaves out")
    parser.add_argument("--seed", type=int, default=0, help="what initial weights, order and dropout depend on")
    parser.add_argument("--device", default="auto", help="where to train: auto, cpu, cuda, cuda:1, mps")
    parser.add_argument("--list-devices", action="store_true", help="print the machine's devices and do nothing else")
    parser.add_argument("--json", action="store_true", help="print one JSON object an epoch and one for the result")
    parser.add_argument("--pictures", type=Path, default="target/mnist", help="where to put the pictures")
    return parser.parse_args()


def list_devices():
    for index in range(torch.cuda.device_count()):
        print(f"cuda:{index}: {torch.cuda.get_device_name(index)}")
    print("cpu")


def choose_device(name):
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(name)


def load_data(args):
    transform = transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.1307,), (0.3081,))])
    train = datasets.MNIST(args.data, train=True, download=True, transform=transform)
    test = datasets.MNIST(args.data, train=False, transform=transform)
    return (Subset(train, range(args.limit)) if args.limit else train), test


def build_model(args):
    layers, inputs = [nn.Flatten()], 784
    for outputs in map(int, args.hidden.split(",")):
        layers += [nn.Linear(inputs, outputs), ACTIVATIONS[args.activation](), nn.Dropout(args.dropout)]
        inputs = outputs
    return nn.Sequential(*layers, nn.Linear(inputs, 10))


def train_epoch(model, loader, criterion, optimizer, device):
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
    return total_loss / len(loader.dataset), correct / len(loader.dataset)


@torch.no_grad()
def evaluate(model, loader, criterion, device):
    model.eval()
    total_loss, predictions, truth = 0, [], []
    for images, labels in loader:
        output = model(images.to(device)).cpu()
        total_loss += criterion(output, labels).item() * len(labels)
        predictions.append(output.argmax(dim=1))
        truth.append(labels)
    predictions, truth = torch.cat(predictions), torch.cat(truth)
    return total_loss / len(truth), (predictions == truth).float().mean().item(), predictions, truth


def draw_curves(path, history):
    fig, axes = plt.subplots(1, 2, figsize=(12, 5))
    fig.suptitle("Training")
    for ax, figure, label in [(axes[0], "loss", "Loss"), (axes[1], "accuracy", "Accuracy")]:
        epochs = [epoch["epoch"] for epoch in history]
        ax.plot(epochs, [epoch[figure] for epoch in history], label="training")
        ax.plot(epochs, [epoch[f"test_{figure}"] for epoch in history], label="test")
        ax.set_xlabel("Epoch")
        ax.set_ylabel(label)
        ax.legend()
    fig.savefig(path)


def draw_digits(path, dataset, predictions, truth):
    fig, axes = plt.subplots(8, 8, figsize=(12, 14))
    fig.suptitle("Predictions for the first test digits")
    for index, ax in enumerate(axes.flat):
        is_right = predictions[index] == truth[index]
        ax.imshow(dataset[index][0].squeeze(), cmap="gray_r")
        ax.set_title(f"{predictions[index]} (is {truth[index]})", color="black" if is_right else "red")
        ax.axis("off")
    fig.savefig(path)


def draw_confusion(path, predictions, truth):
    ConfusionMatrixDisplay.from_predictions(truth, predictions)
    plt.title("Predictions for all test digits")
    plt.savefig(path)


def main():
    args = parse_arguments()
    if args.list_devices:
        return list_devices()
    device = choose_device(args.device)
    notes = sys.stderr if args.json else sys.stdout
    print(f"device: {device}", file=notes)

    torch.manual_seed(args.seed)
    train_data, test_data = load_data(args)
    train_loader = DataLoader(train_data, batch_size=args.batch, shuffle=True)
    test_loader = DataLoader(test_data, batch_size=1000)
    model = build_model(args).to(device)
    print(model, file=notes)
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=args.learning_rate)

    history = []
    for epoch in range(1, args.epochs + 1):
        began = time.time()
        loss, accuracy = train_epoch(model, train_loader, criterion, optimizer, device)
        test_loss, test_accuracy, _, _ = evaluate(model, test_loader, criterion, device)
        figures = {"epoch": epoch, "loss": loss, "accuracy": accuracy, "test_loss": test_loss}
        history.append(figures | {"test_accuracy": test_accuracy, "seconds": time.time() - began})
        if args.json:
            print(json.dumps(history[-1]))
        else:
            print(
                f"epoch {epoch}/{args.epochs}: loss {loss:.4f}, accuracy {100 * accuracy:.2f} %; "
                f"test: loss {test_loss:.4f}, accuracy {100 * test_accuracy:.2f} %; {time.time() - began:.1f} s"
            )

    loss, accuracy, predictions, truth = evaluate(model, test_loader, criterion, device)
    if args.json:
        print(json.dumps({"device": str(device), "test_accuracy": accuracy}))
    else:
        print(f"test: loss {loss:.4f}, accuracy {100 * accuracy:.2f} %")

    args.pictures.mkdir(parents=True, exist_ok=True)
    if history:
        draw_curves(args.pictures / "curves.png", history)
    draw_digits(args.pictures / "digits.png", test_data, predictions, truth)
    draw_confusion(args.pictures / "confusion.png", predictions, truth)
    print(f"pictures: {args.pictures}", file=notes)


if __name__ == "__main__":
    main()
