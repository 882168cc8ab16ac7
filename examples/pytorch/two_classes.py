"""Two synthetic classes, 20 features of which four say something, and a network 20-10-1."""

import matplotlib.pyplot as plt
import torch
from sklearn.datasets import make_classification
from sklearn.model_selection import train_test_split
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

EPOCHS = 50

torch.manual_seed(0)
device = torch.device("cuda" if torch.cuda.is_available() else "cpu")

x, y = make_classification(n_samples=1000, n_features=20, random_state=42)
x_train, x_test, y_train, y_test = train_test_split(x, y, test_size=0.2, random_state=42)
x_train, x_test = torch.tensor(x_train, dtype=torch.float32), torch.tensor(x_test, dtype=torch.float32).to(device)
y_train, y_test = torch.tensor(y_train).float().unsqueeze(1), torch.tensor(y_test).float().unsqueeze(1).to(device)
loader = DataLoader(TensorDataset(x_train, y_train), batch_size=64, shuffle=True)

model = nn.Sequential(nn.Linear(20, 10), nn.ReLU(), nn.Linear(10, 1), nn.Sigmoid()).to(device)
criterion = nn.BCELoss()
optimizer = torch.optim.Adam(model.parameters(), lr=0.001)
train_accuracies, test_accuracies = [], []
for epoch in range(1, EPOCHS + 1):
    total_loss = correct = 0
    for inputs, targets in loader:
        inputs, targets = inputs.to(device), targets.to(device)
        optimizer.zero_grad()
        output = model(inputs)
        loss = criterion(output, targets)
        loss.backward()
        optimizer.step()
        total_loss += loss.item() * len(inputs)
        correct += ((output > 0.5) == (targets > 0.5)).sum().item()
    with torch.no_grad():
        output = model(x_test)
        test_loss = criterion(output, y_test).item()
    train_loss, train_accuracy = total_loss / len(x_train), 100 * correct / len(x_train)
    test_accuracy = 100 * ((output > 0.5) == (y_test > 0.5)).float().mean().item()
    train_accuracies.append(train_accuracy)
    test_accuracies.append(test_accuracy)
    if epoch in (5, EPOCHS):
        print(
            f"epoch {epoch}: loss {train_loss:.4f}, accuracy {train_accuracy:.2f} %; "
            f"test loss {test_loss:.4f}, accuracy {test_accuracy:.2f} %"
        )

plt.plot(range(1, EPOCHS + 1), train_accuracies, label="training")
plt.plot(range(1, EPOCHS + 1), test_accuracies, label="test")
plt.axvline(5, linestyle="--", color="black", label="5 epochs")
plt.title("Two classes")
plt.xlabel("Epoch")
plt.ylabel("Accuracy (%)")
plt.legend()
plt.savefig("target/two_classes.png")
