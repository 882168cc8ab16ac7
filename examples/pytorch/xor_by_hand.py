"""A network 2-4-1 that learns XOR from twenty starts at once, with its forward and backward pass written out by hand."""

import matplotlib.pyplot as plt
import torch

EPOCHS = 1000
STARTS = 20
SHOWN = 0  # the start whose curve is drawn
LEARNING_RATE = 0.5  # tutorials leave out the factor 2 of the squared error's derivative, and call this 1.0

device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
x = torch.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], device=device)
target = torch.tensor([[0.0], [1.0], [1.0], [0.0]], device=device)


def start(deviation):
    torch.manual_seed(0)
    w1, w2 = deviation * torch.randn(STARTS, 2, 4, device=device), deviation * torch.randn(STARTS, 4, 1, device=device)
    return w1, torch.zeros(STARTS, 1, 4, device=device), w2, torch.zeros(STARTS, 1, 1, device=device)


def forward(w1, b1, w2, b2):
    hidden = torch.sigmoid(x @ w1 + b1)
    output = torch.sigmoid(hidden @ w2 + b2)
    return hidden, output


def backward(hidden, output, w2):
    delta2 = 2 / 4 * (output - target) * output * (1 - output)
    delta1 = delta2 @ w2.mT * hidden * (1 - hidden)
    return x.T @ delta1, delta1.sum(dim=1, keepdim=True), hidden.mT @ delta2, delta2.sum(dim=1, keepdim=True)


def step(parameters):
    hidden, output = forward(*parameters)
    gradients = backward(hidden, output, parameters[2])
    for parameter, gradient in zip(parameters, gradients):
        parameter -= LEARNING_RATE * gradient
    return (output - target).square().mean(dim=(1, 2)), output, gradients


def gradients_by_autograd(parameters):
    parameters = [parameter.clone().requires_grad_() for parameter in parameters]
    _, output = forward(*parameters)
    return torch.autograd.grad((output - target).square().mean(dim=(1, 2)).sum(), parameters)


for name, deviation in [("weights 0.01 times normal", 0.01), ("standard normal weights", 1.0)]:
    print(name)
    parameters = start(deviation)
    losses, difference = [], 0
    for epoch in range(1, EPOCHS + 1):
        by_autograd = gradients_by_autograd(parameters)
        loss, output, by_hand = step(parameters)
        difference = max(difference, *((a - b).abs().max().item() for a, b in zip(by_hand, by_autograd)))
        losses.append(loss[SHOWN].item())
        if epoch % 100 == 0:
            print(f"  epoch {epoch}: loss {losses[-1]:.4f}")
    print("  predictions for 00, 01, 10, 11:", [round(p, 3) for p in output[SHOWN].flatten().tolist()])
    solved = ((output > 0.5) == (target > 0.5)).all(dim=(1, 2)).sum()
    print(f"  solved from {solved} of {STARTS} starts; gradients differ from autograd's by {difference:.1e} at most")
    plt.plot(range(1, EPOCHS + 1), losses, label=name)

plt.title("XOR from scratch")
plt.xlabel("Epoch")
plt.ylabel("Mean squared error")
plt.legend()
plt.savefig("target/xor_by_hand.png")
