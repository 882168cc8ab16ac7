"""Activation functions and their derivatives from -5 to 5: a table, and a picture of all."""

import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F


def softmax(x):
    """The probability of the first of three classes, whose logits are x, 0 and 0."""
    return F.softmax(torch.stack([x, torch.zeros_like(x), torch.zeros_like(x)], dim=1), dim=1)[:, 0]


def step(x):
    # The derivative of a comparison is not defined in autograd: it is 0.
    return (x >= 0).float() + 0 * x


ACTIVATIONS = [
    ("step", "1 if x >= 0, else 0", "0 or 1", "perceptrons; no gradient to learn from", step),
    ("sigmoid", "1 / (1 + e^-x)", "0 to 1", "the probability of one class; gates", torch.sigmoid),
    ("tanh", "(e^x - e^-x) / (e^x + e^-x)", "-1 to 1", "recurrent networks", torch.tanh),
    ("ReLU", "max(x, 0)", "from 0", "hidden layers", F.relu),
    ("leaky ReLU", "x if x > 0, else 0.01 x", "all numbers", "hidden layers whose units must not die", F.leaky_relu),
    ("softmax of (x, 0, 0)", "e^x / sum of all e^x", "0 to 1, sum 1", "the probabilities of several classes", softmax),
]
ONE = 120  # the point at x = 1

x = torch.linspace(-5, 5, 201, requires_grad=True)
fig, axes = plt.subplots(2, 3, figsize=(15, 9))
fig.suptitle("Activations and their derivatives")
print(f"{'activation':<21} {'formula':<28} {'range':<14} {'use':<39} {'f(1)':>7}   f'(1)")
for ax, (name, formula, range_, use, function) in zip(axes.flat, ACTIVATIONS):
    y = function(x)
    (derivative,) = torch.autograd.grad(y.sum(), x)
    print(f"{name:<21} {formula:<28} {range_:<14} {use:<39} {y[ONE]:7.4f} {derivative[ONE]:7.4f}")
    ax.plot(x.detach(), y.detach(), label="function")
    ax.plot(x.detach(), derivative, label="derivative")
    ax.set_xlabel("x")
    ax.set_title(name)
    ax.legend()
fig.savefig("target/activations.png")
