"""Three kinds of iris told apart by four lengths, with a network 4-10-3."""

import matplotlib.pyplot as plt
import torch
from sklearn.datasets import load_iris
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from torch import nn

torch.manual_seed(0)
device = torch.device("cuda" if torch.cuda.is_available() else "cpu")

iris = load_iris()
x_train, x_test, y_train, y_test = train_test_split(iris.data, iris.target, test_size=0.2, random_state=42)
scaler = StandardScaler().fit(x_train)
x_train = torch.tensor(scaler.transform(x_train), dtype=torch.float32, device=device)
x_test = torch.tensor(scaler.transform(x_test), dtype=torch.float32, device=device)
y_train, y_test = torch.tensor(y_train, device=device), torch.tensor(y_test, device=device)

model = nn.Sequential(nn.Linear(4, 10), nn.ReLU(), nn.Linear(10, 3)).to(device)
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
losses, test_losses = [], []
for epoch in range(1, 1001):
    optimizer.zero_grad()
    loss = criterion(model(x_train), y_train)
    loss.backward()
    optimizer.step()
    losses.append(loss.item())
    with torch.no_grad():
        test_losses.append(criterion(model(x_test), y_test).item())
    if epoch % 100 == 0:
        print(f"epoch {epoch}: loss {loss.item():.4f}")

with torch.no_grad():
    output = model(x_test)
    loss = criterion(output, y_test)
predicted = output.argmax(dim=1)
accuracy = (predicted == y_test).float().mean()
print(f"test: loss {loss:.4f}, accuracy {100 * accuracy:.2f} %")
for prediction, truth in zip(predicted[:10], y_test[:10]):
    print(f"predicted {iris.target_names[prediction.item()]:<10}  is {iris.target_names[truth.item()]}")

plt.plot(range(1, 1001), losses, label="training")
plt.plot(range(1, 1001), test_losses, label="test")
plt.title("Iris")
plt.xlabel("Epoch")
plt.ylabel("Cross-entropy (nats)")
plt.legend()
plt.savefig("target/iris.png")
