"""The chain rule by hand and by autograd, on one weight: y = w x + b, and the loss (y - target)^2."""

import torch

device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
x, target = torch.tensor(2.0, device=device), torch.tensor(5.0, device=device)
w, b = (torch.tensor(value, device=device, requires_grad=True) for value in (3.0, 1.0))
y = w * x + b
loss = (y - target).square()
loss.backward()

with torch.no_grad():
    dloss_dy = 2 * (y - target)
    dy_dw = x
    dloss_dw = dloss_dy * dy_dw
    w -= 0.01 * dloss_dw

print(f"y = {y:g}, loss = {loss:g}")
print(f"dloss/dy = {dloss_dy:g}, dy/dw = {dy_dw:g}")
print(f"dloss/dw = {dloss_dw:g}, by autograd {w.grad:g}")
print(f"after one update with learning rate 0.01: w = {w:.4f}")
