"""A transformer reads 64 tokens from a vocabulary of 50, and learns which of two markers among them comes first."""

import sys
import time

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split


class Classifier(nn.Module):
    """Token embedding plus learned positions, two encoder layers, the mean over time, and a linear layer."""

    def __init__(self, vocabulary, features, has_positions):
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, features)
        self.positions = nn.Parameter(torch.randn(512, features)) if has_positions else None
        self.encoder = nn.TransformerEncoder(nn.TransformerEncoderLayer(features, 4, batch_first=True), 2)
        self.fc = nn.Linear(features, 2)

    def forward(self, tokens):
        x = self.embedding(tokens)
        if self.positions is not None:
            x = x + self.positions[: tokens.shape[1]]
        return self.fc(self.encoder(x).mean(dim=1))


def marker_order(count, length, vocabulary):
    """Sequences with two markers, the last two tokens of the vocabulary; the label says which comes first."""
    tokens = torch.randint(vocabulary - 2, (count, length))
    first = torch.randint(length, (count,))
    second = (first + torch.randint(1, length, (count,))) % length
    rows = torch.arange(count)
    tokens[rows, first] = vocabulary - 2
    tokens[rows, second] = vocabulary - 1
    return TensorDataset(tokens, (second < first).long())


def train_epoch(model, loader, criterion, optimizer):
    model.train()
    total_loss = correct = 0
    for tokens, labels in loader:
        tokens, labels = tokens.to(device), labels.to(device)
        optimizer.zero_grad()
        output = model(tokens)
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
    for tokens, labels in loader:
        tokens, labels = tokens.to(device), labels.to(device)
        output = model(tokens)
        total_loss += criterion(output, labels).item() * len(labels)
        correct += (output.argmax(dim=1) == labels).sum().item()
    return total_loss / len(loader.dataset), 100 * correct / len(loader.dataset)


torch.manual_seed(0)
device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
count, length, vocabulary, epochs = (3000, 8, 6, 2) if "--short" in sys.argv else (20000, 64, 50, 8)
train_data, test_data = random_split(marker_order(count, length, vocabulary), [0.9, 0.1])
train_loader = DataLoader(train_data, batch_size=32, shuffle=True)
test_loader = DataLoader(test_data, batch_size=100)
print(f"{epochs} epochs of {len(train_data)} sequences of {length} tokens on {device}")

for name, has_positions in [("with positions", True), ("without positions", False)]:
    model = Classifier(vocabulary, 32, has_positions).to(device)
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.001)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs)
    for epoch in range(1, epochs + 1):
        began = time.time()
        loss, accuracy = train_epoch(model, train_loader, criterion, optimizer)
        scheduler.step()
        test_loss, test_accuracy = evaluate(model, test_loader, criterion)
        print(
            f"epoch {epoch}: loss {loss:.4f}, accuracy {accuracy:.2f} %; "
            f"test loss {test_loss:.4f}, accuracy {test_accuracy:.2f} %; {time.time() - began:.1f} s"
        )
    print(f"{name}: loss {test_loss:.4f}, accuracy {test_accuracy:.2f} %")
