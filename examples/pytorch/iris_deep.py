"""The iris with a deeper network, regularised by dropout, which training does and evaluation does not."""

import torch
from sklearn.datasets import load_iris
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from torch import nn

EPOCHS = 1000


def network(inputs, hidden, outputs, dropout):
    """A network with hidden layers of any sizes."""
    layers = []
    for size in hidden:
        layers += [nn.Linear(inputs, size), nn.ReLU(), nn.Dropout(dropout)]
        inputs = size
    return nn.Sequential(*layers, nn.Linear(inputs, outputs))


def evaluate(model, criterion, x, y):
    model.eval()
    with torch.no_grad():
        output = model(x)
    return criterion(output, y), (output.argmax(dim=1) == y).float().mean()


torch.manual_seed(0)
device = torch.device("cuda" if torch.cuda.is_available() else "cpu")

iris = load_iris()
x_train, x_test, y_train, y_test = train_test_split(iris.data, iris.target, test_size=0.2, random_state=42)
scaler = StandardScaler().fit(x_train)
x_train = torch.tensor(scaler.transform(x_train), dtype=torch.float32, device=device)
x_test = torch.tensor(scaler.transform(x_test), dtype=torch.float32, device=device)
y_train, y_test = torch.tensor(y_train, device=device), torch.tensor(y_test, device=device)

model = network(4, [16, 8], 3, 0.3).to(device)
print(model)
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
model.train()
for epoch in range(1, EPOCHS + 1):
    optimizer.zero_grad()
    loss = criterion(model(x_train), y_train)
    loss.backward()
    optimizer.step()
    if epoch % 100 == 0:
        print(f"epoch {epoch}: loss {loss.item():.4f}")

print(f"training data, with dropout: loss {loss.item():.4f}")
for name, x, y in [("training data", x_train, y_train), ("test data", x_test, y_test)]:
    loss, accuracy = evaluate(model, criterion, x, y)
    print(f"{name}: loss {loss:.4f}, accuracy {100 * accuracy:.2f} %")
