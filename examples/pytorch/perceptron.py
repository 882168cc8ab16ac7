"""One neuron and the perceptron rule, applied example by example: AND, OR, and why not XOR."""

import torch

INPUTS = torch.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
LEARNING_RATE = 0.01
EPOCHS = 100


def neuron(x, weights, bias):
    return (x @ weights + bias >= 0).float()


def learn(gate, targets):
    targets = torch.tensor(targets)
    weights, bias = 0.01 * torch.randn(2), torch.zeros(1)

    print(gate)
    for epoch in range(1, EPOCHS + 1):
        errors = 0
        for x, target in zip(INPUTS, targets):
            error = target - neuron(x, weights, bias)
            weights += LEARNING_RATE * error * x
            bias += LEARNING_RATE * error
            errors += error.abs().item()
        if epoch % 10 == 0 or errors == 0:
            accuracy = (neuron(INPUTS, weights, bias) == targets).float().mean()
            print(f"  epoch {epoch}: accuracy {100 * accuracy:.0f} %")
        if errors == 0:
            print(f"  converged at epoch {epoch}")
            break
    for (a, b), fires in zip(INPUTS, neuron(INPUTS, weights, bias)):
        print(f"  {a:.0f} {gate} {b:.0f} = {fires:.0f}")


torch.manual_seed(0)
learn("AND", [0.0, 0.0, 0.0, 1.0])
learn("OR", [0.0, 1.0, 1.0, 1.0])
learn("XOR", [0.0, 1.0, 1.0, 0.0])
