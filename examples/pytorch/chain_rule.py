"""The chain rule by hand and by autograd, on one weight: y = w x + b, and the loss (y - target)^2."""

import torch

x, target = torch.tensor(2.0), torch.tensor(5.0)
w, b = torch.tensor(3.0, requires_grad=True), torch.tensor(1.0, requires_grad=True)
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
